"""Obligations in the examples: each comes to something else, and cases have every fault between them."""

from datetime import date
from uuid import UUID

from domain.ledger import (
    UNKNOWN_STEP,
    Attendance,
    AttendanceChange,
    DayChange,
    EntryCorrected,
    EntryRejected,
    EntryVerified,
    EvidenceAttached,
    EvidenceChange,
    EvidenceReference,
    ExceptionAccepted,
    ExceptionDeclined,
    ExceptionExplained,
    LateEntryMarked,
    LedgerEntryFiled,
    ObligationRaised,
    ObligationWaived,
    OmissionDetected,
    Quorum,
    StepCompleted,
    StepStarted,
    SummaryChange,
    case_duty_id,
    case_id,
    obligation_id,
)
from tests.examples.tale import MEETINGS, VILLAGE, Tale
from tests.spec import ANN, BO, CAI

_MINUTES = EvidenceReference(kind="minutes", hash="sha256:" + "a1" * 32, title="会议记录")
_PHOTO = EvidenceReference(kind="photo", hash="sha256:" + "b2" * 32, title="合影")
_FULL = Attendance(entitled=20, present=15)
_DUE = date(2026, 4, 7)
_FILED = LedgerEntryFiled(summary="到会十五人，议三事", evidence=(_MINUTES,), attendance=_FULL)
_LATE = LateEntryMarked(due=_DUE, days_late=3)


def tell(tale: Tale) -> None:
    _periods(tale)
    _cases(tale)


def _periods(tale: Tale) -> None:
    corrected = _raised(tale, "2026-Q1")
    tale.happened(corrected, _FILED, EvidenceAttached(evidence=_PHOTO), on=date(2026, 3, 30))
    tale.happened(corrected, EntryVerified(remark="属实"), by=BO, on=date(2026, 4, 1))
    tale.happened(
        corrected,
        EntryCorrected(
            target=2,
            changes=(
                SummaryChange(before=_FILED.summary, after="到会十四人"),
                EvidenceChange(before=(_MINUTES, _PHOTO), after=(_MINUTES,)),
                AttendanceChange(before=_FULL, after=Attendance(entitled=20, present=14)),
                DayChange(before=date(2026, 3, 30), after=date(2026, 3, 29)),
            ),
            reason="人数有误",
            evidence=(_PHOTO,),
        ),
        on=date(2026, 4, 2),
    )
    missed = _raised(tale, "2026-Q2")
    tale.happened(missed, OmissionDetected(due=_DUE), on=date(2026, 4, 8))
    tale.happened(missed, _FILED, _LATE, on=date(2026, 4, 10))
    tale.happened(missed, EntryRejected(reason="无签到"), by=BO, on=date(2026, 4, 11))
    excused = _raised(tale, "2026-Q3")
    tale.happened(excused, ExceptionExplained(reason="洪水"), ExceptionDeclined(reason="并无洪水"))
    tale.happened(excused, ExceptionExplained(reason="洪水，附照片"), ExceptionAccepted(reason="核实"))
    tale.happened(_raised(tale, "2026-Q4"), ObligationWaived(reason="建制调整", authority="县委办纪要三号"))
    tale.happened(_raised(tale, "2027-Q1"), ExceptionExplained(reason="洪水"))
    late = _raised(tale, "2027-Q2")
    tale.happened(late, OmissionDetected(due=_DUE), on=date(2026, 4, 8))
    tale.happened(late, _FILED, _LATE, on=date(2026, 4, 10))


def _cases(tale: Tale) -> None:
    one, two, _ = _opened(tale, "一号", 1), _opened(tale, "二号", 2), _opened(tale, "三号", 2)
    tale.happened(one, StepStarted(step="收件"))
    tale.happened(
        one,
        StepCompleted(
            step="发证",
            by=ANN,
            deviation=("审查", UNKNOWN_STEP),
            conflict=("收件",),
            discharged_on=date(2026, 7, 10),
        ),
        on=date(2026, 7, 10),
    )
    tale.happened(one, StepCompleted(step="收件", by=ANN), on=date(2026, 7, 1))
    tale.happened(one, StepCompleted(step="审查", by=BO), on=date(2026, 7, 5))
    tale.happened(two, StepCompleted(step="发证", by=BO, deviation=("勘察", "审查")), on=date(2026, 7, 2))
    tale.happened(two, StepCompleted(step="审查", by=CAI), StepCompleted(step="审查", by=CAI), on=date(2026, 7, 3))
    tale.happened(two, StepCompleted(step="复核", by=CAI, deviation=(UNKNOWN_STEP,)), on=date(2026, 7, 4))
    tale.happened(
        case_duty_id(MEETINGS, "三号", "archive"),
        ObligationRaised(
            standard=MEETINGS, standard_version=2, duty="archive", title="归档", area="efficiency", case="三号"
        ),
    )


def _raised(tale: Tale, period: str) -> UUID:
    id = obligation_id(VILLAGE, MEETINGS, "meeting", period)
    terms = ObligationRaised(
        organisation=VILLAGE,
        standard=MEETINGS,
        standard_version=1,
        duty="meeting",
        title="党员大会",
        area="efficiency",
        period=period,
        due=_DUE,
        soft=True,
        evidence=("minutes",),
        quorum=Quorum(numerator=1, denominator=2, more_than=True),
    )
    tale.happened(id, terms)
    return id


def _opened(tale: Tale, case: str, version: int) -> UUID:
    id = case_id(MEETINGS, case)
    terms = ObligationRaised(
        standard=MEETINGS, standard_version=version, title=case, area="efficiency", case=case, due=date(2026, 8, 1)
    )
    tale.happened(id, terms)
    return id
