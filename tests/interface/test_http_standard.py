"""Standards over HTTP: from a drawing to a published version, and back to a drawing."""

from uuid import UUID

from domain.standard import bpmn
from tests.interface.callers import FLOW, PERMITS, Person

DRAFT = {"code": "permits", "title": "行政许可", "area": "efficiency"}
XML = {"Content-Type": "application/xml"}


def test_a_flow_is_drawn_by_uploading_it(ann: Person) -> None:
    answer = ann.post("/standards", DRAFT)
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/api/standards/{PERMITS}")
    receipt = ann.did(f"/standards/{PERMITS}/flow.bpmn", content=FLOW.encode(), json=None, headers=XML)
    assert [event["topic"] for event in receipt["events"]] == [*["standard.FlowStepDefined"] * 3, "standard.FlowLinked"]
    draft = ann.saw(f"/standards/{PERMITS}/draft")
    assert [node["name"] for node in draft["flow"]["nodes"] if node["kind"] == "task"] == ["收件", "审查", "发证"]
    assert draft["authors"] == [str(ann.id)]
    assert ann.get(f"/standards/{PERMITS}/flow").status_code == 404, "nothing is published yet"


def test_a_flow_is_drawn_from_json_too(ann: Person) -> None:
    ann.did("/standards", DRAFT)
    flow = bpmn.read(FLOW.encode()).model_dump(mode="json")
    ann.did(f"/standards/{PERMITS}/flow", {"flow": flow, "reason": "初稿"})
    assert ann.saw(f"/standards/{PERMITS}/draft")["flow"] == flow
    for body in ({}, {"flow": flow, "bpmn": FLOW}):
        assert ann.post(f"/standards/{PERMITS}/flow", body).json()["field"] == "body.flow"


def test_a_document_sent_as_text_is_text_whatever_encoding_it_declares(ann: Person) -> None:
    ann.did("/standards", DRAFT)
    ann.did(f"/standards/{PERMITS}/flow", {"bpmn": FLOW.replace("UTF-8", "GBK")})
    nodes = ann.saw(f"/standards/{PERMITS}/draft")["flow"]["nodes"]
    assert [node["name"] for node in nodes if node["kind"] == "task"] == ["收件", "审查", "发证"]


def test_a_flow_is_drawn_step_by_step_too(ann: Person, bo: Person) -> None:
    path = f"/standards/{PERMITS}"
    ann.did("/standards", DRAFT)
    for step, name in (("a", "收件"), ("b", "审查"), ("b", "审核")):
        ann.did(f"{path}/steps", {"step": step, "name": name})
    assert bo.post(f"{path}/publication", {}).json()["field"] == "flow"
    nodes = [{"id": "s", "kind": "start"}, {"id": "e", "kind": "end"}]
    ends = [("s", "a"), ("a", "b"), ("b", "e")]
    links = [{"id": f"f{n}", "source": one, "target": other} for n, (one, other) in enumerate(ends)]
    task = {"id": "c", "kind": "task", "name": "发证"}
    assert ann.post(f"{path}/links", {"nodes": [*nodes, task], "links": links}).json()["field"] == "nodes"
    ann.did(f"{path}/links", {"nodes": nodes, "links": links})
    bo.did(f"{path}/publication")
    assert ann.saw(f"{path}/flow")["precedes"] == [["收件", "审核"]]
    assert ann.post(f"{path}/steps", {"step": "c", "name": "发证"}).status_code == 422, "what is published stays"


def test_a_number_without_end_is_refused(ann: Person) -> None:
    ann.did("/standards", DRAFT)
    for number in ("NaN", "Infinity", "1e400"):
        bounds = f'{{"x": {number}, "y": 0, "width": 1, "height": 1}}'
        body = f'{{"flow": {{"nodes": [{{"id": "a", "kind": "task", "bounds": {bounds}}}], "links": []}}}}'
        answer = ann.post(f"/standards/{PERMITS}/flow", content=body)
        assert answer.status_code in (400, 422), number
        assert answer.json().get("field", "body") in ("body", "body.flow.nodes.0.bounds.x")


def test_a_drawing_that_cannot_be_read_is_refused_by_name(ann: Person) -> None:
    ann.did("/standards", DRAFT)
    for document, said in (
        (b"<definitions", "line 1"),
        (b"no xml", "line 1"),
        (b"\xff\xfe\x00", ""),
        (FLOW.replace("<task", "<subProcess", 1).replace('收件"/>', '收件"></subProcess>').encode(), "subProcess a"),
        (FLOW.replace('targetRef="e"', 'targetRef="b"').encode(), ""),
        (b"", ""),
    ):
        answer = ann.post(f"/standards/{PERMITS}/flow.bpmn", content=document, headers=XML)
        assert answer.status_code == 422, document
        assert said in answer.json()["detail"]
    assert ann.post(f"/standards/{PERMITS}/flow.bpmn", content=b"x" * 5_300_000, headers=XML).status_code == 413
    assert ann.post(f"/standards/{PERMITS}/flow.bpmn", {"flow": 1}).status_code == 415


def test_a_published_flow_is_shown_as_it_is_read(ann: Person, permits: UUID) -> None:
    shown = ann.saw(f"/standards/{permits}/flow")
    assert shown["required"] == ["发证", "审查", "收件"]
    assert shown["precedes"] == [["收件", "审查"], ["审查", "发证"]]
    assert shown["separate"] == [["收件", "发证"]]
    drawn = ann.get(f"/standards/{permits}/flow", headers={"Accept": "application/xml"})
    assert drawn.headers["Content-Type"].startswith("application/xml")
    assert drawn.content == ann.get(f"/standards/{permits}/flow.bpmn").content
    assert bpmn.read(drawn.content).steps == ("收件", "审查", "发证")
    assert ann.get(f"/standards/{permits}/flow.bpmn", params={"version": 2}).status_code == 404
    assert ann.get(f"/standards/{permits}/flow", params={"known_at": ann.seen["position"] - 1}).status_code == 404


def test_whoever_drafted_a_standard_may_not_publish_it(ann: Person) -> None:
    ann.did("/standards", DRAFT)
    ann.did(f"/standards/{PERMITS}/flow", {"bpmn": FLOW})
    answer = ann.post(f"/standards/{PERMITS}/publication", {})
    assert (answer.status_code, answer.json()["detail"]) == (422, "whoever drafted a standard may not approve it")


def test_a_standard_is_amended_in_versions_that_stay(ann: Person, bo: Person, permits: UUID) -> None:
    path = f"/standards/{permits}"
    assert ann.post(f"{path}/duties/removal", {"code": "review"}).status_code == 422
    ann.did(f"{path}/amendment", {"reason": "减负"})
    ann.did(f"{path}/description", {"title": "行政许可办理", "area": "廉政建设", "authority": "行政许可法"})
    ann.did(f"{path}/duties/removal", {"code": "review"})
    assert ann.get(f"{path}/draft", params={"known_at": ann.seen["position"] - 3}).status_code == 404
    bo.did(f"{path}/publication")
    versions = ann.saw(f"{path}/versions")["items"]
    assert [(each["number"], len(each["duties"])) for each in versions] == [(1, 1), (2, 0)]
    assert [(each["title"], each["area"]) for each in versions] == [
        ("行政许可", "efficiency"),
        ("行政许可办理", "integrity"),
    ]
    assert ann.saw(f"{path}")["standing"] == "published"
    bo.did(f"{path}/retirement", {"reason": "不再适用"})
    assert ann.saw("/standards", params={"area": "廉政建设", "standing": "retired"})["items"][0]["id"] == str(permits)
