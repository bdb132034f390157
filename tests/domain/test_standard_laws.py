"""Laws that a standard keeps whatever is tried."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import HealthCheck, event, settings
from hypothesis import given as examples
from hypothesis import strategies as st

from domain.event import Account, Recorded, Refused
from domain.standard import (
    Duty,
    Flow,
    FlowLinked,
    FlowStepDefined,
    FlowStepRemoved,
    Link,
    Node,
    PublishedVersion,
    Standard,
    StandardEvent,
    StepsSeparated,
    check,
    standard_id,
)
from tests.spec import ANN, BO, CAI, SOME, account

# A busy machine draws slowly; that is no fault of the code.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

NEW_YEAR = date(2026, 1, 1)
COMMANDS = [
    *["draw", "draw", "draw", "publish", "publish", "publish", "amend", "amend", "amend"],
    *["separate", "separate", "duty", "duty", "drop", "step", "link", "retire", "draft"],
]
NAMES = ["notice", "meeting", "minutes", "filing"]
ENDS = (Node(id="s", kind="start"), Node(id="e", kind="end"))

people = st.sampled_from([ANN, BO, CAI, SOME])
accounts = st.builds(
    lambda actor, behalf: account(actor, NEW_YEAR, **({"on_behalf_of": behalf} if behalf else {})),
    people,
    st.none() | st.none() | people,
)


def chained(names: Sequence[str], prefix: str) -> Flow:
    tasks = [Node(id=f"{prefix}{name}", kind="task", name=name) for name in names]
    nodes = [ENDS[0], *tasks, ENDS[1]]
    links = [Link(id=f"l{n}", source=a.id, target=b.id) for n, (a, b) in enumerate(pairwise(nodes))]
    return Flow(nodes=(*tasks, *ENDS), links=tuple(links))


@dataclass
class Tried:
    """A standard on which commands are tried, and everything that came of them."""

    data: st.DataObject
    live: Standard = field(default_factory=lambda: Standard(standard_id("std")))
    history: list[Recorded] = field(default_factory=list[Recorded])

    def some_names(self, fewest: int) -> list[str]:
        return self.data.draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=fewest, max_size=4))

    def attempt(self, command: str, who: Account) -> Sequence[StandardEvent]:
        number = self.data.draw(st.integers(0, 3))
        match command:
            case "draw":
                return self.live.draw(chained(self.some_names(1), self.data.draw(st.sampled_from(["", "t-"]))))
            case "publish":
                return (self.live.publish(who, NEW_YEAR + timedelta(days=number)),)
            case "amend":
                return (self.live.amend("the article has changed"),)
            case "separate":
                names = self.some_names(2)
                return (self.live.separate([*pairwise(names)]),)
            case "duty":
                return (self.live.define_duty(Duty(code=f"d{number}", title=NAMES[number], frequency="yearly")),)
            case "drop":
                return (self.live.remove_duty(f"d{number}"),)
            case "step":
                return (self.live.define_step(f"t-{NAMES[number]}", self.some_names(1)[0]),)
            case "link":
                tasks = self.live.steps
                links = chained([task.name for task in tasks], "").links if tasks else ()
                return (self.live.link(ENDS, links),)
            case "retire":
                return (self.live.retire("replaced"),) if self.data.draw(st.booleans()) else ()
            case _:
                return (self.live.draft("std", "A standard", "conduct", ""),)

    def record(self, events: Sequence[StandardEvent], who: Account) -> None:
        self.live = self.live.after(who, *events)
        for one in events:
            stored = type(one).model_validate_json(one.model_dump_json())
            self.history.append(Recorded(self.live.id, len(self.history) + 1, stored, who))


def hands(history: Sequence[Recorded], version: int) -> set[UUID]:
    """Everybody who recorded anything for a version before it was published, and for whom."""
    published = [n for n, past in enumerate(history) if past.event.TOPIC == "standard.StandardPublished"]
    begin = 0 if version == 1 else published[version - 2] + 1
    accounts = [past.account for past in history[begin : published[version - 1]]]
    return {one.actor for one in accounts} | {one.on_behalf_of for one in accounts if one.on_behalf_of}


@settings(PATIENT, max_examples=200)
@examples(st.lists(st.tuples(st.sampled_from(COMMANDS), accounts), min_size=8, max_size=40), st.data())
def test_whatever_is_tried_the_record_keeps_its_laws(commands: list[tuple[str, Account]], data: st.DataObject) -> None:
    tried = Tried(data)
    begun = account(ANN, NEW_YEAR)
    tried.record([tried.live.draft("std", "A standard", "conduct", "")], begun)
    tried.record(tried.live.draw(chained(NAMES, "")), begun)
    published: list[PublishedVersion] = []
    for command, who in commands:
        before = tried.live
        try:
            events = tried.attempt(command, who)
        except Refused as refused:
            event(f"{command}: {refused.message}")
            assert tried.live == before
            continue
        tried.record(events, who)
        event(f"{command}: done")
        live = tried.live

        assert Standard.replay(None, tried.history) == live, "what is replayed is what was lived"
        assert list(live.versions[: len(published)]) == published, "a version once published never changes"
        published = list(live.versions)
        if command == "publish":
            check(live.versions[-1].flow)
            assert live.versions[-1].number == len(live.versions)
            assert [one.effective_on for one in published] == sorted(one.effective_on for one in published)
            authors = hands(tried.history, len(published))
            assert set(live.versions[-1].authors) == authors
            assert not authors & {who.actor, who.on_behalf_of}, "none of those who wrote it approved it"
        if command == "amend":
            opened = live.after(who)
            assert (opened.flow, opened.duties) == (published[-1].flow, published[-1].duties)
            assert opened.standing == "amending" and live.in_force() == published[-1]
        if command == "draw":
            changed = (FlowStepDefined, FlowStepRemoved, FlowLinked, StepsSeparated)
            assert all(isinstance(one, changed) for one in events)
            kept = [one for one in events if not isinstance(one, FlowStepRemoved)]
            assert len(kept) <= len(live.steps) + 2
        assert {id for pair in live.separate_ids for id in pair} <= {step.id for step in live.steps}
        for version in live.versions:
            assert {name for pair in version.separate for name in pair} <= set(version.flow.steps)


@settings(PATIENT, max_examples=200)
@examples(
    st.lists(st.sampled_from(NAMES), unique=True, min_size=2),
    st.lists(st.sampled_from(NAMES), unique=True, min_size=1),
    st.booleans(),
)
def test_drawing_another_flow_keeps_the_separations_of_the_steps_that_stay(
    before: list[str], after: list[str], renumbered: bool
) -> None:
    standard = Standard(standard_id("std"))
    who = account(ANN, NEW_YEAR)
    standard = standard.after(who, standard.draft("std", "A standard", "conduct", ""))
    standard = standard.after(who, *standard.draw(chained(before, "")))
    pairs = [*pairwise(before)]
    standard = standard.after(who, standard.separate(pairs))
    target = chained(after, "new-" if renumbered else "")
    if standard.flow != target:
        standard = standard.after(who, *standard.draw(target))
    assert standard.flow == target
    version = standard.publish(account(BO, NEW_YEAR), NEW_YEAR).version
    assert version.separate == tuple(pair for pair in pairs if set(pair) <= set(after))
