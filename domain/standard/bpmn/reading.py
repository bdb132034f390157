"""A BPMN 2.0 document read as a flow, with its drawing; what a flow has no place for is named and refused."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from domain.event import Refused
from domain.standard.bpmn.names import (
    BESIDE_FLOW,
    BESIDE_POOL,
    BESIDE_PROCESS,
    CANVAS,
    DIAGRAM,
    DRAWING,
    INSIDE_LINK,
    INSIDE_NODE,
    INSIDE_POOL,
    MODEL,
    NEUTRAL,
    NODES,
)
from domain.standard.bpmn.xml import Element, parse
from domain.standard.flow import FARTHEST, MOST, Bounds, Flow, Kind, Link, Node

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

Line = tuple[tuple[float, float], ...]


def read(xml: bytes) -> Flow:
    """Return the flow of a document's one process as it is drawn, which ``check`` may still refuse.

    Every element with a bearing on which step follows which is either in the flow or refused by name,
    identifier and line. Lanes, notes, data and tools' own extensions have none. Of the kinds of task, and
    of the conditions at an exclusive gateway, a flow keeps no more than the names. ``incoming`` and
    ``outgoing`` repeat what the sequence flows say, which alone count.
    """
    root = parse(xml, opaque="extensionElements")
    if (root.space, root.tag) != (MODEL, "definitions"):
        raise Refused(
            "this is no BPMN 2.0 document: its root is {tag} of “{space}”",
            field="file",
            tag=root.tag[:100],
            space=root.space[:100],
        )
    process = _process(root)
    drawing = _Drawing.of(root)
    _check_inside(process, BESIDE_FLOW | NODES.keys() | {"sequenceFlow"})
    nodes = [part for part in process.children if part.tag in NODES]
    links = [part for part in process.children if part.tag == "sequenceFlow"]
    if len(nodes) > MOST or len(links) > 2 * MOST:
        raise Refused("the flow has more than {most} nodes", field="file", most=MOST)
    _check_ids([*nodes, *links])
    kinds: dict[str, Kind] = {node.id: NODES[node.tag] for node in nodes}
    for link in links:
        _check_link(link, kinds)
    sources = {link.id: link.attributes["sourceRef"] for link in links}
    for node in nodes:
        _check_node(node, sources)
    return Flow(
        nodes=tuple(
            Node(id=node.id, kind=NODES[node.tag], name=_name(node), bounds=drawing.bounds.get(node.id))
            for node in nodes
        ),
        links=tuple(
            Link(
                id=link.id,
                source=link.attributes["sourceRef"],
                target=link.attributes["targetRef"],
                name=_name(link),
                waypoints=drawing.lines.get(link.id, ()),
            )
            for link in links
        ),
    )


def _process(root: Element) -> Element:
    """Return the one process that holds a flow; the others are empty pools."""
    processes: list[Element] = []
    for element in root.children:
        if element.space == DIAGRAM:
            continue
        if element.space != MODEL or element.tag not in BESIDE_PROCESS | {"process"}:
            raise _foreign(element)
        if element.tag == "collaboration":
            _check_inside(element, BESIDE_POOL)
            for pool in element.children:
                if pool.tag == "participant":
                    _check_inside(pool, INSIDE_POOL)
        if element.tag == "process" and any(part.tag not in BESIDE_FLOW for part in element.children):
            processes.append(element)
    if not processes:
        raise Refused("the document has no process with a flow", field="file")
    if len(processes) > 1:
        raise Refused(
            "line {line}: a standard has one process; {element} is a second",
            field="file",
            line=processes[1].line,
            element=str(processes[1]),
        )
    return processes[0]


def _check_ids(parts: list[Element]) -> None:
    known: dict[str, Element] = {}
    for part in parts:
        if not part.id:
            raise Refused("line {line}: the {tag} has no id", field="file", line=part.line, tag=part.tag)
        if part.id in known:
            raise Refused(
                "line {line}: {element} has the identifier of the {tag} in line {first}",
                field="file",
                line=part.line,
                element=str(part),
                tag=known[part.id].tag,
                first=known[part.id].line,
            )
        known[part.id] = part


def _check_inside(element: Element, known: AbstractSet[str]) -> None:
    for child in element.children:
        if child.space != MODEL or child.tag not in known:
            raise _foreign(child, element)


def _foreign(element: Element, inside: Element | None = None) -> Refused:
    if inside is None or inside.tag in ("process", "collaboration"):
        return Refused(
            "line {line}: {element} is not understood", field="file", line=element.line, element=str(element)
        )
    return Refused(
        "line {line}: {inner} of {element} is not understood",
        field="file",
        line=element.line,
        inner=str(element),
        element=str(inside),
    )


def _check_node(node: Element, sources: dict[str, str]) -> None:
    _check_inside(node, INSIDE_NODE)
    for attribute, harmless in NEUTRAL.items():
        if node.attributes.get(attribute, harmless[0]) not in harmless:
            raise Refused(
                "line {line}: {inner} of {element} is not understood",
                field="file",
                line=node.line,
                inner=attribute,
                element=str(node),
            )
    kind = NODES[node.tag]
    if kind == "task" and not _name(node):
        raise Refused("line {line}: {element} has no name", field="file", line=node.line, element=str(node))
    default = node.attributes.get("default")
    if default is not None and kind != "exclusive":
        raise Refused(
            "line {line}: only an exclusive gateway can have a default; {element} has one",
            field="file",
            line=node.line,
            element=str(node),
        )
    if default is not None and sources.get(default) != node.id:
        raise Refused(
            "line {line}: the default of {element} is “{link}”, which is no link that leaves it",
            field="file",
            line=node.line,
            element=str(node),
            link=default[:100],
        )


def _check_link(link: Element, kinds: dict[str, Kind]) -> None:
    _check_inside(link, INSIDE_LINK)
    for end in ("sourceRef", "targetRef"):
        if end not in link.attributes:
            raise Refused(
                "line {line}: {element} has no {end}", field="file", line=link.line, element=str(link), end=end
            )
        if link.attributes[end] not in kinds:
            raise Refused(
                "line {line}: the {end} of {element} is “{node}”, which is no node of the process",
                field="file",
                line=link.line,
                end=end,
                element=str(link),
                node=link.attributes[end][:100],
            )
    conditional = any(part.tag == "conditionExpression" for part in link.children)
    if conditional and kinds[link.attributes["sourceRef"]] != "exclusive":
        raise Refused(
            "line {line}: only links from an exclusive gateway can have a condition; {element} has one",
            field="file",
            line=link.line,
            element=str(link),
        )


def _name(element: Element) -> str:
    """Return a name on one line: tools break long ones."""
    return " ".join(element.attributes.get("name", "").split())


@dataclass(slots=True)
class _Drawing:
    """Where things are drawn (diagram interchange), by identifier."""

    bounds: dict[str, Bounds] = field(default_factory=dict[str, Bounds])
    lines: dict[str, Line] = field(default_factory=dict[str, Line])

    @classmethod
    def of(cls, root: Element) -> "_Drawing":
        drawing = cls()
        for shape in root.within():
            if shape.space != DIAGRAM or shape.tag not in ("BPMNShape", "BPMNEdge"):
                continue
            id = shape.attributes.get("bpmnElement", "")
            # A qualified name: some tools write a prefix before the identifier.
            bare = id.rpartition(":")[2]
            line = tuple(
                (_number(point, "x"), _number(point, "y"))
                for point in shape.children
                if (point.space, point.tag) == (DRAWING, "waypoint")
            )
            if line:
                drawing.lines[id] = line
                drawing.lines.setdefault(bare, line)
            for box in shape.children:
                if (box.space, box.tag) == (CANVAS, "Bounds"):
                    bounds = Bounds(
                        x=_number(box, "x"),
                        y=_number(box, "y"),
                        width=_number(box, "width"),
                        height=_number(box, "height"),
                    )
                    drawing.bounds[id] = bounds
                    drawing.bounds.setdefault(bare, bounds)
        return drawing


def _number(element: Element, name: str) -> float:
    text = element.attributes.get(name, "")
    if not _NUMBER.fullmatch(text) or abs(number := float(text)) > FARTHEST:
        raise Refused(
            "line {line}: {name} “{text}” is no number",
            field="file",
            line=element.line,
            name=name,
            text=text[:50],
        )
    return number
