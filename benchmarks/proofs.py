"""What the proof costs: commands and bulk import with leaves and signed groups, beside the same without.

Without is the log as it was before it had groups: the first migration's function, which appends in one step.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.resources import files
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from application.bulk import record_all
from application.database import Role
from application.log import Appended, Outcome, Submission
from application.log.append import Appender
from benchmarks.bulk import UNITS as FOUNDED
from benchmarks.commands import THREADS, UNITS, admit, fresh
from benchmarks.measure import Comparison, alternate, hammer, rate
from benchmarks.nation import fail, founding, nation
from benchmarks.server import Server
from domain.group import Group
from domain.merkle import HASH
from domain.organisation import organisation_id
from interface.app import Installation

SECONDS = 2.0
UNDONE = """
DROP FUNCTION attempt; DROP FUNCTION turn; DROP FUNCTION append; DROP TABLE event_groups;
ALTER TABLE events DROP COLUMN salt;
"""
APPEND = (
    "SELECT head, recorded_at FROM append(%b::int[], %b::uuid[], %b::int[], %b::int[], %b::uuid[], %b::int[],"
    " %b::text[], %b::bytea[], %b::uuid[], %b::int[], %b::bytea[])"
)


class Unsigned(Appender):
    """Appends as groups were appended before they were signed. None is refused here."""

    def _attempt(self, connection: Connection[TupleRow], group: Sequence[Submission]) -> list[Outcome]:
        reads = [(n, id, version) for n, each in enumerate(group) for id, version in each.read.items()]
        events = [
            (n, event, command, len(command.events) if place == 0 else None, command.digest if place == 0 else None)
            for n, each in enumerate(group)
            for command in each.commands
            for place, event in enumerate(command.events)
        ]
        columns = (
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
        )
        self._before_waiting()
        row = connection.execute(APPEND, columns, binary=True).fetchone()
        assert row is not None
        return list(_appended(group, *row))


def _appended(group: Sequence[Submission], head: int, recorded_at: datetime) -> Iterator[Appended]:
    for each in group:
        yield Appended(head + 1, recorded_at, (Group(head + 1, bytes(HASH * each.size), b"", b""),))
        head += each.size


@contextmanager
def unsigned(server: Server) -> Generator[Installation]:
    """An installation on an empty log that keeps no groups."""
    first = files("application.migrations").joinpath("0001_log.sql").read_text(encoding="utf-8")
    found = re.search(r"CREATE FUNCTION append\(.*?^\$\$;", first, re.DOTALL | re.MULTILINE)
    assert found
    with server.installation() as installation:
        database, recorder = installation.database, installation.records.recorder
        with database.connect(Role.owner) as connection:
            connection.execute(UNDONE.encode())
            connection.execute(found[0].encode())
            connection.execute("ALTER FUNCTION append SET enable_seqscan = off")
        writer = recorder.writer
        writer._appender.disconnect()  # noqa: SLF001  # it gives way to the next
        writer._appender = Unsigned(database, writer._tell)  # noqa: SLF001  # it is replaced before it is used
        yield installation


def run(server: Server) -> Iterator[Comparison]:
    ids: list[UUID] = [organisation_id(unit.code) for unit in nation(UNITS)]

    def hammered(installation: Installation) -> float:
        def one(thread: int, n: int) -> None:
            admit(installation, ids[(n * THREADS + thread) % UNITS], fresh())

        return hammer(THREADS, SECONDS, one)

    with server.installation() as signed, unsigned(server) as plain:
        for each in (signed, plain):
            record_all(each.records, map(founding, nation(UNITS)), fail)
        measured, others = alternate(lambda: hammered(signed), lambda: hammered(plain))
    yield Comparison(
        "commands from 64 threads, with leaves and signed groups",
        "the same without",
        "commands/s",
        measured,
        others,
        at_least=0.8,
    )

    def imported(installation: Installation) -> float:
        return rate(lambda: record_all(installation.records, map(founding, nation(FOUNDED)), fail).position)

    def with_groups() -> float:
        with server.installation() as signed:
            return imported(signed)

    def without() -> float:
        with unsigned(server) as plain:
            return imported(plain)

    measured, others = alternate(with_groups, without)
    yield Comparison("bulk import, likewise", "the same without", "events/s", measured, others, at_least=0.65)
