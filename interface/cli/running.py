"""How a process that runs until it is told to stop begins and ends."""

import os
import signal
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

from domain.event import Refused

# Seconds between looks at whether the parent lives.
BEAT = 0.5
PARENT = os.getppid()


@contextmanager
def stoppable() -> Generator[None]:
    """Let a signal that asks for an end raise KeyboardInterrupt, and let the death of the parent be such a signal.

    Whoever ignores SIGHUP (``nohup``) wants the service to outlive its parent.
    """
    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signals.append(signal.SIGHUP)
        threading.Thread(target=_watch_parent, name="taizhang parent", daemon=True).start()
    before = {each: signal.signal(each, signal.default_int_handler) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _watch_parent() -> None:
    while os.getppid() == PARENT:
        time.sleep(BEAT)
    os.kill(os.getpid(), signal.SIGTERM)


def bind(host: str, port: int, *, any_free: bool) -> socket.socket:
    """Take the port before anything is started, so that one in use is told at once; nothing listens on it yet."""
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Refused("there is no address {host}: {reason}", host=host, reason=error.strerror) from None
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        try:
            bound.bind(address)
        except OSError:
            if not any_free:
                raise
            bound.bind((host, 0))
    except OSError as error:
        bound.close()
        raise Refused(
            "cannot listen at {host} port {port}: {reason}", host=host, port=port, reason=error.strerror
        ) from None
    return bound
