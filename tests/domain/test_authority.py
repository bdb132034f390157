"""A person holds duties from a day to a day, lends them, is tied to others, is suspended; emergencies are granted."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain.authority import (
    AppointmentEnded,
    DelegationGiven,
    DelegationRevoked,
    DutyAppointed,
    Emergency,
    EmergencyGranted,
    Moment,
    Person,
    PersonRegistered,
    PersonReinstated,
    PersonSuspended,
    RelationDeclared,
    RelationEnded,
)
from domain.event import Account, Event, Recorded, Refused
from tests.spec import ANN, BO, CAI, SOME, account, given

DAY = date(2026, 3, 1)
YEAR_END = date(2026, 12, 31)
NOW = Moment(DAY, datetime(2026, 3, 1, 4, tzinfo=UTC))
TOWN, VILLAGE = UUID(int=30), UUID(int=31)
HELD, LENT, TIED = UUID(int=40), UUID(int=41), UUID(int=42)

REGISTERED = PersonRegistered(kind="person")
APPOINTED = DutyAppointed(
    appointment=HELD,
    duty="verifier",
    organisation=TOWN,
    since=date(2026, 1, 1),
    until=YEAR_END,
    decision="安组〔2026〕1号",
)
DELEGATED = DelegationGiven(delegation=LENT, appointment=HELD, to=BO, since=DAY, until=date(2026, 3, 31))


def person(id: UUID, *events: Event) -> Person:
    """A person by an identifier, with a history."""
    past = (Recorded(id, n, event, account(), n) for n, event in enumerate(events, 1))
    return Person.replay(None, past) or Person(id)


BOB = person(BO, REGISTERED)


def at(day: date) -> Moment:
    return Moment(day, datetime(day.year, day.month, day.day, 4, tzinfo=UTC))


def test_somebody_is_registered_once() -> None:
    assert given(Person).register("person") == REGISTERED
    with pytest.raises(Refused, match="already"):
        given(Person, REGISTERED).register("person")


def test_a_duty_is_held_from_its_first_day_to_its_last() -> None:
    [held] = given(Person, REGISTERED, APPOINTED).appointments
    days = [date(2025, 12, 31), date(2026, 1, 1), YEAR_END, date(2027, 1, 1)]
    assert [held.holds(at(day)) for day in days] == [False, True, True, False]


def test_nobody_is_appointed_who_is_not_registered() -> None:
    with pytest.raises(Refused, match="no such person"):
        given(Person).appoint(HELD, "verifier", TOWN, DAY, None, "决定")


def test_an_appointment_names_its_decision_and_does_not_end_before_it_begins() -> None:
    with pytest.raises(Refused) as refused:
        given(Person, REGISTERED).appoint(HELD, "verifier", TOWN, DAY, None, "  ")
    assert refused.value.field == "decision"
    with pytest.raises(Refused) as refused:
        given(Person, REGISTERED).appoint(HELD, "verifier", TOWN, DAY, DAY - timedelta(days=1), "决定")
    assert refused.value.field == "until"


def test_the_same_duty_is_not_held_twice_at_once_but_again_later_and_elsewhere() -> None:
    held = given(Person, REGISTERED, APPOINTED)
    with pytest.raises(Refused, match="holds this duty there already"):
        held.appoint(uuid4(), "verifier", TOWN, YEAR_END, None, "决定")
    assert held.appoint(uuid4(), "verifier", TOWN, date(2027, 1, 1), None, "决定")
    assert held.appoint(uuid4(), "verifier", VILLAGE, DAY, None, "决定")
    assert held.appoint(uuid4(), "filer", TOWN, DAY, None, "决定")


def test_a_service_account_passes_on_nothing() -> None:
    service = given(Person, PersonRegistered(kind="service"))
    assert service.appoint(HELD, "integrator", TOWN, DAY, None, "决定")
    for duty in ("verifier", "approver", "decider", "administrator"):
        with pytest.raises(Refused) as refused:
            service.appoint(HELD, duty, TOWN, DAY, None, "决定")
        assert refused.value.field == "duty"


def test_an_appointment_ends_on_a_day_and_not_later_than_it_said() -> None:
    held = given(Person, REGISTERED, APPOINTED)
    assert held.end(HELD, DAY) == AppointmentEnded(appointment=HELD, last=DAY)
    ended = given(Person, REGISTERED, APPOINTED, AppointmentEnded(appointment=HELD, last=DAY)).appointment(HELD)
    assert ended.holds(NOW) and not ended.holds(at(date(2026, 3, 2)))
    with pytest.raises(Refused, match="ends on 2026-12-31 already"):
        held.end(HELD, YEAR_END)
    with pytest.raises(Refused, match="no appointment"):
        held.end(LENT, DAY)


def test_an_appointment_taken_back_from_its_beginning_never_was_in_force() -> None:
    never = given(Person, REGISTERED, APPOINTED).end(HELD, date(2020, 1, 1))
    assert never.last == date(2025, 12, 31)
    [held] = given(Person, REGISTERED, APPOINTED, never).appointments
    assert not any(held.holds(at(date(2026, 1, 1) + timedelta(days=n))) for n in range(400))


def test_a_duty_is_lent_for_some_days_and_taken_back() -> None:
    holder = given(Person, REGISTERED, APPOINTED)
    assert holder.delegate(LENT, HELD, BOB, DAY, date(2026, 3, 31), NOW) == DELEGATED
    lent = given(Person, REGISTERED, APPOINTED, DELEGATED)
    assert [delegation.id for delegation, _ in lent.lent(BO, NOW)] == [LENT]
    assert lent.lent(CAI, NOW) == lent.lent(BO, at(date(2026, 4, 1))) == []
    assert lent.revoke(LENT) == DelegationRevoked(delegation=LENT)
    revoked = given(Person, REGISTERED, APPOINTED, DELEGATED, DelegationRevoked(delegation=LENT))
    assert revoked.lent(BO, NOW) == []
    with pytest.raises(Refused, match="revoked already"):
        revoked.revoke(LENT)
    with pytest.raises(Refused, match="gave no delegation"):
        revoked.revoke(TIED)


def test_what_is_lent_ends_with_what_it_was_lent_of() -> None:
    ended = AppointmentEnded(appointment=HELD, last=date(2026, 2, 1))
    assert given(Person, REGISTERED, APPOINTED, DELEGATED, ended).lent(BO, NOW) == []


@pytest.mark.parametrize(
    ("to", "since", "until", "field"),
    [
        (given(Person, REGISTERED), DAY, DAY, "to"),
        (person(CAI), DAY, DAY, "to"),
        (person(CAI, PersonRegistered(kind="service")), DAY, DAY, "to"),
        (BOB, DAY, date(2026, 2, 1), "until"),
        (BOB, date(2026, 1, 5), date(2026, 2, 1), "until"),
        (BOB, DAY, date(2027, 1, 1), "until"),
    ],
)
def test_a_duty_is_lent_only_to_another_person_and_no_longer_than_it_is_held(
    to: Person, since: date, until: date, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        given(Person, REGISTERED, APPOINTED).delegate(LENT, HELD, to, since, until, NOW)
    assert refused.value.field == field


def test_only_a_duty_of_ones_own_that_is_in_force_is_lent() -> None:
    """What was lent to somebody is no appointment of theirs: there are no chains of delegations, nor cycles."""
    with pytest.raises(Refused, match="no appointment"):
        person(BO, REGISTERED).delegate(TIED, HELD, person(CAI, REGISTERED), DAY, DAY, NOW)
    with pytest.raises(Refused, match="not in force"):
        given(Person, REGISTERED, APPOINTED).delegate(LENT, HELD, BOB, DAY, DAY, at(date(2027, 1, 1)))


def test_the_all_round_duty_and_one_of_an_emergency_are_not_lent() -> None:
    everything = APPOINTED.model_copy(update={"duty": "administrator"})
    emergency = APPOINTED.model_copy(update={"emergency": SOME, "ends_at": NOW.at + timedelta(hours=1)})
    for appointed in (everything, emergency):
        with pytest.raises(Refused, match="is not lent"):
            given(Person, REGISTERED, appointed).delegate(LENT, HELD, BOB, DAY, DAY, NOW)


def test_the_same_is_not_lent_twice_at_once() -> None:
    lent = given(Person, REGISTERED, APPOINTED, DELEGATED)
    with pytest.raises(Refused, match="lent to this person"):
        lent.delegate(uuid4(), HELD, BOB, date(2026, 3, 31), date(2026, 4, 5), NOW)
    assert lent.delegate(uuid4(), HELD, BOB, date(2026, 4, 1), date(2026, 4, 5), NOW)


def test_a_relation_is_declared_once_and_ended() -> None:
    declared = given(Person, REGISTERED).declare(TIED, BO, "relative")
    assert declared == RelationDeclared(relation=TIED, other=BO, tie="relative")
    tied = given(Person, REGISTERED, declared)
    with pytest.raises(Refused, match="declared already"):
        tied.declare(uuid4(), BO, "relative")
    assert tied.declare(uuid4(), BO, "household")
    assert tied.end_relation(TIED) == RelationEnded(relation=TIED)
    assert given(Person, REGISTERED, declared, RelationEnded(relation=TIED)).relations == ()
    with pytest.raises(Refused, match="no relation"):
        tied.end_relation(LENT)


def test_a_relation_is_to_another_and_by_a_case_that_is_named() -> None:
    with pytest.raises(Refused) as refused:
        given(Person, REGISTERED).declare(TIED, SOME, "relative")
    assert refused.value.field == "other"
    for tie, matter in (("case", ""), ("relative", "安纪〔2026〕3号")):
        with pytest.raises(Refused) as refused:
            given(Person, REGISTERED).declare(TIED, BO, tie, matter)  # type: ignore[arg-type]  # one of the ties
        assert refused.value.field == "matter"


def test_a_suspension_lasts_until_its_day_or_until_it_is_lifted() -> None:
    suspended = given(Person, REGISTERED, PersonSuspended(until=date(2026, 3, 5)))
    assert [suspended.is_suspended(date(2026, 3, day)) for day in (1, 5, 6)] == [True, True, False]
    open_ended = given(Person, REGISTERED, PersonSuspended(until=None))
    assert open_ended.is_suspended(date(2999, 1, 1))
    assert open_ended.reinstate(DAY) == PersonReinstated()
    assert not given(Person, REGISTERED, PersonSuspended(until=None), PersonReinstated()).is_suspended(DAY)
    with pytest.raises(Refused, match="not suspended"):
        given(Person, REGISTERED).reinstate(DAY)
    with pytest.raises(Refused, match="like this already"):
        open_ended.suspend(None, DAY)
    with pytest.raises(Refused, match="over before it begins"):
        given(Person, REGISTERED).suspend(date(2026, 2, 1), DAY)


def asked(**more: object) -> Emergency:
    told = account(ANN, reason="堤坝险情").model_copy(update=more)
    emergency = Emergency(SOME)
    return emergency.after(told, emergency.request(ANN, "filer", TOWN, 12, told))


def test_an_emergency_is_granted_by_another_for_some_hours_and_announced() -> None:
    granted = asked().grant(HELD, [CAI, BO], account(BO), NOW)
    expected = EmergencyGranted(appointment=HELD, ends_at=NOW.at + timedelta(hours=12), announced_to=(BO, CAI))
    assert granted == expected
    given_duty = given(Person, REGISTERED).appoint_for(granted, SOME, "filer", TOWN, NOW)
    [held] = given(Person, REGISTERED, given_duty).appointments
    assert held.holds(NOW)
    assert held.holds(Moment(date(2026, 3, 2), NOW.at + timedelta(hours=11, minutes=59)))
    assert not held.holds(Moment(date(2026, 3, 2), NOW.at + timedelta(hours=12)))


@pytest.mark.parametrize("by", [account(ANN), account(BO, on_behalf_of=ANN)])
def test_whoever_asked_grants_nothing_nor_whoever_acts_for_them(by: Account) -> None:
    for decide in (lambda: asked().grant(HELD, (), by, NOW), lambda: asked().decline(by)):
        with pytest.raises(Refused, match="whoever asked for emergency access"):
            decide()


def test_an_emergency_is_decided_once() -> None:
    told = account(BO, reason="并非险情")
    declined = asked().after(told, asked().decline(told))
    with pytest.raises(Refused, match="decided already"):
        declined.grant(HELD, (), told, NOW)
    with pytest.raises(Refused, match="say why"):
        asked().decline(account(BO))


def test_an_emergency_says_what_it_is_and_asks_for_one_duty_and_some_hours() -> None:
    told = account(ANN, reason="堤坝险情")
    for duty, hours, by, field in (
        ("filer", 0, told, "hours"),
        ("filer", 73, told, "hours"),
        ("administrator", 1, told, "duty"),
        ("filer", 1, account(ANN), "reason"),
    ):
        with pytest.raises(Refused) as refused:
            Emergency(SOME).request(ANN, duty, TOWN, hours, by)  # type: ignore[arg-type]  # one of the duties
        assert refused.value.field == field
