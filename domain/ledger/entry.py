"""A ledger entry (台账条目): what it says, who had a hand in it, and what may still be done to it."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, Self, TypeVar, assert_never
from uuid import UUID

from domain.event import Account, Fact, Refused
from domain.ledger import rules
from domain.ledger.events import (
    Attendance,
    AttendanceChange,
    DayChange,
    EntryCorrected,
    EntryRejected,
    EntryVerified,
    EvidenceAttached,
    EvidenceChange,
    EvidenceReference,
    FieldChange,
    LedgerEntryFiled,
    ObligationRaised,
    SummaryChange,
)

Standing = Literal["filed", "verified", "rejected"]


class Revision(Fact):
    """The fields that a correction sets; None leaves one as it is. ``occurred_on`` is the day of the work."""

    summary: str | None = None
    evidence: tuple[EvidenceReference, ...] | None = None
    attendance: Attendance | None = None
    occurred_on: date | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it stands after its corrections; ``filers`` are all who filed, corrected or added to it.

    ``version`` is that of the obligation's record at which it was filed.
    """

    version: int
    summary: str
    evidence: tuple[EvidenceReference, ...]
    attendance: Attendance | None
    occurred_on: date
    filers: frozenset[UUID]
    standing: Standing = "filed"

    @classmethod
    def filed(cls, version: int, event: LedgerEntryFiled, account: Account) -> Self:
        people = account.people
        return cls(version, event.summary, event.evidence, event.attendance, account.occurred_on, people)

    def attach(self, evidence: EvidenceReference) -> EvidenceAttached:
        if self.standing == "verified":
            raise Refused("the entry is verified: add evidence by a correction, which is verified again")
        rules.evidenced((), (*self.evidence, evidence))
        return EvidenceAttached(evidence=evidence)

    def verify(self, remark: str) -> EntryVerified:
        if self.standing == "verified":
            raise Refused("the entry is verified already")
        return EntryVerified(remark=remark)

    def reject(self, reason: str) -> EntryRejected:
        rules.stated("reason", reason)
        return EntryRejected(reason=reason)

    def correct(
        self,
        reason: str,
        revision: Revision,
        terms: ObligationRaised,
        today: date,
        support: tuple[EvidenceReference, ...],
    ) -> EntryCorrected:
        rules.stated("reason", reason)
        rules.evidenced((), support)
        changes: list[FieldChange] = []
        if (summary := revision.summary) is not None and summary != self.summary:
            rules.stated("summary", summary)
            changes.append(SummaryChange(before=self.summary, after=summary))
        if (evidence := revision.evidence) is not None and evidence != self.evidence:
            rules.evidenced(terms.evidence, evidence)
            changes.append(EvidenceChange(before=self.evidence, after=evidence))
        if (attendance := revision.attendance) is not None and attendance != self.attendance:
            rules.quorate(terms.quorum, attendance)
            changes.append(AttendanceChange(before=self.attendance, after=attendance))
        if (day := revision.occurred_on) is not None and day != self.occurred_on:
            rules.come(day, today)
            changes.append(DayChange(before=self.occurred_on, after=day))
        if not changes:
            raise Refused("the correction changes nothing")
        return EntryCorrected(target=self.version, changes=tuple(changes), reason=reason, evidence=support)

    def evolve(
        self, event: EvidenceAttached | EntryCorrected | EntryVerified | EntryRejected, account: Account
    ) -> Self:
        match event:
            case EvidenceAttached():
                filers = self.filers | account.people
                return replace(self, evidence=(*self.evidence, event.evidence), filers=filers)
            case EntryCorrected():
                entry = replace(self, filers=self.filers | account.people, standing="filed")
                for change in event.changes:
                    entry = _changed(entry, change)
                return entry
            case EntryVerified():
                return replace(self, standing="verified")
            case EntryRejected():
                return replace(self, standing="rejected")
            case _:
                assert_never(event)


E = TypeVar("E", bound=Entry)


def _changed(entry: E, change: FieldChange) -> E:
    match change:
        case SummaryChange():
            return replace(entry, summary=change.after)
        case EvidenceChange():
            return replace(entry, evidence=change.after)
        case AttendanceChange():
            return replace(entry, attendance=change.after)
        case DayChange():
            return replace(entry, occurred_on=change.after)
        case _:
            assert_never(change)
