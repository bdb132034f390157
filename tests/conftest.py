"""A real PostgreSQL for every test that asks for one: a server a worker, a database a test."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from application.database import Database
from application.keys import create_for_log
from application.migrate import migrate
from application.postgres import temporary
from application.records import Records
from tests.faults.authority import Papers, made
from tests.faults.log import ORIGIN

# How long an example takes says more of the machine than of the code; speed is measured in benchmarks.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# What runs the tests may have these ignored (nohup; a shell's background), and whoever is begun here inherits it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A server's dsn: TAIZHANG_DATABASE if it is set, else an embedded one for this worker."""
    if dsn := os.environ.get("TAIZHANG_DATABASE"):
        yield dsn
    else:
        with temporary() as dsn:
            yield dsn


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a log's keys, which every log of the tests is signed with."""
    folder = tmp_path_factory.mktemp("installation") / "keys"
    create_for_log(folder, ORIGIN)
    return folder


def _fresh(server: str, template: str = "template1") -> str:
    name = f"taizhang_test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    return name


def _drop(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def template(server: str, keys: Path) -> Iterator[str]:
    """The name of a migrated database to copy."""
    name = _fresh(server)
    migrate(Database(make_conninfo(server, dbname=name), keys))
    yield name
    _drop(server, name)


@pytest.fixture
def empty(server: str, keys: Path) -> Iterator[Database]:
    """A database without any of our tables."""
    name = _fresh(server)
    yield Database(make_conninfo(server, dbname=name), keys)
    _drop(server, name)


@pytest.fixture
def database(server: str, keys: Path, template: str) -> Iterator[Database]:
    """A migrated database of this test's own."""
    name = _fresh(server, template)
    yield Database(make_conninfo(server, dbname=name), keys)
    _drop(server, name)


@pytest.fixture(scope="session")
def new_log(server: str, keys: Path) -> Iterator[Callable[[], Database]]:
    """Make an empty, migrated log, as often as is asked: a schema each, which is quicker than a database."""
    name, numbers = _fresh(server), count(1)

    def make() -> Database:
        database = Database(make_conninfo(server, dbname=name), keys, f"log{next(numbers)}")
        migrate(database)
        return database

    yield make
    _drop(server, name)


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    """What a time-stamping authority signs with."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    return made(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def records(database: Database) -> Iterator[Records]:
    with Records(database) as records:
        yield records
