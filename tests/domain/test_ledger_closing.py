"""How the clock, an exception and a waiver close what was not done."""

from datetime import date, timedelta

import pytest

from domain.event import Account, Event, Refused
from domain.ledger import (
    EntryRejected,
    ExceptionAccepted,
    ExceptionDeclined,
    LedgerEntryFiled,
    Obligation,
    ObligationWaived,
)
from tests.domain.obligations import (
    AFTER,
    BEFORE,
    CASE,
    DUE,
    EXPLAINED,
    FILED,
    FULL,
    OMITTED,
    RAISED,
    TOWNSHIP,
    VILLAGE,
    by,
    piece,
)
from tests.spec import ANN, BO, CAI, given


def test_the_clock_detects_an_omission_once_after_the_due_day() -> None:
    owed = given(Obligation, RAISED)
    assert owed.detect_omission(DUE) is None
    assert owed.detect_omission(DUE + timedelta(days=1)) == OMITTED
    missing = given(Obligation, RAISED, OMITTED)
    assert missing.outcome == "missing"
    assert missing.detect_omission(AFTER) is None


@pytest.mark.parametrize(
    "closing",
    [(FILED,), (ObligationWaived(reason="merged", authority="notice 3"),), (EXPLAINED, ExceptionAccepted())],
)
def test_what_is_closed_is_no_omission(closing: tuple[Event | tuple[Event, Account], ...]) -> None:
    assert given(Obligation, RAISED, *closing).detect_omission(AFTER) is None


def test_without_a_due_day_nothing_is_omitted_or_late() -> None:
    owed = given(Obligation, CASE.model_copy(update={"due": None}))
    assert owed.detect_omission(date(2099, 1, 1)) is None
    assert owed.file("closed", by(ANN), date(2099, 1, 1)) == (LedgerEntryFiled(summary="closed"),)


def test_a_soft_due_day_passes_while_a_stated_reason_is_not_declined() -> None:
    soft = RAISED.model_copy(update={"soft": True})
    assert given(Obligation, soft).detect_omission(AFTER) == OMITTED
    assert given(Obligation, soft, EXPLAINED).detect_omission(AFTER) is None
    assert given(Obligation, RAISED, EXPLAINED).detect_omission(AFTER) == OMITTED
    declined = given(Obligation, soft, EXPLAINED, ExceptionDeclined(reason="no flood was reported"))
    assert declined.detect_omission(AFTER) == OMITTED


def test_an_exception_is_explained_by_the_obliged_and_decided_by_another_person_above() -> None:
    missing = given(Obligation, RAISED, OMITTED)
    assert missing.explain("flood", by(CAI, organisation=VILLAGE), BEFORE) == EXPLAINED[0]
    with pytest.raises(Refused, match="“reason” is empty"):
        missing.explain(" ", by(CAI, organisation=VILLAGE), BEFORE)
    with pytest.raises(Refused, match="obliged organisation itself"):
        missing.explain("flood", by(CAI, organisation=TOWNSHIP), BEFORE)
    with pytest.raises(Refused, match="no explanation awaits"):
        missing.accept_exception(True, by(BO), BEFORE)
    explained = given(Obligation, RAISED, OMITTED, EXPLAINED)
    assert explained.outcome == "missing"
    with pytest.raises(Refused, match="awaits its decision already"):
        explained.explain("flood", by(CAI, organisation=VILLAGE), BEFORE)
    with pytest.raises(Refused, match="a unit above"):
        explained.accept_exception(False, by(BO), BEFORE)
    with pytest.raises(Refused, match="may not decide"):
        explained.accept_exception(True, by(CAI), BEFORE)
    with pytest.raises(Refused, match="may not decide"):
        explained.decline_exception("no", True, by(BO, on_behalf_of=CAI), BEFORE)
    assert explained.accept_exception(True, by(BO), BEFORE, "seen") == ExceptionAccepted(reason="seen")
    excused = given(Obligation, RAISED, OMITTED, EXPLAINED, ExceptionAccepted())
    assert excused.outcome == "excused"
    with pytest.raises(Refused, match="is excused"):
        excused.file("held", by(ANN), AFTER, evidence=(piece(),), attendance=FULL)


def test_a_declined_exception_leaves_the_work_owed_and_may_be_explained_again() -> None:
    explained = given(Obligation, RAISED, OMITTED, EXPLAINED)
    with pytest.raises(Refused, match="“reason” is empty"):
        explained.decline_exception("", True, by(BO), BEFORE)
    declined = explained.decline_exception("no flood was reported", True, by(BO), BEFORE)
    owed = given(Obligation, RAISED, OMITTED, EXPLAINED, declined)
    assert owed.outcome == "missing"
    assert owed.explain("road closed", by(ANN, organisation=VILLAGE), BEFORE)


def test_what_is_filed_needs_no_excuse() -> None:
    filed = given(Obligation, RAISED, EXPLAINED, FILED)
    assert filed.outcome == "done"
    with pytest.raises(Refused, match="an entry is filed already"):
        filed.explain("flood", by(CAI, organisation=VILLAGE), BEFORE)
    with pytest.raises(Refused, match="an entry is filed already"):
        filed.accept_exception(True, by(BO), BEFORE)


def test_a_case_of_no_organisation_is_waived_not_explained() -> None:
    case = given(Obligation, CASE)
    with pytest.raises(Refused, match="may be waived"):
        case.explain("flood", by(CAI, organisation=VILLAGE), BEFORE)
    assert case.waive("withdrawn", "permit law 4:5", False, by(BO, organisation=VILLAGE), BEFORE)


def test_no_organisation_waives_what_it_owes_itself() -> None:
    owed = given(Obligation, RAISED)
    for organisation in (VILLAGE, TOWNSHIP):
        with pytest.raises(Refused, match="by a unit above") as refused:
            owed.waive("merged", "notice 3", False, by(BO, organisation=organisation), BEFORE)
        assert refused.value.field == "organisation"
    assert owed.waive("merged", "notice 3", True, by(BO, organisation=TOWNSHIP), BEFORE)
    assert owed.waive("merged", "notice 3", False, by(BO), BEFORE), "for the whole record"


def test_a_waiver_has_a_reason_an_authority_and_an_uninvolved_hand() -> None:
    history = (RAISED, FILED, EntryRejected(reason="unsigned"), EXPLAINED)
    owed = given(Obligation, *history)
    waived = ObligationWaived(reason="merged", authority="notice 3")
    assert owed.waive("merged", "notice 3", True, by(BO), BEFORE) == waived
    for involved in (by(ANN), by(CAI), by(BO, on_behalf_of=ANN)):
        with pytest.raises(Refused, match="may not waive"):
            owed.waive("merged", "notice 3", True, involved, BEFORE)
    with pytest.raises(Refused, match="“reason” is empty"):
        owed.waive("", "notice 3", True, by(BO), BEFORE)
    with pytest.raises(Refused, match="“authority” is empty"):
        owed.waive("merged", " ", True, by(BO), BEFORE)
    done = given(Obligation, *history, waived)
    assert done.outcome == "waived"
    with pytest.raises(Refused, match="is waived"):
        done.waive("merged", "notice 3", True, by(BO), BEFORE)
    with pytest.raises(Refused, match="is waived"):
        done.file("held", by(ANN), AFTER, evidence=(piece(),), attendance=FULL)
    with pytest.raises(Refused, match="an entry is filed already"):
        given(Obligation, RAISED, FILED).waive("merged", "notice 3", True, by(BO), BEFORE)
