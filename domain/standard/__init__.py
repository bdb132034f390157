"""Standards (工作规范): what work is asked for, in which steps and by whom, in versions that never change."""

from domain.standard import actions, bpmn
from domain.standard.events import (
    AREAS,
    Duty,
    DutyDefined,
    DutyRemoved,
    EvidenceDemand,
    FlowLinked,
    FlowStepDefined,
    FlowStepRemoved,
    Frequency,
    PublishedVersion,
    QuorumRule,
    StandardAmended,
    StandardDescribed,
    StandardDrafted,
    StandardEvent,
    StandardPublished,
    StandardRetired,
    Status,
    StepsSeparated,
)
from domain.standard.flow import Bounds, Flow, Kind, Link, Node
from domain.standard.order import Analysis, analyse, check
from domain.standard.rules import area_of
from domain.standard.standard import Standard, Standing, standard_id

__all__ = [
    "AREAS",
    "Analysis",
    "Bounds",
    "Duty",
    "DutyDefined",
    "DutyRemoved",
    "EvidenceDemand",
    "Flow",
    "FlowLinked",
    "FlowStepDefined",
    "FlowStepRemoved",
    "Frequency",
    "Kind",
    "Link",
    "Node",
    "PublishedVersion",
    "QuorumRule",
    "Standard",
    "StandardAmended",
    "StandardDescribed",
    "StandardDrafted",
    "StandardEvent",
    "StandardPublished",
    "StandardRetired",
    "Standing",
    "Status",
    "StepsSeparated",
    "actions",
    "analyse",
    "area_of",
    "bpmn",
    "check",
    "standard_id",
]
