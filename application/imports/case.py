"""Cases with the steps that were completed: any order of rows, with the times and people they had."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from graphlib import TopologicalSorter
from sys import intern
from typing import NamedTuple
from uuid import UUID, uuid5

from application.access import check_name, person_id
from application.bulk import Item, check_all, record_all
from application.clock import Clock
from application.gate import Gate
from application.imports.report import BadRow, Report
from application.ledger import case_streams, raise_case
from application.records import Act, Records, Work
from application.standard import flow_facts
from domain.action import Action
from domain.event import Account, Refused
from domain.ledger import Facts, Obligation, actions, case_id, instant
from domain.standard import Standard, standard_id

# Characters of a case's or a step's name.
LONGEST = 200
# A time as spreadsheet programs write it: 2026/3/1 8:30, 2026-3-1 8:30.
_SHORT = re.compile(r"(\d{4})([/-])(\d{1,2})\2(\d{1,2})(?:[ T](\d{1,2})(:\d{2}.*))?")


class CaseLine(NamedTuple):
    """One completion as given; ``line`` is where it stands in the file, ``due`` is empty where there is none."""

    line: int
    case: str
    step: str
    at: str
    by: str
    due: str = ""


@dataclass(frozen=True, slots=True)
class _Completion:
    """``at`` is None where only the day is given."""

    line: int
    step: str
    by: str
    day: date
    at: datetime | None


@dataclass(slots=True)
class _Case:
    line: int
    due: date | None
    due_line: int
    completions: list[_Completion] = field(default_factory=list[_Completion])


class CaseImport:
    """Reads rows and puts each with its case; checks them all; records them under the standard's version in force.

    A row is one command that follows from what it says: the same rows again record nothing, and a
    longer file only what is new. Rows that say the same are told apart by how often they say it.
    """

    def __init__(self, records: Records, clock: Clock, source: str, standard: str, report: Report) -> None:
        self._records = records
        self._clock = clock
        self._reason = f"imported from {source}"
        self._report = report
        self._standard = standard_id(standard)
        held = records.load(Standard, self._standard, fresh=True)
        if held.standing == "absent":
            raise Refused("there is no standard {code}", field="standard", code=standard)
        self._version = held.in_force(clock.today())
        self._gate: Gate | None = None
        self._importer = person_id("importer")
        self._cases: dict[str, _Case] = {}
        self._depth = _depths(flow_facts(self._standard, self._version))

    @property
    def size(self) -> int:
        """How many commands there are: one raises each case, one completes each step."""
        return len(self._cases) + sum(len(case.completions) for case in self._cases.values())

    @property
    def people(self) -> list[str]:
        """The names of those who did the steps."""
        return sorted({done.by for case in self._cases.values() for done in case.completions})

    def read(self, lines: Iterable[CaseLine | BadRow], progress: Callable[[int], None] = lambda _: None) -> None:
        """Put each row with its case, and report those that cannot be read."""
        for row in lines:
            if isinstance(row, BadRow):
                self._report.bad.append(row)
            else:
                try:
                    self._read(row)
                except Refused as refusal:
                    self._report.refuse(row.line, refusal)
            progress(1)

    def check(self) -> None:
        """Decide every row without recording it, and report those that are refused."""
        check_all(self._records, self._items(), self._refused)

    def record(self, gate: Gate, importer: UUID, progress: Callable[[int], None] = lambda _: None) -> None:
        """Record every row that is not refused, as acts of whoever imports them."""
        self._gate, self._importer = gate, importer
        self._report.add(record_all(self._records, self._items(), self._refused, progress))

    def _refused(self, item: Item, refusal: Refused) -> None:
        self._report.refuse(item.label, refusal)

    def _read(self, row: CaseLine) -> None:
        case, step = intern(" ".join(row.case.split())), intern(" ".join(row.step.split()))
        for name, text in (("case", case), ("step", step)):
            _check_text(name, text)
        check_name(row.by, "by")
        day, at = self._moment(row.at, "at")
        done = _Completion(row.line, step, intern(row.by), day, at)
        if day > self._clock.today():
            raise Refused("{day} is still to come", field="at", day=day)
        if at and at > self._clock.now():
            raise Refused("{time} is still to come", field="at", time=at)
        due = self._moment(row.due, "due")[0] if row.due else None
        known = self._cases.setdefault(case, _Case(row.line, due, row.line))
        if due and not known.due:
            known.due, known.due_line = due, row.line
        if due and known.due != due:
            raise Refused(
                "the case {case} is due on {due} in line {line}, and on another day here",
                field="due",
                case=case,
                due=known.due,
                line=known.due_line,
            )
        known.completions.append(done)

    def _moment(self, text: str, name: str) -> tuple[date, datetime | None]:
        """Read a time (ISO 8601; local without an offset): its day as it was written, and the instant."""
        if short := _SHORT.fullmatch(text):
            year, _, month, day, hour, rest = short.groups()
            text = f"{year}-{month:>02}-{day:>02}" + (f"T{hour:>02}{rest}" if hour else "")
        try:
            written = datetime.fromisoformat(text)
            at = written if written.tzinfo else written.replace(tzinfo=self._clock.zone)
            at.astimezone(self._clock.zone)
            day_alone = _is_day(text)
        except (ValueError, OverflowError):
            raise Refused(
                "“{text}” is no time such as 2026-03-01 08:30:00 or 2026-03-01T08:30:00+08:00",
                field=name,
                text=text[:50],
            ) from None
        return written.date(), None if day_alone else at

    def _items(self) -> Iterator[Item]:
        for name, case in self._cases.items():
            if not case.completions:
                continue
            id = case_id(self._standard, name)
            streams = ((Obligation, id),)
            ordered = sorted(case.completions, key=partial(self._turn, id))
            opened = partial(self._raise, id=id, name=name, case=case, first=ordered[0])
            founded = case_streams(self._standard, self._version, name)
            yield Item(id, (), opened, case.line, founds=founded)
            times: Counter[str] = Counter()
            for done in ordered:
                at = done.at.astimezone(UTC).isoformat() if done.at else done.day.isoformat()
                said = f"{name}\x1f{done.step}\x1f{at}\x1f{done.by}"
                times[said] += 1
                command = uuid5(self._standard, f"{said}\x1f{times[said]}")
                complete = partial(self._complete, id=id, done=done, command=command)
                yield Item(command, streams, complete, done.line)

    def _turn(self, id: UUID, done: _Completion) -> tuple[datetime, int]:
        """By time; what was done at one moment, in the order of the flow, what that does not know last."""
        return instant(self._account(id, done)), self._depth.get(done.step, len(self._depth))

    def _raise(self, work: Work, id: UUID, name: str, case: _Case, first: _Completion) -> None:
        if work.load(Obligation, id).terms is None:
            account = self._let(work, actions.RAISE_CASE, self._account(id, first))
            raise_case(work, account, self._standard, self._version, name, None, case.due)

    def _complete(self, work: Work, id: UUID, done: _Completion, command: UUID) -> None:
        item = work.load(Obligation, id)
        if item.terms is None:
            raise Refused("its case could not be opened")
        version = self._version
        if item.terms.standard_version != version.number:
            version = self._records.load(Standard, self._standard).version_of(item.terms.standard_version)
        account = self._let(work, actions.COMPLETE_STEP, self._account(command, done))
        facts = flow_facts(self._standard, version)
        decided = item.complete_step(done.step, person_id(done.by), facts, account, self._clock.today())
        work.record(account, (item, decided))

    def _let(self, work: Work, action: Action, account: Account) -> Account:
        """Ask the gate, once there is one: whoever checks a file records nothing."""
        return self._gate.let(work, Act(account), action, None) if self._gate else account

    def _account(self, command: UUID, done: _Completion) -> Account:
        # What deviates from the flow is on record with a reason: that it was so where it comes from.
        return Account(
            actor=self._importer,
            occurred_on=done.day,
            occurred_at=done.at,
            command_id=command,
            reason=self._reason,
        )


def _depths(facts: Facts) -> dict[str, int]:
    """How many steps must come one after the other before each."""
    before: dict[str, list[str]] = {step: [] for step in sorted(facts.steps)}
    for first, then in facts.pairs:
        before[then].append(first)
    depth: dict[str, int] = {}
    for step in TopologicalSorter(before).static_order():
        depth[step] = max((depth[each] + 1 for each in before[step]), default=0)
    return depth


def _check_text(name: str, text: str) -> None:
    if not text:
        raise Refused("the {what} is empty", field=name, what=name)
    if len(text) > LONGEST or not text.isprintable():
        raise Refused(
            "the {what} has at most {most} characters, all of them printable", field=name, what=name, most=LONGEST
        )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


__all__ = ["CaseImport", "CaseLine"]
