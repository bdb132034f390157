"""The server is stopped, the files that it keeps the log in are edited, and it is started again (tampering 15)."""

import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from application.database import Database, Role
from application.keys import LOG, WRITER, load
from application.migrate import migrate
from application.postgres import EmbeddedPostgres
from application.postgres.place import locate, programs
from application.seal import Sealer, Unaccountable
from application.sealed import Sealed
from application.verify import Finding, Verifier
from tests.application.clusters import QUICK, folder
from tests.faults.load import submission
from tests.faults.log import recorder


class Kept:
    """A log in a server of its own, sealed."""

    def __init__(self, home: Path, keys: Path) -> None:
        self.home, self.keys, self.signer = home, keys, load(keys, LOG)
        self.sealed = Sealed(home / "sealed")
        Sealer.begin(self.signer, home / "sealer", self.sealed, [load(keys, WRITER).key])
        with self.running() as database:
            migrate(database)
            with recorder(database) as log:
                for _ in range(3):
                    log.append(submission(events=200))
            self.sealer(database).seal()
            with database.connect(Role.owner) as connection:
                [(self.file, self.state)] = connection.execute(
                    "SELECT pg_relation_filepath('events'), state FROM events WHERE position = 300"
                )

    @contextmanager
    def running(self) -> Generator[Database]:
        with EmbeddedPostgres(self.home, QUICK) as server:
            yield Database(server.dsn, self.keys)

    def edit(self) -> None:
        """Edit the 300th event where the stopped server keeps it."""
        path = self.data / self.file
        held = path.read_bytes()
        assert held.count(self.state) == 1
        path.write_bytes(held.replace(self.state, self.state[:-2] + b"9}"))

    @property
    def data(self) -> Path:
        return locate(self.home).directory / "data"

    def sealer(self, database: Database) -> Sealer:
        return Sealer(database, lambda: [self.signer], self.home / "sealer", self.sealed, lambda: datetime.now(UTC))

    def found(self, database: Database, processes: int = 1) -> Finding | None:
        verifier = Verifier(database, self.sealed, [self.signer.key], [load(self.keys, WRITER).key])
        return verifier.verify(processes=processes).finding


@pytest.fixture
def kept(keys: Path) -> Iterator[Kept]:
    with folder() as home:
        yield Kept(home, keys)


def test_an_edit_of_the_servers_files_is_seen_by_the_server(kept: Kept) -> None:
    """Its pages have checksums: what it cannot read is told as what it is, and no longer vouched for."""
    kept.edit()
    with kept.running() as database:
        for processes in (1, 2):
            found = kept.found(database, processes)
            assert found is not None
            assert (found.index, found.kind) == (None, "damaged")
            assert "invalid page" in found.sentence
        with pytest.raises(Unaccountable, match="invalid page") as refused:
            kept.sealer(database).seal()
        assert refused.value.kind == "damaged"


def test_an_edit_of_the_servers_files_with_their_checksums_is_named(kept: Kept) -> None:
    kept.edit()
    for change in ("--disable", "--enable"):
        program = programs(locate(kept.home).account) / "pg_checksums"
        subprocess.run([program, change, "--no-sync", "-D", kept.data], check=True, capture_output=True)
    with kept.running() as database:
        found = kept.found(database)
        assert found is not None
        assert (found.index, found.kind) == (299, "event")
        with pytest.raises(Unaccountable) as refused:
            kept.sealer(database).seal()
        assert (refused.value.index, refused.value.kind) == (299, "event")
