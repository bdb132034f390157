"""Group commit: submissions that arrive together are appended together, in one transaction, under one signature."""

import os
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic, sleep
from uuid import UUID

import psycopg
from eventsourcing.persistence import StoredEvent
from psycopg import Connection
from psycopg.errors import ReadOnlySqlTransaction
from psycopg.rows import TupleRow

from application.database import PAUSE, Database, Role, Unavailable
from application.keys import WRITER, Signer, Unusable, load
from domain.group import log_of, signed
from domain.leaf import SALT, entries
from domain.merkle import leaf_hash

# A group's events at most; one larger submission still goes alone.
GROUP = 4000

TURN = (
    "SELECT head, recorded_at, repeated_by, stale_by, stale_id, stale_version"
    " FROM turn(%b::int[], %b::uuid[], %b::int[], %b::int[], %b::uuid[])"
)
APPEND = (
    "SELECT FROM append(%b::bigint, %b, %b::uuid[], %b::int[], %b::text[], %b::bytea[], %b::bytea[],"
    " %b::uuid[], %b::int[], %b::bytea[], %b, %b, %b)"
)
ATTEMPT = (
    "SELECT done, clock FROM attempt(%b::uuid[], %b::int[], %b::bigint, %b, %b::uuid[], %b::int[], %b::text[],"
    " %b::bytea[], %b::bytea[], %b::uuid[], %b::int[], %b::bytea[], %b, %b, %b)"
)
DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
# A writer that stands still in its turn, which takes milliseconds, holds up every other.
PROMPT = "SET idle_in_transaction_session_timeout = '10s'"
STANDING = (
    "SELECT position, recorded_at, originator_id, originator_version, topic, state, command_id FROM events"
    " WHERE position >= (SELECT position FROM events WHERE command_id = %b AND command_size IS NOT NULL)"
    " ORDER BY position LIMIT %b"
)


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
    """Commands that stand or fall together, and the version of every stream that deciding them read.

    It is submitted once. What the writer needs of it is worked out here, in its maker's thread.
    """

    commands: Sequence[Command]
    read: dict[UUID, int]
    size: int = field(init=False)
    ids: frozenset[UUID] = field(init=False)
    written: frozenset[UUID | str] = field(init=False)
    since: float = field(init=False, default=0.0)
    sent: bool = field(init=False, default=False)
    outcome: Outcome | Exception | None = field(init=False, default=None)
    done: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.size = sum(len(command.events) for command in self.commands)
        self.ids = frozenset(command.id for command in self.commands)
        self.written = frozenset(event.originator_id for command in self.commands for event in command.events)


@dataclass(frozen=True, slots=True)
class End:
    """Where the log ended when the server told of it, and what time it was there then."""

    position: int
    clock: datetime
    told: float = field(default_factory=monotonic)

    def now(self) -> datetime:
        """What time it is at the server by this; not later than it is, unless its clock was set back."""
        return self.clock + timedelta(seconds=monotonic() - self.told)


class Writer:
    """One thread and one connection that append whatever has been submitted meanwhile.

    A server that is away is waited for, each submission for the database's patience. What was sent
    before is sent again: command ids tell what was committed before its acknowledgement was lost,
    so nothing is recorded twice, and what stands as it was sent is acknowledged as if it were new.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[Submission] = deque()
        self._arrived = threading.Condition(threading.Lock())
        self._closed = False
        self._connection: Connection[TupleRow] | None = None
        self._trouble: Exception | None = None
        self._key: Signer | None = None
        self._end: End | None = None
        self._settled: list[Submission] = []
        self._thread = threading.Thread(target=self._run, name="taizhang writer", daemon=True)
        self._thread.start()

    def submit(self, submission: Submission) -> Outcome:
        """Wait until the submission is in the log, or refused.

        Raise Unavailable, Unusable where there is no key to sign with, or what the database raised.
        """
        submission.done.acquire()
        submission.since = monotonic()
        with self._arrived:
            if self._closed:
                raise Unavailable("the log is closed")
            self._waiting.append(submission)
            self._arrived.notify()
        submission.done.acquire()
        outcome = submission.outcome
        assert outcome is not None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        """Append what was submitted before, unless the server is away, then stop."""
        with self._arrived:
            self._closed = True
            self._arrived.notify()
        self._thread.join()
        self._disconnect()

    def _run(self) -> None:
        outcomes: Sequence[Outcome | Exception]
        while group := self._next_group():
            try:
                outcomes = self._send(group)
            except Unusable as error:
                outcomes = [error for _ in group]
            except Exception as error:  # noqa: BLE001  # whatever it is, it must not end this thread
                self._trouble = error
                self._send_alone(group)
                continue
            for each, outcome in zip(group, outcomes, strict=True):
                self._settle(each, outcome)

    def _next_group(self) -> list[Submission]:
        """Take, in order, submissions none of which reads or writes what an earlier one of the group writes.

        So each is judged against streams as stored; one that was left waits for the next group.
        """
        with self._arrived:
            while not self._waiting:
                self._tell()
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
                if group and (
                    size + each.size > GROUP or not written.isdisjoint(each.read) or not commands.isdisjoint(each.ids)
                ):
                    left.append(each)
                    # What a submission left behind writes must not be overtaken either.
                    written |= each.written
                    commands |= each.ids
                    continue
                group.append(each)
                written |= each.written
                commands |= each.ids
                size += each.size
            left.extend(self._waiting)
            self._waiting = left
            return group

    def _send_alone(self, group: list[Submission]) -> None:
        """Send each submission of a failed group again: one may have spoilt the transaction, or the connection.

        Those that the server was away for wait again, while they have patience.
        """
        self._tell()
        left: list[Submission] = []
        for each in group:
            # Where there was no connection to be had for the one before, there is none for this one.
            outcome = self._outcome(each) if self._connection is not None else None
            if outcome is None and (self._closed or monotonic() > each.since + self._database.patience):
                outcome = Unavailable(f"the log cannot be written now: {self._trouble}")
            if outcome is None:
                left.append(each)
            else:
                self._settle(each, outcome)
        self._tell()
        if left:
            sleep(PAUSE)
            with self._arrived:
                self._waiting.extendleft(reversed(left))

    def _outcome(self, each: Submission) -> Outcome | Exception | None:
        """Send one submission; None if the server is away, or may not write."""
        try:
            [outcome] = self._send([each])
        except ReadOnlySqlTransaction as error:
            # The next connection may reach another server that may.
            self._trouble = error
            self._disconnect()
            return None
        except psycopg.OperationalError as error:
            self._trouble = error
            lost = self._connection is None or self._connection.closed
            return None if lost else Unavailable(f"the log cannot be written now: {error}")
        except Exception as error:  # noqa: BLE001  # it is the submitter's
            return error
        return outcome

    def _recognise(self, each: Submission) -> Outcome:
        """Tell what we sent before, its acknowledgement lost, from what others recorded under the same command id."""
        rows = self._connect().execute(STANDING, (each.commands[0].id, each.size), binary=True).fetchall()
        sent = [
            (event.originator_id, event.originator_version, event.topic, event.state, command.id)
            for command in each.commands
            for event in command.events
        ]
        if [row[2:] for row in rows] != sent:
            return Repeated()
        position, recorded_at, *_ = rows[0]
        return Appended(position, recorded_at)

    def _send(self, group: list[Submission]) -> list[Outcome]:
        connection = self._connect()
        again = [each.sent for each in group]
        for each in group:
            each.sent = True
        try:
            outcomes = self._attempt(connection, group) or self._take_turn(connection, group)
        except Exception:
            self._end = None
            with suppress(psycopg.Error):
                connection.rollback()
            raise
        return [
            self._recognise(each) if before and isinstance(outcome, Repeated) else outcome
            for each, outcome, before in zip(group, outcomes, again, strict=True)
        ]

    def _attempt(self, connection: Connection[TupleRow], group: list[Submission]) -> list[Outcome] | None:
        """Append a group where the log is thought to end; None if it does not end there, or some are to be refused."""
        if self._end is None:
            return None
        end = self._end
        head, recorded_at = end.position, end.now()
        reads = [read for each in group for read in each.read.items()]
        given = ([id for id, _ in reads], [version for _, version in reads], *self._signed(group, head, recorded_at))
        self._tell()
        [(done, clock)] = connection.execute(ATTEMPT, given, binary=True)
        if not done:
            return None
        self._end = End(head + sum(each.size for each in group), clock)
        return _outcomes(group, head, recorded_at)

    def _take_turn(self, connection: Connection[TupleRow], group: list[Submission]) -> list[Outcome]:
        """Take the lock, hash and sign what stands at the place that it then has, append it, and commit."""
        self._tell()
        reads = [(n, id, version) for n, each in enumerate(group) for id, version in each.read.items()]
        commands = [(n, id) for n, each in enumerate(group) for id in each.ids]
        turn = (
            [n for n, _, _ in reads],
            [id for _, id, _ in reads],
            [version for _, _, version in reads],
            [n for n, _ in commands],
            [id for _, id in commands],
        )
        with connection.pipeline() as pipeline:
            connection.execute("BEGIN")
            cursor = connection.execute(TURN, turn, binary=True)
            pipeline.sync()
            row = cursor.fetchone()
            assert row is not None
            outcomes = _outcomes(group, *row)
            standing = [each for each, outcome in zip(group, outcomes, strict=True) if isinstance(outcome, Appended)]
            if standing:
                connection.execute(APPEND, self._signed(standing, *row[:2]), binary=True)
            connection.execute("COMMIT")
        head, recorded_at, *_ = row
        self._end = End(head + sum(each.size for each in standing), recorded_at)
        return outcomes

    def _signed(self, standing: list[Submission], head: int, recorded_at: datetime) -> tuple[object, ...]:
        signer, first = self._signer(), head + 1
        events = [
            (event, command, len(command.events) if n == 0 else None, command.digest if n == 0 else None)
            for submission in standing
            for command in submission.commands
            for n, event in enumerate(command.events)
        ]
        drawn = os.urandom(SALT * len(events))
        salts = [drawn[n : n + SALT] for n in range(0, len(drawn), SALT)]
        stored = (
            (position, event.originator_id, event.originator_version, event.topic, recorded_at, salt, event.state)
            for position, ((event, *_), salt) in enumerate(zip(events, salts, strict=True), first)
        )
        leaves = [leaf_hash(entry) for entry in entries(self._origin(), stored)]
        return (
            first,
            recorded_at,
            [event.originator_id for event, *_ in events],
            [event.originator_version for event, *_ in events],
            [event.topic for event, *_ in events],
            [event.state for event, *_ in events],
            salts,
            [command.id for _, command, *_ in events],
            [size for *_, size, _ in events],
            [digest for *_, digest in events],
            b"".join(leaves),
            signer.key.id,
            signer.sign(signed(self._origin(), first, leaves)),
        )

    def _signer(self) -> Signer:
        if self._key is None:
            self._key = load(self._database.keys, WRITER)
        return self._key

    def _origin(self) -> str:
        name = self._signer().key.name
        try:
            return log_of(name)
        except ValueError as error:
            raise Unusable(str(error)) from None

    def _connect(self) -> Connection[TupleRow]:
        if self._connection is None or self._connection.closed:
            self._connection = None
            self._tell()
            connection = self._database.connect(Role.writer)
            try:
                self._begin(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _begin(self, connection: Connection[TupleRow]) -> None:
        # Whatever the server does by default, what is acknowledged is on the disk.
        connection.execute(DURABLE)
        connection.execute(PROMPT)
        [(log,)] = connection.execute("SELECT origin FROM log")
        if log != self._origin():
            raise Unusable(f"the writer's key is for the log {self._origin()}; this database holds {log}")

    def _settle(self, each: Submission, outcome: Outcome | Exception) -> None:
        each.outcome = outcome
        self._settled.append(each)

    def _tell(self) -> None:
        """Let those go on whose outcome is known.

        Not before the next group is signed, where one waits: signing lets other threads run, and it would be sent only
        once all of these had run, to a server that had nothing to do meanwhile.
        """
        for each in self._settled:
            each.done.release()
        self._settled.clear()

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None


def _outcomes(
    group: list[Submission],
    head: int,
    recorded_at: datetime,
    repeated_by: list[int] | None = None,
    stale_by: list[int] | None = None,
    stale_id: list[UUID] | None = None,
    stale_version: list[int] | None = None,
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
