"""Threads to wait in: one that never ends fails its test, and does not hold up the others."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

A = TypeVar("A")
P = ParamSpec("P")


class Threads:
    """An executor that has a thread for everything, and waits for none."""

    def submit(self, work: Callable[P, A], *args: P.args, **more: P.kwargs) -> Future[A]:
        future: Future[A] = Future()

        def run() -> None:
            try:
                future.set_result(work(*args, **more))
            except BaseException as error:  # noqa: BLE001  # it is the future's
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future
