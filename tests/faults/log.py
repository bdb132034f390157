"""What a log must be after any fault, and its lock held so that a fault can be timed."""

from collections import Counter
from collections.abc import Generator, Sized
from contextlib import contextmanager
from itertools import groupby, pairwise
from uuid import UUID

import psycopg

from application.database import Database, Role
from application.log import LogRecorder
from domain.leaf import Leaf, commitment
from tests.application.clusters import until

# The name of every log of the tests.
ORIGIN = "test.example/record"

_WAITING = "wait_event_type = 'Lock' AND wait_event = 'advisory'"
LOCK = "hashtextextended('taizhang log record', 0)"


@contextmanager
def recorder(database: Database) -> Generator[LogRecorder]:
    log = LogRecorder(database)
    try:
        yield log
    finally:
        log.close()


def audit(database: Database) -> dict[UUID, int]:
    """Return every command of the log with its first position; the log is gapless, and each command whole and once."""
    with database.connect(Role.owner) as connection:
        rows = connection.execute(
            "SELECT position, recorded_at, originator_id, originator_version, command_id, command_size"
            " FROM events ORDER BY position"
        ).fetchall()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert all(a[1] <= b[1] for a, b in pairwise(rows))
    versions: Counter[UUID] = Counter()
    for _, _, stream, version, _, _ in rows:
        versions[stream] += 1
        assert version == versions[stream]
    commands: dict[UUID, int] = {}
    for id, group in groupby(rows, key=lambda row: row[4]):
        events = list(group)
        assert id not in commands
        assert [row[5] for row in events] == [len(events)] + [None] * (len(events) - 1)
        commands[id] = events[0][0]
    return commands


def leaves(database: Database) -> list[bytes]:
    """The leaves of the events as they are stored, by the plain way."""
    with database.connect(Role.owner) as connection:
        rows = connection.execute(
            "SELECT position, originator_id, originator_version, topic, recorded_at, salt, state"
            " FROM events ORDER BY position",
            binary=True,
        )
        return [
            Leaf(position, stream, version, topic, at, commitment(ORIGIN, salt, state)).hash()
            for position, stream, version, topic, at, salt, state in rows
        ]


def reaches(seen: Sized, count: int, seconds: float = 10) -> None:
    """Wait until something has so many parts."""
    until(lambda: len(seen) >= count, seconds)


@contextmanager
def locked(database: Database) -> Generator[psycopg.Connection]:
    """Hold the log's lock: whatever is sent to the server meanwhile waits there."""
    with database.connect(Role.owner) as connection:
        connection.execute(f"SELECT pg_advisory_lock({LOCK})")
        yield connection


@contextmanager
def held(database: Database) -> Generator[None]:
    """Let no group of events be committed: what the server was told of it is whole, and waits there meanwhile."""
    with database.connect(Role.owner) as connection:
        connection.execute(
            "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$"
        )
        connection.execute(
            "CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON event_groups DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION hold()"
        )
        connection.execute("SELECT pg_advisory_lock(1)")
        yield
        connection.execute("SELECT pg_advisory_unlock(1)")


def appending(database: Database) -> int:
    """How many groups wait in the server for the log's lock."""
    return _count(database, f"{_WAITING} AND query ~ 'FROM (turn|attempt)\\('")


def committing(database: Database) -> int:
    """How many groups wait in the server for their commit."""
    return _count(
        database, f"{_WAITING} AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.objid = 1 AND NOT granted)"
    )


def writers(database: Database) -> int:
    """How many connections the server has of writers."""
    return _count(database, "application_name = 'taizhang writer'")


def readers(database: Database) -> int:
    """How many connections the server has of readers that follow the log."""
    return _count(database, "application_name = 'taizhang reader'")


def _count(database: Database, which: str) -> int:
    with database.connect(Role.owner) as connection:
        [(count,)] = connection.execute(
            f"SELECT count(*) FROM pg_stat_activity a WHERE datname = current_database() AND {which}".encode()
        )
        return int(count)
