"""The library's recorder, over our table: it appends through the group writer and reads in positions' order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import sleep
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.persistence import ApplicationRecorder, IntegrityError, Notification, StoredEvent

from application.database import Database, Reads, Role
from application.log.append import GROUPS
from application.log.mapper import Entry
from application.log.submission import Appended, Command, Outcome, Submission
from application.log.tail import Tail, Tailer
from application.log.writer import Writer
from domain.covering import COVERING
from domain.group import Group

# Times never run back: what has a later event after it has nothing to come any more.
AT = (
    "SELECT coalesce((SELECT max(position) FROM events WHERE recorded_at ="
    " (SELECT max(recorded_at) FROM events WHERE recorded_at <= %(at)s)), 0),"
    " EXISTS (SELECT FROM events WHERE recorded_at > %(at)s), extract(epoch FROM clock_timestamp() - %(at)s)::float8"
)
# Seconds by which a group may be late for its time; a little more than ``attempt`` grants.
LATE = 0.11
# The log's lock, as a group takes it: granted once the group on its way is visible.
TURN = "SELECT pg_advisory_xact_lock_shared(hashtextextended('taizhang log ' || current_schema, 0))"


@dataclass(frozen=True, slots=True)
class Recording:
    """Where a command stands in the log: positions ``first`` to ``first + size - 1``."""

    first: int
    size: int
    recorded_at: datetime
    digest: bytes | None


class LogRecorder(ApplicationRecorder):
    """Reads and appends. Every read sees only what is committed; positions are gapless from 1."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.reads: Reads = database.reads(Role.writer)
        self.writer = Writer(database)
        self.tailer = Tailer(database)

    def append(self, submission: Submission) -> Outcome:
        return self.writer.submit(submission)

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Append events as one command (``command_id``, a fresh one if not given); return their positions.

        Raise IntegrityError if a version is taken, or the command is recorded already.
        """
        if not stored_events:
            return []
        base: dict[UUID, int] = {}
        for event in stored_events:
            assert isinstance(event.originator_id, UUID)
            base.setdefault(event.originator_id, event.originator_version - 1)
        outcome = self.append(Submission([Command(kwargs.get("command_id") or uuid4(), stored_events)], base))
        if not isinstance(outcome, Appended):
            raise IntegrityError(str(outcome))
        return range(outcome.first, outcome.first + len(stored_events))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[Entry]:
        rows = self.reads.fetch(
            f"SELECT {Entry.COLUMNS} FROM events WHERE originator_id = %s AND originator_version > %s"  # constants
            f" AND originator_version <= %s ORDER BY originator_version {'DESC' if desc else 'ASC'} LIMIT %s",
            (originator_id, gt or 0, 2**31 - 1 if lte is None else lte, limit),
        )
        return [Entry(*row) for row in rows]

    def select_streams(self, originator_ids: Sequence[UUID]) -> Sequence[Entry]:
        """Return the events of many streams, each stream's in order."""
        rows = self.reads.fetch(
            f"SELECT {Entry.COLUMNS} FROM events WHERE originator_id = ANY(%s)"
            " ORDER BY originator_id, originator_version",
            (list(originator_ids),),
        )
        return [Entry(*row) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Entry]:
        first = (start or 0) + (0 if inclusive_of_start else 1)
        rows = self.reads.fetch(
            f"SELECT {Entry.COLUMNS} FROM events WHERE position >= %s AND position <= %s"
            f"{' AND topic = ANY(%s)' if topics else ''} ORDER BY position LIMIT %s",
            (first, 2**63 - 1 if stop is None else stop, *([list(topics)] if topics else []), limit),
        )
        return [Entry(*row) for row in rows]

    def origin(self) -> str:
        """Return the log's name."""
        [(name,)] = self.reads.fetch("SELECT origin FROM log")
        return str(name)

    def removals(self) -> int:
        """Return the last position at which it was decided to remove payloads, 0 if none was."""
        [(position,)] = self.reads.fetch(f"SELECT max(position) FROM events WHERE topic = '{COVERING}'")
        return int(position or 0)

    def max_notification_id(self) -> int | None:
        [(head,)] = self.reads.fetch("SELECT max(position) FROM events")
        return None if head is None else int(head)

    def position_at(self, instant: datetime) -> int | None:
        """Return the last position recorded at or before an instant, 0 if none was; None if it is still to come.

        What it returns stays so: a group on its way, which may have taken its time before the instant, is waited for.
        """
        [(position, settled, since)] = self.reads.fetch(AT, {"at": instant})
        if not settled:
            if since <= 0:
                return None
            sleep(max(0, LATE - since))
            self.reads.fetch(TURN)
            [(position, _, _)] = self.reads.fetch(AT, {"at": instant})
        return int(position)

    def recordings(self, command_ids: Sequence[UUID]) -> dict[UUID, Recording]:
        """Return where those of the commands stand that are recorded."""
        rows = self.reads.fetch(
            "SELECT command_id, position, command_size, recorded_at, command_digest FROM events"
            " WHERE command_id = ANY(%s) AND command_size IS NOT NULL",
            (list(command_ids),),
        )
        return {id: Recording(*rest) for id, *rest in rows}

    def groups(self, first: int, size: int) -> tuple[Group, ...]:
        """Return the signed groups of so many events from a position on: one, if these were recorded together."""
        return tuple(Group(*row) for row in self.reads.fetch(GROUPS, {"first": first, "size": size}))

    def versions(self, originator_ids: Sequence[UUID]) -> dict[UUID, int]:
        """Return the last version of each stream that has events."""
        rows = self.reads.fetch(
            "SELECT originator_id, max(originator_version) FROM events WHERE originator_id = ANY(%s) GROUP BY 1",
            (list(originator_ids),),
        )
        return dict(rows)

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Tail:
        """Follow the log from after a position, without end; it survives a server that restarts."""
        return Tail(self, gt, topics)

    def close(self) -> None:
        self.tailer.close()
        self.writer.close()
        self.reads.close()


__all__ = ["LogRecorder", "Notification", "Recording"]
