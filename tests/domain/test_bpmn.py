"""BPMN 2.0 as drawing tools write it: read whole, or refused with the name of what is not understood."""

import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, example, settings
from hypothesis import given as sample
from hypothesis import strategies as st

from domain.event import Refused
from domain.standard import Bounds, Flow, Kind, Link, Node, analyse, bpmn, check
from domain.standard.flow import FARTHEST
from tests.domain.dialects import CAMUNDA, SIGNAVIO

# A busy machine draws slowly; that is no fault of the code.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

RECEIPTS = Path(__file__).with_name("permit-receipts.bpmn")
SHIPPED = Path(__file__).parents[2] / "templates" / "standards" / "three-meetings.bpmn"

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"

PLAIN = """
    <startEvent id="start"/>
    <task id="t1" name="受理"/>
    <endEvent id="end"/>
    <sequenceFlow id="f1" sourceRef="start" targetRef="t1"/>
    <sequenceFlow id="f2" sourceRef="t1" targetRef="end"/>
"""


def document(content: str, around: str = "") -> bytes:
    return f'<definitions xmlns="{MODEL}" id="d"><process id="p">{content}</process>{around}</definitions>'.encode()


def declared(encoding: str, codec: str) -> bytes:
    return f'<?xml version="1.0" encoding="{encoding}"?>{document(PLAIN).decode()}'.encode(codec)


def bare(flow: Flow) -> Flow:
    """A flow without its drawing."""
    return Flow(
        nodes=tuple(node.model_copy(update={"bounds": None}) for node in flow.nodes),
        links=tuple(link.model_copy(update={"waypoints": ()}) for link in flow.links),
    )


def test_a_camunda_drawing_is_read_with_its_places_and_without_what_bears_on_no_step() -> None:
    flow = bpmn.read(CAMUNDA.encode())
    check(flow)
    assert [(node.id, node.kind, node.name) for node in flow.nodes] == [
        ("S1", "start", "收到"),
        ("G1", "exclusive", "合格?"),
        ("A1", "task", "审查"),
        ("A2", "task", "归档"),
        ("E1", "end", ""),
    ]
    places = {node.id: node.bounds for node in flow.nodes}
    assert places["A1"] == Bounds(x=230.0, y=150.0, width=100.5, height=80.0)
    assert places["G1"] == Bounds(x=395.0, y=165.0, width=50.0, height=50.0), "a label has a place of its own"
    assert places["E1"] is None
    assert flow.links[1] == Link(id="F2", source="A1", target="G1", waypoints=((330.0, 190.0), (395.0, 190.0)))
    assert flow.links[2] == Link(id="F3", source="G1", target="A1", name="退回")
    assert analyse(flow).precedes == (("审查", "归档"),)


def test_a_signavio_drawing_is_read_with_names_on_one_line() -> None:
    flow = bpmn.read(SIGNAVIO.encode())
    check(flow)
    assert flow.steps == ("收到 申请", "核实", "通知")
    assert flow.nodes[1].bounds == Bounds(x=120.0, y=-75.5, width=100.0, height=80.0)
    assert set(analyse(flow).precedes) == {("收到 申请", "核实"), ("收到 申请", "通知")}


@pytest.mark.parametrize("prefix", ["bpmn", "bpmn2", "semantic", "model"])
def test_the_prefix_of_the_namespace_is_the_tools_choice(prefix: str) -> None:
    xml = CAMUNDA.replace("bpmn:", f"{prefix}:").replace("xmlns:bpmn=", f"xmlns:{prefix}=")
    assert bpmn.read(xml.encode()) == bpmn.read(CAMUNDA.encode())


def test_a_diagram_may_name_elements_with_a_prefix_and_come_before_the_process() -> None:
    drawing = """<di:BPMNDiagram xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI"
        xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"><di:BPMNPlane><di:BPMNShape bpmnElement="tns:t1">
        <dc:Bounds x="1" y="2" width="3" height="4"/></di:BPMNShape></di:BPMNPlane></di:BPMNDiagram>"""
    flow = bpmn.read(document(PLAIN, drawing).replace(b"<process", b"<signal id='sg'/><process"))
    assert flow.nodes[1].bounds == Bounds(x=1.0, y=2.0, width=3.0, height=4.0)


@pytest.mark.parametrize(
    "kind",
    ["task", "userTask", "manualTask", "serviceTask", "scriptTask", "sendTask", "receiveTask", "businessRuleTask"],
)
def test_every_kind_of_task_is_a_step(kind: str) -> None:
    flow = bpmn.read(document(PLAIN.replace("<task", f"<{kind}")))
    assert flow.nodes[1] == Node(id="t1", kind="task", name="受理")


@pytest.mark.parametrize(
    "xml",
    [
        declared("UTF-8", "utf-8"),
        declared("utf-8", "utf-8-sig"),
        declared("UTF-16", "utf-16"),
        declared("UTF-16LE", "utf-16-le"),
        declared("GBK", "gbk"),
        declared("gb2312", "gb2312"),
        declared("GB18030", "gb18030"),
        declared("Big5", "big5"),
        declared("cp936", "gbk"),
    ],
)
def test_the_declared_encoding_is_honoured(xml: bytes) -> None:
    assert bpmn.read(xml).steps == ("受理",)


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "GBK", "unicode_escape"])
def test_how_a_document_begins_goes_before_what_it_declares(encoding: str, codec: str) -> None:
    assert bpmn.read(declared(encoding, codec)).steps == ("受理",)


@pytest.mark.parametrize("encoding", ["windows-1252", "iso-8859-15", "us-ascii"])
def test_an_encoding_of_one_byte_to_a_character_is_read(encoding: str) -> None:
    xml = f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + document(PLAIN.replace("受理", "receipt"))
    assert bpmn.read(xml).steps == ("receipt",)


@pytest.mark.parametrize(
    ("element", "named"),
    [
        ('<inclusiveGateway id="g7"/>', "inclusiveGateway g7"),
        ('<eventBasedGateway id="g7"/>', "eventBasedGateway g7"),
        ('<complexGateway id="g7"/>', "complexGateway g7"),
        ('<subProcess id="sp"><task id="x"/></subProcess>', "subProcess sp"),
        ('<transaction id="sp"/>', "transaction sp"),
        ('<adHocSubProcess id="sp"/>', "adHocSubProcess sp"),
        ('<callActivity id="ca" calledElement="other"/>', "callActivity ca"),
        ('<boundaryEvent id="be" attachedToRef="t1"/>', "boundaryEvent be"),
        ('<intermediateCatchEvent id="ie"/>', "intermediateCatchEvent ie"),
        ('<intermediateThrowEvent id="ie"/>', "intermediateThrowEvent ie"),
        (
            '<endEvent id="e2"><terminateEventDefinition id="td"/></endEvent>',
            "terminateEventDefinition td of endEvent e2",
        ),
        ('<startEvent id="s2"><timerEventDefinition/></startEvent>', "timerEventDefinition of startEvent s2"),
        ('<startEvent id="s2"><eventDefinitionRef>m</eventDefinitionRef></startEvent>', "eventDefinitionRef"),
        (
            '<task id="x" name="X"><multiInstanceLoopCharacteristics/></task>',
            "multiInstanceLoopCharacteristics of task x",
        ),
        ('<task id="x" name="X"><standardLoopCharacteristics/></task>', "standardLoopCharacteristics of task x"),
        ('<task id="x" name="X" isForCompensation="true"/>', "isForCompensation of task x"),
        ('<task id="x" name="X" startQuantity="2"/>', "startQuantity of task x"),
        ('<receiveTask id="x" name="X" instantiate="true"/>', "instantiate of receiveTask x"),
        ('<v:step xmlns:v="urn:vendor" id="x"/>', "step x"),
        ('<somethingNew id="x"/>', "somethingNew x"),
    ],
)
def test_what_is_not_understood_is_named_with_its_line_and_refused(element: str, named: str) -> None:
    with pytest.raises(Refused, match=named) as refused:
        bpmn.read(document(PLAIN + element))
    assert "not understood" in str(refused.value)
    assert refused.value.field == "file"
    assert refused.value.values["line"] == 1 + PLAIN.count("\n")


@pytest.mark.parametrize(
    ("around", "named"),
    [
        ('<collaboration id="c"><messageFlow id="mf" sourceRef="p" targetRef="q"/></collaboration>', "messageFlow mf"),
        ('<choreography id="ch"/>', "choreography ch"),
        ('<collaboration id="c"><conversation id="k"/></collaboration>', "conversation k"),
        (
            '<collaboration id="c"><participant id="q"><participantMultiplicity/></participant></collaboration>',
            "participantMultiplicity of participant q",
        ),
        ('<globalTask id="gt"/>', "globalTask gt"),
        ('<v:flow xmlns:v="urn:vendor" id="x"/>', "flow x"),
    ],
)
def test_what_is_not_understood_beside_the_process_is_refused_too(around: str, named: str) -> None:
    with pytest.raises(Refused, match=f"{named} is not understood"):
        bpmn.read(document(PLAIN, around))


def test_a_document_has_one_process_with_a_flow() -> None:
    assert bpmn.read(document(PLAIN, '<process id="empty"><laneSet id="ls"/></process>')).steps == ("受理",)
    with pytest.raises(Refused, match="process second is a second"):
        bpmn.read(document(PLAIN, '<process id="second"><task id="b" name="B"/></process>'))
    with pytest.raises(Refused, match="no process with a flow"):
        bpmn.read(document(""))


def test_a_condition_or_a_default_stands_at_an_exclusive_gateway_alone() -> None:
    link = '<sequenceFlow id="f9" sourceRef="t1" targetRef="end">'
    with pytest.raises(Refused, match="sequenceFlow f9 has one"):
        bpmn.read(document(f"{PLAIN}{link}<conditionExpression>x</conditionExpression></sequenceFlow>"))
    with pytest.raises(Refused, match="task t1 has one"):
        bpmn.read(document(PLAIN.replace('id="t1"', 'id="t1" default="f2"')))


def test_a_default_is_a_link_that_leaves_its_gateway() -> None:
    for default in ("f9", "f1"):
        with pytest.raises(Refused, match=f"default of exclusiveGateway g is “{default}”"):
            bpmn.read(document(f'{PLAIN}<exclusiveGateway id="g" default="{default}"/>'))


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('targetRef="t1"', 'targetRef="t2"', "the targetRef of sequenceFlow f1 is “t2”, which is no node"),
        ('sourceRef="start"', "", "sequenceFlow f1 has no sourceRef"),
        ('sourceRef="start"', 'sourceRef="f2"', "the sourceRef of sequenceFlow f1 is “f2”"),
        (' id="t1"', "", "the task has no id"),
        (' id="f1"', "", "the sequenceFlow has no id"),
        ('name="受理"', "", "task t1 has no name"),
        ('name="受理"', 'name=" &#10; "', "task t1 has no name"),
        ('id="end"', 'id="t1"', "line 4: endEvent t1 has the identifier of the task in line 3"),
        ('id="f2"', 'id="end"', "line 6: sequenceFlow end has the identifier of the endEvent in line 4"),
        ("</process>", "", "line 7: this is not well-formed XML: mismatched tag"),
        ('id="t1"', 'id="t1" id="t1"', "duplicate attribute"),
        (MODEL, "http://schema.omg.org/spec/BPMN/2.0", "no BPMN 2.0 document"),
        ("definitions", "html", "its root is html"),
        ("受理", "&receipt;", "undefined entity"),
    ],
)
def test_a_damaged_document_is_refused_with_the_place(before: str, after: str, sentence: str) -> None:
    assert before in document(PLAIN).decode()
    with pytest.raises(Refused, match=sentence) as refused:
        bpmn.read(document(PLAIN).decode().replace(before, after).encode())
    assert refused.value.field == "file"


@pytest.mark.parametrize(
    ("xml", "sentence"),
    [
        (b"", "no element found"),
        (b"\x00\x01\x02", "not well-formed"),
        (b"PK\x03\x04 a spreadsheet", "not well-formed"),
        (declared("UTF-8", "gbk"), "not well-formed"),
        (declared("GBK", "utf-8")[:-30] + b"\xff\xff", "not in the encoding that it declares"),
        (declared("Shift_JIS", "shift_jis"), "encoding that is not known"),
        (declared("klingon", "utf-8"), "encoding that is not known"),
        *(
            (declared(name, "utf-8"), "encoding that is not known")
            for name in ("rot13", "unicode_escape", "idna", "punycode", "utf-7", "charmap", "undefined", "iso-8859-99")
        ),
        (declared("UTF-16", "utf-16")[:-1], "not in the encoding that it declares"),
        (document("<task/>" * 1001), "more than 1000 nodes"),
        (b" " * 5_000_001, "larger than 5000000 bytes"),
    ],
)
def test_a_file_that_is_no_such_document_is_refused(xml: bytes, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        bpmn.read(xml)


@pytest.mark.parametrize("prologue", ['<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>', "<!DOCTYPE html>"])
def test_a_document_type_is_refused_before_anything_it_declares_is_used(prologue: str) -> None:
    with pytest.raises(Refused, match="document type"):
        bpmn.read(prologue.encode() + document(PLAIN))


def test_a_document_that_nests_or_repeats_without_end_is_refused_soon() -> None:
    begin = time.perf_counter()
    with pytest.raises(Refused, match="nest too deeply"):
        bpmn.read(document("<laneSet>" * 100_000))
    with pytest.raises(Refused, match="nest too deeply"):
        bpmn.read(document("<extensionElements>" + "<x>" * 100_000))
    with pytest.raises(Refused, match="more than 200000 elements"):
        bpmn.read(document("<extensionElements>" + "<x/>" * 200_000))
    assert time.perf_counter() - begin < 5


def test_a_place_that_is_no_number_is_refused() -> None:
    for text in ("left", "", "NaN", "inf", "1_0", "１０", "1e999", "-1000000001"):
        drawing = CAMUNDA.replace('x="230"', f'x="{text}"')
        with pytest.raises(Refused, match=f"line .*: x “{text}” is no number"):
            bpmn.read(drawing.encode())


def names(fewest: int, most: int) -> st.SearchStrategy[str]:
    """Names of so many words as a flow may have them: printable, and no blank but one at a time within."""
    visible = st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.sampled_from("<>&'\"受理]")
    return st.lists(st.text(visible, min_size=1, max_size=5), min_size=fewest, max_size=most).map(" ".join)


@st.composite
def drawings(draw: st.DrawFn) -> Flow:
    """Any drawing, whether or not it makes a flow."""
    number = st.floats(min_value=-FARTHEST, max_value=FARTHEST)
    ids = draw(st.lists(names(1, 2), min_size=2, max_size=12, unique=True))
    kinds: list[Kind] = ["start", "end", "task", "exclusive", "parallel"]
    nodes: list[Node] = []
    for id in ids[: max(1, len(ids) // 2)]:
        x, y, width, height = draw(st.tuples(number, number, number, number))
        bounds = Bounds(x=x, y=y, width=width, height=height)
        nodes.append(Node(id=id, kind=draw(st.sampled_from(kinds)), name=draw(names(1, 3)), bounds=bounds))
    ends = st.sampled_from([node.id for node in nodes])
    line = st.lists(st.tuples(number, number), min_size=1, max_size=4).map(tuple)
    links = [
        Link(id=id, source=draw(ends), target=draw(ends), name=draw(names(0, 3)), waypoints=draw(line))
        for id in ids[len(nodes) :]
    ]
    return Flow(nodes=tuple(nodes), links=tuple(links))


@PATIENT
@sample(drawings(), names(0, 3), names(0, 3))
def test_what_is_written_reads_back_the_same(flow: Flow, id: str, name: str) -> None:
    assert bpmn.read(bpmn.write(flow, id, name)) == flow


EDGE = Bounds(x=FARTHEST, y=FARTHEST, width=FARTHEST, height=FARTHEST)
HIGHEST = Bounds(x=-FARTHEST, y=-FARTHEST, width=-FARTHEST, height=-FARTHEST)
FAR_OUT = Flow(
    nodes=(Node(id="t", kind="task", name="t", bounds=EDGE), Node(id="e", kind="end")),
    links=(Link(id="l", source="t", target="e"), Link(id="m", source="t", target="t")),
)


FAR_UP = FAR_OUT.model_copy(
    update={"nodes": (FAR_OUT.nodes[0].model_copy(update={"bounds": HIGHEST}), *FAR_OUT.nodes[1:])}
)


@example(FAR_OUT, 1)
@example(FAR_UP, 1)
@PATIENT
@sample(drawings(), st.integers(0, 6))
def test_what_is_drawn_in_part_keeps_what_is_drawn(flow: Flow, some: int) -> None:
    part = Flow(nodes=(*flow.nodes[:some], *bare(flow).nodes[some:]), links=flow.links)
    drawn = bpmn.read(bpmn.write(part, "code", "title"))
    assert drawn.nodes[:some] == flow.nodes[:some]
    assert all(node.bounds for node in drawn.nodes)


@PATIENT
@sample(drawings())
def test_what_nobody_has_drawn_is_laid_out_and_stays_so(flow: Flow) -> None:
    written = bpmn.write(bare(flow), "code", "title")
    drawn = bpmn.read(written)
    assert bare(drawn) == bare(flow)
    assert all(node.bounds for node in drawn.nodes)
    assert all(len(link.waypoints) >= 2 for link in drawn.links)
    assert bpmn.write(drawn, "code", "title") == written


def test_a_layout_overlaps_nothing_and_runs_from_left_to_right_but_for_loops() -> None:
    flow = bpmn.read(bpmn.write(bare(bpmn.read(CAMUNDA.encode())), "c", "t"))
    places = {node.id: node.bounds for node in flow.nodes if node.bounds}
    for one in places.values():
        for other in places.values():
            assert one is other or one.x + one.width < other.x or other.x + other.width < one.x or one.y != other.y
    backward = [link.id for link in flow.links if places[link.target].x < places[link.source].x]
    assert backward == ["F3"]


def test_what_is_added_to_a_drawing_is_placed_below_it() -> None:
    flow = bpmn.read(CAMUNDA.encode())
    drawn = bpmn.read(bpmn.write(flow, "c", "t"))
    assert drawn.nodes[2].bounds == flow.nodes[2].bounds
    for node in (drawn.nodes[0], drawn.nodes[3], drawn.nodes[4]):
        assert node.bounds and node.bounds.y > 230


def test_a_written_document_has_every_identifier_once_and_refers_to_what_is_there() -> None:
    flow = bpmn.read(SIGNAVIO.encode())
    clash = tuple(node.model_copy(update={"id": "diagram"}) if node.kind == "end" else node for node in flow.nodes)
    links = tuple(
        link.model_copy(update={"target": "diagram", "id": "sid-a_di"}) if link.target == "sid-e" else link
        for link in flow.links
    )
    root = ET.fromstring(bpmn.write(Flow(nodes=clash, links=links), "规范 1", "a < b & “c”"))  # noqa: S314 (our own)
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(set(ids)) == len(ids)
    process = root.find(f"{{{MODEL}}}process")
    assert process is not None
    assert process.attrib["name"] == "a < b & “c”"
    assert process.attrib["id"].isascii(), "bpmn-js takes no other"
    for reference in root.iter():
        assert reference.attrib.get("bpmnElement", ids[0]) in ids
    for node in process:
        for tag, end in (("incoming", "targetRef"), ("outgoing", "sourceRef")):
            said = [child.text for child in node if child.tag == f"{{{MODEL}}}{tag}"]
            links_there = [link.attrib["id"] for link in process if link.attrib.get(end) == node.attrib["id"]]
            assert said == links_there


def test_the_shipped_drawing_is_sound() -> None:
    flow = bpmn.read(SHIPPED.read_bytes())
    check(flow)
    assert bpmn.read(bpmn.write(flow, "three-meetings", "三会一课")) == bpmn.read(SHIPPED.read_bytes())


def test_the_real_drawing_says_what_must_come_before_what() -> None:
    flow = bpmn.read(RECEIPTS.read_bytes())
    check(flow)
    found = analyse(flow)
    names = {step.split()[0]: step for step in found.steps}
    assert found.required == frozenset(found.steps) and len(found.steps) == 6
    chains = ("Confirmation T02 T04 T05", "Confirmation T06 T10")
    pairs = {(names[a], names[b]) for chain in chains for a, b in zip(chain.split(), chain.split()[1:], strict=False)}
    assert set(found.precedes) == pairs
