"""Who may do what over HTTP."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from starlette.testclient import TestClient

from application.database import Database
from application.migrate import migrate
from interface.app import Installation
from interface.http import create_app
from tests.interface.callers import TOWN, Person

UNKNOWN = f"tz_{'x' * 43}"


def operations(client: TestClient) -> list[tuple[str, str]]:
    document = client.get("/api/openapi.json").json()
    return [
        (method.upper(), path.replace("{id}", str(UUID(int=7))).replace("{name}", "ledger"))
        for path, methods in document["paths"].items()
        for method in methods
    ]


def test_without_a_token_nothing_but_health_and_the_document_is_served(client: TestClient) -> None:
    served = []
    tried: tuple[dict[str, str], ...] = (
        {},
        {"Authorization": "Bearer tz_short"},
        {"Authorization": f"Bearer {UNKNOWN}"},
        {"Authorization": UNKNOWN},
    )
    more = [("GET", "/api/nothing"), ("GET", "/"), ("DELETE", "/api/organisations")]
    for (method, path), headers in product([*operations(client), *more], tried):
        answer = client.request(method, path, headers=headers)
        if answer.status_code == 401:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.json()["type"] == "urn:taizhang:problem:unauthorised"
            assert UNKNOWN not in answer.text
        else:
            served.append(path)
    assert set(served) == {"/api/health", "/api/session", "/api/session/provider", "/api/session/provider/return"}
    for path in ("/api/session", "/api/session/provider"):
        assert client.post(path, json={}).status_code in (404, 422), "who asks to come in is not in"
    assert client.get("/api/openapi.json").status_code == 200


@pytest.mark.usefixtures("village")
def test_health_tells_of_the_database_and_the_views(client: TestClient, ann: Person) -> None:
    ann.saw("/organisations")
    health = client.get("/api/health").json()
    assert health["status"] == "well"
    assert health["database"]
    assert {view["name"]: view["state"] for view in health["views"]}["organisation"] == "following"
    assert ann.token not in str(health)


def test_what_a_token_is_not_for_is_refused_before_it_is_looked_at(person: Callable[..., Person]) -> None:
    auditor = person("Dai", "auditor")
    assert auditor.post("/organisations", content=b"\xff not read").status_code == 403
    assert auditor.post("/organisations/no-uuid/name", {}).status_code == 403


def test_a_token_stands_for_a_person_a_role_and_an_organisation(person: Callable[..., Person], village: UUID) -> None:
    clerk = person("Cai", "filer", village)
    assert clerk.saw("/me") == {
        "person": str(clerk.id),
        "name": "Cai",
        "role": "filer",
        "organisation": str(village),
        "actions": None,
    }


def test_somebody_acts_in_the_name_of_an_organisation_that_their_duty_reaches(
    person: Callable[..., Person], ann: Person, permits: UUID, village: UUID
) -> None:
    body = {"case": "1", "organisation": str(village), "acting_organisation": str(village)}
    ann.did(f"/standards/{permits}/cases", body)
    assert ann.saw("/log")["items"][-1]["account"]["organisation"] == str(village)
    clerk = person("Cai", "filer", village)
    answer = clerk.post(f"/standards/{permits}/cases", {**body, "case": "2", "acting_organisation": str(TOWN)})
    assert (answer.status_code, answer.json()["field"]) == (403, "acting_organisation")
    clerk.did(f"/standards/{permits}/cases", {"case": "2", "organisation": str(village)})
    assert ann.saw("/log")["items"][-1]["account"]["organisation"] == str(village)


def test_an_unforeseen_error_is_told_without_particulars(ann: Person, village: UUID, database: Database) -> None:
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("REVOKE SELECT ON record.people FROM taizhang_writer")
    answer = ann.get(f"/records/{village}/history", headers={"Accept-Language": "zh"})
    assert answer.status_code == 500
    assert answer.json() == {
        "type": "urn:taizhang:problem:unforeseen",
        "title": "服务出错",
        "status": 500,
        "detail": "发生了未预见的错误；已记入服务日志",
    }


def test_every_error_is_named_in_the_document(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["operationId"], path
            assert operation["summary"], path
            assert operation["tags"], path
            if path != "/api/health":
                expected = {"401", "403", "422", "500", "503"} | ({"413"} if method == "post" else set())
                if operation.get("security") != [] and method == "post":
                    expected |= {"409"}
                assert expected <= operation["responses"].keys(), path
                for status, answer in operation["responses"].items():
                    if status[0] in "45":
                        assert list(answer["content"]) == ["application/problem+json"], (path, status)


def test_a_database_that_is_away_is_told_soon_and_without_particulars(database: Database) -> None:
    migrate(database)
    with (
        Installation(replace(database, patience=1.0)) as installation,
        TestClient(create_app(installation), raise_server_exceptions=False) as client,
    ):
        installation.fold()
        ann = Person(client, UUID(int=1), installation.token("Ann", "administrator"))
        ann.did("/organisations", {"name": "安吉县", "level": "county"})
        name = str(conninfo_to_dict(database.dsn)["dbname"])
        with psycopg.connect(database.dsn, dbname="postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            try:
                health = client.get("/api/health")
                answers = [ann.post("/organisations", {"name": "甲", "level": "county"}), ann.get("/log")]
            finally:
                connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
        assert (health.status_code, health.json()["status"]) == (503, "down")
        for answer in answers:
            assert answer.status_code == 503
            assert answer.json()["type"] == "urn:taizhang:problem:unavailable"
            assert answer.headers["Retry-After"] == "5"
            assert name not in answer.text
        assert client.get("/api/health").json()["status"] == "well"
        founded = [each for each in ann.saw("/log")["items"] if each["topic"].startswith("organisation.")]
        assert len(founded) == 1, "what was answered with 503 may be recorded; this was not"
