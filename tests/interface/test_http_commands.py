"""What every command over HTTP keeps: its receipt, its one execution, the version it was meant for, its strict body."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import anyio
import pytest
from httpx2 import Response
from starlette.testclient import TestClient
from starlette.types import Message

from interface.app import Installation
from tests.application.services import lend
from tests.interface.callers import PERMITS, TOWN, VILLAGE, Person

FOUNDING = {"name": "安吉县", "level": "county", "code": "330523"}


def refusal(answer: Response, status: int = 422) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    return dict(answer.json())


def test_a_command_answers_with_a_receipt(ann: Person, installation: Installation) -> None:
    head = installation.head()
    answer = ann.post("/organisations", FOUNDING)
    assert answer.status_code == 201
    receipt = answer.json()
    founded = receipt["events"][0]
    assert [event["topic"] for event in receipt["events"]] == [
        "organisation.OrganisationEstablished",
        "organisation.CodeTaken",
    ]
    assert [event["position"] for event in receipt["events"]] == [head + 1, head + 2]
    assert founded["event_id"] == f"{founded['id']}:1"
    assert receipt["position"] == head + 2
    assert answer.headers["Location"] == f"/api/organisations/{founded['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Taizhang-Position"] == str(head + 2)
    assert ann.saw(answer.headers["Location"].removeprefix("/api"))["name"] == "安吉县"


def test_a_command_repeated_with_its_key_is_answered_with_the_first_receipt(
    ann: Person, installation: Installation
) -> None:
    key, head = {"Idempotency-Key": "county-1"}, installation.head()
    first = ann.post("/organisations", FOUNDING, headers=key)
    again = ann.post("/organisations", FOUNDING, headers=key)
    assert (again.status_code, again.content) == (201, first.content)
    assert [again.headers[name] for name in ("ETag", "Location")] == [
        first.headers[name] for name in ("ETag", "Location")
    ]
    assert ann.saw("/log")["known_at"] == head + 2


def test_the_first_receipt_is_given_whatever_has_become_of_what_it_was_for(ann: Person, permits: UUID) -> None:
    key, path = {"Idempotency-Key": "case-1"}, f"/standards/{permits}/cases"
    first = ann.post(path, {"case": "1"}, headers=key)
    ann.did(f"/standards/{permits}/retirement", {"reason": "废止"})
    again = ann.post(path, {"case": "1"}, headers=key)
    assert (again.status_code, again.content) == (201, first.content)


def test_a_key_stands_for_one_request_of_one_person(ann: Person, bo: Person, village: UUID) -> None:
    key = {"Idempotency-Key": "k"}
    path = f"/organisations/{village}/name"
    ann.did(path, {"name": "甲村"}, headers=key)
    assert refusal(ann.post(path, {"name": "乙村"}, headers=key))["field"] == "Idempotency-Key"
    assert refusal(ann.post(f"/organisations/{TOWN}/name", {"name": "甲村"}, headers=key))["field"] == "Idempotency-Key"
    bo.did(path, {"name": "乙村"}, headers=key)
    assert ann.saw(f"/organisations/{village}")["version"] == 3


def test_a_key_has_a_form(ann: Person) -> None:
    for key in ("", "a b", "x" * 256, "\x7f"):
        assert (
            refusal(ann.post("/organisations", FOUNDING, headers={"Idempotency-Key": key}))["field"]
            == "Idempotency-Key"
        )


def test_a_command_for_another_version_is_told_the_current_one(ann: Person, village: UUID) -> None:
    path = f"/organisations/{village}/name"
    assert ann.post(path, {"name": "甲村"}, headers={"If-Match": '"1"'}).headers["ETag"] == '"2"'
    problem = refusal(ann.post(path, {"name": "乙村"}, headers={"If-Match": '"1"'}), 409)
    assert problem["current_version"] == 2
    assert problem["record"] == str(village)
    assert ann.post(path, {"name": "乙村"}, headers={"If-Match": '"2"'}).status_code == 200
    assert ann.post(path, {"name": "丙村"}, headers={"If-Match": "*"}).status_code == 200


@pytest.mark.usefixtures("village")
def test_a_version_is_asked_for_wherever_a_record_is_written_or_relied_on(ann: Person, permits: UUID) -> None:
    match = {"If-Match": '"1"'}
    for path, body in (
        (f"/standards/{permits}/cases", {"case": "1"}),
        (f"/standards/{permits}/obligations", {"year": 2026}),
    ):
        problem = refusal(ann.post(path, body, headers=match), 409)
        assert problem["record"] == str(permits)
        assert ann.post(path, body, headers={"If-Match": f'"{problem["current_version"]}"'}).status_code < 300
    for body in (FOUNDING, {"name": "无代码", "level": "branch"}):
        assert refusal(ann.post("/organisations", body, headers=match), 409)["current_version"] == 0
        assert ann.post("/organisations", body, headers={"If-Match": '"0"'}).status_code == 201
    refusal(ann.post(f"/organisations/{UUID(int=9)}/name", {"name": "x"}, headers=match), 404)


def test_a_version_has_a_form(ann: Person, village: UUID) -> None:
    for tag in ("2", 'W/"2"', '"2", "3"', '"x"', '"-1"', '"99999999999"', ""):
        problem = refusal(ann.post(f"/organisations/{village}/name", {"name": "甲村"}, headers={"If-Match": tag}))
        assert problem["field"] == "If-Match"


def test_who_answers_for_it_is_recorded(
    ann: Person, bo: Person, client: TestClient, installation: Installation, village: UUID
) -> None:
    lend(installation, bo.id, ann.id, "personnel", installation.clock.today())
    ann = Person(client, ann.id, installation.access.create(ann.id), ann.seen)
    said = {
        "occurred_at": "2026-03-01T20:30:00Z",
        "reason": "村民会议通过",
        "authority": "村组法",
        "on_behalf_of": str(bo.id),
        "correlation_id": str(UUID(int=3)),
    }
    ann.did(f"/organisations/{village}/name", {"name": "甲村", **said})
    account = ann.saw("/log")["items"][-1]["account"]
    assert {name: account[name] for name in said} == said
    assert account["actor"] == str(ann.id)
    assert account["occurred_on"] == "2026-03-02", "the day is that of the organisations' zone"


AT_FAULT: list[tuple[dict[str, Any], str]] = [
    ({"occurred_on": "2999-01-01"}, "occurred_on"),
    ({"occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at"),
    ({"occurred_on": "2026-03-01", "occurred_at": "2026-03-05T00:00:00Z"}, "occurred_at"),
    ({"occurred_on": "2026-02-30"}, "body.occurred_on"),
    ({"occurred_on": 20260301}, "body.occurred_on"),
    ({"occurred_on": "0001-01-01"}, "body.occurred_on"),
    ({"occurred_at": "2026-03-01T20:30:00"}, "body.occurred_at"),
    ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "body.occurred_at"),
    ({"on_behalf_of": "bo"}, "body.on_behalf_of"),
    ({"surprise": 1}, "body.surprise"),
    ({"name": 7}, "body.name"),
    ({"name": None}, "body.name"),
    ({"name": "甲\x00村"}, "body.name"),
    ({"name": " 甲村"}, "name"),
]


def test_an_input_at_fault_is_named(ann: Person, village: UUID) -> None:
    for said, field in AT_FAULT:
        assert refusal(ann.post(f"/organisations/{village}/name", {"name": "甲村", **said}))["field"] == field


def test_a_number_is_a_number(ann: Person, village: UUID) -> None:
    for value in (False, True, "1", 1.5, -1, 10**30, None):
        problem = refusal(ann.post(f"/organisations/{village}/members/admission", {"full": value, "probationary": 1}))
        assert problem["field"] == "body.full"


def test_every_input_at_fault_is_told_at_once_and_none_is_echoed(ann: Person) -> None:
    secret = "hunter2"  # noqa: S105  # that is the point
    problem = refusal(ann.post("/organisations", {"level": secret, "code": 1, secret: secret}))
    assert {each["field"] for each in problem["errors"]} == {"body.name", "body.level", "body.code", f"body.{secret}"}
    assert secret not in problem["detail"].replace(f"body.{secret}", "")


def test_a_field_given_twice_is_refused_by_its_name(ann: Person, village: UUID) -> None:
    answer = ann.post(f"/organisations/{village}/name", content='{"name": "甲村", "name": "乙村"}'.encode())
    assert refusal(answer)["field"] == "body.name"
    duty = '{"duty": {"code": "a", "title": "甲", "title": "乙", "frequency": "monthly"}}'
    answer = ann.post(f"/standards/{PERMITS}/duties", content=duty.encode())
    assert refusal(answer)["field"] == "body.title"
    assert ann.saw(f"/organisations/{village}")["version"] == 1


def test_a_token_that_stands_where_none_belongs_is_not_echoed(ann: Person, village: UUID) -> None:
    told = [
        ann.post(f"/organisations/{village}/name", {"name": f" {ann.token}"}),
        ann.post(f"/organisations/{village}/name", {"name": "甲村", ann.token: 1}),
        ann.get("/organisations", params={"known_at": ann.token}),
        ann.get("/organisations", params={ann.token: 1}),
        ann.get(f"/views/{ann.token}/rows"),
    ]
    for answer in told:
        assert 400 <= answer.status_code < 500
        assert "tz_" in answer.text
        assert ann.token not in answer.text


UNREADABLE: list[tuple[bytes, int]] = [
    (b"{", 400),
    (b"nonsense", 400),
    (b"\xff\xfe", 400),
    (b'{"name": "\xff"}', 400),
    (b'{"name": "\\ud800"}', 400),
    (b"[" * 100_000, 400),
    (b'{"name":' * 50_000, 400),
    (b"[]", 422),
    (b"7", 422),
    (b'{"name": {"a": [[[[[[[[[[1]]]]]]]]]]}}', 422),
    (b"", 422),
]


def test_what_cannot_be_read_is_refused(ann: Person, village: UUID) -> None:
    for body, status in UNREADABLE:
        refusal(ann.post(f"/organisations/{village}/name", content=body), status)


def test_who_hangs_up_in_the_middle_of_a_request_is_no_fault_of_the_service(ann: Person, village: UUID) -> None:
    path, sent = f"/api/organisations/{village}/name", list[Message]()
    arriving: Iterator[Message] = iter(
        [{"type": "http.request", "body": b'{"name":', "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> Message:
        return next(arriving)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {ann.token}".encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "headers": headers}
    anyio.run(ann.client.app, {**scope, "query_string": b"", "http_version": "1.1", "app": None}, receive, send)
    assert [message.get("status") for message in sent] == [400, None]
    assert ann.saw(f"/organisations/{village}")["version"] == 1


def test_what_is_too_large_is_not_read(ann: Person, village: UUID) -> None:
    path = f"/organisations/{village}/name"
    refusal(ann.post(path, content=b'{"name":"' + b"x" * 1024 * 1024 + b'"}'), 413)
    refusal(ann.post(path, content=(b" " * 65536 for _ in range(17))), 413)


def test_what_is_of_another_kind_is_not_taken(ann: Person, village: UUID) -> None:
    answer = ann.post(f"/organisations/{village}/name", content=b"name=x", headers={"Content-Type": "text/plain"})
    assert refusal(answer, 415)["type"] == "urn:taizhang:problem:unsupported"
    typed = {"Content-Type": "application/json; charset=utf-8"}
    assert (
        ann.post(f"/organisations/{village}/name", content='{"name":"甲村"}'.encode(), headers=typed).status_code == 200
    )


def test_a_command_for_nothing_is_told_so(ann: Person, permits: UUID) -> None:
    for id in (UUID(int=99), permits):
        refusal(ann.post(f"/organisations/{id}/name", {"name": "甲村"}), 404)
        refusal(ann.post(f"/obligations/{id}/entry", {"summary": "x"}), 404)


def test_a_rule_is_told_with_its_field(ann: Person, village: UUID) -> None:
    assert refusal(ann.post(f"/organisations/{TOWN}/parent", {"parent": str(village)}))["field"] == "parent"
    assert refusal(ann.post(f"/organisations/{village}/parent", {"parent": str(UUID(int=5))}))["field"] == "parent"
    assert refusal(ann.post("/organisations", {**FOUNDING, "code": "33 0523"}))["field"] == "code"
    assert (
        refusal(
            ann.post(
                f"/organisations/{village}/codes",
                {"scheme": "uscc", "code": "91440300192203821X", "valid_from": "2026-02-01"},
            )
        )["field"]
        == "code"
    )


def test_a_record_of_another_kind_cannot_be_a_parent(ann: Person, village: UUID, permits: UUID) -> None:
    assert refusal(ann.post(f"/organisations/{village}/parent", {"parent": str(permits)}))["type"].endswith("refused")


@pytest.mark.usefixtures("village")
def test_a_problem_is_said_in_the_readers_language(ann: Person) -> None:
    body = {"parent": str(VILLAGE)}
    for language, sentence, said in (
        ("zh-CN,en;q=0.5", "组织不能隶属于自身或其下级", "zh-CN"),
        ("en", "an organisation cannot be moved below itself", "en"),
        ("fr", "an organisation cannot be moved below itself", "en"),
    ):
        answer = ann.post(f"/organisations/{TOWN}/parent", body, headers={"Accept-Language": language})
        assert refusal(answer)["detail"] == sentence
        assert answer.headers["Content-Language"] == said
    answer = ann.post(f"/organisations/{TOWN}/name", {}, headers={"Accept-Language": "zh"})
    assert refusal(answer)["errors"] == [{"field": "body.name", "reason": "缺少此项"}]


def test_addresses_and_methods_that_are_not_there_are_told(ann: Person, client: TestClient) -> None:
    assert refusal(ann.get("/nothing"), 404)["type"] == "urn:taizhang:problem:not-found"
    headers = {"Authorization": f"Bearer {ann.token}"}
    answer = client.delete("/api/organisations", headers=headers)
    assert refusal(answer, 405)["type"] == "urn:taizhang:problem:method"
