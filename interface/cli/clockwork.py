"""The clock of a running service: what fell due, and terms that ran out, are put on record at the start and hourly."""

import logging
import threading

from application.access import person_id
from interface.app import Installation

# The name under which the clock acts.
CLOCK = "clock"
# Seconds from one look to the next, and to the next after one that failed.
HOUR = 3600.0
MINUTE = 60.0

_log = logging.getLogger(__name__)


class Clockwork(threading.Thread):
    def __init__(self, installation: Installation) -> None:
        super().__init__(name="taizhang clock")
        self._installation = installation
        self._stopped = threading.Event()

    def run(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            try:
                self._strike()
                pause = HOUR
            except _Stopped:
                return
            except Exception as error:  # noqa: BLE001  # whatever stands in the way now, the clock goes on
                _log.warning("what fell due could not be looked for, and will be in a minute: %s", error)
                pause = MINUTE

    def stop(self) -> None:
        """Return once the clock stands still."""
        self._stopped.set()
        self.join()

    def _strike(self) -> None:
        at = self._installation
        at.access.introduce([CLOCK])
        head = at.head()
        for view in ("ledger", "organisation"):
            at.views.wait(view, head, MINUTE)
        at.ledger.detect_omissions(person_id(CLOCK), self._go_on)
        at.organisations.expire_all(person_id(CLOCK), self._go_on)

    def _go_on(self, _: int) -> None:
        if self._stopped.is_set():
            raise _Stopped


class _Stopped(Exception):
    """The service stops: what is not on record yet will be when it starts again."""
