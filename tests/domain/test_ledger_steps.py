"""Steps against the flow, and the cases that they discharge."""

from datetime import UTC, date, datetime

import pytest

from domain.event import Refused
from domain.ledger import (
    UNKNOWN_STEP,
    Completion,
    Facts,
    LateEntryMarked,
    LedgerEntryFiled,
    Obligation,
    StepCompleted,
    StepStarted,
    judge,
)
from tests.domain.obligations import AFTER, BEFORE, CASE, CASE_DUTY, DUE, FLOW, OMITTED, RAISED, by, completed, piece
from tests.spec import ANN, BO, CAI, given


def test_steps_are_completed_in_the_order_of_the_flow() -> None:
    case = given(Obligation, CASE, completed("notice"))
    on_time = by(BO, occurred_at=datetime(2026, 4, 1, 10, tzinfo=UTC))
    assert case.complete_step("meeting", BO, FLOW, on_time, BEFORE) == (StepCompleted(step="meeting", by=BO),)
    with pytest.raises(Refused, match="“minutes” comes after “meeting”") as refusal:
        case.complete_step("minutes", BO, FLOW, on_time, BEFORE)
    assert refusal.value.field == "step"
    too_soon = by(BO, occurred_at=datetime(2026, 4, 1, 8, tzinfo=UTC))
    with pytest.raises(Refused, match="“meeting” comes after “notice”"):
        case.complete_step("meeting", BO, FLOW, too_soon, BEFORE)


def test_a_deviation_with_its_reason_is_recorded_as_one() -> None:
    case = given(Obligation, CASE)
    told = by(BO, reason="the county called the meeting itself")
    assert case.complete_step("meeting", BO, FLOW, told, BEFORE) == (
        StepCompleted(step="meeting", by=BO, deviation=("notice",)),
    )
    assert case.complete_step("banquet", BO, FLOW, told, BEFORE) == (
        StepCompleted(step="banquet", by=BO, deviation=(UNKNOWN_STEP,)),
    )
    with pytest.raises(Refused, match="does not know the step “banquet”"):
        case.complete_step("banquet", BO, FLOW, by(BO, reason=" "), BEFORE)
    with pytest.raises(Refused, match="does not know the step “banquet”"):
        case.start_step("banquet", FLOW, by(BO), BEFORE)
    with pytest.raises(Refused, match="“step” is empty"):
        case.complete_step(" ", BO, FLOW, told, BEFORE)


def test_steps_that_need_different_people_are_not_done_by_one_without_a_reason() -> None:
    case = given(Obligation, CASE, completed("notice", ANN), completed("meeting", BO))
    at = {"occurred_at": datetime(2026, 4, 1, 12, tzinfo=UTC)}
    with pytest.raises(Refused, match="“minutes” and “notice” need different people") as refusal:
        case.complete_step("minutes", ANN, FLOW, by(CAI, **at), BEFORE)
    assert refusal.value.field == "by"
    (recorded, *_) = case.complete_step("minutes", ANN, FLOW, by(CAI, reason="nobody else was there", **at), BEFORE)
    assert isinstance(recorded, StepCompleted)
    assert recorded.conflict == ("notice",)
    (clean, *_) = case.complete_step("minutes", BO, FLOW, by(CAI, **at), BEFORE)
    assert isinstance(clean, StepCompleted)
    assert clean.conflict == ()


def test_a_step_under_way_is_not_started_again_until_it_is_completed() -> None:
    assert given(Obligation, CASE).start_step("notice", FLOW, by(ANN), BEFORE) == StepStarted(step="notice")
    with pytest.raises(Refused, match="under way"):
        given(Obligation, CASE, StepStarted(step="notice")).start_step("notice", FLOW, by(ANN), BEFORE)
    ready = given(Obligation, CASE, StepStarted(step="notice"), completed("notice"))
    assert ready.start_step("notice", FLOW, by(ANN), BEFORE) == StepStarted(step="notice")


def test_a_case_is_discharged_by_the_last_required_step() -> None:
    case = given(Obligation, CASE, completed("notice"), completed("meeting", hour=10))
    assert case.outcome == "open"
    last = case.complete_step("minutes", BO, FLOW, by(BO, on=DUE), date(2027, 1, 1))
    assert last == (StepCompleted(step="minutes", by=BO, discharged_on=DUE),)
    done = case.after(by(BO, on=DUE), *last)
    assert (done.outcome, done.detect_omission(date(2027, 1, 1))) == ("done", None)
    with pytest.raises(Refused, match="every required step"):
        done.waive("merged", "notice 3", True, by(CAI), AFTER)
    assert done.file("sent to the archive", by(CAI, on=AFTER), AFTER) == (
        LedgerEntryFiled(summary="sent to the archive"),
    )


def test_a_case_is_late_by_its_last_required_step_or_by_a_detected_omission() -> None:
    steps = completed("notice"), completed("meeting", hour=10)
    mark = LateEntryMarked(due=DUE, days_late=3)
    done = StepCompleted(step="minutes", by=BO, discharged_on=AFTER)
    late = given(Obligation, CASE, *steps).complete_step("minutes", BO, FLOW, by(BO, on=AFTER), AFTER)
    assert late == (done, mark)
    assert given(Obligation, CASE, *steps, *late).outcome == "late"
    backdated = given(Obligation, CASE, *steps, OMITTED).complete_step("minutes", BO, FLOW, by(BO, on=DUE), AFTER)
    assert backdated == (StepCompleted(step="minutes", by=BO, discharged_on=DUE), mark)


def test_a_case_recorded_backwards_is_discharged_on_the_day_of_its_last_step() -> None:
    minutes = StepCompleted(step="minutes", by=BO, deviation=("meeting",)), by(BO, on=AFTER)
    meeting = StepCompleted(step="meeting", by=BO, deviation=("notice",)), by(BO, on=date(2026, 4, 2))
    case = given(Obligation, CASE, minutes, meeting)
    assert case.complete_step("notice", ANN, FLOW, by(ANN, reason="imported"), AFTER) == (
        StepCompleted(step="notice", by=ANN, discharged_on=AFTER),
        LateEntryMarked(due=DUE, days_late=3),
    )


def test_first_completions_discharge_a_case_and_later_ones_change_nothing() -> None:
    again = StepCompleted(step="notice", by=ANN), by(ANN, on=AFTER)
    case = given(Obligation, CASE, again, completed("notice"), completed("meeting", hour=10))
    last = case.complete_step("minutes", BO, FLOW, by(BO, on=DUE), AFTER)
    assert last == (StepCompleted(step="minutes", by=BO, discharged_on=DUE),)
    done = case.after(by(BO, on=DUE), *last)
    repeated = done.complete_step("minutes", BO, FLOW, by(BO, on=AFTER), AFTER)
    assert repeated == (StepCompleted(step="minutes", by=BO),)
    assert done.after(by(BO, on=AFTER), *repeated).outcome == "done"


def test_the_day_of_a_step_is_the_local_day_of_its_account() -> None:
    case = given(Obligation, CASE, completed("notice"), completed("meeting", hour=10))
    past_midnight = by(BO, on=date(2026, 4, 11), occurred_at=datetime(2026, 4, 10, 17, tzinfo=UTC))
    assert case.complete_step("minutes", BO, FLOW, past_midnight, AFTER) == (
        StepCompleted(step="minutes", by=BO, discharged_on=date(2026, 4, 11)),
        LateEntryMarked(due=DUE, days_late=1),
    )


def test_a_flow_that_requires_nothing_is_satisfied_by_any_step() -> None:
    free = Facts(steps=frozenset({"visit"}), required=frozenset())
    assert given(Obligation, CASE).complete_step("visit", ANN, free, by(ANN), AFTER) == (
        StepCompleted(step="visit", by=ANN, discharged_on=BEFORE),
    )


def test_steps_of_one_moment_are_in_order() -> None:
    case = given(Obligation, CASE, completed("notice"))
    same = by(BO, occurred_at=datetime(2026, 4, 1, 9, tzinfo=UTC))
    assert case.complete_step("meeting", BO, FLOW, same, BEFORE) == (StepCompleted(step="meeting", by=BO),)


def test_a_duty_of_a_period_is_discharged_by_its_entry_not_by_its_steps() -> None:
    owed = given(Obligation, RAISED, completed("notice"), completed("meeting", hour=10))
    (last,) = owed.complete_step("minutes", BO, FLOW, by(BO, on=DUE), DUE)
    assert given(Obligation, RAISED, completed("notice"), completed("meeting"), last).outcome == "open"


def test_a_duty_of_a_case_is_discharged_by_its_entry_not_by_the_flow() -> None:
    history = CASE_DUTY, completed("notice"), completed("meeting", hour=10)
    (last,) = given(Obligation, *history).complete_step("minutes", BO, FLOW, by(BO, on=DUE), DUE)
    owed = given(Obligation, *history, last)
    assert owed.outcome == "open"
    assert owed.detect_omission(AFTER) == OMITTED
    with pytest.raises(Refused, match="missing: minutes"):
        owed.file("in the archive", by(ANN), BEFORE)
    filed = owed.file("in the archive", by(ANN), BEFORE, evidence=(piece(),))
    assert owed.after(by(ANN), *filed).outcome == "done"


def test_completions_are_kept_for_whoever_judges_the_case() -> None:
    morning = datetime(2026, 4, 1, 9, tzinfo=UTC)
    day_only = StepCompleted(step="meeting", by=BO), by(BO, on=date(2026, 4, 2))
    case = given(Obligation, CASE, completed("notice"), day_only, completed("banquet"))
    midnight = datetime.fromisoformat("2026-04-02T00:00:00+08:00")
    assert case.completions == (
        Completion("notice", morning, ANN),
        Completion("meeting", midnight, BO),
        Completion("banquet", morning, ANN),
    )
    assert judge(FLOW, case.completions).omitted == ("minutes",)
