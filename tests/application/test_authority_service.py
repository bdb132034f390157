"""People and mandates on record: who is let do what, where, and on which day; and what two processes see of it."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from application.records import Act
from domain.action import Conflicted
from domain.actions import ACTIONS
from domain.authority import Forbidden, Limits, Person
from domain.event import Refused
from domain.organisation import organisation_id
from interface.app import Installation
from tests.application.services import TODAY, Calendar, past, topics
from tests.spec import ANN, BO, CAI

TOWN, VILLAGE, OTHER = (organisation_id(code) for code in ("330523110", "330523110201", "330523111"))
LATER = TODAY + timedelta(days=30)

Acting = Callable[..., Act]


@pytest.fixture
def tree(at: Installation, act: Acting) -> Installation:
    """Two towns, and a village below the first."""
    at.organisations.establish(act(), "昌硕街道", "township", code="330523110")
    at.organisations.establish(act(), "递铺街道", "township", code="330523111")
    at.organisations.establish(act(), "鲁家村", "village", code="330523110201", parent=TOWN, setting="rural")
    return at


def registered(at: Installation, act: Act, name: str = "王芳") -> UUID:
    return at.people.register(act, "person", name).events[0].id


def holding(at: Installation, act: Acting, duty: str, place: UUID | None, until: date | None = None) -> UUID:
    """A person who holds a duty somewhere from today on."""
    person = registered(at, act())
    at.people.appoint(act(), person, duty, place, TODAY, until, "安组〔2026〕1号")  # type: ignore[arg-type]  # a duty
    return person


def appointment(at: Installation, person: UUID) -> UUID:
    return at.records.load(Person, person, fresh=True).appointments[-1].id


def test_an_event_says_on_which_mandate_it_rests(tree: Installation, act: Acting) -> None:
    person = holding(tree, act, "personnel", TOWN)
    tree.organisations.rename(act(person), VILLAGE, "鲁家新村")
    account = past(tree)[-1].account
    assert account.verdict is not None
    assert (account.verdict.action, account.verdict.duty) == ("organisation.rename", "personnel")
    assert account.verdict.appointment == appointment(tree, person)
    assert account.organisation == TOWN


def test_a_duty_ends_where_its_organisation_does(tree: Installation, act: Acting) -> None:
    person = holding(tree, act, "personnel", TOWN)
    with pytest.raises(Forbidden) as refused:
        tree.organisations.rename(act(person), OTHER, "别名")
    assert refused.value.hidden
    with pytest.raises(Forbidden):
        tree.organisations.establish(act(person), "别县", "county")
    with pytest.raises(Forbidden, match="duty"):
        tree.standards.draft(act(person), "x", "规范", "organisation")


def test_the_tree_counts_as_it_stands_when_somebody_acts(tree: Installation, act: Acting) -> None:
    person = holding(tree, act, "personnel", TOWN)
    tree.organisations.move(act(), VILLAGE, OTHER)
    with pytest.raises(Forbidden):
        tree.organisations.rename(act(person), VILLAGE, "鲁家新村")
    tree.organisations.move(act(), VILLAGE, TOWN)
    tree.organisations.rename(act(person), VILLAGE, "鲁家新村")


def test_a_move_needs_both_ends(tree: Installation, act: Acting) -> None:
    person = holding(tree, act, "personnel", TOWN)
    with pytest.raises(Forbidden):
        tree.organisations.move(act(person), VILLAGE, OTHER)


def test_a_mandate_counts_on_the_day_on_which_somebody_acts_whatever_day_they_tell(
    tree: Installation, act: Acting, calendar: Calendar
) -> None:
    person = holding(tree, act, "personnel", TOWN, LATER)
    calendar.turn(LATER)
    tree.organisations.rename(act(person), VILLAGE, "鲁家新村")
    calendar.turn(LATER + timedelta(days=1))
    with pytest.raises(Forbidden):
        tree.organisations.rename(act(person, occurred_on=LATER), VILLAGE, "鲁家村")


def test_what_another_process_took_away_is_gone_here_too(
    tree: Installation, elsewhere: Installation, act: Acting
) -> None:
    person = holding(tree, act, "personnel", TOWN)
    elsewhere.organisations.rename(act(person), VILLAGE, "鲁家新村")
    yesterday = TODAY - timedelta(days=1)
    tree.people.end_appointment(act(), person, appointment(tree, person), yesterday)
    with pytest.raises(Forbidden):
        elsewhere.organisations.rename(act(person), VILLAGE, "鲁家村")


def test_what_another_process_gave_counts_here_too(tree: Installation, elsewhere: Installation, act: Acting) -> None:
    person = registered(tree, act())
    with pytest.raises(Forbidden):
        elsewhere.organisations.rename(act(person), VILLAGE, "鲁家新村")
    tree.people.appoint(act(), person, "personnel", TOWN, TODAY, None, "决定")
    elsewhere.organisations.rename(act(person), VILLAGE, "鲁家新村")


def test_nobody_gives_a_duty_to_themselves_or_takes_one_from_themselves(tree: Installation, act: Acting) -> None:
    with pytest.raises(Conflicted) as refused:
        tree.people.appoint(act(ANN), ANN, "auditor", None, TODAY, None, "决定")
    assert refused.value.rule == "appointer-appointee"
    with pytest.raises(Conflicted):
        tree.people.end_appointment(act(ANN), ANN, appointment(tree, ANN), TODAY)


def test_a_town_appoints_in_the_town_alone(tree: Installation, act: Acting) -> None:
    person = holding(tree, act, "administrator", TOWN)
    filer = registered(tree, act(person, organisation=TOWN))
    tree.people.appoint(act(person), filer, "filer", VILLAGE, TODAY, None, "决定")
    for place in (OTHER, None, uuid4()):
        with pytest.raises(Forbidden):
            tree.people.appoint(act(person), filer, "filer", place, TODAY, None, "决定")
    with pytest.raises(Refused, match="no such organisation"):
        tree.people.appoint(act(), filer, "filer", uuid4(), TODAY, None, "决定")


def test_what_is_lent_serves_in_the_name_of_both(tree: Installation, act: Acting) -> None:
    lender, borrower = holding(tree, act, "personnel", TOWN), registered(tree, act(), "李强")
    tree.people.delegate(act(lender), appointment(tree, lender), borrower, TODAY, LATER)
    with pytest.raises(Forbidden):
        tree.organisations.rename(act(borrower), VILLAGE, "鲁家新村")
    tree.organisations.rename(act(borrower, on_behalf_of=lender), VILLAGE, "鲁家新村")
    account = past(tree)[-1].account
    assert account.people == {lender, borrower}
    assert account.verdict is not None
    assert account.verdict.delegation == tree.records.load(Person, lender).delegations[0].id
    with pytest.raises(Forbidden) as refused:
        tree.organisations.rename(act(borrower, on_behalf_of=BO), VILLAGE, "鲁家村")
    assert refused.value.field == "on_behalf_of"


def test_what_is_lent_is_not_lent_on_and_lenders_who_lend_in_a_ring_gain_nothing(
    tree: Installation, act: Acting
) -> None:
    one, other = holding(tree, act, "personnel", TOWN), holding(tree, act, "verifier", TOWN)
    tree.people.delegate(act(one), appointment(tree, one), other, TODAY, LATER)
    tree.people.delegate(act(other), appointment(tree, other), one, TODAY, LATER)
    third = registered(tree, act(), "赵敏")
    with pytest.raises(Refused, match="no appointment"):
        tree.people.delegate(act(other), appointment(tree, one), third, TODAY, LATER)
    with pytest.raises(Forbidden):
        tree.organisations.rename(act(third, on_behalf_of=other), VILLAGE, "鲁家新村")
    with pytest.raises(Forbidden):
        tree.organisations.rename(act(one, on_behalf_of=other), VILLAGE, "鲁家新村")


def test_what_is_taken_back_serves_no_more(tree: Installation, act: Acting) -> None:
    lender, borrower = holding(tree, act, "personnel", TOWN), registered(tree, act(), "李强")
    tree.people.delegate(act(lender), appointment(tree, lender), borrower, TODAY, LATER)
    tree.people.revoke(act(lender), tree.records.load(Person, lender, fresh=True).delegations[0].id)
    with pytest.raises(Forbidden):
        tree.organisations.rename(act(borrower, on_behalf_of=lender), VILLAGE, "鲁家新村")


def test_whoever_suspends_reaches_every_duty_of_the_person(tree: Installation, act: Acting) -> None:
    local, elsewhere = holding(tree, act, "personnel", TOWN), holding(tree, act, "auditor", None)
    filer = holding(tree, act, "filer", VILLAGE)
    with pytest.raises(Refused, match="say why"):
        tree.people.suspend(act(local), filer, None)
    tree.people.suspend(act(local, reason="配合调查"), filer, None)
    with pytest.raises(Forbidden, match="you are suspended"):
        tree.organisations.rename(act(filer), VILLAGE, "鲁家新村")
    with pytest.raises(Forbidden):
        tree.people.suspend(act(local, reason="配合调查"), elsewhere, None)
    tree.people.reinstate(act(local), filer)
    with pytest.raises(Conflicted):
        tree.people.suspend(act(local, reason="请假"), local, None)


def test_a_relation_stands_in_both_records_and_neither_ends_it(tree: Installation, act: Acting) -> None:
    one, other = holding(tree, act, "personnel", TOWN), holding(tree, act, "filer", VILLAGE)
    tree.people.declare(act(one), one, other, "relative")
    for person, tied in ((one, other), (other, one)):
        [relation] = tree.records.load(Person, person, fresh=True).relations
        assert (relation.other, relation.tie) == (tied, "relative")
    with pytest.raises(Conflicted):
        tree.people.end_relation(act(one), other, relation.id)
    tree.people.end_relation(act(ANN, reason="已解除"), one, relation.id)
    assert tree.records.load(Person, other, fresh=True).relations == ()


def test_personnel_declare_what_somebody_left_out(tree: Installation, act: Acting) -> None:
    one, other = holding(tree, act, "filer", VILLAGE), holding(tree, act, "filer", VILLAGE)
    with pytest.raises(Forbidden):
        tree.people.declare(act(other), one, ANN, "relative")
    tree.people.declare(act(holding(tree, act, "inspector", TOWN)), one, other, "case", "安纪〔2026〕3号")
    assert topics(tree)[-2:] == ["RelationDeclared"] * 2


def test_an_emergency_is_two_persons_matter_and_ends_by_itself(
    tree: Installation, act: Acting, calendar: Calendar
) -> None:
    auditor, secretary = holding(tree, act, "auditor", None), holding(tree, act, "secretary", TOWN)
    holding(tree, act, "secretary", OTHER)
    asker = holding(tree, act, "filer", VILLAGE)
    tree.fold_now()
    with pytest.raises(Forbidden):
        tree.organisations.rename(act(asker), VILLAGE, "鲁家新村")
    asked = tree.people.request_emergency(act(asker, reason="汛情"), "personnel", TOWN, 12).events[0].id
    for who in (asker, secretary):
        with pytest.raises(Refused):
            tree.people.grant_emergency(act(who), asked)
    tree.people.grant_emergency(act(BO), asked)
    granted = past(tree)[-2].event
    assert set(granted.announced_to) == {auditor, secretary}  # type: ignore[attr-defined]  # it is
    tree.organisations.rename(act(asker), VILLAGE, "鲁家新村")
    calendar.turn(calendar.tomorrow)
    with pytest.raises(Forbidden):
        tree.organisations.rename(act(asker), VILLAGE, "鲁家村")


def test_a_token_of_one_organisation_does_nothing_in_another(tree: Installation, act: Acting) -> None:
    narrowed = act(CAI)
    here = Act(narrowed.account, limits=Limits(organisation=TOWN))
    with pytest.raises(Forbidden):
        tree.organisations.rename(here, OTHER, "别名")
    tree.organisations.rename(here, VILLAGE, "鲁家新村")


def test_the_machine_gives_a_duty_once(at: Installation) -> None:
    before = at.head()
    one = at.entrust("李强", "filer")
    assert at.head() == before + 2
    assert at.entrust("李强", "filer") == one
    assert at.head() == before + 2
    at.entrust("李强", "verifier")
    assert topics(at, before) == ["PersonRegistered", "DutyAppointed", "DutyAppointed"]


def test_why_somebody_may_and_may_not_is_explained(tree: Installation, act: Acting) -> None:
    person = holding(tree, act, "personnel", TOWN, LATER)
    found = tree.explaining.explain(person, ACTIONS["organisation.rename"], VILLAGE)
    assert found.allowed and [each.finding for each in found.held] == ["suffices"]
    found = tree.explaining.explain(person, ACTIONS["organisation.rename"], record=OTHER)
    assert not found.allowed and [each.finding for each in found.held] == ["elsewhere"]
    found = tree.explaining.explain(person, ACTIONS["ledger.verify"], VILLAGE)
    assert [each.finding for each in found.held] == ["another duty"]
    found = tree.explaining.explain(ANN, ACTIONS["authority.appoint"], None, ANN)
    assert not found.allowed
    assert [(each.rule, each.ruled_out) for each in found.rulings] == [("appointer-appointee", True)]
    assert str(found.refusal) == ACTIONS["authority.appoint"].conflicts[0].sentence
