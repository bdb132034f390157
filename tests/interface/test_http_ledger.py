"""The ledger over HTTP: a year of duties, entries and their verification, exceptions, and cases against the flow."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from domain.ledger import obligation_id
from interface.app import Installation
from tests.application.services import lend
from tests.interface.callers import PERMITS, TOWN, VILLAGE, Person

REVIEW = obligation_id(VILLAGE, PERMITS, "review", "2026-01")
FEBRUARY = obligation_id(VILLAGE, PERMITS, "review", "2026-02")


@pytest.fixture
def clerk(person: Callable[..., Person], village: UUID) -> Person:
    return person("Cai", "filer", village)


@pytest.fixture
def year(ann: Person, permits: UUID, village: UUID) -> Any:
    """A year's obligations of the village."""
    return ann.did(f"/standards/{permits}/obligations", {"year": 2026, "below": str(village)})


def outcomes(ann: Person) -> dict[str, str]:
    items = ann.saw("/obligations", params={"organisation": str(VILLAGE), "limit": 1000})["items"]
    return {each["period"]: each["outcome"] for each in items}


def test_raising_a_year_can_be_repeated(ann: Person, permits: UUID, year: Any) -> None:
    [event] = year["events"]
    assert (event["topic"], event["position"]) == ("ledger.YearRaised", year["position"])
    assert set(outcomes(ann).values()) == {"open"}
    path, head = f"/standards/{permits}/obligations", ann.saw("/log", params={"limit": 1000})["items"][-1]["position"]
    key = {"Idempotency-Key": "2026"}
    again = ann.post(path, {"year": 2026}, headers=key)
    assert ann.post(path, {"year": 2026}, headers=key).json() == again.json()
    assert ann.post(path, {"year": 2027}, headers=key).json()["field"] == "Idempotency-Key"
    [told] = ann.saw("/log", params={"after": head})["items"]
    assert (told["event"]["raised"], told["event"]["standing"]) == (0, 12)
    [row] = ann.saw(f"/standards/{permits}/years")["items"]
    assert (row["year"], row["raised"], row["version"]) == (2026, 12, 2)
    assert "asks nothing in 1999" in ann.post(path, {"year": 1999}).json()["detail"]


@pytest.mark.usefixtures("year")
def test_an_entry_is_filed_sent_back_filed_again_and_verified(
    ann: Person, bo: Person, clerk: Person, client: TestClient, installation: Installation
) -> None:
    lend(installation, clerk.id, ann.id, "verifier", installation.clock.today())
    path = f"/obligations/{REVIEW}"
    evidence = {"kind": "minutes", "hash": f"sha256:{'ab' * 32}"}
    clerk.did(
        f"{path}/entry", {"summary": "自查三处", "evidence": [evidence], "attendance": {"entitled": 5, "present": 4}}
    )
    clerk.did(f"{path}/evidence", {"evidence": {**evidence, "kind": "photo"}})
    lent = Person(client, ann.id, installation.access.create(ann.id), ann.seen)
    own = lent.post(f"{path}/verification", {"on_behalf_of": str(clerk.id)})
    assert own.json()["detail"] == "whoever filed or corrected an entry may not verify it"
    bo.did(f"{path}/rejection", {"reason": "未写明结论"})
    clerk.did(f"{path}/entry", {"summary": "自查三处，均已整改"})
    bo.did(f"{path}/verification", {"remark": "属实"})
    clerk.did(f"{path}/correction", {"reason": "处数有误", "changes": {"summary": "自查四处，均已整改"}})
    assert ann.saw(path)["entry"] == "filed"
    bo.did(f"{path}/verification")
    row = ann.saw(path)
    assert (row["entry"], row["summary"], row["outcome"]) == ("verified", "自查四处，均已整改", "late")


@pytest.mark.usefixtures("year")
def test_an_exception_is_explained_below_and_decided_above(ann: Person, clerk: Person) -> None:
    path = f"/obligations/{REVIEW}"
    clerk.did(f"{path}/explanation", {"reason": "换届"})
    assert ann.post(f"{path}/acceptance", {}).json()["field"] == "organisation"
    ann.did(f"{path}/decline", {"reason": "应当安排", "acting_organisation": str(TOWN)})
    clerk.did(f"{path}/explanation", {"reason": "换届，且防汛"})
    ann.did(f"{path}/acceptance", {"acting_organisation": str(TOWN)})
    ann.did(f"/obligations/{FEBRUARY}/waiver", {"reason": "防汛", "authority": "会议纪要"})
    found = outcomes(ann)
    assert (found["2026-01"], found["2026-02"]) == ("excused", "waived")


@pytest.mark.usefixtures("year")
def test_the_board_keeps_outcomes_apart_and_adds_them_up_the_tree(ann: Person, clerk: Person) -> None:
    before = ann.seen["position"]
    clerk.did(f"/obligations/{REVIEW}/entry", {"summary": "自查"})
    ann.did(f"/obligations/{FEBRUARY}/waiver", {"reason": "防汛", "authority": "会议纪要"})
    asked: dict[str, Any] = {"organisation": str(TOWN), "area": "efficiency"}
    [january] = ann.saw("/omissions", params={**asked, "period": "2026-01"})["items"]
    assert (january["code"], january["total"], january["late"], january["open"]) == ("330523110201", 1, 1, 0)
    [february] = ann.saw("/omissions", params={**asked, "period": "2026-02"})["items"]
    assert (february["waived"], february["open"]) == (1, 0)
    [past] = ann.saw("/omissions", params={**asked, "period": "2026-02", "known_at": before})["items"]
    assert (past["waived"], past["open"]) == (0, 1)
    first = ann.saw("/omissions", params={"limit": 5})
    rest = ann.saw("/omissions", params={"limit": 100, "cursor": first["next"]})
    periods = [line["period"] for line in (*first["items"], *rest["items"])]
    assert periods == [f"2026-{month:02}" for month in range(1, 13)]
    assert {line["name"] for line in first["items"]} == {"昌硕街道"}


def test_a_case_is_held_against_its_flow(ann: Person, bo: Person, permits: UUID) -> None:
    before = ann.seen["position"]
    answer = ann.post(f"/standards/{permits}/cases", {"case": "2026-1", "due": "2026-12-31"})
    path = answer.headers["Location"].removeprefix("/api")
    assert path.startswith("/obligations/")
    done, issued = f"{path}/steps/complete", {"step": "发证", "by": str(ann.id), "occurred_at": "2026-03-02T01:00:00Z"}
    ann.did(f"{path}/steps/start", {"step": "收件"})
    ann.did(done, {"step": "收件", "occurred_at": "2026-03-01T01:00:00Z"})
    assert ann.post(done, issued).json()["field"] == "step"
    ann.did(done, {**issued, "reason": "系统补录"})
    bo.did(done, {"step": "审查", "occurred_at": "2026-03-03T01:00:00Z"})
    bo.did(f"/standards/{permits}/cases", {"case": "2026-2"})
    found = ann.saw(f"/standards/{permits}/conformance")
    assert (found["cases"], found["steps"], found["faultless"]) == (2, 3, 0)
    assert found["out_of_order"] == {"cases": 1, "by_step": {"审查 → 发证": 1}}
    assert found["duty_conflict"]["by_step"] == {"收件 → 发证": 1}
    assert found["omitted"]["cases"] == 1
    [case] = ann.saw(f"/standards/{permits}/cases", params={"case": "2026-1"})["items"]
    assert [done["step"] for done in case["completions"]] == ["收件", "发证", "审查"]
    assert case["duty_conflict"] == ["收件 → 发证"]
    assert ann.saw(f"/standards/{permits}/cases", params={"faultless": "true"})["items"] == []
    assert ann.saw(f"/standards/{permits}/conformance", params={"known_at": before})["cases"] == 0


def test_steps_told_without_a_time_are_done_when_they_are_told(ann: Person, bo: Person, permits: UUID) -> None:
    answer = ann.post(f"/standards/{permits}/cases", {"case": "2026-3"})
    done = f"{answer.headers['Location'].removeprefix('/api')}/steps/complete"
    bo.did(done, {"step": "审查", "reason": "先行审查"})
    ann.did(done, {"step": "收件"})
    bo.did(done, {"step": "发证"})
    found = ann.saw(f"/standards/{permits}/conformance")
    assert found["out_of_order"] == {"cases": 1, "by_step": {"收件 → 审查": 1}}


def test_what_is_asked_of_no_standard_is_not_found(ann: Person, village: UUID) -> None:
    for path in ("conformance", "cases", "versions", "draft", "flow"):
        assert ann.get(f"/standards/{village}/{path}").status_code == 404
    assert ann.post(f"/standards/{village}/cases", {"case": "1"}).status_code == 404
    assert ann.post(f"/standards/{village}/obligations", {"year": 2026}).status_code == 404
