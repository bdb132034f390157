"""What every query over HTTP keeps: the moment it asks for, pages of one moment, and what a reader has already."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from application.database import Database, Role
from application.migrate import migrate
from interface.app import Installation
from interface.http import create_app
from tests.application.clusters import until
from tests.interface.callers import TOWN, VILLAGE, Person


def refusal(answer: Response, status: int = 422) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def test_a_query_answers_for_any_past_moment(ann: Person, village: UUID) -> None:
    path = f"/organisations/{village}"
    before = ann.seen["position"]
    recorded_at = ann.did(f"{path}/name", {"name": "甲村"})["recorded_at"]
    ann.did(f"{path}/name", {"name": "乙村"})
    assert ann.saw(path)["name"] == "乙村"
    assert ann.saw(path, params={"known_at": before})["name"] == "鲁家村"
    assert ann.saw(path, params={"known_at": before + 1})["name"] == "甲村"
    assert ann.saw(path, params={"known_at": recorded_at})["name"] == "甲村"
    assert ann.get(path, params={"known_at": before}).headers["Taizhang-Known-At"] == str(before)
    refusal(ann.get(path, params={"known_at": 2}), 404)


@pytest.mark.usefixtures("village")
def test_a_moment_with_an_offset_may_lose_its_plus_sign(ann: Person) -> None:
    headers = {"Authorization": f"Bearer {ann.token}"}
    ann.saw("/organisations")
    answer = ann.client.get("/api/organisations?known_at=2026-01-01T00:00:00+08:00", headers=headers)
    assert answer.json() == {"known_at": 0, "next": None, "items": []}


@pytest.mark.usefixtures("village")
def test_a_moment_that_is_none_is_refused(ann: Person) -> None:
    ann.saw("/organisations")
    for moment in ("9", "2999-01-01", "yesterday", "-1", "9" * 400, "9999-12-31", "0001-01-01T00:00:00%2B14:00", ""):
        headers = {"Authorization": f"Bearer {ann.token}"}
        answer = ann.client.get(f"/api/organisations?known_at={moment}", headers=headers)
        if moment.startswith("0001"):
            assert answer.json()["known_at"] == 0
        else:
            assert refusal(answer)["field"] == "known_at", moment


def test_pages_follow_each_other_and_are_of_one_moment(ann: Person, village: UUID) -> None:
    for number in range(5):
        body = {"name": f"{number}组", "level": "branch", "code": f"b{number}", "parent": str(village)}
        ann.did("/organisations", body)
    asked: dict[str, Any] = {"level": "branch", "limit": 2}
    first = ann.saw("/organisations", params=asked)
    ann.did("/organisations", {"name": "后来", "level": "branch", "code": "b1x", "parent": str(village)})
    second = ann.saw("/organisations", params={**asked, "cursor": first["next"]})
    third = ann.saw("/organisations", params={**asked, "cursor": second["next"]})
    pages = [[each["code"] for each in page["items"]] for page in (first, second, third)]
    assert pages == [["b0", "b1"], ["b2", "b3"], ["b4"]]
    assert {page["known_at"] for page in (first, second, third)} == {first["known_at"]}
    assert third["next"] is None
    elsewhen = ann.get("/organisations", params={**asked, "cursor": second["next"], "known_at": 1})
    assert elsewhen.json() == third
    assert elsewhen.headers["Taizhang-Known-At"] == str(first["known_at"])


@pytest.mark.usefixtures("village")
def test_a_cursor_that_no_page_gave_is_refused(ann: Person) -> None:
    def cursor(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    town = str(TOWN)
    forged = ["x", "é", "=", "[" * 900, cursor([]), cursor({}), cursor([1]), cursor([1, 2, town])]
    forged += [cursor([-1, "a", town]), cursor([True, "a", town]), cursor([1, "a\0", town]), cursor([2**70, "a", town])]
    head = ann.seen["position"]
    forged += [cursor([head, "330523110", "no uuid"]), cursor([head + 1, "330523110", town])]
    forged += [cursor([2**63 - 2, "330523110", town])]
    for each in forged:
        for path in ("/organisations", "/omissions"):
            assert refusal(ann.get(path, params={"cursor": each}))["field"] == "cursor", (path, each)


@pytest.mark.usefixtures("village")
def test_parameters_are_strict(ann: Person) -> None:
    for name, value in {
        "limit": "0",
        "surprise": "1",
        "parent": "x",
        "level": "galaxy",
        "code": "a\0",
        "after_position": "-1",
    }.items():
        expected = "after_position" if name == "after_position" else f"query.{name}"
        headers = {"Authorization": f"Bearer {ann.token}"}
        problem = refusal(ann.client.get("/api/organisations", params={name: value}, headers=headers))
        assert problem["field"] in (expected, f"query.{name}")
    headers = {"Authorization": f"Bearer {ann.token}"}
    beyond = ann.client.get("/api/organisations", params={"after_position": 99}, headers=headers)
    assert refusal(beyond)["field"] == "after_position"


def test_a_parameter_that_is_given_twice_is_refused(ann: Person) -> None:
    for path in ("/organisations?limit=1&limit=2", "/organisations?limit=1&limit=1", "/log?after=0&limit=1&after=1"):
        problem = refusal(ann.client.get(f"/api{path}", headers={"Authorization": f"Bearer {ann.token}"}))
        assert f"{problem['field']}=" in path
        assert "more than once" in problem["detail"]


@pytest.mark.parametrize("path", ["/organisations", f"/organisations/{VILLAGE}", "/nothing", "/openapi.json"])
@pytest.mark.usefixtures("village")
def test_head_answers_what_get_does_without_the_body(ann: Person, path: str) -> None:
    whole = ann.get(path)
    head = ann.client.head(f"/api{path}", headers={"Authorization": f"Bearer {ann.token}"})
    assert (head.status_code, head.content) == (whole.status_code, b"")
    for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control"):
        assert head.headers.get(name) == whole.headers.get(name), name
    assert ann.client.head("/api/organisations").status_code == 401
    answer = ann.client.head(f"/api/organisations/{VILLAGE}/name", headers={"Authorization": f"Bearer {ann.token}"})
    assert (answer.status_code, answer.content) == (405, b"")


def test_a_reader_who_has_the_version_is_told_so(ann: Person, village: UUID) -> None:
    path = f"/organisations/{village}"
    tag = ann.get(path).headers["ETag"]
    assert tag == '"1"'
    for given in (tag, f'W/{tag}, "9"', "*"):
        answer = ann.get(path, headers={"If-None-Match": given})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
    ann.did(f"{path}/name", {"name": "甲村"})
    answer = ann.get(path, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')


def test_a_reader_may_wait_for_everything_recorded_by_now(ann: Person, village: UUID) -> None:
    ann.did(f"/organisations/{village}/name", {"name": "甲村"})
    headers = {"Authorization": f"Bearer {ann.token}", "Prefer": "respond-async, wait=10"}
    answer = ann.client.get(f"/api/organisations/{village}", headers=headers)
    assert answer.json()["name"] == "甲村"
    assert answer.headers["Preference-Applied"] == "wait=10"
    endless = ann.get("/organisations", headers={"Prefer": "wait=999999"})
    assert endless.headers["Preference-Applied"] == "wait=30"
    assert endless.headers["Cache-Control"] == "private, no-cache", "what one may read is kept for nobody else"


def test_a_view_that_is_behind_is_told_and_asked_again(database: Database) -> None:
    migrate(database)
    with Installation(database) as installation, TestClient(create_app(installation)) as client:
        ann = Person(client, UUID(int=1), installation.token("Ann", "administrator"))
        refusal(ann.get("/organisations"), 503)
        installation.fold_now()
        ann.did("/organisations", {"name": "安吉县", "level": "county"})
        answer = ann.get("/organisations", headers={"Prefer": "wait=0"})
        assert refusal(answer, 503)["type"] == "urn:taizhang:problem:behind"
        assert answer.headers["Retry-After"] == "1"
        installation.fold_now()
        assert len(ann.saw("/organisations")["items"]) == 1


def test_a_tree_is_shown_level_by_level(ann: Person, village: UUID) -> None:
    for number in range(3):
        body = {"name": f"{number}组", "level": "branch", "code": f"b{number}", "parent": str(village)}
        ann.did("/organisations", body)
    shallow = ann.saw(f"/organisations/{TOWN}/tree")["root"]
    assert [(each["code"], each["more"], each["children"]) for each in shallow["children"]] == [
        ("330523110201", True, [])
    ]
    deep = ann.saw(f"/organisations/{TOWN}/tree", params={"depth": 2})["root"]
    assert [each["code"] for each in deep["children"][0]["children"]] == ["b0", "b1", "b2"]
    assert not deep["children"][0]["more"]
    founded = ann.saw(f"/records/{TOWN}/history")["items"][0]["position"]
    past = ann.saw(f"/organisations/{TOWN}/tree", params={"depth": 2, "known_at": founded})["root"]
    assert past["children"] == []
    refusal(ann.get(f"/organisations/{UUID(int=3)}/tree"), 404)


def test_a_profile_tells_codes_and_officers_of_a_day(ann: Person, bo: Person) -> None:
    founding = {"name": "鲁家村", "level": "village", "code": "330523110201", "occurred_on": "2020-01-01"}
    ann.did("/organisations", founding)
    path = f"/organisations/{VILLAGE}"
    term = {"post": "书记", "person": str(bo.id), "since": "2021-01-01", "until": "2025-12-31"}
    ann.did(f"{path}/officers", term)
    ann.did(f"{path}/codes", {"scheme": "division", "code": "330523110301", "valid_from": "2024-01-01"})
    ann.did(f"{path}/members/admission", {"full": 30, "probationary": 2})
    whole = ann.saw(path)
    assert [held["code"] for held in whole["codes"]] == ["330523110201", "330523110301"]
    assert (whole["full_members"], whole["probationary_members"]) == (30, 2)
    day = ann.saw(path, params={"on": "2020-06-01"})
    assert ([held["code"] for held in day["codes"]], day["terms"]) == (["330523110201"], [])
    [officer] = ann.saw(path, params={"on": "2024-06-01"})["terms"]
    assert (officer["post"], officer["person"]) == ("书记", str(bo.id))


def test_an_organisation_lives_and_ends(ann: Person, bo: Person, village: UUID) -> None:
    path, town = f"/organisations/{village}", f"/organisations/{TOWN}"
    ann.did(f"{path}/members/admission", {"full": 5, "probationary": 3})
    ann.did(f"{path}/members/confirmation", {"count": 1})
    ann.did(f"{path}/members/loss", {"full": 1, "cause": "death"})
    ann.did(f"{path}/members/double-registration", {"count": 2, "residence": str(TOWN)})
    results = [{"post": "书记", "person": str(bo.id)}]
    ann.did(f"{path}/elections", {"on": "2026-02-01", "results": results, "since": "2026-02-02"})
    ann.did(f"{path}/officers/release", {"post": "书记", "person": str(bo.id), "on": "2026-02-10"})
    ann.did(f"{path}/setting", {"setting": "urban"})
    ann.did(f"{path}/parent", {"parent": None})
    ann.did(f"{path}/parent", {"parent": str(TOWN)})
    refusal(ann.post(f"{path}/dissolution", {}))
    ann.did(f"{path}/dissolution/begin")
    ann.did(f"{path}/dissolution/abandon")
    ann.did(f"{path}/dissolution/begin")
    assert refusal(ann.post(f"{path}/dissolution", {}))["detail"] == "transfer its 7 members first"
    receipt = ann.did(f"{path}/members/transfer", {"full": 5, "probationary": 2, "to": str(TOWN), "on": "2026-03-01"})
    assert [event["id"] for event in receipt["events"]] == [str(village), str(TOWN)]
    ann.did(f"{town}/members/receipt", {"full": 1, "on": "2026-03-01"})
    ann.did(f"{path}/dissolution", {"successor": str(TOWN)})
    ended = ann.saw(path)
    assert (ended["standing"], ended["code"], ended["successor"]) == ("dissolved", "", str(TOWN))
    assert ann.saw(town)["full_members"] == 6
    assert ann.saw("/organisations", params={"code": "330523110201"})["items"] == []


def test_what_a_crash_took_back_while_it_was_read_is_not_answered(database: Database) -> None:
    """A view's commits do not wait for the disk, and a query whose connection broke is asked again after the crash."""
    migrate(database)
    with Installation(database) as installation, TestClient(create_app(installation)) as client:
        ann = Person(client, UUID(int=1), installation.token("Ann", "administrator"))
        ann.did("/organisations", {"name": "安吉县", "level": "county"})
        installation.fold_now()
        assert len(ann.saw("/organisations")["items"]) == 1
        with ThreadPoolExecutor(1) as threads, database.connect(Role.owner) as connection:
            with connection.transaction():
                connection.execute("LOCK TABLE record_organisation.organisation")
                reading = threads.submit(ann.get, "/organisations")
                until(lambda: blocked(database))
                connection.execute("UPDATE views SET position = position - 1")
            assert refusal(reading.result(5), 503)["type"] == "urn:taizhang:problem:behind"


def blocked(database: Database) -> bool:
    with database.connect(Role.owner) as connection:
        return connection.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount > 0
