"""Every route asks the gate for what it declares: each duty alone does what goes with it, and no more."""

from collections.abc import Callable
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from domain.action import Duty
from domain.actions import ACTIONS
from domain.ledger import obligation_id
from interface.app import Installation
from tests.interface.callers import FLOW, PERMITS, TOWN, VILLAGE, Person

DAY = "2026-01-01"
ITEM = obligation_id(VILLAGE, PERMITS, "review", "2026-01")
SOMEBODY = UUID(int=77)
NOT_THERE = str(UUID(int=78))

# A body that each command can read; whether rules allow what it says is another matter.
BODIES: dict[str, dict[str, Any]] = {
    "establish_organisation": {"name": "甲", "level": "other"},
    "rename_organisation": {"name": "乙"},
    "change_setting": {"setting": "urban"},
    "move_organisation": {"parent": None},
    "assign_code": {"scheme": "division", "code": "330523111", "valid_from": DAY},
    "withdraw_code": {"scheme": "uscc", "valid_until": DAY},
    "appoint_officer": {"post": "书记", "person": NOT_THERE, "since": DAY},
    "release_officer": {"post": "主任", "person": NOT_THERE, "on": DAY},
    "expire_terms": {},
    "hold_election": {"on": DAY, "results": [], "since": DAY},
    "admit_members": {"full": 1},
    "confirm_members": {"count": 1},
    "lose_members": {"full": 1, "cause": "death"},
    "transfer_members": {"full": 1, "on": DAY},
    "receive_members": {"full": 1, "on": DAY},
    "register_doubly": {"count": 1, "residence": str(TOWN)},
    "begin_dissolution": {},
    "abandon_dissolution": {},
    "dissolve_organisation": {},
    "draft_standard": {"code": "other", "title": "规范", "area": "组织建设"},
    "describe_standard": {"title": "规范", "area": "组织建设"},
    "draw_flow": {"bpmn": FLOW},
    "upload_flow": {},
    "define_step": {"step": "x", "name": "步骤"},
    "link_flow": {"nodes": [], "links": []},
    "separate_steps": {"pairs": []},
    "define_duty": {"duty": {"code": "d", "title": "事项", "frequency": "monthly"}},
    "remove_duty": {"code": "d"},
    "publish_standard": {},
    "amend_standard": {"reason": "修订"},
    "retire_standard": {"reason": "废止"},
    "raise_obligations": {"year": 2026},
    "open_case": {"case": "1"},
    "start_step": {"step": "收件", "reason": "补"},
    "complete_step": {"step": "收件", "reason": "补"},
    "file_entry": {"summary": "已完成"},
    "attach_evidence": {"evidence": {"kind": "minutes", "hash": f"sha256:{'a' * 64}", "title": "记录"}},
    "verify_entry": {},
    "reject_entry": {"reason": "不实"},
    "correct_entry": {"reason": "更正", "changes": {"summary": "改"}},
    "explain_exception": {"reason": "缺人", "acting_organisation": str(VILLAGE)},
    "accept_exception": {"acting_organisation": str(TOWN)},
    "decline_exception": {"reason": "不成立", "acting_organisation": str(TOWN)},
    "waive_obligation": {"reason": "汛期", "authority": "纪要", "acting_organisation": str(TOWN)},
    "skip_event": {"reason": "跳过"},
    "register_person": {"name": "丙"},
    "appoint_person": {"duty": "filer", "organisation": None, "since": DAY, "decision": "决定"},
    "end_appointment": {"appointment": "appointment", "last": "2999-01-01"},
    "suspend_person": {"reason": "调查", "until": "2999-01-01"},
    "reinstate_person": {},
    "declare_relation": {"other": NOT_THERE, "tie": "relative"},
    "end_relation": {"relation": "relation"},
    "delegate_duty": {"appointment": NOT_THERE, "to": NOT_THERE, "since": DAY, "until": DAY},
    "revoke_delegation": {"delegation": NOT_THERE},
    "request_emergency": {"duty": "filer", "organisation": None, "hours": 1, "reason": "汛情"},
    "grant_emergency": {},
    "decline_emergency": {"reason": "不予"},
    "open_sign_in": {"login": "somebody"},
    "close_sign_in": {},
    "sign_out": {},
    "end_session": {},
    "change_password": {"password": "before", "new_password": "after"},
    "create_token": {"person": None},
    "revoke_token": {},
}
# What takes no body reads none.
NO_BODY = {"revoke_token", "sign_out", "end_session"}
# What a person does to others is another action than what they do to themselves.
FOR_OTHERS = {"declare_relation": "authority.declare_for"}


def operations(client: TestClient) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Every operation: its method, its path, and what the document says of it."""
    paths = client.get("/api/openapi.json").json()["paths"]
    return {
        operation["operationId"]: (method, path, operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if operation.get("security") != []
    }


def test_every_route_declares_the_action_that_it_asks_the_gate_for(client: TestClient) -> None:
    for name, (method, _, operation) in operations(client).items():
        declared = operation.get("x-taizhang-action")
        assert declared, f"{name} declares no duty"
        action = ACTIONS[declared["name"]]
        assert declared["duties"] == [*action.duties]
        assert declared["rules"] == [rule.name for rule in action.conflicts]
        assert (action.name == "record.read") == (method == "get"), name


def test_every_command_is_tried_here(client: TestClient) -> None:
    commands = {name for name, (method, *_) in operations(client).items() if method == "post"}
    assert commands == BODIES.keys()


@pytest.fixture
def record(ann: Person, village: UUID, permits: UUID) -> dict[str, str]:
    """Identifiers of records that commands are about, by the beginning of their paths."""
    ann.did(f"/standards/{permits}/obligations", {"year": 2026})
    somebody = ann.did("/people", {"name": "某某"})["events"][0]["id"]
    given = {"duty": "filer", "organisation": str(village), "since": DAY, "decision": "决定"}
    ann.did(f"/people/{somebody}/appointments", given)
    ann.did(f"/people/{somebody}/relations", {"other": str(ann.id), "tie": "household"})
    [held] = ann.saw("/appointments", params={"person": somebody})["items"]
    relation = ann.saw("/log", params={"after": ann.seen["position"] - 1})["items"][0]["event"]["relation"]
    emergency = ann.did("/emergencies", {"duty": "filer", "organisation": None, "hours": 1, "reason": "汛情"})
    return {
        "organisations": str(village),
        "standards": str(permits),
        "obligations": str(ITEM),
        "people": somebody,
        "emergencies": emergency["events"][0]["id"],
        "tokens": "0" * 16,
        "views": "ledger",
        "appointment": held["id"],
        "relation": relation,
    }


def holder(installation: Installation, client: TestClient, duty: Duty) -> Person:
    """Somebody who holds one duty for the whole record, with a token that narrows nothing."""
    [id] = installation.access.introduce([f"holder of {duty}"])
    installation.people.entrust(id, duty)
    return Person(client, id, installation.access.create(id))


@pytest.mark.parametrize("duty", get_args(Duty))
def test_each_duty_alone_does_what_goes_with_it_and_nothing_else(
    duty: Duty, installation: Installation, client: TestClient, record: dict[str, str]
) -> None:
    who = holder(installation, client, duty)
    for name, (method, path, operation) in operations(client).items():
        if method != "post":
            continue
        address = path.removeprefix("/api")
        collection = address.split("/")[1]
        address = address.replace("{id}", record.get(collection, "")).replace("{name}", record["views"])
        more: dict[str, Any] = {"content": FLOW.encode(), "headers": {"Content-Type": "application/xml"}}
        body = {key: record.get(value, value) if value == key else value for key, value in BODIES[name].items()}
        answer = who.post(address, **more) if name == "upload_flow" else who.post(address, body)
        action = ACTIONS[FOR_OTHERS.get(name) or operation["x-taizhang-action"]["name"]]
        assert (answer.status_code == 403) == (duty not in action.duties), (name, answer.text)
        if answer.status_code == 403:
            assert answer.json()["type"] == "urn:taizhang:problem:denied"
            assert action.name in answer.json()["detail"], "whoever is refused is told what it needs"
        else:
            assert answer.status_code in (200, 201, 404, 409, 422), (name, answer.text)


@pytest.mark.usefixtures("record")
def test_nobody_says_in_a_body_who_they_are_or_what_let_them(ann: Person, client: TestClient) -> None:
    """Mass assignment: what the account holds of itself is taken from nobody."""
    tried = 0
    for name, (method, path, _) in operations(client).items():
        if method != "post" or name == "upload_flow":
            continue
        address = path.removeprefix("/api").replace("{id}", str(VILLAGE)).replace("{name}", "ledger")
        for field in ("actor", "verdict", "command_id", "recorded_at", "version", "emergency", "signs_in"):
            answer = ann.post(address, {**BODIES[name], field: str(SOMEBODY)})
            if name in NO_BODY:
                assert answer.status_code in (200, 404), name
                continue
            assert answer.status_code == 422, (name, field, answer.text)
            assert f"body.{field}" in answer.text, (name, answer.text)
            tried += 1
    assert tried > 300


def test_the_verdict_is_recorded_with_the_event(ann: Person, village: UUID) -> None:
    ann.did(f"/organisations/{village}/name", {"name": "鲁家新村"})
    verdict = ann.saw("/log", params={"after": ann.seen["position"] - 1})["items"][0]["account"]["verdict"]
    assert (verdict["action"], verdict["duty"]) == ("organisation.rename", "administrator")
    assert UUID(verdict["appointment"])


def test_what_is_out_of_reach_is_answered_as_what_is_not_there(person: Callable[..., Person], village: UUID) -> None:
    clerk = person("Cai", "personnel", village)
    for path, body in (("name", {"name": "甲"}), ("codes/withdrawal", {"scheme": "division", "valid_until": DAY})):
        stranger = str(uuid4())
        there, nowhere = (clerk.post(f"/organisations/{id}/{path}", body) for id in (str(TOWN), stranger))
        assert there.status_code == nowhere.status_code == 404
        assert there.text.replace(str(TOWN), "") == nowhere.text.replace(stranger, "")
        assert set(there.headers) == set(nowhere.headers)


def test_a_refusal_says_what_is_needed_in_the_readers_language(person: Callable[..., Person], village: UUID) -> None:
    clerk = person("Cai", "filer", village)
    answer = clerk.post("/organisations", {"name": "甲", "level": "county"}, headers={"Accept-Language": "zh"})
    assert answer.status_code == 403
    assert "组织设立 organisation.establish" in answer.json()["detail"]


def test_a_person_is_registered_appointed_and_comes_in_over_http(
    ann: Person, client: TestClient, village: UUID
) -> None:
    registered = ann.did("/people", {"name": "省平台", "kind": "service"})["events"][0]["id"]
    given = {"duty": "integrator", "organisation": str(village), "since": DAY, "decision": "接入批复"}
    ann.did(f"/people/{registered}/appointments", given)
    [held] = ann.saw("/appointments", params={"person": registered})["items"]
    assert (held["duty"], held["organisation"], held["since"]) == ("integrator", str(village), DAY)
    made = ann.did("/tokens", {"person": registered, "purpose": "对接"})
    program = Person(client, UUID(registered), made["token"])
    assert program.saw("/me")["name"] == "省平台"
    assert program.post(f"/organisations/{village}/name", {"name": "甲"}).status_code == 403
    assert [each["id"] for each in program.saw("/tokens")["items"]] == [made["id"]]
    assert program.did(f"/tokens/{made['id']}/revocation")["revoked_at"]


def test_a_token_made_of_another_is_for_no_more_than_that(ann: Person, client: TestClient, village: UUID) -> None:
    narrow = ann.did("/tokens", {"actions": ["organisation.rename", "authority.own_tokens", "record.read"]})
    who = Person(client, ann.id, narrow["token"])
    assert who.post(f"/organisations/{village}/members/admission", {"full": 1}).status_code == 403
    wider = who.did("/tokens", {})
    again = Person(client, ann.id, wider["token"])
    assert again.post(f"/organisations/{village}/members/admission", {"full": 1}).status_code == 403
    assert again.did(f"/organisations/{village}/name", {"name": "鲁家新村"})
    role = who.saw("/me")["role"]
    assert role == "administrator"
    assert who.post("/tokens", {"duty": "auditor"}).status_code == 403


def test_nobody_takes_back_the_token_of_another(ann: Person, bo: Person) -> None:
    [held] = ann.saw("/tokens")["items"]
    assert bo.post(f"/tokens/{held['id']}/revocation", {}).status_code == 404
    assert ann.saw("/me")


@pytest.mark.usefixtures("record")
def test_why_one_may_or_may_not_is_told(ann: Person, person: Callable[..., Person], village: UUID) -> None:
    clerk = person("Cai", "filer", village)
    clerk.did(f"/obligations/{ITEM}/entry", {"summary": "已完成"})
    asked = {"action": "ledger.verify", "record": str(ITEM), "person": str(clerk.id)}
    told = ann.saw("/authority/explanation", params=asked)
    assert not told["allowed"]
    assert [each["rule"] for each in told["rules"]] == ["filer-verifier"]
    assert told["rules"][0]["ruled_out"]
    assert told["appointments"][0]["held"]["finding"] == "another duty"
    mine = clerk.saw("/authority/explanation", params={"action": "ledger.file", "organisation": str(village)})
    assert mine["allowed"]
    other = clerk.get("/authority/explanation", params={"action": "ledger.file", "person": str(ann.id)})
    assert other.status_code == 403


@pytest.mark.usefixtures("record")
def test_whoever_filed_is_told_the_rule_that_rules_them_out(ann: Person) -> None:
    ann.did(f"/obligations/{ITEM}/entry", {"summary": "已完成"})
    answer = ann.post(f"/obligations/{ITEM}/verification", {})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:taizhang:problem:conflicted")
    assert answer.json()["rule"] == "filer-verifier"
