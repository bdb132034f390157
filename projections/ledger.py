"""The omissions board (漏项): what each obligation came to, with done, late, excused, waived and missing kept apart."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal, get_args
from uuid import UUID

from domain.event import Account, Recorded, replace
from domain.ledger import (
    DayChange,
    EntryCorrected,
    EntryRejected,
    EntryVerified,
    ExceptionAccepted,
    ExceptionDeclined,
    ExceptionExplained,
    LateEntryMarked,
    LedgerEntryFiled,
    LedgerEvent,
    ObligationRaised,
    ObligationWaived,
    OmissionDetected,
    Outcome,
    StepCompleted,
    SummaryChange,
    YearRaised,
    outcome_of,
)
from projections.scope import OPEN
from projections.view import Row, Rows, View


@dataclass(frozen=True)
class ObligationRow(Row):
    """An obligation as it stands at one version. ``entry`` is how the last entry filed stands, "" without one."""

    INDEXES: ClassVar = (
        ("organisation", "area", "period"),
        ("standard", "case"),
        ("outcome", "due"),
    )
    SCOPE: ClassVar = "organisation"

    version: int
    organisation: UUID | None
    standard: UUID
    standard_version: int
    duty: str
    title: str
    area: str
    period: str
    case: str
    due: date | None
    soft: bool
    outcome: Outcome = "open"
    entry: Literal["", "filed", "verified", "rejected"] = ""
    summary: str = ""
    done_on: date | None = None
    filed_by: UUID | None = None
    steps: int = 0
    discharged_on: date | None = None
    late: bool = False
    omission_detected: bool = False
    exception: Literal["", "explained", "accepted", "declined"] = ""
    waived: bool = False


@dataclass(frozen=True)
class YearRow(Row):
    """A standard's year, and how many obligations were raised in it; ``version`` says how often it was raised."""

    INDEXES: ClassVar = (("standard", "year"),)
    SCOPE: ClassVar = OPEN

    version: int
    standard: UUID
    year: int
    raised: int
    raised_on: date
    raised_by: UUID


class LedgerView(View):
    name = "ledger"
    version = 3
    rows = (ObligationRow, YearRow)
    events = (*get_args(LedgerEvent), YearRaised)

    def fold(self, past: Recorded, rows: Rows) -> None:
        match past.event:
            case ObligationRaised() as terms:
                rows.put(
                    ObligationRow(
                        past.originator_id,
                        past.originator_version,
                        terms.organisation,
                        terms.standard,
                        terms.standard_version,
                        terms.duty,
                        terms.title,
                        terms.area,
                        terms.period,
                        terms.case,
                        terms.due,
                        terms.soft,
                    )
                )
            case YearRaised(standard=standard, year=year, raised=raised):
                id, account = past.originator_id, past.account
                before = rows.find(YearRow, id)
                total = raised + (before.raised if before else 0)
                rows.put(
                    YearRow(id, past.originator_version, standard, year, total, account.occurred_on, account.actor)
                )
            case _:
                row = _after(rows.get(ObligationRow, past.originator_id), past, past.account)
                discharged = row.entry in ("filed", "verified") or row.discharged_on is not None
                rows.put(
                    replace(
                        row,
                        version=past.originator_version,
                        outcome=outcome_of(
                            waived=row.waived,
                            excused=row.exception == "accepted",
                            discharged=discharged,
                            late=row.late,
                            omission_detected=row.omission_detected,
                        ),
                    )
                )


def _after(row: ObligationRow, past: Recorded, account: Account) -> ObligationRow:
    match past.event:
        case StepCompleted(discharged_on=day):
            return replace(row, steps=row.steps + 1, discharged_on=row.discharged_on or day)
        case LedgerEntryFiled(summary=summary):
            return replace(row, entry="filed", summary=summary, done_on=account.occurred_on, filed_by=account.actor)
        case EntryVerified():
            return replace(row, entry="verified")
        case EntryRejected():
            return replace(row, entry="rejected")
        case EntryCorrected(changes=changes):
            row = replace(row, entry="filed")
            for change in changes:
                match change:
                    case SummaryChange(after=summary):
                        row = replace(row, summary=summary)
                    case DayChange(after=day):
                        row = replace(row, done_on=day)
                    case _:
                        pass
            return row
        case LateEntryMarked():
            return replace(row, late=True)
        case OmissionDetected():
            return replace(row, omission_detected=True)
        case ExceptionExplained():
            return replace(row, exception="explained")
        case ExceptionAccepted():
            return replace(row, exception="accepted")
        case ExceptionDeclined():
            return replace(row, exception="declined")
        case ObligationWaived():
            return replace(row, waived=True)
        case _:
            return row
