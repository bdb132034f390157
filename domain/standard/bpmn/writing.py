"""A flow written as a BPMN 2.0 document that drawing tools open, laid out where nobody has drawn it yet."""

import re
from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from domain.standard.bpmn.names import CANVAS, DIAGRAM, DRAWING, MODEL, TAGS
from domain.standard.flow import FARTHEST, Bounds, Flow, Kind, Node

# Widths and heights as drawing tools give them, and the distance from one column or row to the next.
SIZES: Final[dict[Kind, tuple[float, float]]] = {
    "start": (36, 36),
    "end": (36, 36),
    "task": (120, 80),
    "exclusive": (50, 50),
    "parallel": (50, 50),
}
COLUMN: Final = 180.0
ROW: Final = 120.0
MARGIN: Final = 40.0


def write(flow: Flow, id: str, name: str) -> bytes:
    """Return a checked flow as a document, in UTF-8; what is drawn stays where it is, and reads back the same."""
    ids = _Identifiers(flow)
    # bpmn-js takes no identifier that is not ASCII, although XML would.
    process = ids.make("process_" + re.sub(r"[^A-Za-z0-9_.-]", "_", id))
    incoming: dict[str, list[str]] = {node.id: [] for node in flow.nodes}
    outgoing: dict[str, list[str]] = {node.id: [] for node in flow.nodes}
    for link in flow.links:
        outgoing[link.source].append(link.id)
        incoming[link.target].append(link.id)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<definitions id="{ids.make("definitions")}" targetNamespace="urn:taizhang:standard" xmlns="{MODEL}"',
        f'    xmlns:bpmndi="{DIAGRAM}" xmlns:dc="{CANVAS}" xmlns:di="{DRAWING}">',
        f'  <process id="{process}" name={quoteattr(name)} isExecutable="false">',
    ]
    for node in flow.nodes:
        lines.append(f"    <{TAGS[node.kind]} id={quoteattr(node.id)}{_named(node.name)}>")
        lines += [f"      <incoming>{escape(link)}</incoming>" for link in incoming[node.id]]
        lines += [f"      <outgoing>{escape(link)}</outgoing>" for link in outgoing[node.id]]
        lines.append(f"    </{TAGS[node.kind]}>")
    for link in flow.links:
        ends = f"sourceRef={quoteattr(link.source)} targetRef={quoteattr(link.target)}"
        lines.append(f"    <sequenceFlow id={quoteattr(link.id)}{_named(link.name)} {ends}/>")
    lines += ["  </process>", f'  <bpmndi:BPMNDiagram id="{ids.make("diagram")}">']
    lines.append(f'    <bpmndi:BPMNPlane id="{ids.make("plane")}" bpmnElement="{process}">')
    lines += _drawing(flow, ids)
    lines += ["    </bpmndi:BPMNPlane>", "  </bpmndi:BPMNDiagram>", "</definitions>", ""]
    return "\n".join(lines).encode()


class _Identifiers:
    """Identifiers of what is in the document besides the flow; a document has each once."""

    def __init__(self, flow: Flow) -> None:
        self.taken = {*(node.id for node in flow.nodes), *(link.id for link in flow.links)}

    def make(self, wanted: str) -> str:
        while wanted in self.taken:
            wanted += "_"
        self.taken.add(wanted)
        return wanted


def _named(name: str) -> str:
    return f" name={quoteattr(name)}" if name else ""


def _drawing(flow: Flow, ids: _Identifiers) -> Iterator[str]:
    places = _places(flow)
    for node in flow.nodes:
        at = places[node.id]
        yield f"      <bpmndi:BPMNShape id={quoteattr(ids.make(node.id + '_di'))} bpmnElement={quoteattr(node.id)}>"
        yield f'        <dc:Bounds x="{at.x!r}" y="{at.y!r}" width="{at.width!r}" height="{at.height!r}"/>'
        yield "      </bpmndi:BPMNShape>"
    for link in flow.links:
        yield f"      <bpmndi:BPMNEdge id={quoteattr(ids.make(link.id + '_di'))} bpmnElement={quoteattr(link.id)}>"
        for point in link.waypoints or _line(places[link.source], places[link.target]):
            x, y = (min(max(each, -FARTHEST), FARTHEST) for each in point)
            yield f'        <di:waypoint x="{x!r}" y="{y!r}"/>'
        yield "      </bpmndi:BPMNEdge>"


def _places(flow: Flow) -> dict[str, Bounds]:
    """Return where each node is drawn: those without a place in columns from the start on, below all that have one."""
    drawn = {node.id: node.bounds for node in flow.nodes if node.bounds}
    # At the far edge of what can be drawn there is no room beside it; then it overlaps, and still opens.
    lowest = max((at.y + at.height for at in drawn.values()), default=0.0)
    top = min(max(lowest + MARGIN, -FARTHEST / 2), FARTHEST / 2)
    filled: dict[int, int] = {}
    places: dict[str, Bounds] = {}
    columns = _columns(flow)
    for node in flow.nodes:
        if at := drawn.get(node.id):
            places[node.id] = at
            continue
        column = columns[node.id]
        row = filled[column] = filled.get(column, -1) + 1
        places[node.id] = _place(node, MARGIN + COLUMN * column, top + ROW * row)
    return places


def _place(node: Node, left: float, top: float) -> Bounds:
    """Centre a node in the cell of a task whose upper left corner is given."""
    width, height = SIZES[node.kind]
    cell = SIZES["task"]
    return Bounds(x=left + (cell[0] - width) / 2, y=top + (cell[1] - height) / 2, width=width, height=height)


def _columns(flow: Flow) -> dict[str, int]:
    """Return each node's column: one behind the last of those that lead to it, but for links that close a loop."""
    ahead: dict[str, list[str]] = {node.id: [] for node in flow.nodes}
    for link in flow.links:
        ahead[link.source].append(link.target)
    left: list[str] = []
    onward: list[tuple[str, str]] = []
    met: set[str] = set()
    for node in sorted(flow.nodes, key=lambda node: node.kind != "start"):
        if node.id in met:
            continue
        met.add(node.id)
        way = [(node.id, iter(ahead[node.id]))]
        open = {node.id}
        while way:
            source, targets = way[-1]
            target = next(targets, None)
            if target is None:
                left.append(source)
                open.discard(source)
                way.pop()
            elif target not in open:
                onward.append((source, target))
                if target not in met:
                    met.add(target)
                    open.add(target)
                    way.append((target, iter(ahead[target])))
    behind: dict[str, list[str]] = {node.id: [] for node in flow.nodes}
    for source, target in onward:
        behind[target].append(source)
    columns: dict[str, int] = {}
    for id in reversed(left):
        columns[id] = max((columns[source] + 1 for source in behind[id]), default=0)
    return columns


def _line(source: Bounds, target: Bounds) -> tuple[tuple[float, float], ...]:
    """Return a link's line: straight to what lies ahead, and below both ends to what does not."""
    if target.x >= source.x + source.width:
        return (source.x + source.width, source.y + source.height / 2), (target.x, target.y + target.height / 2)
    low = max(source.y + source.height, target.y + target.height)
    begin, end = source.x + source.width / 2, target.x + target.width / 2
    return (
        (begin, source.y + source.height),
        (begin, low + MARGIN / 2),
        (end, low + MARGIN / 2),
        (end, target.y + target.height),
    )
