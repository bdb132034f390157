"""The obligation (事项) and its entries (台账): what is owed, what was done about it, and who confirmed it."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, Self, assert_never
from uuid import UUID, uuid5

from domain.event import Account, Aggregate, Refused, replace
from domain.ledger import rules
from domain.ledger.actions import EXPLAINER_DECIDER, FILER_REJECTER, FILER_VERIFIER, OWER_WAIVER
from domain.ledger.conformance import Completion, Facts
from domain.ledger.entry import Entry, Revision
from domain.ledger.events import (
    UNKNOWN_STEP,
    Attendance,
    EntryCorrected,
    EntryRejected,
    EntryVerified,
    EvidenceAttached,
    EvidenceReference,
    ExceptionAccepted,
    ExceptionDeclined,
    ExceptionExplained,
    LateEntryMarked,
    LedgerEntryFiled,
    LedgerEvent,
    ObligationRaised,
    ObligationWaived,
    OmissionDetected,
    StepCompleted,
    StepStarted,
)
from domain.ledger.period import Period

Outcome = Literal["open", "done", "late", "excused", "waived", "missing"]

_PERIODIC = UUID("6f5b7c0e-2a0d-5c1e-9c52-0f7d1b4a8e31")
_CASES = UUID("b0c9a4d2-7e3f-5a86-8d17-3e6c5f2a9b04")
_CASE_DUTIES = UUID("4b1d6f83-2c9a-5e70-a6d4-91f0b7c85e12")


def obligation_id(organisation: UUID, standard: UUID, duty: str, period: str) -> UUID:
    """One identifier per organisation, duty of a standard, and period, so that raising can be repeated."""
    return uuid5(_PERIODIC, f"{organisation}/{standard}/{period}/{duty}")


def case_id(standard: UUID, case: str) -> UUID:
    """One identifier per case of a standard."""
    return uuid5(_CASES, f"{standard}/{case}")


def case_duty_id(standard: UUID, case: str, duty: str) -> UUID:
    """One identifier per duty that a standard asks for in a case."""
    return uuid5(_CASE_DUTIES, f"{standard}/{duty}/{case}")


def outcome_of(*, waived: bool, excused: bool, discharged: bool, late: bool, omission_detected: bool) -> Outcome:
    """What an obligation came to, by what happened to it."""
    if waived:
        return "waived"
    if excused:
        return "excused"
    if discharged:
        return "late" if late else "done"
    return "missing" if omission_detected else "open"


@dataclass(frozen=True)
class Obligation(Aggregate):
    """One obligation, of one organisation for a duty and period, or of one case, or for a duty in one case.

    ``terms`` are what was asked, under which version of the standard. ``entries`` keeps rejected ones
    too; only the last can stand. ``completions`` is every completion of a step, in order of recording.
    """

    terms: ObligationRaised | None = None
    started: frozenset[str] = frozenset()
    completions: tuple[Completion, ...] = ()
    discharged_on: date | None = None
    entries: tuple[Entry, ...] = ()
    late: bool = False
    omission_detected: bool = False
    exception: Literal["", "explained", "accepted", "declined"] = ""
    explainers: frozenset[UUID] = frozenset()
    waived: bool = False

    @property
    def entry(self) -> Entry | None:
        """The entry that stands: the last, unless it was rejected."""
        last = self.entries[-1] if self.entries else None
        return last if last and last.standing != "rejected" else None

    @property
    def filers(self) -> frozenset[UUID]:
        """Everyone who had a hand in the entry that stands."""
        return self.entry.filers if self.entry else frozenset()

    @property
    def owers(self) -> frozenset[UUID]:
        """Everyone who ever filed or explained for the obligation."""
        return self.explainers.union(*(entry.filers for entry in self.entries))

    @property
    def verified(self) -> bool:
        return self.entry is not None and self.entry.standing == "verified"

    @property
    def outcome(self) -> Outcome:
        """What the obligation came to so far. Once late, an entry is late for ever."""
        return outcome_of(
            waived=self.waived,
            excused=self.exception == "accepted",
            discharged=bool(self.entry or self.discharged_on),
            late=self.late,
            omission_detected=self.omission_detected,
        )

    def raise_(self, terms: ObligationRaised) -> ObligationRaised:
        """Raise the obligation on these terms, once."""
        if self.terms:
            raise Refused("the obligation has been raised already")
        if terms.case and terms.period:
            raise Refused("an obligation is of a case or of a period, not both", field="case")
        if not terms.case:
            rules.stated("duty", terms.duty)
            Period.parse(terms.period)
            if not terms.organisation:
                raise Refused("a duty is owed by an organisation: name it", field="organisation")
        if terms.standard_version < 1:
            raise Refused(
                "{version} is no version of a published standard",
                field="standard_version",
                version=terms.standard_version,
            )
        return terms

    def start_step(self, step: str, facts: Facts, account: Account, today: date) -> StepStarted:
        """Begin a step; one that the flow does not know needs a reason."""
        self._asked()
        rules.happened(account, today)
        rules.known(step, facts, account)
        if step in self.started:
            raise Refused("“{step}” is under way already", field="step", step=step)
        return StepStarted(step=step)

    def complete_step(
        self, step: str, by: UUID, facts: Facts, account: Account, today: date
    ) -> tuple[StepCompleted | LateEntryMarked, ...]:
        """Complete a step, once more if need be.

        Out of the flow's order, unknown to it, or by the person who did a step that needs somebody
        else, it is refused unless the account gives the reason; then it is recorded as such. The one
        that completes a case's required steps discharges the case: late if the last of them was
        done after the due day, or is recorded after the omission was detected.
        """
        terms = self._asked()
        rules.happened(account, today)
        done = Completion(step, rules.instant(account), by)
        if rules.known(step, facts, account):
            deviation = rules.preceded(facts, done, self.completions, account)
        else:
            deviation = (UNKNOWN_STEP,)
        conflict = rules.apart(facts, done, self.completions, account)
        day = self._discharge(facts, done, account) if terms.is_case and self.outcome in ("open", "missing") else None
        completed = StepCompleted(step=step, by=by, deviation=deviation, conflict=conflict, discharged_on=day)
        if not day:
            return (completed,)
        return (completed, *self._late(today if self.omission_detected else day))

    def file(
        self,
        summary: str,
        account: Account,
        today: date,
        *,
        evidence: tuple[EvidenceReference, ...] = (),
        attendance: Attendance | None = None,
    ) -> tuple[LedgerEntryFiled | LateEntryMarked, ...]:
        """File the entry; after the due day, counted by the day of recording, it is marked late besides."""
        terms = self._asked()
        rules.happened(account, today)
        self._not_lifted()
        if self.entry:
            raise Refused("an entry is filed already: correct it instead")
        rules.stated("summary", summary)
        rules.evidenced(terms.evidence, evidence)
        rules.quorate(terms.quorum, attendance)
        filed = LedgerEntryFiled(summary=summary, evidence=evidence, attendance=attendance)
        return (filed, *(() if self.discharged_on else self._late(today)))

    def attach(self, evidence: EvidenceReference, account: Account, today: date) -> EvidenceAttached:
        """Add evidence to an entry that awaits verification."""
        entry = self._standing()
        rules.happened(account, today)
        return entry.attach(evidence)

    def verify(self, account: Account, today: date, remark: str = "") -> EntryVerified:
        """Confirm the entry. Nobody who had a hand in it may, nor anyone acting for them."""
        entry = self._standing()
        rules.happened(account, today)
        FILER_VERIFIER.uphold(self, account.people)
        return entry.verify(remark)

    def reject(self, reason: str, account: Account, today: date) -> EntryRejected:
        """Send the entry back, also one verified in error; it stays in the history and another can be filed."""
        entry = self._standing()
        rules.happened(account, today)
        FILER_REJECTER.uphold(self, account.people)
        return entry.reject(reason)

    def correct(
        self,
        reason: str,
        revision: Revision,
        account: Account,
        today: date,
        *,
        support: tuple[EvidenceReference, ...] = (),
    ) -> EntryCorrected:
        """Set fields of the entry; what results satisfies the duty as a new entry must.

        ``support`` is evidence for the correction itself.
        """
        entry = self._standing()
        rules.happened(account, today)
        return entry.correct(reason, revision, self._asked(), today, support)

    def detect_omission(self, today: date) -> OmissionDetected | None:
        """What the clock finds on a day: an omission, or None; once detected it is not found again.

        A soft due date with a stated reason that nobody has declined is no omission.
        """
        terms = self._asked()
        excusable = terms.soft and self.exception == "explained"
        if not terms.due or today <= terms.due or self.outcome != "open" or excusable:
            return None
        return OmissionDetected(due=terms.due)

    def explain(self, reason: str, account: Account, today: date) -> ExceptionExplained:
        """State why the work is not done; for the obliged organisation, while nothing discharges the obligation."""
        terms = self._asked()
        rules.happened(account, today)
        self._undischarged()
        rules.stated("reason", reason)
        if not terms.organisation:
            raise Refused("no organisation answers for this case, so none can explain it: it may be waived")
        if account.organisation != terms.organisation:
            raise Refused("an exception is explained by the obliged organisation itself", field="organisation")
        if self.exception == "explained":
            raise Refused("an explanation awaits its decision already")
        return ExceptionExplained(reason=reason)

    def accept_exception(self, higher: bool, account: Account, today: date, reason: str = "") -> ExceptionAccepted:
        """Excuse the obligation. ``higher``: the decider's organisation is an ancestor of the obliged one."""
        self._may_decide_exception(higher, account, today)
        return ExceptionAccepted(reason=reason)

    def decline_exception(self, reason: str, higher: bool, account: Account, today: date) -> ExceptionDeclined:
        """Hold that the work is still owed; the organisation may explain again."""
        self._may_decide_exception(higher, account, today)
        rules.stated("reason", reason)
        return ExceptionDeclined(reason=reason)

    def waive(self, reason: str, authority: str, higher: bool, account: Account, today: date) -> ObligationWaived:
        """Lift the obligation; not for those who filed for it or explained it, nor for their organisation.

        ``higher`` as in ``accept_exception``; an account without organisation acts for the whole record.
        """
        terms = self._asked()
        rules.happened(account, today)
        self._undischarged()
        rules.stated("reason", reason)
        rules.stated("authority", authority)
        OWER_WAIVER.uphold(self, account.people)
        if terms.organisation and account.organisation and not higher:
            raise Refused("an obligation is waived by a unit above the obliged organisation", field="organisation")
        return ObligationWaived(reason=reason, authority=authority)

    def _asked(self) -> ObligationRaised:
        if not self.terms:
            raise Refused("no such obligation")
        return self.terms

    def _standing(self) -> Entry:
        self._asked()
        if not self.entry:
            raise Refused("no entry is on file")
        return self.entry

    def _not_lifted(self) -> None:
        if self.waived:
            raise Refused("the obligation is waived: nothing more is asked")
        if self.exception == "accepted":
            raise Refused("the obligation is excused: nothing more is asked")

    def _undischarged(self) -> None:
        self._not_lifted()
        if self.entry:
            raise Refused("an entry is filed already: correct it instead")
        if self.discharged_on:
            raise Refused("every required step of the case is completed: nothing is left open")

    def _may_decide_exception(self, higher: bool, account: Account, today: date) -> None:
        self._asked()
        rules.happened(account, today)
        self._undischarged()
        if self.exception != "explained":
            raise Refused("no explanation awaits a decision")
        if not higher:
            raise Refused("an exception is decided by a unit above the obliged organisation", field="organisation")
        EXPLAINER_DECIDER.uphold(self, account.people)

    def _late(self, day: date) -> tuple[LateEntryMarked, ...]:
        due = self._asked().due
        return (LateEntryMarked(due=due, days_late=(day - due).days),) if due and day > due else ()

    def _discharge(self, facts: Facts, done: Completion, account: Account) -> date | None:
        """The day of the last required step, once none is missing: the account's day where this is that step."""
        at = rules.discharged(facts, (*self.completions, done))
        return account.occurred_on if at == done.at else at and at.date()

    def evolve(self, event: LedgerEvent, account: Account) -> Self:
        match event:
            case StepCompleted():
                done = Completion(event.step, rules.instant(account), event.by)
                return replace(
                    self,
                    started=self.started - {event.step},
                    completions=(*self.completions, done),
                    discharged_on=self.discharged_on or event.discharged_on,
                )
            case ObligationRaised():
                return replace(self, terms=event)
            case StepStarted():
                return replace(self, started=self.started | {event.step})
            case LedgerEntryFiled():
                return replace(self, entries=(*self.entries, Entry.filed(self.version + 1, event, account)))
            case EvidenceAttached() | EntryCorrected() | EntryVerified() | EntryRejected():
                last = tuple(entry.evolve(event, account) for entry in self.entries[-1:])
                return replace(self, entries=(*self.entries[:-1], *last))
            case LateEntryMarked():
                return replace(self, late=True)
            case OmissionDetected():
                return replace(self, omission_detected=True)
            case ExceptionExplained():
                return replace(self, exception="explained", explainers=self.explainers | account.people)
            case ExceptionAccepted():
                return replace(self, exception="accepted")
            case ExceptionDeclined():
                return replace(self, exception="declined")
            case ObligationWaived():
                return replace(self, waived=True)
            case _:
                assert_never(event)
