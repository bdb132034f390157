"""Ledger commands: raise obligations from standards, work through them, file, verify, correct, excuse."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol
from uuid import UUID, uuid5

from application.bulk import Item, Stream, Tally, record_all
from application.clock import Clock
from application.gate import Gate
from application.lineage import lineage
from application.records import Act, Change, Conflict, Receipt, Records, Work
from application.standard import flow_facts
from domain.action import Action
from domain.event import Account, Refused
from domain.ledger import (
    Attendance,
    EvidenceReference,
    Facts,
    LedgerEvent,
    Obligation,
    ObligationRaised,
    Quorum,
    Revision,
    Year,
    actions,
    case_duty_id,
    case_id,
    obligation_id,
    periods,
    year_id,
)
from domain.ledger import due as due_after
from domain.organisation import Organisation
from domain.standard import Duty, PublishedVersion, Standard


class Board(Protocol):
    """Questions to the views."""

    def subject_to(self, levels: Sequence[str], settings: Sequence[str], below: UUID | None) -> Iterator[UUID]:
        """Yield the live organisations of these levels and settings (empty: of any), all or those below one."""
        ...

    def overdue(self, today: date) -> Iterator[UUID]:
        """Yield the obligations that are open and were due before a day, and that somebody owed on that day."""
        ...


@dataclass(frozen=True)
class Ledger:
    records: Records
    clock: Clock
    board: Board
    gate: Gate

    def raise_year(
        self,
        act: Act,
        standard: UUID,
        year: int,
        *,
        below: UUID | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Receipt:
        """Raise what a standard's duties ask in a year, of every organisation they apply to, or of those below one.

        A period is asked for under the version in force at its end, or today if that is earlier; one that ended before
        any version was in force is not asked for. Repeatable: what was raised before is left as it is, also under an
        older version. Each obligation is a command of its own, tied to the others by ``correlation_id``; the receipt
        is that of the last command, which records that the year was raised. Raise Conflict if the standard's record
        is not at the version that the act expects.
        """
        if receipt := self.records.receipt(act.account.command_id, act.digest):
            return receipt
        account = act.account
        if account.correlation_id is None:
            account = account.model_copy(update={"correlation_id": account.command_id})
        loaded = self.records.load(Standard, standard, fresh=True)
        if act.expected not in (None, loaded.version):
            raise Conflict(standard, loaded.version)
        today = self.clock.today()
        self.gate.let(Work(self.records), act, actions.RAISE_YEAR, below)
        loaded.in_force(today)

        def items() -> Iterator[Item]:
            for version, duty in ((each, duty) for each in loaded.versions for duty in each.duties):
                if duty.frequency == "per case":
                    continue
                asked = [
                    (period, due_after(period, duty.days_after))
                    for period in periods(duty.frequency, year)
                    if loaded.begun(min(period.last, today)) == version
                ]
                if not asked:
                    continue
                for organisation in self.board.subject_to(duty.levels, duty.settings, below):
                    for period, by in asked:
                        terms = _terms(standard, version, duty, organisation, by, period=period.code)
                        yield self._raising(replace(act, account=account), below, terms)

        refusals: list[Refused] = []
        tally = record_all(self.records, items(), lambda _, refusal: refusals.append(refusal), progress)
        if refusals:
            raise refusals[0]

        def run(work: Work) -> None:
            whole = work.load(Year, year_id(standard, year))
            gated = self.gate.let(work, replace(act, account=account), actions.RAISE_YEAR, below)
            raised = whole.raise_(standard, year, below, raised=tally.recorded, standing=tally.repeated)
            work.record(gated, (whole, raised), digest=act.digest)

        return self.records.transact(Act(account, act.digest), run)

    def raise_case(
        self, act: Act, standard: UUID, case: str, organisation: UUID | None = None, due: date | None = None
    ) -> Receipt:
        """Open a case under the standard's version in force; duties asked for in each case are raised with it."""

        def run(work: Work) -> None:
            loaded = work.load(Standard, standard, act.expected)
            account = self.gate.let(work, act, actions.RAISE_CASE, organisation)
            version = loaded.in_force(self.clock.today())
            if organisation and work.load(Organisation, organisation).standing not in ("live", "closing"):
                raise Refused("no such organisation", field="organisation")
            raise_case(work, account, standard, version, case, organisation, due, digest=act.digest)

        return self.records.transact(act, run)

    def start_step(self, act: Act, id: UUID, step: str) -> Receipt:
        return self._decide(
            act,
            actions.START_STEP,
            id,
            lambda item, account: item.start_step(step, self._facts(item), account, self.clock.today()),
        )

    def complete_step(self, act: Act, id: UUID, step: str, by: UUID | None = None) -> Receipt:
        """Complete a step; ``by`` is who did it, where it was not the actor."""
        return self._decide(
            act,
            actions.COMPLETE_STEP,
            id,
            lambda item, account: item.complete_step(
                step, by or account.actor, self._facts(item), account, self.clock.today()
            ),
        )

    def file(
        self,
        act: Act,
        id: UUID,
        summary: str,
        evidence: tuple[EvidenceReference, ...] = (),
        attendance: Attendance | None = None,
    ) -> Receipt:
        return self._decide(
            act,
            actions.FILE,
            id,
            lambda item, account: item.file(
                summary, account, self.clock.today(), evidence=evidence, attendance=attendance
            ),
        )

    def attach(self, act: Act, id: UUID, evidence: EvidenceReference) -> Receipt:
        return self._decide(
            act, actions.ATTACH, id, lambda item, account: item.attach(evidence, account, self.clock.today())
        )

    def verify(self, act: Act, id: UUID, remark: str = "") -> Receipt:
        return self._decide(
            act, actions.VERIFY, id, lambda item, account: item.verify(account, self.clock.today(), remark)
        )

    def reject(self, act: Act, id: UUID, reason: str) -> Receipt:
        return self._decide(
            act, actions.REJECT, id, lambda item, account: item.reject(reason, account, self.clock.today())
        )

    def correct(
        self,
        act: Act,
        id: UUID,
        reason: str,
        revision: Revision,
        support: tuple[EvidenceReference, ...] = (),
    ) -> Receipt:
        return self._decide(
            act,
            actions.CORRECT,
            id,
            lambda item, account: item.correct(reason, revision, account, self.clock.today(), support=support),
        )

    def explain(self, act: Act, id: UUID, reason: str) -> Receipt:
        return self._decide(
            act, actions.EXPLAIN, id, lambda item, account: item.explain(reason, account, self.clock.today())
        )

    def accept_exception(self, act: Act, id: UUID, reason: str = "") -> Receipt:
        return self._from_above(
            act,
            actions.ACCEPT_EXCEPTION,
            id,
            lambda item, higher, account: item.accept_exception(higher, account, self.clock.today(), reason),
        )

    def decline_exception(self, act: Act, id: UUID, reason: str) -> Receipt:
        return self._from_above(
            act,
            actions.DECLINE_EXCEPTION,
            id,
            lambda item, higher, account: item.decline_exception(reason, higher, account, self.clock.today()),
        )

    def waive(self, act: Act, id: UUID, reason: str, authority: str) -> Receipt:
        return self._from_above(
            act,
            actions.WAIVE,
            id,
            lambda item, higher, account: item.waive(reason, authority, higher, account, self.clock.today()),
        )

    def detect_omissions(self, clockwork: UUID, progress: Callable[[int], None] = lambda _: None) -> Tally:
        """Let the clock record what was due before today and is not discharged; ``clockwork`` is the clock's person."""
        today = self.clock.today()

        def items() -> Iterator[Item]:
            for id in self.board.overdue(today):
                command = uuid5(id, f"omission {today}")
                yield Item(command, ((Obligation, id),), lambda work, id=id, c=command: detect(work, id, c))  # type: ignore[misc]  # bound

        def detect(work: Work, id: UUID, command: UUID) -> None:
            item = work.load(Obligation, id)
            if (omission := item.detect_omission(today)) is not None:
                account = Account(actor=clockwork, occurred_on=today, command_id=command)
                work.record(account, (item, omission))

        return record_all(self.records, items(), lambda *_: None, progress)

    def facts(self, terms: ObligationRaised) -> Facts:
        """Return what the flow says that an obligation was raised under."""
        standard = self.records.load(Standard, terms.standard)
        return flow_facts(terms.standard, standard.version_of(terms.standard_version))

    def _raising(self, act: Act, below: UUID | None, terms: ObligationRaised) -> Item:
        assert terms.organisation
        id = obligation_id(terms.organisation, terms.standard, terms.duty, terms.period)

        def run(work: Work) -> None:
            item = work.load(Obligation, id)
            if item.terms is None:
                account = self.gate.let(work, act, actions.RAISE_YEAR, below)
                work.record(account.model_copy(update={"command_id": id}), (item, item.raise_(terms)))

        return Item(id, (), run, founds=((Obligation, id),))

    def _facts(self, item: Obligation) -> Facts:
        if item.terms is None:
            raise Refused("no such obligation")
        return self.facts(item.terms)

    def _decide(
        self,
        act: Act,
        action: Action,
        id: UUID,
        decide: Callable[[Obligation, Account], LedgerEvent | Sequence[LedgerEvent]],
    ) -> Receipt:
        def run(work: Work) -> None:
            item = work.load(Obligation, id, act.expected)
            account = self.gate.let(work, act, action, item.terms.organisation if item.terms else None, item)
            work.record(account, (item, decide(item, account)), digest=act.digest)

        return self.records.transact(act, run)

    def _from_above(
        self, act: Act, action: Action, id: UUID, decide: Callable[[Obligation, bool, Account], LedgerEvent]
    ) -> Receipt:
        def run(work: Work) -> None:
            item = work.load(Obligation, id, act.expected)
            obliged = item.terms.organisation if item.terms else None
            account = self.gate.let(work, act, action, obliged, item)
            higher = account.organisation in lineage(work, obliged)[1:]
            work.record(account, (item, decide(item, higher, account)), digest=act.digest)

        return self.records.transact(act, run)


def raise_case(
    work: Work,
    account: Account,
    standard: UUID,
    version: PublishedVersion,
    case: str,
    organisation: UUID | None,
    due: date | None,
    *,
    digest: bytes | None = None,
) -> None:
    """Record the opening of a case as one command, with what the standard's duties ask for in each case."""
    unit = work.load(Organisation, organisation) if organisation else None
    item = work.load(Obligation, case_id(standard, case))
    terms = ObligationRaised(
        organisation=organisation,
        standard=standard,
        standard_version=version.number,
        title=case,
        area=version.area,
        case=case,
        due=due,
    )
    changes: list[Change] = [(item, item.raise_(terms))]
    for duty in _each_case(version):
        if _is_asked(duty, unit):
            owed = work.load(Obligation, case_duty_id(standard, case, duty.code))
            by = due_after(due, duty.days_after) if due else None
            changes.append((owed, owed.raise_(_terms(standard, version, duty, organisation, by, case=case))))
    work.record(account, *changes, digest=digest)


def case_streams(standard: UUID, version: PublishedVersion, case: str) -> list[Stream]:
    """Return what the opening of a case may found."""
    duties = (case_duty_id(standard, case, duty.code) for duty in _each_case(version))
    return [(Obligation, case_id(standard, case)), *((Obligation, id) for id in duties)]


def _each_case(version: PublishedVersion) -> list[Duty]:
    return [duty for duty in version.duties if duty.frequency == "per case"]


def _is_asked(duty: Duty, unit: Organisation | None) -> bool:
    """Whether a duty is asked of an organisation; where none is known, only what is asked of any."""
    level, setting = (unit.level, unit.setting) if unit else ("", "")
    return (not duty.levels or level in duty.levels) and (not duty.settings or setting in duty.settings)


def _terms(
    standard: UUID,
    version: PublishedVersion,
    duty: Duty,
    organisation: UUID | None,
    by: date | None,
    *,
    period: str = "",
    case: str = "",
) -> ObligationRaised:
    rule = duty.quorum
    quorum = None
    if rule:
        quorum = Quorum(numerator=rule.numerator, denominator=rule.denominator, more_than=rule.more_than)
    return ObligationRaised(
        organisation=organisation,
        standard=standard,
        standard_version=version.number,
        duty=duty.code,
        title=duty.title,
        area=version.area,
        period=period,
        case=case,
        due=by,
        soft=duty.soft,
        evidence=tuple(demand.kind for demand in duty.evidence),
        quorum=quorum,
    )


__all__ = ["Board", "Ledger", "case_streams", "raise_case"]
