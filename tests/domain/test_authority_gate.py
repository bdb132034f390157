"""The gate lets somebody do what a duty of theirs goes with, where it reaches, and rules out who took the other part.

The matrix multiplies the table of actions out: every conflict, every pair of duties, every way of being the same hand.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given as suppose
from hypothesis import strategies as st

from domain.action import ALL_ROUND, Action, Conflict, Conflicted, Duty
from domain.actions import ACTIONS
from domain.authority import (
    DelegationGiven,
    DutyAppointed,
    Forbidden,
    Limits,
    Moment,
    Person,
    PersonRegistered,
    PersonSuspended,
    Question,
    RelationDeclared,
    Tie,
)
from domain.event import Event, Recorded, Refused
from tests.spec import ANN, BO, CAI, account

DAY = date(2026, 3, 1)
NOW = Moment(DAY, datetime(2026, 3, 1, 4, tzinfo=UTC))
COUNTY, TOWN, VILLAGE, OTHER = (UUID(int=n) for n in range(30, 34))
LINE = (VILLAGE, TOWN, COUNTY)
HELD, LENT = UUID(int=40), UUID(int=41)
DUTIES: tuple[Duty, ...] = get_args(Duty)


def person(id: UUID, *events: Event) -> Person:
    past = (
        Recorded(id, n, event, account(), n) for n, event in enumerate((PersonRegistered(kind="person"), *events), 1)
    )
    return Person.replay(None, past) or Person(id)


def duty(held: Duty, organisation: UUID | None = COUNTY, since: date = DAY, until: date | None = None) -> DutyAppointed:
    return DutyAppointed(
        appointment=HELD, duty=held, organisation=organisation, since=since, until=until, decision="决定"
    )


def lending(to: UUID) -> DelegationGiven:
    return DelegationGiven(delegation=LENT, appointment=HELD, to=to, since=DAY, until=DAY)


@dataclass(frozen=True)
class Matter:
    """A record in which somebody took a part; conflicts read it as their context's record."""

    id: UUID
    hands: frozenset[UUID] = field(default_factory=frozenset)

    def __getattr__(self, name: str) -> frozenset[UUID]:
        return self.hands


def matter(*people: UUID) -> Matter:
    return Matter(people[0], frozenset(people))


def conflicts() -> Iterator[tuple[Action, Conflict]]:
    for action in ACTIONS.values():
        for conflict in action.conflicts:
            yield action, conflict


def ruled_out(question: Question, conflict: Conflict) -> bool:
    """Whether the gate refuses, by this rule, in a sentence."""
    try:
        question.decide()
    except Conflicted as refused:
        return refused.rule == conflict.name and bool(str(refused))
    return False


PAIRS = [
    pytest.param(action, conflict, did, does, id=f"{conflict.name} {action.name} {did} {does}")
    for action, conflict in conflicts()
    for did, does in product(DUTIES, action.duties)
]


@pytest.mark.parametrize(("action", "conflict", "did", "does"), PAIRS)
def test_nobody_takes_the_other_part_whatever_duties_they_hold(
    action: Action, conflict: Conflict, did: Duty, does: Duty
) -> None:
    """``did`` is the duty with which the one part was taken, ``does`` that with which the other is attempted."""
    both = (duty(did), duty(does).model_copy(update={"appointment": LENT}))
    ann = person(ANN, *both)
    assert ruled_out(Question(action, ann, NOW, LINE, None, matter(ANN)), conflict), "the same person"

    lent = person(CAI, duty(does), lending(ANN))
    assert ruled_out(Question(action, ann, NOW, LINE, lent, matter(ANN)), conflict), "on behalf of another"
    assert ruled_out(Question(action, person(BO, *both), NOW, LINE, None, matter(BO, ANN)), conflict), "acted for"
    lending_again = person(ANN, duty(does), lending(BO))
    assert ruled_out(Question(action, person(BO), NOW, LINE, lending_again, matter(ANN)), conflict), "lent by the one"
    group = person(CAI, duty(does), lending(BO))
    assert ruled_out(Question(action, person(BO), NOW, LINE, group, matter(CAI, ANN)), conflict), "of one group"

    for tie in get_args(Tie):
        tied = RelationDeclared(relation=LENT, other=ANN, tie=tie, matter="安纪〔2026〕3号" if tie == "case" else "")
        kin = person(BO, duty(does), tied)
        assert ruled_out(Question(action, kin, NOW, LINE, None, matter(ANN)), conflict), tie
        lender = person(CAI, duty(does), lending(BO), tied)
        assert ruled_out(Question(action, person(BO), NOW, LINE, lender, matter(ANN)), conflict), f"{tie} of the lender"

    free = person(BO, duty(does))
    assert Question(action, free, NOW, LINE, None, matter(ANN)).decide().appointment.duty == does


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_an_action_goes_with_its_duties_and_with_no_other(action: Action) -> None:
    assert ALL_ROUND in action.duties
    for held in DUTIES:
        question = Question(action, person(BO, duty(held)), NOW, LINE, None, matter(ANN))
        if held in action.duties:
            verdict = question.decide().verdict(action)
            assert (verdict.action, verdict.duty, verdict.appointment) == (action.name, held, HELD)
            assert verdict.rules == tuple(conflict.name for conflict in action.conflicts)
        else:
            with pytest.raises(Forbidden) as refused:
                question.decide()
            assert not refused.value.hidden, "a duty of theirs reaches the organisation: they may know of it"


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_a_duty_reaches_down_and_neither_up_nor_aside(action: Action) -> None:
    reached = {
        place
        for place in (None, COUNTY, TOWN, VILLAGE, OTHER)
        if _lets(Question(action, person(BO, duty(action.duties[0], place)), NOW, LINE, None, matter(ANN)))
    }
    assert reached == ({None, COUNTY, TOWN} if action.above else {None, COUNTY, TOWN, VILLAGE})


def _lets(question: Question) -> bool:
    try:
        question.decide()
    except Forbidden:
        return False
    return True


FILE, VERIFY = ACTIONS["ledger.file"], ACTIONS["ledger.verify"]


def test_the_whole_record_is_for_those_who_hold_a_duty_for_it() -> None:
    assert _lets(Question(FILE, person(BO, duty("filer", None)), NOW))
    assert not _lets(Question(FILE, person(BO, duty("filer", COUNTY)), NOW))


@pytest.mark.parametrize(
    ("since", "until", "lets"),
    [
        (DAY, None, True),
        (DAY, DAY, True),
        (DAY + timedelta(days=1), None, False),
        (date(2026, 1, 1), DAY - timedelta(days=1), False),
    ],
)
def test_a_duty_counts_on_its_days(since: date, until: date | None, *, lets: bool) -> None:
    assert _lets(Question(FILE, person(BO, duty("filer", COUNTY, since, until)), NOW, LINE)) == lets


def test_who_holds_nothing_there_does_not_learn_that_the_organisation_exists() -> None:
    for who in (person(BO), person(BO, duty("filer", OTHER))):
        with pytest.raises(Forbidden) as refused:
            Question(FILE, who, NOW, LINE).decide()
        assert refused.value.hidden


def test_a_stranger_and_somebody_suspended_do_nothing() -> None:
    with pytest.raises(Forbidden, match="not registered"):
        Question(FILE, Person(BO), NOW, LINE).decide()
    suspended = person(BO, duty("filer"), PersonSuspended(until=None))
    with pytest.raises(Forbidden, match="you are suspended"):
        Question(FILE, suspended, NOW, LINE).decide()
    lender = person(CAI, duty("filer"), lending(BO), PersonSuspended(until=None))
    with pytest.raises(Forbidden, match="for whom you act is suspended"):
        Question(FILE, person(BO, duty("filer")), NOW, LINE, lender).decide()


def test_somebody_acts_for_another_by_what_was_lent_and_not_by_what_is_theirs() -> None:
    lender = person(CAI, duty("filer", TOWN), lending(BO))
    ground = Question(FILE, person(BO), NOW, LINE, lender).decide()
    assert (ground.appointment.organisation, ground.verdict(FILE).delegation) == (TOWN, LENT)
    with pytest.raises(Forbidden, match="lent you nothing") as refused:
        Question(FILE, person(BO, duty("filer", None)), NOW, LINE, person(CAI, duty("filer"))).decide()
    assert refused.value.field == "on_behalf_of"
    with pytest.raises(Forbidden, match="lent you nothing"):
        Question(FILE, person(ANN), NOW, LINE, lender).decide()


def test_a_token_narrows_what_its_holder_may_do_and_never_widens_it() -> None:
    who = person(BO, duty("filer"), duty("verifier").model_copy(update={"appointment": LENT}))

    def lets(action: Action, limits: Limits) -> bool:
        return _lets(Question(action, who, NOW, LINE, None, matter(ANN), limits))

    assert lets(FILE, Limits()) and lets(VERIFY, Limits())
    assert lets(FILE, Limits(duty="filer")) and not lets(VERIFY, Limits(duty="filer"))
    assert lets(FILE, Limits(actions=frozenset({"ledger.file"})))
    assert not lets(VERIFY, Limits(actions=frozenset({"ledger.file"})))
    assert lets(FILE, Limits(organisation=TOWN)) and not lets(FILE, Limits(organisation=OTHER))
    assert not lets(ACTIONS["standard.draft"], Limits(duty="drafter"))
    with pytest.raises(Forbidden, match="your token is not for this"):
        Question(VERIFY, who, NOW, LINE, None, matter(ANN), Limits(duty="filer")).decide()


LIMITS = st.builds(
    Limits,
    st.none() | st.sampled_from(("filer", "verifier")),
    st.none() | st.frozensets(st.sampled_from(("ledger.file", "ledger.verify", "record.read"))),
    st.none() | st.sampled_from((TOWN, VILLAGE)),
)


@suppose(LIMITS, LIMITS)
def test_limits_taken_together_allow_what_both_allow(one: Limits, other: Limits) -> None:
    both = one.narrow(other)
    for action, line in product((FILE, VERIFY), (LINE, LINE[1:], ())):
        allowed = one.allow(action, line) and other.allow(action, line)
        if both is None:
            # Two duties, or two places, have nothing in common that one token could stand for.
            continue
        assert both.allow(action, line) == allowed


def test_a_unit_above_is_not_the_unit_itself() -> None:
    waive = ACTIONS["ledger.waive"]
    with pytest.raises(Forbidden, match="for a unit above") as refused:
        Question(waive, person(BO, duty("decider", VILLAGE)), NOW, LINE, None, matter(ANN)).decide()
    assert refused.value.field == "organisation"
    assert isinstance(refused.value, Refused)
