"""The names that BPMN 2.0 gives to what is in a document, and which of them a flow has a place for."""

from typing import Final

from domain.standard.flow import Kind

MODEL: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DIAGRAM: Final = "http://www.omg.org/spec/BPMN/20100524/DI"
CANVAS: Final = "http://www.omg.org/spec/DD/20100524/DC"
DRAWING: Final = "http://www.omg.org/spec/DD/20100524/DI"

NODES: Final[dict[str, Kind]] = {
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
# The first name of each kind above is the one that is written.
TAGS: Final[dict[Kind, str]] = {kind: tag for tag, kind in reversed(NODES.items()) if not tag.endswith("Task")}

_NOTES = frozenset({"documentation", "extensionElements"})
_PEOPLE = frozenset({"humanPerformer", "performer", "potentialOwner", "resourceRole"})

# What a document, a collaboration, its pools, a process, a node or a link may hold without bearing on
# which step follows which.
BESIDE_PROCESS: Final = _NOTES | {
    "category",
    "collaboration",
    "correlationProperty",
    "dataStore",
    "error",
    "escalation",
    "extension",
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
BESIDE_POOL: Final = _NOTES | {"association", "group", "participant", "textAnnotation"}
INSIDE_POOL: Final = _NOTES | {"endPointRef", "interfaceRef"}
BESIDE_FLOW: Final = (
    _NOTES
    | _PEOPLE
    | {
        "association",
        "auditing",
        "dataObject",
        "dataObjectReference",
        "dataStoreReference",
        "group",
        "ioSpecification",
        "laneSet",
        "monitoring",
        "property",
        "textAnnotation",
    }
)
INSIDE_NODE: Final = (
    _NOTES
    | _PEOPLE
    | {
        "auditing",
        "dataInput",
        "dataInputAssociation",
        "dataOutput",
        "dataOutputAssociation",
        "incoming",
        "inputSet",
        "ioSpecification",
        "monitoring",
        "outgoing",
        "outputSet",
        "property",
        "rendering",
        "script",
    }
)
INSIDE_LINK: Final = _NOTES | {"auditing", "conditionExpression", "monitoring"}
# Attributes that change what a node does, unless they say this.
NEUTRAL: Final = {
    "isForCompensation": ("false", "0"),
    "instantiate": ("false", "0"),
    "startQuantity": ("1",),
    "completionQuantity": ("1",),
}
