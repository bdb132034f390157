"""Appending a group: its place and time, the leaves of its events, its writer's signature, and the commit."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from application.database import Database, Role
from application.keys import WRITER, Signer, Unusable, load_all
from application.log.submission import Appended, Outcome, Repeated, Stale, Submission
from domain.group import Group, signed, writer
from domain.keychange import Change
from domain.keyring import keyring_id
from domain.leaf import SALT, entries
from domain.merkle import leaf_hash

TURN = (
    "SELECT head, recorded_at, repeated_by, stale_by, stale_id, stale_version"
    " FROM turn(%b::int[], %b::uuid[], %b::int[], %b::int[], %b::uuid[])"
)
APPEND = (
    "SELECT append(%b::bigint, %b, %b::uuid[], %b::int[], %b::text[], %b::bytea[], %b::bytea[],"
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


KEYRING = "SELECT position, topic, state FROM events WHERE originator_id = %b ORDER BY originator_version"
# The SQLSTATE of a group under a key that was retired.
RETIRED = "TZ001"

# Of some events from a first position on. Those of one command are in one group, but where a log was vouched for later.
GROUPS = (
    "SELECT first, leaves, key_id, signature FROM event_groups"
    " WHERE first >= (SELECT max(first) FROM event_groups WHERE first <= %(first)s)"
    " AND first < %(first)s::bigint + %(size)s ORDER BY first"
)


@dataclass(frozen=True, slots=True)
class End:
    """Where the log ended when the server told of it, and what time it was there then."""

    position: int
    clock: datetime
    told: float = field(default_factory=monotonic)

    def now(self) -> datetime:
        """What time it is at the server by this; not later than it is, unless its clock was set back."""
        return self.clock + timedelta(seconds=monotonic() - self.told)


class Appender:
    """One connection that appends groups, each in one transaction.

    ``before_waiting`` is called when a group is on its way, or a server is to be reached: whoever need not wait for
    that can go on.
    """

    def __init__(self, database: Database, before_waiting: Callable[[], None]) -> None:
        self._database = database
        self._before_waiting = before_waiting
        self._connection: Connection[TupleRow] | None = None
        self._key: Signer | None = None
        self._origin = ""
        self._end: End | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection, which may turn out to be broken."""
        return self._connection is not None

    @property
    def broken(self) -> bool:
        """Whether there is none, or it is known to be broken."""
        return self._connection is None or self._connection.closed

    def send(self, group: Sequence[Submission]) -> list[Outcome]:
        """Append a group; raise Unusable where there is no key to sign with, or what the database raises.

        A submission that was sent before, and is recorded as it was sent, is acknowledged as if it were new.
        """
        connection = self._connect()
        again = [each.sent for each in group]
        for each in group:
            each.sent = True
        try:
            outcomes = self._append(connection, group)
        except Exception:  # whatever it was: the next group finds no transaction open, and its end out
            self._end = None
            with suppress(psycopg.Error):
                connection.rollback()
            raise
        return [
            self._recognise(each) if before and isinstance(outcome, Repeated) else outcome
            for each, outcome, before in zip(group, outcomes, again, strict=True)
        ]

    def send_within(self, connection: Connection[TupleRow], submission: Submission) -> Outcome:
        """Append a submission in a transaction of the caller's, with what else that changes; raise Unusable.

        The log's lock is held until the caller commits.
        """
        self._learn(connection)
        row = connection.execute(TURN, _turn([submission]), binary=True).fetchone()
        assert row is not None
        [outcome] = _outcomes([submission], *row)
        if isinstance(outcome, Appended):
            connection.execute(APPEND, self._signed([submission], *row[:2])[1], binary=True)
        return outcome

    def disconnect(self) -> None:
        """Close the connection; the next group gets another."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

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
        found = self._connect().execute(GROUPS, {"first": position, "size": each.size}, binary=True)
        return Appended(position, recorded_at, tuple(Group(*row) for row in found))

    def _append(self, connection: Connection[TupleRow], group: Sequence[Submission]) -> list[Outcome]:
        try:
            return self._attempt(connection, group) or self._take_turn(connection, group)
        except psycopg.Error as error:
            if error.sqlstate != RETIRED:
                raise
        connection.rollback()
        self._key = self._chosen(connection)
        return self._take_turn(connection, group)

    def _attempt(self, connection: Connection[TupleRow], group: Sequence[Submission]) -> list[Outcome] | None:
        """Append a group where the log is thought to end; None if it does not end there, or some are to be refused."""
        if self._end is None:
            return None
        end = self._end
        head, recorded_at = end.position, end.now()
        reads = {read for each in group for read in each.read.items()}
        made, appended = self._signed(group, head, recorded_at)
        given = ([id for id, _ in reads], [version for _, version in reads], *appended)
        self._before_waiting()
        [(done, clock)] = connection.execute(ATTEMPT, given, binary=True)
        if not done:
            return None
        self._end = End(head + sum(each.size for each in group), clock)
        return _in_group(_outcomes(group, head, recorded_at), made)

    def _take_turn(self, connection: Connection[TupleRow], group: Sequence[Submission]) -> list[Outcome]:
        """Take the lock, hash and sign what stands at the place that it then has, append it, and commit."""
        self._before_waiting()
        with connection.pipeline() as pipeline:
            connection.execute("BEGIN")
            cursor = connection.execute(TURN, _turn(group), binary=True)
            pipeline.sync()
            row = cursor.fetchone()
            assert row is not None
            outcomes = _outcomes(group, *row)
            standing = [each for each, outcome in zip(group, outcomes, strict=True) if isinstance(outcome, Appended)]
            made = None
            if standing:
                made, appended = self._signed(standing, *row[:2])
                cursor = connection.execute(APPEND, appended, binary=True)
            connection.execute("COMMIT")
        if standing:
            [(clock,)] = cursor.fetchall()
            self._end = End(row[0] + sum(each.size for each in standing), clock)
        return _in_group(outcomes, made)

    def _signed(
        self, standing: Sequence[Submission], head: int, recorded_at: datetime
    ) -> tuple[Group, tuple[object, ...]]:
        """Return the group of what stands, and what ``append`` is given."""
        signer, first = self._key, head + 1
        assert signer is not None, "there is a connection"
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
        leaves = [leaf_hash(entry) for entry in entries(self._origin, stored)]
        group = Group(first, b"".join(leaves), signer.key.id, signer.sign(signed(self._origin, first, leaves)))
        return group, (
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
            group.leaves,
            group.key_id,
            group.signature,
        )

    def _connect(self) -> Connection[TupleRow]:
        if self._connection is None or self._connection.closed:
            self._connection = None
            self._before_waiting()
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
        self._learn(connection)

    def _learn(self, connection: Connection[TupleRow]) -> None:
        """Read which log it is, and choose a key; raise Unusable where none is here."""
        [(self._origin,)] = connection.execute("SELECT origin FROM log")
        self._key = self._chosen(connection)

    def _chosen(self, connection: Connection[TupleRow]) -> Signer:
        """Return the newest of this machine's keys that speaks for the log; raise Unusable if there is none."""
        here = load_all(self._database.keys, WRITER, self._database.sign_command)
        stored = connection.execute(KEYRING, (keyring_id(self._origin),))
        changes = [change for row in stored if (change := Change.read(*row)) and change.role == WRITER]
        retired = {change.key for change in changes if not change.added}
        known = [change.key for change in changes if change.added] or [each.key for each in here[:1]]
        for key in reversed(known):
            for each in here:
                if each.key == key and key.name == writer(self._origin) and key not in retired:
                    return each
        names = ", ".join(str(each.key) for each in here) or "none"
        raise Unusable(f"no key of {self._database.keys} speaks for the log {self._origin} now; there is {names}")


def _turn(group: Sequence[Submission]) -> tuple[object, ...]:
    """What ``turn`` is given."""
    reads = [(n, id, version) for n, each in enumerate(group) for id, version in each.read.items()]
    commands = [(n, id) for n, each in enumerate(group) for id in each.ids]
    return (
        [n for n, _, _ in reads],
        [id for _, id, _ in reads],
        [version for _, _, version in reads],
        [n for n, _ in commands],
        [id for _, id in commands],
    )


def _in_group(outcomes: Sequence[Outcome], group: Group | None) -> list[Outcome]:
    """Give each submission that was appended the group that it is in."""
    if group is None:
        return [*outcomes]
    return [replace(each, groups=(group,)) if isinstance(each, Appended) else each for each in outcomes]


def _outcomes(
    group: Sequence[Submission],
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
