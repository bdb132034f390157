"""Flows as BPMN 2.0 XML (OMG formal/2011-01-03), as drawing tools write it: read whole or refused, and written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers.expat import ErrorString, ExpatError, ParserCreate
from xml.sax.saxutils import escape, quoteattr

from domain.event import Refused
from domain.standard.flow import Bounds, Flow, Kind, Link, Node

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DIAGRAM = "http://www.omg.org/spec/BPMN/20100524/DI"
CANVAS = "http://www.omg.org/spec/DD/20100524/DC"
DRAWING = "http://www.omg.org/spec/DD/20100524/DI"

# Bytes of a document, and depth of its elements, before it is refused.
LARGEST = 5_000_000
DEEPEST = 100

NODES: dict[str, Kind] = {
    "startEvent": "start",
    "endEvent": "end",
    "exclusiveGateway": "exclusive",
    "parallelGateway": "parallel",
    "task": "task",
    "userTask": "task",
    "manualTask": "task",
    "serviceTask": "task",
    "scriptTask": "task",
    "sendTask": "task",
    "receiveTask": "task",
    "businessRuleTask": "task",
}
# What a drawing may hold without bearing on which step follows which.
REMARKS = {
    "documentation",
    "extensionElements",
    "laneSet",
    "textAnnotation",
    "association",
    "group",
    "dataObject",
    "dataObjectReference",
    "dataStoreReference",
    "ioSpecification",
    "property",
    "auditing",
    "monitoring",
}
INSIDE = REMARKS | {
    "incoming",
    "outgoing",
    "dataInputAssociation",
    "dataOutputAssociation",
    "potentialOwner",
    "humanPerformer",
    "performer",
    "resourceRole",
    "rendering",
    "script",
}
AROUND = {
    "collaboration",
    "category",
    "dataStore",
    "documentation",
    "error",
    "escalation",
    "extension",
    "extensionElements",
    "import",
    "interface",
    "itemDefinition",
    "message",
    "partnerEntity",
    "partnerRole",
    "relationship",
    "resource",
    "signal",
}


@dataclass(slots=True)
class _Element:
    space: str
    tag: str
    line: int
    attributes: dict[str, str]
    children: list["_Element"] = field(default_factory=list)

    def model(self, *tags: str) -> Iterator["_Element"]:
        return (child for child in self.children if child.space == MODEL and (not tags or child.tag in tags))

    def drawn(self) -> Iterator["_Element"]:
        for child in self.children:
            yield child
            yield from child.drawn()

    def __str__(self) -> str:
        return f"{self.tag} {self.attributes['id']}" if "id" in self.attributes else f"{self.tag} (line {self.line})"


def read(xml: bytes) -> Flow:
    """Return the flow of a document's one process, with its drawing; refuse, naming it, whatever has no place in a flow.

    The flow is as drawn, not yet checked (``flow.check``).
    """
    root = _parse(xml)
    if (root.space, root.tag) != (MODEL, "definitions"):
        raise Refused("this is no BPMN 2.0 document: its root is {tag}", field="file", tag=root.tag)
    for child in root.model():
        if child.tag not in AROUND and child.tag != "process":
            raise Refused("line {line}: {element} is not understood", field="file", line=child.line, element=child)
    for collaboration in root.model("collaboration"):
        for message in collaboration.model("messageFlow"):
            raise Refused("line {line}: {element} is not understood", field="file", line=message.line, element=message)
    processes = [child for child in root.model("process") if any(each.tag not in REMARKS for each in child.model())]
    if len(processes) != 1:
        raise Refused("a standard has one process; the document has {count}", field="file", count=len(processes))
    nodes: list[Node] = []
    links: list[Link] = []
    bounds, waypoints = _drawing(root)
    kinds = {
        element.attributes.get("id", ""): NODES[element.tag] for element in processes[0].model() if element.tag in NODES
    }
    for element in processes[0].model():
        id = element.attributes.get("id", "")
        name = " ".join(element.attributes.get("name", "").split())
        if element.tag in REMARKS:
            continue
        if element.tag != "sequenceFlow" and element.tag not in NODES:
            raise Refused("line {line}: {element} is not understood", field="file", line=element.line, element=element)
        if not id:
            raise Refused("line {line}: the {tag} has no id", field="file", line=element.line, tag=element.tag)
        if element.tag == "sequenceFlow":
            links.append(_link(element, id, name, kinds, waypoints.get(id, ())))
        else:
            _check_inside(element)
            if NODES[element.tag] == "task" and not name:
                raise Refused(
                    "line {line}: the {tag} {id} has no name", field="file", line=element.line, tag=element.tag, id=id
                )
            nodes.append(Node(id=id, kind=NODES[element.tag], name=name, bounds=bounds.get(id)))
    return Flow(nodes=tuple(nodes), links=tuple(links))


def _link(
    element: _Element, id: str, name: str, kinds: dict[str, Kind], waypoints: tuple[tuple[float, float], ...]
) -> Link:
    ends = {}
    for end in ("sourceRef", "targetRef"):
        ends[end] = element.attributes.get(end, "")
        if ends[end] not in kinds:
            raise Refused(
                "line {line}: the {end} of {element} is “{node}”, which is no node of the process",
                field="file",
                line=element.line,
                end=end,
                element=element,
                node=ends[end],
            )
    for condition in element.model("conditionExpression"):
        if kinds[ends["sourceRef"]] != "exclusive":
            raise Refused(
                "line {line}: only links from an exclusive gateway can have a condition; {element} has one",
                field="file",
                line=condition.line,
                element=element,
            )
    return Link(id=id, source=ends["sourceRef"], target=ends["targetRef"], name=name, waypoints=waypoints)


def _check_inside(element: _Element) -> None:
    for child in element.model():
        if child.tag not in INSIDE:
            raise Refused(
                "line {line}: {inner} of {element} is not understood",
                field="file",
                line=child.line,
                inner=child.tag,
                element=element,
            )
    for attribute, harmless in (("isForCompensation", "false"), ("startQuantity", "1"), ("completionQuantity", "1")):
        if element.attributes.get(attribute, harmless) != harmless:
            raise Refused(
                "line {line}: {inner} of {element} is not understood",
                field="file",
                line=element.line,
                inner=attribute,
                element=element,
            )
    if "default" in element.attributes and NODES[element.tag] != "exclusive":
        raise Refused(
            "line {line}: {inner} of {element} is not understood",
            field="file",
            line=element.line,
            inner="default",
            element=element,
        )


def _drawing(root: _Element) -> tuple[dict[str, Bounds], dict[str, tuple[tuple[float, float], ...]]]:
    bounds = {}
    waypoints = {}
    for element in root.drawn():
        if element.space == DIAGRAM and element.tag == "BPMNShape":
            for child in element.children:
                if (child.space, child.tag) == (CANVAS, "Bounds"):
                    x, y, width, height = (_number(child, name) for name in ("x", "y", "width", "height"))
                    bounds[element.attributes.get("bpmnElement", "")] = Bounds(x=x, y=y, width=width, height=height)
        if element.space == DIAGRAM and element.tag == "BPMNEdge":
            waypoints[element.attributes.get("bpmnElement", "")] = tuple(
                (_number(child, "x"), _number(child, "y"))
                for child in element.children
                if (child.space, child.tag) == (DRAWING, "waypoint")
            )
    return bounds, waypoints


def _number(element: _Element, name: str) -> float:
    text = element.attributes.get(name, "")
    if not re.fullmatch(r"[+-]?\d{1,9}(\.\d{1,20})?([eE][+-]?\d{1,2})?", text):
        raise Refused(
            "line {line}: {name} “{text}” is no number", field="file", line=element.line, name=name, text=text
        )
    return float(text)


def _parse(xml: bytes) -> _Element:
    if len(xml) > LARGEST:
        raise Refused("the file is larger than {most} bytes", field="file", most=LARGEST)
    parser = ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    above: list[_Element] = []
    roots: list[_Element] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        space, _, local = tag.rpartition("}")
        element = _Element(space, local, parser.CurrentLineNumber, attributes)
        (above[-1].children if above else roots).append(element)
        above.append(element)
        if len(above) > DEEPEST:
            raise Refused("line {line}: elements nest too deeply", field="file", line=element.line)

    def end(_: str) -> None:
        above.pop()

    def doctype(*_: object) -> None:
        raise Refused("the document declares a document type; BPMN has none", field="file")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(_decoded(xml), True)  # the last piece
    except ExpatError as error:
        raise Refused(
            "line {line}: this is not well-formed XML: {reason}",
            field="file",
            line=error.lineno,
            reason=ErrorString(error.code),
        ) from None
    except LookupError:
        raise Refused("the document declares an encoding that is not known", field="file") from None
    return roots[0]


def _decoded(xml: bytes) -> bytes | str:
    """The text of a document in a Chinese encoding, which the parser does not know; any other as it is."""
    declared = re.match(rb"""\s*<\?xml[^>]*encoding\s*=\s*["'](gb[\w-]*)["']""", xml[:200], re.IGNORECASE)
    if not declared:
        return xml
    try:
        return xml.decode("gb18030")
    except UnicodeDecodeError as error:
        raise Refused(
            "the document is not in the encoding that it declares (byte {byte})", field="file", byte=error.start
        ) from None


def write(flow: Flow, id: str, name: str) -> bytes:
    """Return the flow as a BPMN 2.0 document with its drawing; nodes without a place are laid out in columns."""
    process = _identifier(id)
    incoming: dict[str, list[str]] = {node.id: [] for node in flow.nodes}
    outgoing: dict[str, list[str]] = {node.id: [] for node in flow.nodes}
    for link in flow.links:
        outgoing[link.source].append(link.id)
        incoming[link.target].append(link.id)
    tags = {
        "start": "startEvent",
        "end": "endEvent",
        "task": "task",
        "exclusive": "exclusiveGateway",
        "parallel": "parallelGateway",
    }
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<definitions xmlns="{MODEL}" xmlns:bpmndi="{DIAGRAM}" xmlns:dc="{CANVAS}" xmlns:di="{DRAWING}"'
        f' id="{process}_definitions" targetNamespace="urn:taizhang:standard">',
        f'  <process id="{process}" name={quoteattr(name)} isExecutable="false">',
    ]
    for node in flow.nodes:
        named = f" name={quoteattr(node.name)}" if node.name else ""
        lines.append(f"    <{tags[node.kind]} id={quoteattr(node.id)}{named}>")
        lines += [f"      <incoming>{escape(link)}</incoming>" for link in incoming[node.id]]
        lines += [f"      <outgoing>{escape(link)}</outgoing>" for link in outgoing[node.id]]
        lines.append(f"    </{tags[node.kind]}>")
    for link in flow.links:
        named = f" name={quoteattr(link.name)}" if link.name else ""
        ends = f"sourceRef={quoteattr(link.source)} targetRef={quoteattr(link.target)}"
        lines.append(f"    <sequenceFlow id={quoteattr(link.id)}{named} {ends}/>")
    lines += ["  </process>", f'  <bpmndi:BPMNDiagram id="{process}_diagram">']
    lines.append(f'    <bpmndi:BPMNPlane id="{process}_plane" bpmnElement="{process}">')
    places = _places(flow)
    for node in flow.nodes:
        at = places[node.id]
        lines.append(f"      <bpmndi:BPMNShape id={quoteattr(node.id + '_di')} bpmnElement={quoteattr(node.id)}>")
        lines.append(f'        <dc:Bounds x="{at.x!r}" y="{at.y!r}" width="{at.width!r}" height="{at.height!r}"/>')
        lines.append("      </bpmndi:BPMNShape>")
    for link in flow.links:
        lines.append(f"      <bpmndi:BPMNEdge id={quoteattr(link.id + '_di')} bpmnElement={quoteattr(link.id)}>")
        for x, y in link.waypoints or _line(places[link.source], places[link.target]):
            lines.append(f'        <di:waypoint x="{x!r}" y="{y!r}"/>')
        lines.append("      </bpmndi:BPMNEdge>")
    lines += ["    </bpmndi:BPMNPlane>", "  </bpmndi:BPMNDiagram>", "</definitions>", ""]
    return "\n".join(lines).encode()


def _identifier(text: str) -> str:
    """An XML name made of any text."""
    return "_" + re.sub(r"[^A-Za-z0-9_.-]", "_", text)


def _places(flow: Flow) -> dict[str, Bounds]:
    """Where each node is drawn; those without a place go one column behind the first node that leads to them."""
    column: dict[str, int] = {node.id: 0 for node in flow.nodes if node.kind == "start"}
    waiting = list(column)
    for id in waiting:
        for link in flow.links:
            if link.source == id and link.target not in column:
                column[link.target] = column[id] + 1
                waiting.append(link.target)
    filled: dict[int, int] = {}
    places = {}
    for node in flow.nodes:
        at = column.get(node.id, 0)
        row = filled[at] = filled.get(at, -1) + 1
        width, height = (
            (120.0, 80.0)
            if node.kind == "task"
            else (50.0, 50.0)
            if node.kind in ("exclusive", "parallel")
            else (36.0, 36.0)
        )
        places[node.id] = node.bounds or Bounds(
            x=40 + 180.0 * at - width / 2 + 60, y=60 + 120.0 * row + (80 - height) / 2, width=width, height=height
        )
    return places


def _line(source: Bounds, target: Bounds) -> tuple[tuple[float, float], ...]:
    return (
        (source.x + source.width, source.y + source.height / 2),
        (target.x, target.y + target.height / 2),
    )
