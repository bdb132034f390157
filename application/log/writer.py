"""Group commit: submissions that arrive together are appended together, in one transaction."""

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, sleep
from uuid import UUID

import psycopg
from eventsourcing.persistence import StoredEvent
from psycopg import Connection
from psycopg.rows import TupleRow

from application.database import PATIENCE, Database, Role

# A group's events at most; one larger submission still goes alone.
GROUP = 4000

APPEND = (
    "SELECT head, recorded_at, repeated_by, stale_by, stale_id, stale_version"
    " FROM append(%b::int[], %b::uuid[], %b::int[], %b::int[], %b::uuid[], %b::int[], %b::text[], %b::bytea[],"
    " %b::uuid[], %b::int[], %b::bytea[])"
)


class Unavailable(Exception):
    """The log did not answer in time. What was submitted may or may not be recorded: repeat it with its command id."""


@dataclass(frozen=True, slots=True)
class Command:
    """What one command records: at least one event, in order."""

    id: UUID
    events: Sequence[StoredEvent]
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """A submission was recorded: its events have the positions from ``first`` on, in order."""

    first: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Repeated:
    """At least one command of the submission is in the log already; nothing was recorded now."""


@dataclass(frozen=True, slots=True)
class Stale:
    """Streams that the submission read have moved on, to the versions given; nothing was recorded."""

    versions: dict[UUID, int]


Outcome = Appended | Repeated | Stale


@dataclass(slots=True)
class Submission:
    """Commands that stand or fall together, and the version of every stream that deciding them read."""

    commands: Sequence[Command]
    read: dict[UUID, int]
    outcome: Outcome | BaseException | None = None
    done: threading.Lock = field(default_factory=threading.Lock)

    @property
    def size(self) -> int:
        return sum(len(command.events) for command in self.commands)

    @property
    def written(self) -> set[UUID | str]:
        return {event.originator_id for command in self.commands for event in command.events}


class Writer:
    """One thread and one connection that append whatever has been submitted meanwhile.

    A connection that breaks is replaced and the group sent again: command ids tell what was
    committed before its acknowledgement was lost, so nothing is recorded twice.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[Submission] = deque()
        self._arrived = threading.Condition(threading.Lock())
        self._closed = False
        self._connection: Connection[TupleRow] | None = None
        self._thread = threading.Thread(target=self._run, name="taizhang writer", daemon=True)
        self._thread.start()

    def submit(self, submission: Submission) -> Outcome:
        """Wait until the submission is in the log, or refused; raise Unavailable, or what the database raised."""
        submission.done.acquire()
        with self._arrived:
            if self._closed:
                raise Unavailable("the log is closed")
            self._waiting.append(submission)
            self._arrived.notify()
        submission.done.acquire()
        outcome = submission.outcome
        assert outcome is not None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def close(self) -> None:
        """Append what was submitted before, then stop."""
        with self._arrived:
            self._closed = True
            self._arrived.notify()
        self._thread.join()
        self._disconnect()

    def _run(self) -> None:
        while group := self._next_group():
            try:
                self._append(group)
            except BaseException as error:  # noqa: BLE001  # every waiting thread must hear of it
                self._settle(group, [error] * len(group))

    def _next_group(self) -> list[Submission]:
        """Take, in order, submissions none of which reads or writes what an earlier one of the group writes.

        So each is judged against streams as stored; one that was left waits for the next group.
        """
        with self._arrived:
            while not self._waiting:
                if self._closed:
                    return []
                self._arrived.wait()
            group: list[Submission] = []
            left: deque[Submission] = deque()
            written: set[UUID | str] = set()
            commands: set[UUID] = set()
            size = 0
            while self._waiting and size < GROUP:
                each = self._waiting.popleft()
                ids = {command.id for command in each.commands}
                if group and (
                    size + each.size > GROUP or not written.isdisjoint(each.read) or not commands.isdisjoint(ids)
                ):
                    left.append(each)
                    # What a submission left behind writes must not be overtaken either.
                    written |= each.written
                    commands |= ids
                    continue
                group.append(each)
                written |= each.written
                commands |= ids
                size += each.size
            left.extend(self._waiting)
            self._waiting = left
            return group

    def _append(self, group: list[Submission]) -> None:
        deadline = monotonic() + PATIENCE
        while True:
            try:
                self._settle(group, self._send(group))
            except psycopg.OperationalError as error:
                self._disconnect()
                if monotonic() > deadline:
                    raise Unavailable(f"the database does not answer: {error}") from error
                sleep(0.1)
            except psycopg.Error:
                if len(group) == 1:
                    raise
                # One submission spoils the transaction: let each stand or fall alone.
                for each in group:
                    try:
                        self._append([each])
                    except (psycopg.Error, Unavailable) as error:
                        self._settle([each], [error])
                return
            else:
                return

    def _send(self, group: list[Submission]) -> list[Outcome]:
        if self._connection is None:
            self._connection = self._database.connect(Role.writer)
        reads = [(n, id, version) for n, each in enumerate(group) for id, version in each.read.items()]
        events = [
            (n, event, command, len(command.events) if first else None, command.digest if first else None)
            for n, each in enumerate(group)
            for command in each.commands
            for first, event in _marked(command.events)
        ]
        row = self._connection.execute(
            APPEND,
            (
                [n for n, _, _ in reads],
                [id for _, id, _ in reads],
                [version for _, _, version in reads],
                [n for n, *_ in events],
                [event.originator_id for _, event, *_ in events],
                [event.originator_version for _, event, *_ in events],
                [event.topic for _, event, *_ in events],
                [event.state for _, event, *_ in events],
                [command.id for _, _, command, *_ in events],
                [size for *_, size, _ in events],
                [digest for *_, digest in events],
            ),
            binary=True,
        ).fetchone()
        assert row is not None
        return _outcomes(group, *row)

    def _settle(self, group: list[Submission], outcomes: Sequence[Outcome | BaseException]) -> None:
        for each, outcome in zip(group, outcomes, strict=True):
            if each.outcome is None:
                each.outcome = outcome
                each.done.release()

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None


def _marked(events: Sequence[StoredEvent]) -> list[tuple[bool, StoredEvent]]:
    return [(n == 0, event) for n, event in enumerate(events)]


def _outcomes(
    group: list[Submission],
    head: int,
    recorded_at: datetime,
    repeated_by: list[int] | None,
    stale_by: list[int] | None,
    stale_id: list[UUID] | None,
    stale_version: list[int] | None,
) -> list[Outcome]:
    repeated = set(repeated_by or ())
    stale: dict[int, dict[UUID, int]] = {}
    for by, id, version in zip(stale_by or (), stale_id or (), stale_version or (), strict=True):
        stale.setdefault(by, {})[id] = version
    outcomes: list[Outcome] = []
    for n, each in enumerate(group):
        if n in repeated:
            outcomes.append(Repeated())
        elif n in stale:
            outcomes.append(Stale(stale[n]))
        else:
            outcomes.append(Appended(head + 1, recorded_at))
            head += each.size
    return outcomes
