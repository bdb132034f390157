"""Cases with the steps that were completed: any order of rows, with the times and people they had."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID, uuid5

from application.access import person_id
from application.bulk import Item, check_all, record_all
from application.clock import Clock
from application.imports.report import Report
from application.ledger import raise_case
from application.records import Records, Work
from application.standard import flow_facts
from domain.event import Account, Refused
from domain.ledger import Facts, Obligation, case_id
from domain.standard import PublishedVersion, Standard, standard_id


class CaseRow(NamedTuple):
    """One completion as given: ``line`` is where it stands in the file; ``due`` is empty where there is none."""

    line: int
    case: str
    step: str
    at: str
    by: str
    due: str = ""


@dataclass(frozen=True, slots=True)
class _Completion:
    line: int
    step: str
    by: UUID
    at: datetime
    day: date
    command_id: UUID


@dataclass(slots=True)
class _Case:
    line: int
    due: date | None
    completions: list[_Completion]


@dataclass(frozen=True)
class _Import:
    records: Records
    clock: Clock
    source: str
    standard: UUID
    version: PublishedVersion
    facts: Facts

    def items(self, cases: dict[str, _Case]) -> Iterator[Item]:
        """One command raises each case, one completes each step, in the order of their times."""
        for name, case in cases.items():
            id = case_id(self.standard, name)
            reads = ((Obligation, id),)
            ordered = sorted(case.completions, key=lambda done: done.at)
            yield Item(id, reads, partial(self._raise, name=name, case=case, day=ordered[0].day), case.line)
            for done in ordered:
                yield Item(done.command_id, reads, partial(self._complete, id=id, done=done), done.line)

    def _raise(self, work: Work, name: str, case: _Case, day: date) -> None:
        id = case_id(self.standard, name)
        if work.load(Obligation, id).terms is None:
            raise_case(work, self._account(id, day), self.standard, self.version, name, None, case.due)

    def _complete(self, work: Work, id: UUID, done: _Completion) -> None:
        item = work.load(Obligation, id)
        account = self._account(done.command_id, done.day, done.at)
        facts = self.facts
        if item.terms and item.terms.standard_version != self.version.number:
            standard = work.load(Standard, self.standard)
            facts = flow_facts(self.standard, standard.version_of(item.terms.standard_version))
        work.record(account, (item, item.complete_step(done.step, done.by, facts, account, self.clock.today())))

    def _account(self, command_id: UUID, day: date, at: datetime | None = None) -> Account:
        return Account(
            actor=person_id("importer"),
            occurred_on=day,
            occurred_at=at,
            command_id=command_id,
            reason=f"imported from {self.source}",
        )


def import_cases(
    records: Records,
    clock: Clock,
    source: str,
    code: str,
    rows: Sequence[CaseRow],
    report: Report,
    *,
    skip_bad: bool = False,
    introduce: Callable[[list[str]], object] = lambda _: None,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Record cases under the standard's version in force; nothing if a row is bad, unless told to skip it.

    A row is one command: the same rows again record nothing, and a longer file only what is new.
    ``introduce`` is told the names of the people who did the steps.
    """
    standard = standard_id(code)
    version = records.load(Standard, standard, fresh=True).in_force()
    importing = _Import(records, clock, source, standard, version, flow_facts(standard, version))
    cases = _group(standard, rows, clock, report)
    refused: Callable[[Item, Refused], None] = lambda item, refusal: report.refuse(item.label, refusal)  # noqa: E731
    if not skip_bad:
        check_all(records, importing.items(cases), refused)
        if report.bad:
            return
    introduce(sorted({row.by for row in rows if row.by and row.by == row.by.strip()}))
    report.add(record_all(records, importing.items(cases), refused, progress))


def _group(standard: UUID, rows: Sequence[CaseRow], clock: Clock, report: Report) -> dict[str, _Case]:
    """Read every row and put it with its case; tell of each that cannot be read."""
    cases: dict[str, _Case] = {}
    times: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        try:
            for field, text in (("case", row.case), ("step", row.step), ("by", row.by)):
                _check_name(field, text)
            at, day = _instant(row.at, clock)
            due = _instant(row.due, clock, field="due")[1] if row.due else None
        except Refused as refusal:
            report.refuse(row.line, refusal)
            continue
        known = cases.setdefault(row.case, _Case(row.line, due, []))
        if known.due != due:
            report.refuse(
                row.line,
                Refused(
                    "the case {case} is due another day in line {line}", field="due", case=row.case, line=known.line
                ),
            )
            continue
        # Rows that say the same are told apart by how often they were said.
        said = (row.case, row.step, at.isoformat(), row.by)
        times[said] += 1
        command_id = uuid5(standard, "\x1f".join((*said, str(times[said]))))
        known.completions.append(_Completion(row.line, row.step, person_id(row.by), at, day, command_id))
    return {name: case for name, case in cases.items() if case.completions}


def _check_name(field: str, text: str) -> None:
    if not text:
        raise Refused("“{what}” is empty: state it", field=field, what=field)
    if text != text.strip() or len(text) > 500 or not text.isprintable():
        raise Refused(
            "“{text}” has blanks around it, or characters that cannot be printed", field=field, text=text[:50]
        )


def _instant(text: str, clock: Clock, field: str = "at") -> tuple[datetime, date]:
    """Read a time (ISO 8601; local without an offset): the instant, and the day as it was written."""
    try:
        written = datetime.fromisoformat(text.strip().replace("/", "-"))
    except ValueError:
        raise Refused("“{text}” is no time such as 2026-03-01T08:30:00+08:00", field=field, text=text[:50]) from None
    at = written if written.tzinfo else written.replace(tzinfo=clock.zone)
    try:
        at.astimezone(clock.zone)
    except (OverflowError, ValueError):
        raise Refused("“{text}” is no time such as 2026-03-01T08:30:00+08:00", field=field, text=text[:50]) from None
    return at, written.date()
