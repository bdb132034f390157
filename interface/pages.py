"""The log as views are folded from it: a service's own, and one that a bundle holds."""

from collections.abc import Sequence

from application.bundled import BundledLog
from application.log import Entry
from application.log.mapper import recorded
from application.records import Records
from domain.event import Event, Recorded
from domain.topics import TOPICS
from domain.views import ViewDecisions, decisions_id
from projections.engine import Past


class LogEntry:
    """One event of the log as the engine reads it: decoded when a view asks, once for all views."""

    __slots__ = ("_entry", "_read", "position", "topic")

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._read: Recorded | None = None
        self.position = entry.id
        kind = TOPICS.get(entry.topic)
        # A retired shape says only when it is read what it has become.
        self.topic = entry.topic if kind is None or kind.upcast is Event.upcast else self.read().event.TOPIC

    def read(self) -> Recorded:
        if self._read is None:
            self._read = recorded(self._entry)
        return self._read


class LogPages:
    """The log as the engine reads it."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def page(self, after: int, limit: int) -> Sequence[Past]:
        return [*map(LogEntry, self._records.recorder.select_notifications(after, limit, inclusive_of_start=False))]

    def wait(self, after: int, timeout: float) -> int:
        return self._records.recorder.tailer.wait(after, timeout)

    def skipped(self, view: str) -> frozenset[int]:
        return self._records.load(ViewDecisions, decisions_id(view), fresh=True).skipped


class BundlePages:
    """The log that a bundle holds, as a replay reads it."""

    def __init__(self, log: BundledLog) -> None:
        self._log = log

    def page(self, after: int, limit: int) -> Sequence[Past]:
        return [*map(LogEntry, self._log.entries(after, limit))]

    def wait(self, after: int, timeout: float) -> int:  # nothing more is to come
        return self._log.head

    def skipped(self, view: str) -> frozenset[int]:
        decided = ViewDecisions.replay(None, map(recorded, self._log.stream(decisions_id(view))))
        return decided.skipped if decided else frozenset()
