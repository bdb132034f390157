"""Up to when a log is known. A commit can wait, for a disk or a standby, and shows what was dated long before."""

from datetime import datetime


class Horizon:
    """Whatever is not in the log at the last look was dated at ``at`` or later; None where that is not known.

    An event is dated under the log's lock, and is seen before that is given back. So what is still to come was dated
    after the last look, or by whoever held the lock then: after the last look at which they did not.
    """

    def __init__(self) -> None:
        self.at: datetime | None = None
        self._holder: str | None = None
        self._looked: datetime | None = None

    def look(self, holder: str | None, now: datetime) -> datetime | None:
        """Take in who holds the log's lock, asked since ``now``, if anybody does; return ``at``."""
        if holder is None:
            self.at = now
        elif holder != self._holder:
            self.at = self._looked
        self._holder, self._looked = holder, now
        return self.at
