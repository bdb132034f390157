"""A standard in the examples: its first version lets a survey be left out, the second wants it besides."""

from datetime import date

from domain.standard import (
    Bounds,
    Duty,
    DutyDefined,
    DutyRemoved,
    EvidenceDemand,
    Flow,
    FlowLinked,
    FlowStepDefined,
    FlowStepRemoved,
    Link,
    Node,
    PublishedVersion,
    QuorumRule,
    StandardAmended,
    StandardDrafted,
    StandardPublished,
    StepsSeparated,
)
from tests.examples.tale import FIRST, MEETINGS, Tale
from tests.spec import ANN, BO, CAI

_BOUNDS = Bounds(x=100.0, y=80.5, width=100.0, height=80.0)
_TASKS = tuple(
    Node(id=f"t{n}", kind="task", name=name, bounds=_BOUNDS) for n, name in enumerate(("收件", "勘察", "审查", "发证"))
)
_ENDS = (Node(id="s", kind="start", name="开始", bounds=_BOUNDS), Node(id="e", kind="end", name="结束", bounds=_BOUNDS))


def _links(*pairs: str) -> tuple[Link, ...]:
    ends = [pair.split() for pair in pairs]
    return tuple(
        Link(id=f"l{n}", source=a, target=b, name="通过", waypoints=((200.0, 120.5), (250.0, 120.5)))
        for n, (a, b) in enumerate(ends)
    )


_CHOICE = (*_ENDS, Node(id="x1", kind="exclusive", name="需勘察？", bounds=_BOUNDS), Node(id="x2", kind="exclusive"))
_BOTH = (*_ENDS, Node(id="p1", kind="parallel"), Node(id="p2", kind="parallel"))
_LINKS_1 = _links("s t0", "t0 x1", "x1 t1", "t1 x2", "x1 x2", "x2 t2", "t2 t3", "t3 e")
_LINKS_2 = _links("s t0", "t0 p1", "p1 t1", "p1 t2", "t1 p2", "t2 p2", "p2 t3", "t3 e")
_DUTY = Duty(
    code="meeting",
    title="党员大会",
    frequency="quarterly",
    days_after=7,
    soft=True,
    soft_because="条例称“一般”",
    quorum=QuorumRule(numerator=1, denominator=2, more_than=True),
    evidence=(EvidenceDemand(kind="minutes", why="证明召开", reusable_from="会议记录本"),),
    levels=("village", "branch"),
    settings=("rural", "urban"),
    source="支部工作条例第十一条",
    status="verified",
)
_VERSION_1 = PublishedVersion(
    number=1,
    effective_on=FIRST,
    title="行政许可",
    area="efficiency",
    authority="行政许可法",
    flow=Flow(nodes=(*_CHOICE, *_TASKS), links=_LINKS_1),
    separate=(("收件", "发证"),),
    duties=(_DUTY,),
    authors=(ANN, CAI),
)
_VERSION_2 = _VERSION_1.model_copy(
    update={"number": 2, "effective_on": date(2026, 6, 1), "flow": Flow(nodes=(*_BOTH, *_TASKS), links=_LINKS_2)}
)


def tell(tale: Tale) -> None:
    tale.happened(
        MEETINGS,
        StandardDrafted(code="meetings", title="行政许可", area="efficiency", authority="行政许可法"),
        *(FlowStepDefined(step=task.id, name=task.name, bounds=task.bounds) for task in _TASKS),
        FlowStepDefined(step="t9", name="公示"),
        FlowStepRemoved(step="t9"),
        FlowLinked(nodes=_CHOICE, links=_LINKS_1, order=tuple(node.id for node in (*_CHOICE, *_TASKS))),
        StepsSeparated(pairs=(("t0", "t3"),)),
        DutyDefined(duty=_DUTY),
        DutyDefined(duty=Duty(code="group", title="党小组会", frequency="monthly")),
        DutyRemoved(duty="group"),
    )
    tale.happened(MEETINGS, StandardPublished(version=_VERSION_1), by=BO)
    tale.happened(
        MEETINGS,
        StandardAmended(number=2, reason="增加勘察"),
        FlowLinked(nodes=_BOTH, links=_LINKS_2, order=tuple(node.id for node in (*_BOTH, *_TASKS))),
    )
    tale.happened(MEETINGS, StandardPublished(version=_VERSION_2), by=BO, on=date(2026, 6, 1))
