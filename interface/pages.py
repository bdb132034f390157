"""The log as views are folded from it: a service's own, and one that a bundle holds."""

from collections.abc import Collection, Iterator, Sequence
from uuid import UUID

from application.bundled import BundledLog
from application.log import Entry
from application.log.mapper import recorded
from application.records import Records
from domain.event import Event, Recorded
from domain.redaction import Redactions, redactions_id
from domain.topics import TOPICS
from domain.views import ViewDecisions, decisions_id
from projections.engine import Log, Past


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
        skipped = self._records.load(ViewDecisions, decisions_id(view), fresh=True).skipped
        origin = self._records.recorder.origin()
        return skipped | self._records.load(Redactions, redactions_id(origin), fresh=True).removed

    def removals(self) -> int:
        return self._records.recorder.removals()


class Without:
    """A log as it would be without the payloads at some positions."""

    def __init__(self, log: Log, positions: Collection[int]) -> None:
        self._log = log
        self._positions = frozenset(positions)
        self.page, self.wait, self.removals = log.page, log.wait, log.removals

    def skipped(self, view: str) -> frozenset[int]:
        return self._log.skipped(view) | self._positions


class BundlePages:
    """The log that a bundle holds, as a replay reads it."""

    def __init__(self, log: BundledLog) -> None:
        self._log = log

    def page(self, after: int, limit: int) -> Sequence[Past]:
        return [*map(LogEntry, self._log.entries(after, limit))]

    def wait(self, after: int, timeout: float) -> int:  # nothing more is to come
        return self._log.head

    def skipped(self, view: str) -> frozenset[int]:
        decided = ViewDecisions.replay(None, self._stream(decisions_id(view)))
        removals = Redactions.replay(None, self._stream(redactions_id(self._log.origin)))
        return (decided.skipped if decided else frozenset()) | (removals.removed if removals else frozenset())

    def removals(self) -> int:
        return 0

    def _stream(self, id: UUID) -> Iterator[Recorded]:
        return map(recorded, self._log.stream(id))
