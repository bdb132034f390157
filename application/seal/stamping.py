"""Third-party time for what is sealed, regularly, and beside the sealing: no authority holds that up."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

from application.sealed import Sealed, Unsealed
from application.timestamps import Timestamps, Unobtained

# Seconds between looks at whether a token is due, and after which an authority that gave none is asked again.
BEAT = 1.0
AGAIN = 60.0


class Stamping:
    """Has the newest checkpoint stamped while anything is new, at most once in a while (``every``).

    One that too few witnesses cosigned is left alone for as long again: the next may have what it lacks.
    """

    def __init__(self, timestamps: Timestamps, every: timedelta, now: Callable[[], datetime]) -> None:
        self._timestamps = timestamps
        self._every = every
        self._now = now
        self._asked = -AGAIN

    def follow(self, stop: threading.Event, told: Callable[[str], None]) -> None:
        """Look after it until stopped; ``told`` hears of what keeps a token away, and of its end."""
        trouble = ""
        while not stop.is_set():
            if trouble != (trouble := self.look(trouble)):
                told(trouble or "the time-stamping authority answers")
            stop.wait(BEAT)

    def look(self, trouble: str = "") -> str:
        """Obtain a token if one is due; return what kept it away, or where none is due the trouble that there was."""
        try:
            if not self._is_due():
                return trouble
            self._asked = monotonic()
            self._timestamps.obtain()
        except (Unobtained, OSError, ValueError) as reason:
            return str(reason)
        return ""

    def _is_due(self) -> bool:
        sealed = self._timestamps.sealed
        try:
            size, last = sealed.checkpoint().size, sealed.stamped()
        except Unsealed:
            return False
        if size <= last or monotonic() < self._asked + AGAIN:
            return False
        return last == 0 or self._now() >= sealed.stamped_at(last) + self._patience(sealed)

    def _patience(self, sealed: Sealed) -> timedelta:
        return 2 * self._every if sealed.witnesses()["met"] is False else self._every
