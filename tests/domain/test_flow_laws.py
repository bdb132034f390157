"""Flows at random: what is said of them is what looking at every interleaving of their runs says."""

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import HealthCheck, assume, event, settings
from hypothesis import given as examples
from hypothesis import strategies as st

from domain.event import Refused
from domain.standard import Flow, Kind, Link, Node, analyse, check
from domain.standard.flow import check_drawing
from tests.domain.flows import Endless, Found, brute_force

# A busy machine draws slowly; that is no fault of the code.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

BLOCKS = ["step", "sequence", "choice", "parallel", "loop", "skip", "merge", "spawn"]


@dataclass
class Drawing:
    """A flow that grows from nested blocks, each of one way in and one way out."""

    draw: st.DrawFn
    kinds: dict[str, Kind] = field(default_factory=dict[str, Kind])
    links: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def node(self, kind: Kind) -> str:
        id = f"{kind}{len(self.kinds)}"
        self.kinds[id] = kind
        return id

    def link(self, *ids: str) -> str:
        self.links += pairwise(ids)
        return ids[-1]

    def block(self, entry: str, depth: int) -> str:
        """Draw a block behind a node, and return the node at its way out."""
        match self.draw(st.sampled_from(BLOCKS)) if depth else "step":
            case "sequence":
                return self.block(self.block(entry, depth - 1), depth - 1)
            case "choice":
                return self.branches(self.link(entry, self.node("exclusive")), self.node("exclusive"), depth)
            case "parallel":
                return self.branches(self.link(entry, self.node("parallel")), self.node("parallel"), depth)
            case "merge":
                return self.branches(self.link(entry, self.node("parallel")), self.node("exclusive"), depth)
            case "loop":
                head, tail = self.link(entry, self.node("exclusive")), self.node("exclusive")
                self.link(self.block(head, depth - 1), tail)
                self.link(self.block(tail, depth - 1) if self.draw(st.booleans()) else tail, head)
                return tail
            case "skip":
                head, tail = self.link(entry, self.node("exclusive")), self.node("exclusive")
                self.link(self.block(head, depth - 1), tail)
                return self.link(head, tail)
            case "spawn":
                head = self.link(entry, self.node("parallel"))
                self.link(self.block(head, depth - 1), self.node("end"))
                return head
            case _:
                return self.link(entry, self.node("task"))

    def branches(self, head: str, tail: str, depth: int) -> str:
        for _ in range(self.draw(st.integers(2, 3))):
            self.link(self.block(head, depth - 1), tail)
        return tail

    def flow(self) -> Flow:
        """The drawing without what does not lie between the start and an end, or leads out of an end."""
        links = [(a, b) for a, b in self.links if self.kinds[a] != "end" and self.kinds[b] != "start"]
        kept = _closure({id for id, kind in self.kinds.items() if kind == "start"}, links)
        kept &= _closure({id for id, kind in self.kinds.items() if kind == "end"}, [(b, a) for a, b in links])
        return Flow(
            nodes=tuple(
                Node(id=id, kind=kind, name=id if kind == "task" else "")
                for id, kind in self.kinds.items()
                if id in kept
            ),
            links=tuple(
                Link(id=f"link{n}", source=a, target=b) for n, (a, b) in enumerate(links) if a in kept and b in kept
            ),
        )


def _closure(found: set[str], links: list[tuple[str, str]]) -> set[str]:
    while more := {b for a, b in links if a in found} - found:
        found |= more
    return found


@st.composite
def structured(draw: st.DrawFn) -> Flow:
    drawing = Drawing(draw)
    drawing.link(drawing.block(drawing.node("start"), draw(st.integers(1, 3))), drawing.node("end"))
    return drawing.flow()


@st.composite
def disturbed(draw: st.DrawFn) -> Flow:
    """A structured flow with links added or bent, gateways turned round, or another end."""
    drawing = Drawing(draw)
    drawing.link(drawing.block(drawing.node("start"), draw(st.integers(1, 3))), drawing.node("end"))
    for _ in range(draw(st.integers(1, 3))):
        ids = st.sampled_from(sorted(drawing.kinds))
        match draw(st.sampled_from(["add", "bend", "turn", "end"])):
            case "add":
                drawing.link(draw(ids), draw(ids))
            case "bend":
                place = draw(st.integers(0, len(drawing.links) - 1))
                drawing.links[place] = (drawing.links[place][0], draw(ids))
            case "turn":
                gateways = [id for id, kind in drawing.kinds.items() if kind in {"exclusive", "parallel"}]
                if gateways:
                    drawing.kinds[draw(st.sampled_from(gateways))] = draw(st.sampled_from(["exclusive", "parallel"]))
            case _:
                drawing.link(draw(ids), drawing.node("end"))
    return drawing.flow()


@st.composite
def unstructured(draw: st.DrawFn) -> Flow:
    """Any graph of a few nodes in which each has a way on."""
    drawing = Drawing(draw)
    drawing.link(drawing.node("start"), drawing.node("task"))
    kinds: st.SearchStrategy[Kind] = st.sampled_from(["task", "exclusive", "exclusive", "parallel", "parallel", "end"])
    for kind in draw(st.lists(kinds, min_size=1, max_size=8)):
        drawing.node(kind)
    drawing.node("end")
    ids = list(drawing.kinds)
    for place, id in enumerate(ids[1:-1], 1):
        ways = draw(st.lists(st.sampled_from(ids), max_size=2 if drawing.kinds[id] in {"exclusive", "parallel"} else 0))
        for target in (draw(st.sampled_from(ids[place + 1 :])), *ways):
            drawing.link(id, target)
    return drawing.flow()


def verdict(flow: Flow) -> Found | str:
    """What the product says of a flow: its order, or with which sentence it is refused."""
    try:
        check(flow)
    except Refused as refused:
        return refused.message
    found = analyse(flow)
    assert found.steps == flow.steps
    assert len(set(found.precedes)) == len(found.precedes)
    return Found(found.required, frozenset(found.precedes))


def judged_as_every_interleaving_says(flow: Flow) -> None:
    try:
        check_drawing(flow)
        truth = brute_force(flow, 500)
    except (Refused, Endless):
        assume(False)
        raise
    found = verdict(flow)
    parallel = any(node.kind == "parallel" for node in flow.nodes)
    event(found if isinstance(found, str) else f"lawful, {'with a' if parallel else 'without'} parallel gateway")
    assert truth == (None if isinstance(found, str) else found)


@settings(PATIENT, max_examples=300)
@examples(structured())
def test_structured_flows_are_judged_as_every_interleaving_says(flow: Flow) -> None:
    judged_as_every_interleaving_says(flow)


@settings(PATIENT, max_examples=300)
@examples(disturbed())
def test_disturbed_flows_are_judged_as_every_interleaving_says(flow: Flow) -> None:
    judged_as_every_interleaving_says(flow)


@settings(PATIENT, max_examples=300)
@examples(unstructured())
def test_any_flow_is_judged_as_every_interleaving_says(flow: Flow) -> None:
    judged_as_every_interleaving_says(flow)


@settings(PATIENT, max_examples=300)
@examples(structured() | disturbed(), st.data())
def test_the_verdict_does_not_hang_on_the_order_of_the_drawing(flow: Flow, data: st.DataObject) -> None:
    other = Flow(
        nodes=tuple(data.draw(st.permutations(flow.nodes))), links=tuple(data.draw(st.permutations(flow.links)))
    )
    one, two = verdict(flow), verdict(other)
    assume(not any(isinstance(each, str) and each.startswith("work piles up") for each in (one, two)))
    assert one == two or (isinstance(one, str) and isinstance(two, str))
