"""What a log must be after any fault, and its lock held so that a fault can be timed."""

from collections import Counter
from collections.abc import Generator, Sized
from contextlib import contextmanager
from itertools import groupby, pairwise
from uuid import UUID

import psycopg

from application.database import Database, Role
from application.log import LogRecorder
from tests.application.clusters import until

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


def reaches(seen: Sized, count: int, seconds: float = 10) -> None:
    """Wait until something has so many parts."""
    until(lambda: len(seen) >= count, seconds)


@contextmanager
def locked(database: Database) -> Generator[psycopg.Connection]:
    """Hold the log's lock: whatever is sent to the server meanwhile waits there."""
    with database.connect(Role.owner) as connection:
        connection.execute(f"SELECT pg_advisory_lock({LOCK})")
        yield connection


def appending(database: Database) -> int:
    """How many groups wait in the server for the log's lock."""
    return _count(database, "wait_event_type = 'Lock' AND wait_event = 'advisory' AND query LIKE '%FROM append(%'")


def writers(database: Database) -> int:
    """How many connections the server has of writers."""
    return _count(database, "application_name = 'taizhang writer'")


def readers(database: Database) -> int:
    """How many connections the server has of readers that follow the log."""
    return _count(database, "application_name = 'taizhang reader'")


def _count(database: Database, which: str) -> int:
    with database.connect(Role.owner) as connection:
        [(count,)] = connection.execute(
            f"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {which}".encode()
        )
        return int(count)
