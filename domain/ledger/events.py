"""What can happen to an obligation, and the values those events carry."""

from datetime import date
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import Field, NonNegativeInt, PositiveInt

from domain.event import Event, Fact

UNKNOWN_STEP: Final = "(not in the flow)"
"""Stands in a completion's ``deviation`` where the flow does not know the step at all."""


class Quorum(Fact):
    """The share of those entitled who must be present (法定人数): at least n/d of them, or more than n/d."""

    numerator: PositiveInt
    denominator: PositiveInt
    more_than: bool = False

    def minimum(self, entitled: int) -> int:
        """The smallest number of people that satisfies the rule."""
        share = self.numerator * entitled
        return share // self.denominator + 1 if self.more_than else -(-share // self.denominator)


class Attendance(Fact):
    """Those entitled to attend and those who did (应到、实到), in people."""

    entitled: int
    present: int


class EvidenceReference(Fact):
    """A piece of evidence by its content: ``hash`` is ``sha256:`` and 64 lower-case hexadecimal digits."""

    kind: str
    hash: str
    title: str = ""


class SummaryChange(Fact):
    field: Literal["summary"] = "summary"
    before: str
    after: str


class EvidenceChange(Fact):
    field: Literal["evidence"] = "evidence"
    before: tuple[EvidenceReference, ...]
    after: tuple[EvidenceReference, ...]


class AttendanceChange(Fact):
    field: Literal["attendance"] = "attendance"
    before: Attendance | None
    after: Attendance | None


class DayChange(Fact):
    """The day on which the work was done."""

    field: Literal["occurred_on"] = "occurred_on"
    before: date
    after: date


FieldChange = Annotated[
    SummaryChange | EvidenceChange | AttendanceChange | DayChange,
    Field(discriminator="field"),
]


class ObligationRaised(Event):
    """事项生成: a published standard asks for one piece of work: of an organisation for a period, or in one case.

    A periodic obligation has ``organisation``, ``duty`` and ``period`` (see ``Period``). A case is one
    with ``case`` alone; a duty that is asked for in every case has ``duty`` besides. These have an
    organisation where it is known. ``evidence`` names the kinds demanded. A ``soft`` due date (一般)
    may pass without an omission while a reason is stated and not declined.
    """

    TOPIC: ClassVar[str] = "ledger.ObligationRaised"
    organisation: UUID | None = None
    standard: UUID
    standard_version: int
    duty: str = ""
    title: str
    area: str
    period: str = ""
    case: str = ""
    due: date | None = None
    soft: bool = False
    evidence: tuple[str, ...] = ()
    quorum: Quorum | None = None

    @property
    def is_case(self) -> bool:
        """Whether it is a case, which is held against the flow and discharged by it."""
        return bool(self.case) and not self.duty


class StepStarted(Event):
    """环节开始: work on one step of the flow began."""

    TOPIC: ClassVar[str] = "ledger.StepStarted"
    step: str


class StepCompleted(Event):
    """环节完成: ``by`` did one step of the flow; its time is the account's.

    ``deviation`` names the steps that should have come before and had not (or is ``UNKNOWN_STEP``),
    ``conflict`` those which the same person completed although they need different people; where
    either is not empty, the account gives the reason. ``discharged_on`` stands in the event that
    completes a case's required steps: the day on which the last of them was done.
    """

    TOPIC: ClassVar[str] = "ledger.StepCompleted"
    step: str
    by: UUID
    deviation: tuple[str, ...] = ()
    conflict: tuple[str, ...] = ()
    discharged_on: date | None = None


class LedgerEntryFiled(Event):
    """台账登记: the work is claimed as done, on the account's day, with evidence by content hash."""

    TOPIC: ClassVar[str] = "ledger.LedgerEntryFiled"
    summary: str
    evidence: tuple[EvidenceReference, ...] = ()
    attendance: Attendance | None = None


class EvidenceAttached(Event):
    """附证: one more piece of evidence for the entry on file."""

    TOPIC: ClassVar[str] = "ledger.EvidenceAttached"
    evidence: EvidenceReference


class EntryVerified(Event):
    """核验: somebody who had no hand in the entry confirms it."""

    TOPIC: ClassVar[str] = "ledger.EntryVerified"
    remark: str = ""


class EntryRejected(Event):
    """退回: somebody who had no hand in the entry sends it back; the obligation is open again."""

    TOPIC: ClassVar[str] = "ledger.EntryRejected"
    reason: str


class OmissionDetected(Event):
    """漏项: the due day passed and nothing discharged the obligation."""

    TOPIC: ClassVar[str] = "ledger.OmissionDetected"
    due: date


class ExceptionExplained(Event):
    """情况说明: the obliged organisation says why the work was not, or cannot be, done."""

    TOPIC: ClassVar[str] = "ledger.ExceptionExplained"
    reason: str


class ExceptionAccepted(Event):
    """同意情况说明: a higher unit excuses the obligation."""

    TOPIC: ClassVar[str] = "ledger.ExceptionAccepted"
    reason: str = ""


class ExceptionDeclined(Event):
    """不同意情况说明: a higher unit holds that the work is still owed."""

    TOPIC: ClassVar[str] = "ledger.ExceptionDeclined"
    reason: str


class ObligationWaived(Event):
    """豁免: the obligation is lifted, on a cited authority."""

    TOPIC: ClassVar[str] = "ledger.ObligationWaived"
    reason: str
    authority: str


class EntryCorrected(Event):
    """更正: fields of the entry on file change, before and after kept; it must be verified again.

    ``target`` is the version of this record at which that entry was filed. ``evidence`` is what
    supports the correction, not the entry's own.
    """

    TOPIC: ClassVar[str] = "ledger.EntryCorrected"
    target: PositiveInt
    changes: tuple[FieldChange, ...]
    reason: str
    evidence: tuple[EvidenceReference, ...] = ()


class LateEntryMarked(Event):
    """补录: what discharges the obligation came ``days_late`` calendar days after it was due. Nothing takes it back."""

    TOPIC: ClassVar[str] = "ledger.LateEntryMarked"
    due: date
    days_late: int


class YearRaised(Event):
    """年度事项生成: what a standard asks in a year was raised, of all whom it concerns or of those ``below`` one.

    ``raised`` obligations are new; as many as ``standing`` says had been raised before.
    """

    TOPIC: ClassVar[str] = "ledger.YearRaised"
    standard: UUID
    year: int
    below: UUID | None = None
    raised: NonNegativeInt
    standing: NonNegativeInt


LedgerEvent = (
    ObligationRaised
    | StepStarted
    | StepCompleted
    | LedgerEntryFiled
    | EvidenceAttached
    | EntryVerified
    | EntryRejected
    | OmissionDetected
    | ExceptionExplained
    | ExceptionAccepted
    | ExceptionDeclined
    | ObligationWaived
    | EntryCorrected
    | LateEntryMarked
)
