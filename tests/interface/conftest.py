"""The service over HTTP on a database of its own: an installation that folds, people with tokens, and a client."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from application.access import person_id
from application.database import Database
from application.migrate import migrate
from domain.organisation import organisation_id
from domain.standard import standard_id
from interface.app import Installation
from interface.http import create_app

FLOW = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="urn:test">
  <process id="p"><startEvent id="s"/><task id="a" name="收件"/><task id="b" name="审查"/><task id="c" name="发证"/>
    <endEvent id="e"/><sequenceFlow id="f1" sourceRef="s" targetRef="a"/>
    <sequenceFlow id="f2" sourceRef="a" targetRef="b"/><sequenceFlow id="f3" sourceRef="b" targetRef="c"/>
    <sequenceFlow id="f4" sourceRef="c" targetRef="e"/></process></definitions>
"""


@dataclass
class Person:
    """Somebody with a token, and the client through which they speak; what they do is seen by what they read next."""

    client: TestClient
    id: UUID
    token: str
    seen: dict[str, int] = field(default_factory=dict)

    def get(self, path: str, **more: Any) -> Response:
        """Read, once everything that anybody here recorded is folded."""
        headers, params = self._headers(more), dict(more.pop("params", {}))
        if self.seen:
            params["after_position"] = self.seen["position"]
        return self.client.get(f"/api{path}", params=params, headers=headers, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Response:
        if body is not None:
            more["json"] = body
        answer = self.client.post(f"/api{path}", headers=self._headers(more), **more)
        if position := answer.headers.get("Taizhang-Position"):
            self.seen["position"] = max(int(position), self.seen.get("position", 0))
        return answer

    def did(self, path: str, body: Any = None, **more: Any) -> Any:
        """Command, and see it done."""
        answer = self.post(path, {} if body is None else body, **more)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def saw(self, path: str, **more: Any) -> Any:
        answer = self.get(path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _headers(self, more: dict[str, Any]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}


@pytest.fixture
def installation(database: Database) -> Iterator[Installation]:
    migrate(database)  # a copied database has not the template's grants upon itself
    with Installation(database) as installation:
        installation.fold()
        yield installation


@pytest.fixture
def client(installation: Installation) -> Iterator[TestClient]:
    with TestClient(create_app(installation), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def person(installation: Installation, client: TestClient) -> Callable[..., Person]:
    """Let somebody come in with a role, for an organisation."""
    seen: dict[str, int] = {}

    def come_in(name: str, role: str = "administrator", organisation: UUID | None = None) -> Person:
        return Person(client, person_id(name), installation.access.create(name, role, organisation), seen)

    return come_in


@pytest.fixture
def ann(person: Callable[..., Person]) -> Person:
    return person("Ann")


@pytest.fixture
def bo(person: Callable[..., Person]) -> Person:
    return person("Bo")


TOWN, VILLAGE = organisation_id("330523110"), organisation_id("330523110201")
PERMITS = standard_id("permits")


@pytest.fixture
def village(ann: Person) -> UUID:
    """A village below a town, founded in 2026."""
    day = str(date(2026, 1, 1))
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
    bo.did(f"/standards/{PERMITS}/publication")
    return PERMITS
