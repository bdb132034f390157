"""Two towns: whoever has duties in the one finds of the other what they would find if it were not there."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from domain.ledger import obligation_id
from domain.organisation import organisation_id
from interface.app import Installation, all_views
from projections.tables import table
from tests.interface.callers import PERMITS, TOWN, VILLAGE, Person
from tests.interface.test_http_authority import BODIES, operations

DAY = "2026-01-01"
OTHER_TOWN, OTHER_VILLAGE = organisation_id("330523111"), organisation_id("330523111201")
OURS, THEIRS = (obligation_id(village, PERMITS, "review", "2026-01") for village in (VILLAGE, OTHER_VILLAGE))
# Where members go or come from, and where they live, may be in another town: to say so, one must be able to name it.
BETWEEN = {
    "transfer_members": {"counterpart"},
    "receive_members": {"counterpart"},
    "register_doubly": {"residence"},
}


@pytest.fixture
def towns(ann: Person, village: UUID, permits: UUID) -> UUID:
    """Beside the town with its village, another one; both owe the same. Return an emergency asked for in the other."""
    ann.did("/organisations", {"name": "递铺街道", "level": "township", "code": "330523111", "occurred_on": DAY})
    body = {"name": "赤坞村", "level": "village", "code": "330523111201", "parent": str(OTHER_TOWN)}
    ann.did("/organisations", {**body, "setting": "rural", "occurred_on": DAY})
    ann.did(f"/standards/{permits}/obligations", {"year": 2026})
    ann.did(f"/obligations/{THEIRS}/entry", {"summary": "赤坞村的登记"})
    asked = {"duty": "filer", "organisation": str(OTHER_VILLAGE), "hours": 1, "reason": "赤坞村汛情"}
    assert village == VILLAGE
    return UUID(ann.did("/emergencies", asked)["events"][0]["id"])


@pytest.fixture
def clerk(towns: UUID, person: Callable[..., Person]) -> Person:
    """Somebody who does everything in the first town, and has no duty elsewhere."""
    assert towns
    return person("Cai", "administrator", TOWN)


@pytest.fixture
def narrowed(towns: UUID, installation: Installation, ann: Person, client: TestClient) -> Person:
    """Somebody whose duties are for the whole record, with a token for the first town."""
    assert towns
    token = ann.did("/tokens", {"organisation": str(TOWN)})["token"]
    installation.fold_now()
    return Person(client, ann.id, token, ann.seen)


@pytest.fixture(params=["clerk", "narrowed"])
def who(request: pytest.FixtureRequest) -> Person:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Person)
    return found


def same(there: Response, nowhere: Response, foreign: object, stranger: object) -> bool:
    """Whether two answers cannot be told from each other, but for the identifier that was asked for."""

    def shape(answer: Response, id: object) -> tuple[object, ...]:
        headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
        return answer.status_code, headers, answer.content.replace(str(id).encode(), b"")

    return shape(there, foreign) == shape(nowhere, stranger)


@pytest.fixture
def foreign(towns: UUID) -> dict[str, UUID]:
    """Records of the other town, by the collection that their paths begin with."""
    return {"organisations": OTHER_VILLAGE, "obligations": THEIRS, "emergencies": towns}


def fitting(collection: str, foreign: dict[str, UUID]) -> list[UUID]:
    return [*foreign.values()] if collection == "records" else [foreign[collection]] if collection in foreign else []


def test_what_is_read_of_another_town_is_as_if_it_were_not_there(
    who: Person, client: TestClient, foreign: dict[str, UUID]
) -> None:
    tried = 0
    for name, (method, path, _) in operations(client).items():
        address = path.removeprefix("/api")
        if method != "get" or "{id}" not in address:
            continue
        for id in fitting(address.split("/")[1], foreign):
            stranger = uuid4()
            there, nowhere = (who.get(address.replace("{id}", str(each))) for each in (id, stranger))
            assert same(there, nowhere, id, stranger), (name, there.text, nowhere.text)
            assert there.status_code == 404
            tried += 1
    assert tried >= 10


def test_what_is_asked_of_another_town_is_as_if_it_were_not_there(
    who: Person, client: TestClient, foreign: dict[str, UUID]
) -> None:
    tried = 0
    for name, (method, path, _) in operations(client).items():
        address = path.removeprefix("/api")
        if method != "post" or "{id}" not in address:
            continue
        for id in fitting(address.split("/")[1], foreign):
            stranger = uuid4()
            there, nowhere = (who.post(address.replace("{id}", str(each)), body_of(name)) for each in (id, stranger))
            assert same(there, nowhere, id, stranger), (name, there.text, nowhere.text)
            tried += 1
    assert tried >= 20


def body_of(name: str) -> dict[str, Any]:
    """A body in which nothing else is asked for than what the path says."""
    body = {key: value for key, value in BODIES[name].items() if key != "acting_organisation"}
    return body | ({"appointment": str(UUID(int=79))} if "appointment" in body else {})


def places(client: TestClient) -> Iterator[tuple[str, str, str, str]]:
    """Yield every parameter and field that takes an identifier: of which operation, its path, the name, and where."""
    document = client.get("/api/openapi.json").json()
    for name, (method, path, operation) in operations(client).items():
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "query" and "uuid" in str(parameter["schema"]):
                yield name, path, parameter["name"], "query"
        if method == "post" and "$ref" in str(operation.get("requestBody")):
            ref = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            schema = document["components"]["schemas"][ref.rpartition("/")[2]]
            for field, described in schema["properties"].items():
                if "uuid" in str(described):
                    yield name, path, field, "body"


def test_no_identifier_that_is_given_tells_whether_it_is_one_of_another_town(
    who: Person, client: TestClient, foreign: dict[str, UUID]
) -> None:
    own = {"organisations": VILLAGE, "standards": PERMITS, "obligations": OURS, "people": who.id}
    tried = set()
    for name, path, field, where in places(client):
        collection = path.split("/")[2]
        address = path.removeprefix("/api").replace("{id}", str(own.get(collection, uuid4())))
        if field in BETWEEN.get(name, ()) or "{name}" in address or field == "correlation_id":
            continue
        for id in foreign.values():
            stranger = uuid4()
            answers = []
            for each in (id, stranger):
                if where == "query":
                    needed = {"action": "ledger.file"} if name == "explain_authority" else {}
                    answers.append(who.get(address, params={**needed, field: str(each)}))
                else:
                    # Not done, whatever else is said, so that the one cannot come before the other.
                    answers.append(who.post(address, {**body_of(name), field: str(each)}))
            there, nowhere = answers
            if there.status_code < 300:
                # Done with the one as with the other, but for what the one has changed.
                assert nowhere.status_code < 300 or nowhere.json()["field"] != field, (name, field, nowhere.text)
                continue
            assert same(there, nowhere, id, stranger), (name, field, there.text, nowhere.text)
        tried.add((name, field))
    assert len(tried) > 100


def test_no_list_has_anything_of_another_town(who: Person, client: TestClient, foreign: dict[str, UUID]) -> None:
    theirs = [*map(str, foreign.values()), str(OTHER_TOWN), "赤坞", "递铺"]
    reads = {name: path for name, (method, path, _) in operations(client).items() if method == "get"}
    needed = {
        "explain_authority": {"action": "ledger.file"},
        "prove_consistency": {"first": 1},
    }
    for name, path in reads.items():
        if "{" in path:
            continue
        answer = who.get(path.removeprefix("/api"), params=needed.get(name, {}))
        for each in theirs:
            assert each not in answer.text, (name, each)
    for view in all_views():
        for kind in view.rows:
            asked = {"kind": table(kind).name}
            rows = who.get(f"/views/{view.name}/rows", params=asked)
            changes = who.get(f"/views/{view.name}/changes", params={"since": 1, **asked})
            assert (rows.status_code, changes.status_code) == (200, 200)
            for each in theirs:
                assert each not in rows.text + changes.text, (kind, each)


def test_the_log_as_a_whole_is_for_whoever_reaches_all_of_it(who: Person, ann: Person) -> None:
    for path in ("/log", "/log/bundle"):
        answer = who.get(path)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:taizhang:problem:denied")
    assert ann.saw("/log")["items"]


def test_an_event_of_another_town_is_proved_to_whoever_reaches_it(who: Person, ann: Person) -> None:
    [theirs] = [each for each in ann.saw("/log", params={"limit": 1000})["items"] if "赤坞村的登记" in str(each)]
    answer = who.get(f"/events/{theirs['position']}/proof")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:taizhang:problem:denied")
    assert str(THEIRS) not in answer.text


def test_what_is_within_reach_is_read_as_ever(who: Person) -> None:
    assert who.saw(f"/organisations/{VILLAGE}")["name"] == "鲁家村"
    assert who.saw(f"/obligations/{OURS}")["outcome"] == "open"
    assert len(who.saw(f"/records/{OURS}/history")["items"]) == 1
    assert {each["organisation"] for each in who.saw("/obligations")["items"]} == {str(VILLAGE)}
    assert {each["organisation"] for each in who.saw("/omissions")["items"]} == {str(TOWN)}
    assert who.saw(f"/standards/{PERMITS}")["title"]


def test_nobody_who_is_suspended_reads(clerk: Person, ann: Person) -> None:
    assert clerk.saw("/organisations")["items"]
    ann.did(f"/people/{clerk.id}/suspension", {"reason": "调查"})
    for path in ("/organisations", f"/records/{VILLAGE}/history", "/omissions"):
        answer = clerk.get(path)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:taizhang:problem:denied")
        assert "suspended" in answer.json()["detail"]
