"""BPMN 2.0 as it is written: it reads back the same, and what nobody has drawn is laid out."""

from pathlib import Path
from xml.etree import ElementTree as ET

from hypothesis import HealthCheck, example, settings
from hypothesis import given as sample
from hypothesis import strategies as st

from domain.standard import Bounds, Flow, Kind, Link, Node, analyse, bpmn, check
from domain.standard.flow import FARTHEST
from tests.domain.dialects import CAMUNDA, SIGNAVIO

# A busy machine draws slowly; that is no fault of the code.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

RECEIPTS = Path(__file__).with_name("permit-receipts.bpmn")
SHIPPED = Path(__file__).parents[2] / "templates" / "standards" / "three-meetings.bpmn"

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def bare(flow: Flow) -> Flow:
    """A flow without its drawing."""
    return Flow(
        nodes=tuple(node.model_copy(update={"bounds": None}) for node in flow.nodes),
        links=tuple(link.model_copy(update={"waypoints": ()}) for link in flow.links),
    )


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
