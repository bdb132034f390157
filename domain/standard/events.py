"""What can happen to a standard, and the values those events carry."""

from datetime import date
from typing import ClassVar, Final, Literal
from uuid import UUID

from pydantic import NonNegativeInt, PositiveInt

from domain.event import Event, Fact
from domain.standard.flow import Bounds, Flow, Link, Node

AREAS: Final = {
    "organisation": "组织建设",
    "leadership": "班子建设",
    "conduct": "作风建设",
    "workforce": "队伍建设",
    "integrity": "廉政建设",
    "efficiency": "效能监察",
}
"""The six areas of work, by identifier. Any other is ``custom:`` and its name."""

Frequency = Literal["monthly", "quarterly", "half-yearly", "yearly", "per case"]
Status = Literal["verified", "unverified"]


class QuorumRule(Fact):
    """Those present must be at least, or more than, n/d of those entitled (法定人数)."""

    numerator: PositiveInt
    denominator: PositiveInt
    more_than: bool = False


class EvidenceDemand(Fact):
    """One kind of evidence asked for, why it is needed, and where it can be reused from (同类材料最多报一次)."""

    kind: str
    why: str
    reusable_from: str


class Duty(Fact):
    """责任事项: work that the standard asks for, of organisations of these levels and settings (empty: of any).

    ``levels`` and ``settings`` are among ``rules.LEVELS`` and ``rules.SETTINGS``.

    It is due ``days_after`` calendar days after the last day of each period; one that is asked for
    ``per case``, so many after the day on which the case is due. A ``soft`` due date (一般)
    may pass with a stated reason; ``soft_because`` says why it is soft. ``source`` is the rule it rests on,
    with the ``article``, the day from which that applies and its words, where they are known;
    ``status`` says whether somebody has checked them against an official print.
    """

    code: str
    title: str
    frequency: Frequency
    days_after: NonNegativeInt = 0
    soft: bool = False
    soft_because: str = ""
    quorum: QuorumRule | None = None
    evidence: tuple[EvidenceDemand, ...] = ()
    levels: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    source: str = ""
    article: str = ""
    effective_from: date | None = None
    text_excerpt: str = ""
    status: Status = "unverified"


class PublishedVersion(Fact):
    """One version of a standard, whole, as it was published; it never changes.

    ``separate`` holds pairs of steps, by name, that need different people.
    """

    number: PositiveInt
    effective_on: date
    title: str
    area: str
    authority: str
    flow: Flow
    separate: tuple[tuple[str, str], ...]
    duties: tuple[Duty, ...]
    authors: tuple[UUID, ...]


class StandardDrafted(Event):
    """起草: a standard of work (工作规范) is proposed, in an area of work, on a cited authority."""

    TOPIC: ClassVar[str] = "standard.StandardDrafted"
    code: str
    title: str
    area: str
    authority: str


class StandardDescribed(Event):
    """名称与依据变更: the draft has another title, area of work or authority; published versions keep theirs."""

    TOPIC: ClassVar[str] = "standard.StandardDescribed"
    title_before: str
    title: str
    area_before: str
    area: str
    authority_before: str
    authority: str


class FlowStepDefined(Event):
    """流程环节: a step of the flow, new or by another name or place than before."""

    TOPIC: ClassVar[str] = "standard.FlowStepDefined"
    step: str
    name: str
    bounds: Bounds | None = None


class FlowStepRemoved(Event):
    """删除环节: a step is no longer part of the draft's flow."""

    TOPIC: ClassVar[str] = "standard.FlowStepRemoved"
    step: str


class FlowLinked(Event):
    """流程连接: what the flow is besides its steps: start, ends, gateways, and every link.

    ``order`` holds all nodes' identifiers in the order of the drawing.
    """

    TOPIC: ClassVar[str] = "standard.FlowLinked"
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    order: tuple[str, ...]


class StepsSeparated(Event):
    """不相容职责分离: pairs of steps, by identifier, that need different people; in place of those said before."""

    TOPIC: ClassVar[str] = "standard.StepsSeparated"
    pairs: tuple[tuple[str, str], ...]


class DutyDefined(Event):
    """责任事项设定: a duty, new or changed."""

    TOPIC: ClassVar[str] = "standard.DutyDefined"
    duty: Duty


class DutyRemoved(Event):
    """责任事项删除: the draft no longer asks for a duty."""

    TOPIC: ClassVar[str] = "standard.DutyRemoved"
    duty: str


class StandardPublished(Event):
    """发布: a version is in force from ``version.effective_on`` on."""

    TOPIC: ClassVar[str] = "standard.StandardPublished"
    version: PublishedVersion


class StandardAmended(Event):
    """修订: a draft of the version ``number`` is opened, equal to the one before; nothing on record is judged anew."""

    TOPIC: ClassVar[str] = "standard.StandardAmended"
    number: int
    reason: str


class StandardRetired(Event):
    """废止: the standard asks for nothing more; what was recorded under it stands."""

    TOPIC: ClassVar[str] = "standard.StandardRetired"
    reason: str


StandardEvent = (
    StandardDrafted
    | StandardDescribed
    | FlowStepDefined
    | FlowStepRemoved
    | FlowLinked
    | StepsSeparated
    | DutyDefined
    | DutyRemoved
    | StandardPublished
    | StandardAmended
    | StandardRetired
)
