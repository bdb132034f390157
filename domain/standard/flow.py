"""The flow of a standard (流程图) as it is drawn, and what a drawing must keep to."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import Field, FiniteFloat

from domain.event import Fact, Refused

Kind = Literal["start", "end", "task", "exclusive", "parallel"]

# Nodes of one flow; it may have twice as many links.
MOST: Final = 1000
# Nodes that one sentence names.
NAMED: Final = 12
# How far out a drawing may reach: far enough for any, near enough to lay more out beside it.
FARTHEST: Final = 1e9

Coordinate = Annotated[FiniteFloat, Field(ge=-FARTHEST, le=FARTHEST)]


class Bounds(Fact):
    """Where a node is drawn, in the drawing's own units."""

    x: Coordinate
    y: Coordinate
    width: Coordinate
    height: Coordinate


class Node(Fact):
    id: str
    kind: Kind
    name: str = ""
    bounds: Bounds | None = None


class Link(Fact):
    """A sequence flow; ``waypoints`` are where its line is drawn."""

    id: str
    source: str
    target: str
    name: str = ""
    waypoints: tuple[tuple[Coordinate, Coordinate], ...] = ()


class Flow(Fact):
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """The tasks' names, in the order of the drawing."""
        return tuple(node.name for node in self.nodes if node.kind == "task")


def check_drawing(flow: Flow) -> None:
    """Refuse a flow that is not one start, tasks told apart by name, and an end, all of it hanging together."""
    if len(flow.nodes) > MOST:
        raise Refused("the flow has more than {most} nodes", field="flow", most=MOST)
    if len(flow.links) > 2 * MOST:
        raise Refused("the flow has more than {most} links", field="flow", most=2 * MOST)
    _check_texts(flow)
    _check_ends(flow)
    _check_tasks(flow)
    _check_reach(flow)


def named(nodes: Iterable[Node]) -> str:
    """Say which nodes, the first dozen of them: by name in quotation marks, or by identifier where there is none."""
    said = [f"“{node.name}”" if node.name else node.id for node in nodes]
    return ", ".join(said if len(said) <= NAMED else [*said[:NAMED], "…"])


def _check_texts(flow: Flow) -> None:
    every: list[Node | Link] = [*flow.nodes, *flow.links]
    for id, times in Counter(each.id for each in every).items():
        if not id or len(id) > 100 or not id.isprintable():
            raise Refused(
                "an identifier has 1 to 100 printable characters; {id} does not", field="flow", id=ascii(id[:100])
            )
        if times > 1:
            raise Refused("the identifier {id} is used {times} times", field="flow", id=id, times=times)
    for each in every:
        most = 200 if isinstance(each, Node) and each.kind == "task" else 500
        if each.name != " ".join(each.name.split()) or len(each.name) > most or not each.name.isprintable():
            raise Refused(
                "the name of {id} has at most {most} printable characters, and no blank but one at a time within",
                field="flow",
                id=each.id,
                most=most,
            )


def _check_ends(flow: Flow) -> None:
    nodes = {node.id: node for node in flow.nodes}
    for link in flow.links:
        for end in (link.source, link.target):
            if end not in nodes:
                raise Refused(
                    "the link {link} names {end}, which is not there", field="flow", link=link.id, end=end[:100]
                )
        if nodes[link.source].kind == "end":
            raise Refused("the end {end} has an outgoing link", field="flow", end=named([nodes[link.source]]))
        if nodes[link.target].kind == "start":
            raise Refused("the start {start} has an incoming link", field="flow", start=named([nodes[link.target]]))
    starts = [node for node in flow.nodes if node.kind == "start"]
    if not starts:
        raise Refused("the flow has no start", field="flow")
    if len(starts) > 1:
        raise Refused("a flow has one start; this one has {starts}", field="flow", starts=named(starts))
    if not any(node.kind == "end" for node in flow.nodes):
        raise Refused("the flow has no end", field="flow")


def _check_tasks(flow: Flow) -> None:
    for node in flow.nodes:
        if node.kind == "task" and not node.name:
            raise Refused("the task {id} needs a name", field="flow", id=node.id)
    for name, times in Counter(flow.steps).items():
        if times > 1:
            raise Refused(
                "{times} tasks are named “{name}”; a ledger cannot tell them apart",
                field="flow",
                times=times,
                name=name,
            )
    if not flow.steps:
        raise Refused("the flow has no task", field="flow")


def _check_reach(flow: Flow) -> None:
    ahead: dict[str, list[str]] = {}
    behind: dict[str, list[str]] = {}
    for link in flow.links:
        ahead.setdefault(link.source, []).append(link.target)
        behind.setdefault(link.target, []).append(link.source)
    from_start = _closure((node.id for node in flow.nodes if node.kind == "start"), ahead)
    to_end = _closure((node.id for node in flow.nodes if node.kind == "end"), behind)
    for node in flow.nodes:
        if node.id not in from_start:
            raise Refused("nothing leads from the start to {node}", field="flow", node=named([node]))
        if node.id not in to_end:
            raise Refused("nothing leads from {node} to an end", field="flow", node=named([node]))


def _closure(begin: Iterable[str], links: dict[str, list[str]]) -> set[str]:
    found = set(begin)
    waiting = list(found)
    while waiting:
        for other in links.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found
