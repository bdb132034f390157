"""What one process at a time does for a log: it has it sealed and verified, and puts on record what falls due."""

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager

from application.lease import Lease
from interface.app import Installation
from interface.cli.clockwork import Clockwork
from interface.cli.common import note
from interface.cli.sealing import sealing
from interface.cli.verifying import Verifying
from interface.settings import Settings

# Seconds between looks at whether this process is the one that acts, or may be.
BEAT = 0.5

_log = logging.getLogger(__name__)


@contextmanager
def working(at: Installation, settings: Settings) -> Generator[None]:
    """Act for the log meanwhile, or stand by until whoever does has ended."""
    worker = Worker(at, settings)
    worker.start()
    try:
        yield
    finally:
        worker.stop()


class Worker(threading.Thread):
    def __init__(self, at: Installation, settings: Settings) -> None:
        super().__init__(name="taizhang work")
        self._at = at
        self._settings = settings
        self._lease = Lease(at.database, "work")
        self._stopped = threading.Event()

    def run(self) -> None:
        told = False
        while not self._stopped.is_set():
            try:
                if self._lease.take():
                    told = False
                    self._act()
                elif not told and self._lease.holds():
                    told = True
                    note("another process acts for this log; this one stands by")
            except Exception as error:  # noqa: BLE001  # whatever it is, it must not end this thread
                _log.warning("what falls due is not looked after, and will be: %s", error)
            self._stopped.wait(BEAT)
        self._lease.release()

    def stop(self) -> None:
        """Return once nothing is done any more, and others may."""
        self._stopped.set()
        self.join()

    def _act(self) -> None:
        """Act as long as nobody else may."""
        with sealing(self._settings), running(Clockwork(self._at)), running(Verifying(self._at, self._settings)):
            while self._lease.holds() and not self._stopped.wait(BEAT):
                pass
        if not self._stopped.is_set():
            note("the database was lost sight of: another process may act for this log now")


@contextmanager
def running(part: Clockwork | Verifying) -> Generator[None]:
    part.start()
    try:
        yield
    finally:
        part.stop()
