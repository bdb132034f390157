"""What may be decided about an obligation and its entry."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from domain.event import Refused
from domain.ledger import (
    Attendance,
    AttendanceChange,
    DayChange,
    EntryCorrected,
    EntryRejected,
    EntryVerified,
    EvidenceAttached,
    EvidenceChange,
    EvidenceReference,
    LateEntryMarked,
    LedgerEntryFiled,
    Obligation,
    Quorum,
    Revision,
    SummaryChange,
    case_duty_id,
    case_id,
    obligation_id,
)
from tests.domain.obligations import (
    AFTER,
    BEFORE,
    CASE,
    CASE_DUTY,
    DUE,
    EXPLAINED,
    FILED,
    FLOW,
    FULL,
    OMITTED,
    RAISED,
    STANDARD,
    TOWNSHIP,
    VILLAGE,
    by,
    piece,
)
from tests.spec import ANN, BO, CAI, SOME, given


def test_an_obligation_is_raised_on_its_terms_once() -> None:
    assert given(Obligation).raise_(RAISED) == RAISED
    assert given(Obligation).raise_(CASE) == CASE
    assert given(Obligation).raise_(CASE_DUTY) == CASE_DUTY
    with pytest.raises(Refused, match="raised already"):
        given(Obligation, RAISED).raise_(RAISED)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"case": "case-1"}, "case"),
        ({"duty": " "}, "duty"),
        ({"period": "2026-Q5"}, "period"),
        ({"period": ""}, "period"),
        ({"organisation": None}, "organisation"),
        ({"standard_version": 0}, "standard_version"),
    ],
)
def test_terms_that_say_too_little_or_too_much_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(Refused) as refusal:
        given(Obligation).raise_(RAISED.model_copy(update=change))
    assert refusal.value.field == field


def test_identifiers_follow_from_what_is_owed_and_never_meet() -> None:
    one = obligation_id(VILLAGE, STANDARD, "general-meeting", "2026-Q1")
    assert one == obligation_id(VILLAGE, STANDARD, "general-meeting", "2026-Q1")
    others = {
        obligation_id(TOWNSHIP, STANDARD, "general-meeting", "2026-Q1"),
        obligation_id(VILLAGE, SOME, "general-meeting", "2026-Q1"),
        obligation_id(VILLAGE, STANDARD, "lecture", "2026-Q1"),
        obligation_id(VILLAGE, STANDARD, "general-meeting", "2026-Q2"),
        case_id(STANDARD, "2026-Q1"),
        case_id(STANDARD, "2026-Q2"),
        case_duty_id(STANDARD, "2026-Q1", "lecture"),
        case_duty_id(STANDARD, "2026-Q2", "lecture"),
        case_duty_id(STANDARD, "lecture/2026-Q2", "lecture"),
    }
    assert len(others | {one}) == 10


def test_the_first_version_of_a_standard_is_one() -> None:
    assert given(Obligation).raise_(RAISED.model_copy(update={"standard_version": 1}))


def test_nothing_can_be_done_about_an_obligation_that_was_never_raised() -> None:
    nothing = given(Obligation)
    with pytest.raises(Refused, match="no such obligation"):
        nothing.file("held", by(ANN), BEFORE)
    with pytest.raises(Refused, match="no such obligation"):
        nothing.verify(by(BO), BEFORE)
    with pytest.raises(Refused, match="no such obligation"):
        nothing.detect_omission(AFTER)
    with pytest.raises(Refused, match="no such obligation"):
        nothing.complete_step("notice", ANN, FLOW, by(ANN), BEFORE)
    with pytest.raises(Refused, match="no such obligation"):
        nothing.start_step("notice", FLOW, by(ANN), BEFORE)
    with pytest.raises(Refused, match="no such obligation"):
        nothing.waive("merged", "notice 3", True, by(BO), BEFORE)
    with pytest.raises(Refused, match="no such obligation"):
        nothing.accept_exception(True, by(BO), BEFORE)


def test_an_entry_discharges_and_cites_the_version_it_was_asked_under() -> None:
    owed = given(Obligation, RAISED)
    assert owed.file("held on 30 March", by(ANN), DUE, evidence=(piece(),), attendance=FULL) == (FILED,)
    filed = given(Obligation, RAISED, FILED)
    assert (owed.outcome, filed.outcome, filed.verified) == ("open", "done", False)
    assert filed.terms
    assert filed.terms.standard_version == 3


def test_an_entry_after_the_due_day_is_late_for_ever_whatever_day_it_claims() -> None:
    late = LateEntryMarked(due=DUE, days_late=3)
    decided = given(Obligation, RAISED).file(
        "held on 30 March", by(ANN, on=BEFORE), AFTER, evidence=(piece(),), attendance=FULL
    )
    assert decided == (FILED, late)
    history = (RAISED, OMITTED, FILED, late)
    assert given(Obligation, *history).outcome == "late"
    correction = EntryCorrected(target=3, changes=(DayChange(before=AFTER, after=BEFORE),), reason="wrong day")
    assert given(Obligation, *history, correction, EntryVerified()).outcome == "late"


def test_nothing_is_recorded_before_it_happens() -> None:
    owed, filed = given(Obligation, RAISED), given(Obligation, RAISED, FILED)
    explained = given(Obligation, RAISED, EXPLAINED)
    tomorrow = by(BO, on=AFTER)
    for attempt in (
        lambda: owed.file("held", tomorrow, BEFORE, evidence=(piece(),), attendance=FULL),
        lambda: owed.complete_step("notice", BO, FLOW, tomorrow, BEFORE),
        lambda: owed.start_step("notice", FLOW, tomorrow, BEFORE),
        lambda: owed.explain("flood", tomorrow, BEFORE),
        lambda: owed.waive("merged", "notice 3", True, tomorrow, BEFORE),
        lambda: explained.accept_exception(True, tomorrow, BEFORE),
        lambda: explained.decline_exception("no flood", True, tomorrow, BEFORE),
        lambda: filed.verify(tomorrow, BEFORE),
        lambda: filed.reject("blurred", tomorrow, BEFORE),
        lambda: filed.attach(piece("photo", "b"), tomorrow, BEFORE),
        lambda: filed.correct("wrong", Revision(summary="x"), tomorrow, BEFORE),
    ):
        with pytest.raises(Refused, match="2026-04-13 is still to come") as refusal:
            attempt()
        assert refusal.value.field == "occurred_on"


def test_a_moment_is_still_to_come_where_it_is_a_later_day_all_over_the_earth() -> None:
    owed = given(Obligation, RAISED)
    later = by(ANN, occurred_at=datetime(2026, 4, 2, 12, tzinfo=UTC))
    with pytest.raises(Refused, match="still to come") as refusal:
        owed.complete_step("notice", ANN, FLOW, later, BEFORE)
    assert refusal.value.field == "occurred_at"
    evening_in_honolulu = by(ANN, occurred_at=datetime(2026, 4, 2, 9, tzinfo=UTC))
    assert owed.complete_step("notice", ANN, FLOW, evening_in_honolulu, BEFORE)


def test_missing_kinds_of_evidence_are_named() -> None:
    terms = RAISED.model_copy(update={"evidence": ("roll", "minutes", "photo")})
    with pytest.raises(Refused, match="missing: photo, roll") as refusal:
        given(Obligation, terms).file("held", by(ANN), BEFORE, evidence=(piece(),), attendance=FULL)
    assert refusal.value.field == "evidence"


@pytest.mark.parametrize(
    "hash", ["", "a" * 64, "sha256:" + "a" * 63, "sha256:" + "A" * 64, "sha1:" + "a" * 64, "sha256:" + "a" * 64 + "\n"]
)
def test_evidence_is_cited_by_its_sha_256(hash: str) -> None:
    with pytest.raises(Refused, match="no evidence hash"):
        given(Obligation, RAISED).file(
            "held", by(ANN), BEFORE, evidence=(EvidenceReference(kind="minutes", hash=hash),), attendance=FULL
        )


def test_evidence_is_of_a_kind() -> None:
    with pytest.raises(Refused, match="say what kind of evidence"):
        given(Obligation, CASE).file("held", by(ANN), BEFORE, evidence=(piece(" "),))


def test_evidence_is_cited_once_for_each_kind() -> None:
    with pytest.raises(Refused, match="twice"):
        given(Obligation, RAISED).file("held", by(ANN), BEFORE, evidence=(piece(), piece()), attendance=FULL)
    both = (piece("minutes"), piece("roll"))
    assert given(Obligation, RAISED).file("held", by(ANN), BEFORE, evidence=both, attendance=FULL)


@pytest.mark.parametrize(
    ("rule", "entitled", "present", "enough"),
    [
        ((1, 2, True), 20, 10, False),
        ((1, 2, True), 20, 11, True),
        ((1, 2, True), 21, 10, False),
        ((1, 2, True), 21, 11, True),
        ((2, 3, False), 20, 13, False),
        ((2, 3, False), 20, 14, True),
        ((2, 3, False), 21, 14, True),
        ((1, 1, False), 5, 4, False),
    ],
)
def test_a_meeting_without_its_quorum_does_not_count(
    rule: tuple[int, int, bool], entitled: int, present: int, enough: bool
) -> None:
    quorum = Quorum(numerator=rule[0], denominator=rule[1], more_than=rule[2])
    owed = given(Obligation, RAISED.model_copy(update={"quorum": quorum}))
    attendance = Attendance(entitled=entitled, present=present)
    if enough:
        owed.file("held", by(ANN), BEFORE, evidence=(piece(),), attendance=attendance)
    else:
        needed = quorum.minimum(entitled)
        with pytest.raises(Refused, match=f"{present} of {entitled} were present, and the quorum is {needed}"):
            owed.file("held", by(ANN), BEFORE, evidence=(piece(),), attendance=attendance)


def test_a_duty_with_a_quorum_asks_for_attendance_and_attendance_must_be_possible() -> None:
    with pytest.raises(Refused, match="say how many"):
        given(Obligation, RAISED).file("held", by(ANN), BEFORE, evidence=(piece(),))
    for attendance in (
        Attendance(entitled=0, present=0),
        Attendance(entitled=5, present=6),
        Attendance(entitled=5, present=-1),
    ):
        with pytest.raises(Refused, match="cannot be"):
            given(Obligation, CASE).file("held", by(ANN), BEFORE, attendance=attendance)


def test_attendance_may_be_told_where_no_quorum_asks_for_it() -> None:
    for attendance in (Attendance(entitled=1, present=1), Attendance(entitled=9, present=0)):
        (filed,) = given(Obligation, CASE).file("held", by(ANN), BEFORE, attendance=attendance)
        assert filed == LedgerEntryFiled(summary="held", attendance=attendance)


def test_a_second_entry_is_refused_and_an_empty_one() -> None:
    with pytest.raises(Refused, match="correct it instead"):
        given(Obligation, RAISED, FILED).file("again", by(BO), BEFORE, evidence=(piece(),), attendance=FULL)
    with pytest.raises(Refused, match="“summary” is empty"):
        given(Obligation, RAISED).file(" ", by(BO), BEFORE, evidence=(piece(),), attendance=FULL)


def test_an_entry_is_verified_by_somebody_who_had_no_hand_in_it() -> None:
    correction = EntryCorrected(
        target=2, changes=(SummaryChange(before="held on 30 March", after="held"),), reason="typing error"
    )
    added = EvidenceAttached(evidence=piece("photo", "b"))
    entry = given(
        Obligation, RAISED, (FILED, by(ANN, on_behalf_of=SOME)), (correction, by(BO)), (added, by(UUID(int=5)))
    )
    for hand in (ANN, SOME, BO, UUID(int=5)):
        with pytest.raises(Refused, match="may not verify"):
            entry.verify(by(hand), BEFORE)
        with pytest.raises(Refused, match="may not verify"):
            entry.verify(by(CAI, on_behalf_of=hand), BEFORE)
    assert entry.verify(by(CAI), BEFORE, "seen") == EntryVerified(remark="seen")
    assert given(Obligation, RAISED, FILED, EntryVerified()).verified


def test_nothing_is_verified_twice_or_before_it_is_filed() -> None:
    with pytest.raises(Refused, match="verified already"):
        given(Obligation, RAISED, FILED, EntryVerified()).verify(by(CAI), BEFORE)
    with pytest.raises(Refused, match="no entry is on file"):
        given(Obligation, RAISED).verify(by(CAI), BEFORE)


def test_a_rejected_entry_stays_in_the_history_and_opens_the_obligation_again() -> None:
    rejected = given(Obligation, RAISED, FILED).reject("the minutes are unsigned", by(BO), BEFORE)
    assert rejected == EntryRejected(reason="the minutes are unsigned")
    again = given(Obligation, RAISED, FILED, rejected)
    assert again.outcome == "open"
    assert [entry.standing for entry in again.entries] == ["rejected"]
    assert again.detect_omission(AFTER) == OMITTED
    refiled = given(Obligation, RAISED, FILED, rejected, OMITTED, FILED, LateEntryMarked(due=DUE, days_late=3))
    assert [entry.standing for entry in refiled.entries] == ["rejected", "filed"]
    assert refiled.outcome == "late"
    assert given(Obligation, RAISED, OMITTED, FILED, rejected).outcome == "missing"


def test_rejection_needs_a_reason_and_another_person() -> None:
    with pytest.raises(Refused, match="“reason” is empty"):
        given(Obligation, RAISED, FILED).reject("", by(BO), BEFORE)
    with pytest.raises(Refused, match="may not reject"):
        given(Obligation, RAISED, FILED).reject("second thoughts", by(ANN), BEFORE)
    with pytest.raises(Refused, match="no entry is on file"):
        given(Obligation, RAISED, FILED, EntryRejected(reason="unsigned")).reject("again", by(BO), BEFORE)


def test_an_entry_verified_in_error_can_be_sent_back() -> None:
    verified = given(Obligation, RAISED, FILED, EntryVerified())
    assert verified.reject("the meeting never took place", by(CAI), AFTER)
    assert given(Obligation, RAISED, FILED, EntryVerified(), EntryRejected(reason="false")).verified is False


def test_a_correction_records_only_what_changed_before_and_after() -> None:
    verified = given(Obligation, RAISED, FILED, EntryVerified())
    more = (piece(), piece("photo", "b"))
    revision = Revision(
        summary="held on 30 March",
        evidence=more,
        attendance=Attendance(entitled=20, present=14),
        occurred_on=date(2026, 3, 30),
    )
    corrected = verified.correct("counted again", revision, by(ANN), AFTER, support=(piece("letter", "c"),))
    assert corrected == EntryCorrected(
        target=2,
        changes=(
            EvidenceChange(before=(piece(),), after=more),
            AttendanceChange(before=FULL, after=Attendance(entitled=20, present=14)),
            DayChange(before=date(2026, 3, 1), after=date(2026, 3, 30)),
        ),
        reason="counted again",
        evidence=(piece("letter", "c"),),
    )
    after = given(Obligation, RAISED, FILED, EntryVerified(), (corrected, by(CAI)))
    assert after.entry
    assert after.entry.attendance == Attendance(entitled=20, present=14)
    assert (after.entry.evidence, after.entry.occurred_on) == (more, date(2026, 3, 30))
    assert (after.outcome, after.verified) == ("done", False)
    with pytest.raises(Refused, match="may not verify"):
        after.verify(by(CAI), AFTER)
    assert after.verify(by(BO), AFTER)


def test_a_correction_names_the_event_that_filed_what_it_corrects() -> None:
    rejected = EntryRejected(reason="unsigned"), by(BO)
    refiled = given(Obligation, RAISED, FILED, rejected, OMITTED, FILED)
    assert refiled.correct("typing error", Revision(summary="held"), by(ANN), AFTER).target == 5
    decided = given(Obligation, RAISED).file("held", by(ANN), BEFORE, evidence=(piece(),), attendance=FULL)
    at_once = given(Obligation, RAISED).after(by(ANN), *decided)
    assert at_once.correct("typing error", Revision(summary="Held"), by(ANN), AFTER).target == 2


def test_a_correction_needs_a_reason_a_change_and_a_result_that_still_counts() -> None:
    filed = given(Obligation, RAISED, FILED)
    for reason, revision, refusal in (
        (" ", Revision(summary="x"), "“reason” is empty"),
        ("none", Revision(), "changes nothing"),
        ("same", Revision(summary=FILED.summary, evidence=FILED.evidence, attendance=FULL), "changes nothing"),
        ("same day", Revision(occurred_on=date(2026, 3, 1)), "changes nothing"),
        ("blank", Revision(summary=" "), "“summary” is empty"),
        ("fewer", Revision(attendance=Attendance(entitled=20, present=10)), "the quorum is 11"),
        ("none left", Revision(evidence=()), "missing: minutes"),
        ("next year", Revision(occurred_on=date(2027, 1, 1)), "2027-01-01 is still to come"),
    ):
        with pytest.raises(Refused, match=refusal):
            filed.correct(reason, revision, by(BO), BEFORE)
    with pytest.raises(Refused, match="no entry is on file"):
        given(Obligation, RAISED).correct("why", Revision(summary="x"), by(BO), BEFORE)
    unfounded = (EvidenceReference(kind="letter", hash="sha256:"),)
    with pytest.raises(Refused, match="no evidence hash"):
        filed.correct("why", Revision(summary="x"), by(BO), BEFORE, support=unfounded)


def test_a_summary_is_corrected_too() -> None:
    change = SummaryChange(before=FILED.summary, after="held on 31 March")
    filed = given(Obligation, RAISED, FILED)
    corrected = filed.correct("typing error", Revision(summary="held on 31 March"), by(BO), BEFORE)
    assert corrected.changes == (change,)
    entry = filed.after(by(BO), corrected).entry
    assert entry
    assert entry.summary == "held on 31 March"


def test_evidence_is_attached_until_the_entry_is_verified() -> None:
    photo = piece("photo", "b")
    assert given(Obligation, RAISED, FILED).attach(photo, by(BO), BEFORE) == EvidenceAttached(evidence=photo)
    entry = given(Obligation, RAISED, FILED, EvidenceAttached(evidence=photo)).entry
    assert entry
    assert entry.evidence == (piece(), photo)
    with pytest.raises(Refused, match="twice"):
        given(Obligation, RAISED, FILED).attach(piece(), by(BO), BEFORE)
    with pytest.raises(Refused, match="by a correction"):
        given(Obligation, RAISED, FILED, EntryVerified()).attach(photo, by(BO), BEFORE)
