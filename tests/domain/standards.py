"""A standard with a flow of three steps and a duty, as its tests begin."""

from datetime import date
from itertools import pairwise

from domain.event import Account, Event
from domain.standard import (
    Duty,
    EvidenceDemand,
    Flow,
    Link,
    Node,
    QuorumRule,
    Standard,
    StandardDrafted,
)
from tests.spec import BO, account, given

MARCH = date(2026, 3, 1)
JULY = date(2026, 7, 1)

DRAFTED = StandardDrafted(code="三会一课", title="三会一课", area="organisation", authority="支部工作条例")
MINUTES = EvidenceDemand(kind="minutes", why="the quorum can be checked", reusable_from="支部手册")
MEETING = Duty(
    code="general-meeting",
    title="支部党员大会",
    frequency="quarterly",
    days_after=7,
    quorum=QuorumRule(numerator=1, denominator=2, more_than=True),
    evidence=(MINUTES,),
    levels=("village",),
    source="art. 11",
)


def chain(*names: str) -> Flow:
    """Start, one task after the other, end; a task's identifier is its name with ``t-`` before it."""
    tasks = tuple(Node(id=f"t-{name}", kind="task", name=name) for name in names)
    nodes = (Node(id="s", kind="start"), *tasks, Node(id="e", kind="end"))
    links = (Link(id=f"l{n}", source=a.id, target=b.id) for n, (a, b) in enumerate(pairwise(nodes)))
    return Flow(nodes=nodes, links=tuple(links))


PREPARE_HOLD_RECORD = chain("准备", "召开", "记录")


def recorded(*moves: Event | tuple[Event, Account]) -> Standard:
    return given(Standard, *moves)


def drafted(*more: Event | tuple[Event, Account]) -> Standard:
    """A draft by ANN with a flow; BO and CAI had no hand in it."""
    return recorded(DRAFTED, *recorded(DRAFTED).draw(PREPARE_HOLD_RECORD), *more)


def published(*more: Event | tuple[Event, Account]) -> Standard:
    draft = drafted()
    event = draft.publish(account(BO), MARCH)
    return drafted((event, account(BO)), *more)
