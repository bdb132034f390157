"""Records as they were made: stories in two languages, the log itself, and the views' own state."""

from time import monotonic, sleep
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from application.identity import uuid7
from application.records import Act, Work
from domain.event import Account
from domain.organisation import Organisation, OrganisationRenamed
from domain.topics import TOPICS
from interface.app import Installation
from interface.http import story
from tests.application.services import lend
from tests.interface.callers import TOWN, Person


def poison(installation: Installation) -> int:
    """Record what no command would: a new name of something that was never founded. No view can fold it."""

    def rename_nothing(work: Work) -> None:
        nothing = work.create(Organisation, uuid4())
        work.record(act.account, (nothing, OrganisationRenamed(name_before="甲", name="乙")))

    day = installation.clock.today()
    act = Act(Account(actor=UUID(int=1), occurred_on=day, command_id=uuid7()))
    return installation.records.transact(act, rename_nothing).position


def test_every_event_has_a_sentence() -> None:
    told = {topic.partition("/")[0] for topic in story.STORY}
    assert told == TOPICS.keys()
    assert all(story.term(kind) for kind in TOPICS.values())


def test_a_record_tells_its_story_in_the_readers_language(
    ann: Person, bo: Person, client: TestClient, installation: Installation, village: UUID
) -> None:
    path = f"/organisations/{village}"
    lend(installation, bo.id, ann.id, "personnel", installation.clock.today())
    lent = Person(client, ann.id, installation.access.create(ann.id), ann.seen)
    lent.did(f"{path}/name", {"name": "新鲁家村", "reason": "村民会议通过", "on_behalf_of": str(bo.id)})
    ann.did(f"{path}/parent", {"parent": None})
    term = {"post": "书记", "person": str(bo.id), "since": "2026-02-01"}
    ann.did(f"{path}/officers", term)
    ann.saw(path)  # so that the view can tell the town's name
    told = ann.saw(f"/records/{village}/history", headers={"Accept-Language": "zh-CN"})["items"]
    assert [each["sentence"] for each in told] == [
        "“鲁家村”设立",
        "“鲁家村”更名为“新鲁家村”",
        "隶属关系由昌硕街道调整为—",
        "Bo任书记，任期自 2026-02-01 至 —",
    ]
    assert [each["term"] for each in told] == ["组织设立", "更名", "隶属关系调整", "任职"]
    renamed = told[1]
    assert renamed["by"] == {"id": str(ann.id), "name": "Ann"}
    assert renamed["on_behalf_of"] == {"id": str(bo.id), "name": "Bo"}
    assert renamed["changes"] == [{"field": "name", "before": "鲁家村", "after": "新鲁家村"}]
    assert renamed["event_id"] == f"{village}:2"
    assert renamed["account"]["reason"] == "村民会议通过"
    assert renamed["event"] == {"name_before": "鲁家村", "name": "新鲁家村"}
    english = ann.saw(f"/records/{village}/history", params={"limit": 2, "cursor": 1})
    assert english["items"][0]["sentence"] == "“鲁家村” was renamed “新鲁家村”"
    assert english["next"] == "3"
    past = ann.saw(f"/records/{village}/history", params={"known_at": renamed["position"]})
    assert [each["version"] for each in past["items"]] == [1, 2]
    assert ann.get(f"/records/{uuid4()}/history").status_code == 404


def test_a_history_that_goes_on_is_that_of_a_record(ann: Person, village: UUID) -> None:
    assert ann.saw(f"/records/{village}/history", params={"cursor": 1})["items"] == []
    for cursor in ({}, {"cursor": 1}):
        assert ann.get(f"/records/{UUID(int=9)}/history", params=cursor).status_code == 404


def test_the_log_is_read_in_order_as_it_is_stored(ann: Person, permits: UUID) -> None:
    events, after = [], 0
    first = ann.saw(f"/records/{permits}/history")["items"][0]["position"]
    while True:
        page = ann.saw("/log", params={"after": after, "limit": 3})
        events += page["items"]
        if page["next"] is None:
            break
        after = int(page["next"])
    assert [each["position"] for each in events] == list(range(1, ann.seen["position"] + 1))
    told = [each for each in events if each["id"] == str(permits)]
    assert {each["topic"].partition(".")[0] for each in events if each not in told} == {"authority"}
    assert (told[0]["position"], told[0]["event"]["title"]) == (first, "行政许可")
    assert len(ann.saw("/log", params={"known_at": 2})["items"]) == 2


@pytest.mark.usefixtures("permits")
def test_a_reader_who_is_ahead_of_the_log_is_told_that_it_ends_before(ann: Person) -> None:
    head = ann.seen["position"]
    assert ann.saw("/log", params={"after": head})["items"] == []
    refused = ann.get("/log", params={"after": head + 1})
    assert refused.status_code == 422
    assert (refused.json()["field"], refused.json()["detail"]) == ("after", f"the log ends at position {head}")


def test_views_tell_where_they_stand(ann: Person, village: UUID, installation: Installation) -> None:
    ann.saw(f"/organisations/{village}")
    standing = {each["name"]: each for each in ann.saw("/views")["items"]}["organisation"]
    assert (standing["state"], standing["position"], standing["lag_events"]) == ("following", installation.head(), 0)
    assert standing["lag_seconds"] == 0
    assert standing["kinds"] == ["organisation"]


def test_the_rows_of_a_view_are_shown_at_any_moment(ann: Person, village: UUID, permits: UUID) -> None:
    rows = ann.saw("/views/organisation/rows", params={"limit": 1})
    more = ann.saw("/views/organisation/rows", params={"cursor": rows["next"]})
    assert {each["id"] for each in (*rows["items"], *more["items"])} == {str(village), str(TOWN)}
    founded = ann.saw(f"/records/{TOWN}/history")["items"][0]["position"]
    assert len(ann.saw("/views/organisation/rows", params={"known_at": founded})["items"]) == 1
    [version] = ann.saw("/views/standard/rows", params={"kind": "version"})["items"]
    assert version["standard"] == str(permits)
    assert ann.get("/views/standard/rows", params={"kind": "x"}).json()["field"] == "kind"
    assert ann.get("/views/nothing/rows").status_code == 404


def test_two_moments_are_compared(ann: Person, village: UUID) -> None:
    since = ann.seen["position"]
    ann.did(f"/organisations/{village}/name", {"name": "甲村"})
    ann.did(f"/organisations/{TOWN}/name", {"name": "甲镇"})
    ann.did(f"/organisations/{TOWN}/name", {"name": "昌硕街道"})
    ann.did("/organisations", {"name": "乙村", "level": "village"})
    changes, cursor = [], None
    while True:
        asked = {"since": since, "until": ann.seen["position"], "limit": 1} | ({"cursor": cursor} if cursor else {})
        page = ann.saw("/views/organisation/changes", params=asked)
        changes += page["items"]
        if (cursor := page["next"]) is None:
            break
    names = {each["key"]: [each[side] and each[side]["name"] for side in ("before", "after")] for each in changes}
    assert names.pop(str(village)) == ["鲁家村", "甲村"]
    assert names.pop(str(TOWN)) == ["昌硕街道", "昌硕街道"], "the record is at another version"
    assert list(names.values()) == [[None, "乙村"]]
    assert ann.get("/views/organisation/changes", params={"since": 3, "until": 2}).json()["field"] == "since"
    assert ann.get("/views/organisation/changes").json()["field"] == "query.since"
    assert ann.get("/views/organisation/changes", params={"since": "soon"}).json()["field"] == "since"
    assert ann.get("/views/organisation/changes", params={"since": 1, "until": 99}).json()["field"] == "until"


def test_a_stopped_view_is_shown_and_goes_on_by_a_recorded_decision(
    ann: Person, village: UUID, installation: Installation
) -> None:
    assert "is not stopped" in ann.post("/views/organisation/skip", {"reason": "x"}).json()["detail"]
    position = poison(installation)
    ann.did(f"/organisations/{village}/name", {"name": "甲村"})
    ann.saw("/standards")
    assert ann.get("/organisations", headers={"Prefer": "wait=1"}).status_code == 503
    standing = {each["name"]: each for each in ann.saw("/views")["items"]}["organisation"]
    assert (standing["state"], standing["stopped_at"], standing["lag_events"]) == ("stopped", position, 2)
    assert 0 < standing["lag_seconds"] < 60
    assert "LookupError" in standing["error"]
    health = ann.client.get("/api/health")
    lags = {each["name"]: each["lag_seconds"] for each in health.json()["views"]}
    assert (lags["organisation"] > standing["lag_seconds"], lags["standard"]) == (True, 0)
    assert (health.json()["status"], "LookupError" in health.text) == ("impaired", False)
    assert ann.post("/views/organisation/skip", {}).json()["field"] == "reason"
    decision: dict[str, Any] = {"body": {"reason": "误录"}, "headers": {"Idempotency-Key": "skip"}}
    first = ann.did("/views/organisation/skip", **decision)
    until = monotonic() + 10
    while ann.get(f"/organisations/{village}").status_code == 503 and monotonic() < until:
        sleep(0.05)
    assert ann.saw(f"/organisations/{village}")["name"] == "甲村"
    assert ann.did("/views/organisation/skip", **decision) == first
