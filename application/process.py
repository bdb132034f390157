"""How a process of ours is set up before it works."""

import gc
import os
import signal
from multiprocessing import connection, parent_process
from threading import Thread


def settle() -> None:
    """Collect cyclic garbage seldom: events, rows and states are acyclic, and die by reference counts.

    Python's default looks through them after every 700 new objects. Measured on bulk imports and
    folds, that took a third to a half of the time. Call it once the program is loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def serve_parent() -> None:
    """Set up one of several processes that work for another: it ends when that does, whose alone Ctrl-C is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, name="taizhang parent", daemon=True).start()
    settle()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)
