"""BPMN 2.0 as drawing tools write it: read whole, or refused with the name of what is not understood."""

import time

import pytest

from domain.event import Refused
from domain.standard import Bounds, Link, Node, analyse, bpmn, check
from tests.domain.dialects import CAMUNDA, SIGNAVIO

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
