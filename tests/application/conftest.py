"""Threads to wait in, a wire to cut, and two processes on one log whose day can be turned on."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest

from application.database import Database
from application.keys import LOG, WRITER, load
from application.records import Act
from application.seal import Sealer
from application.sealed import Sealed
from interface.app import Installation
from tests.application.services import Calendar, opened
from tests.faults.house import House
from tests.faults.log import recorder
from tests.faults.parties import Parties
from tests.faults.place import Place
from tests.faults.proxy import Proxy, proxied
from tests.faults.threads import Threads


@pytest.fixture
def threads() -> Threads:
    return Threads()


@pytest.fixture
def proxy(database: Database) -> Iterator[Proxy]:
    with proxied(database.dsn) as proxy:
        yield proxy


@pytest.fixture
def wired(database: Database, proxy: Proxy) -> Database:
    """The database as it is reached through the wire."""
    return replace(database, dsn=proxy.dsn)


@pytest.fixture
def log(new_log: Callable[[], Database]) -> Database:
    return new_log()


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def act(calendar: Calendar) -> Callable[..., Act]:
    """What a person does on the calendar's day."""
    return calendar.act


@pytest.fixture
def at(log: Database, calendar: Calendar) -> Iterator[Installation]:
    with opened(log, calendar) as at:
        yield at


@pytest.fixture
def elsewhere(log: Database, calendar: Calendar) -> Iterator[Installation]:
    """Another process on the same log."""
    with opened(log, calendar) as elsewhere:
        yield elsewhere


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[Place]:
    folder, sealed, signer = tmp_path / "sealer", Sealed(tmp_path / "sealed"), load(database.keys, LOG)
    Sealer.begin(signer, folder, sealed, [load(database.keys, WRITER).key])
    with recorder(database) as log:
        yield Place(database, log, folder, sealed, signer)


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    keys = copytree(database.keys, tmp_path / "keys")
    with Installation(replace(database, keys=keys), sealed=Sealed(tmp_path / "sealed")) as at:
        at.access.introduce(["安吉"])
        yield House(at, tmp_path)


@pytest.fixture
def parties(place: Place, tmp_path: Path) -> Iterator[Parties]:
    made = Parties(tmp_path / "parties", place.signer.key, "all")
    yield made
    made.stop()
