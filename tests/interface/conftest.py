"""The service over HTTP on a database of its own: an installation that folds, people with tokens, and a client."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from application.access import person_id
from application.database import Database
from application.keys import LOG, WRITER, load
from application.migrate import migrate
from application.seal import Sealer
from application.sealed import Sealed
from interface.app import Installation
from interface.http import create_app
from tests.interface.callers import FLOW, PERMITS, TOWN, VILLAGE, Person
from tests.interface.shell import Shell


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Iterator[Installation]:
    migrate(database)  # a copied database has not the template's grants upon itself
    with Installation(database, sealed=Sealed(tmp_path / "sealed")) as installation:
        installation.fold()
        yield installation


@pytest.fixture
def sealer(installation: Installation, tmp_path: Path) -> Sealer:
    """What seals the installation's log, when it is told to."""
    signer, folder = load(installation.database.keys, LOG), tmp_path / "sealer"
    Sealer.begin(signer, folder, installation.sealed, [load(installation.database.keys, WRITER).key])
    return Sealer(installation.database, lambda: [signer], folder, installation.sealed, lambda: datetime.now(UTC))


@pytest.fixture
def shell(database: Database, tmp_path: Path) -> Shell:
    """The command line on a database of its own."""
    migrate(database)
    (tmp_path / "var").mkdir()
    (tmp_path / "var/keys").symlink_to(database.keys)
    return Shell(tmp_path, {"TAIZHANG_DATABASE": database.dsn})


@pytest.fixture
def client(installation: Installation) -> Iterator[TestClient]:
    with TestClient(create_app(installation), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def person(installation: Installation, client: TestClient) -> Callable[..., Person]:
    """Let somebody come in with a role, for an organisation."""
    seen: dict[str, int] = {}

    def come_in(name: str, role: str = "administrator", organisation: UUID | None = None) -> Person:
        return Person(client, person_id(name), installation.token(name, role, organisation), seen)

    return come_in


@pytest.fixture
def ann(person: Callable[..., Person]) -> Person:
    return person("Ann")


@pytest.fixture
def bo(person: Callable[..., Person]) -> Person:
    return person("Bo")


@pytest.fixture
def village(ann: Person) -> UUID:
    """A village below a town, founded in 2026."""
    day = "2026-01-01"
    ann.did("/organisations", {"name": "昌硕街道", "level": "township", "code": "330523110", "occurred_on": day})
    body = {"name": "鲁家村", "level": "village", "code": "330523110201", "setting": "rural", "parent": str(TOWN)}
    ann.did("/organisations", {**body, "occurred_on": day})
    return VILLAGE


@pytest.fixture
def permits(ann: Person, bo: Person) -> UUID:
    """A published standard with a flow of three steps, and a monthly duty of villages."""
    ann.did("/standards", {"code": "permits", "title": "行政许可", "area": "效能监察", "authority": "行政许可法"})
    ann.did(f"/standards/{PERMITS}/flow", {"bpmn": FLOW})
    ann.did(f"/standards/{PERMITS}/separation", {"pairs": [["收件", "发证"]]})
    duty = {"code": "review", "title": "月度自查", "frequency": "monthly", "levels": ["village"]}
    ann.did(f"/standards/{PERMITS}/duties", {"duty": duty})
    bo.did(f"/standards/{PERMITS}/publication", {"effective_on": "2026-01-01"})
    return PERMITS
