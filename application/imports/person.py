"""People and their duties from a list: one line, one duty of one person; the same again changes nothing."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial
from typing import NamedTuple
from uuid import UUID, uuid5

from application.access import check_name, person_id
from application.bulk import Item, check_all, record_all
from application.clock import Clock
from application.gate import Gate
from application.imports.report import BadRow, Report
from application.records import Act, Change, Records, Work
from domain.action import Duty, duty_of
from domain.authority import Person, actions
from domain.event import Account, Refused
from domain.organisation import Code, Organisation, code_id


class PersonLine(NamedTuple):
    """A person and a duty as given; no organisation stands for the whole record, no ``until`` for no last day."""

    line: int
    name: str
    duty: str
    organisation: str
    since: str
    until: str
    decision: str


class _Given(NamedTuple):
    line: int
    name: str
    duty: Duty
    organisation: str
    since: date
    until: date | None
    decision: str


class PersonImport:
    """Reads lines, checks them all, and records them as acts of whoever imports them.

    One name is one person. Each line is one command that follows from what it says: the same again records nothing.
    """

    def __init__(self, records: Records, clock: Clock, source: str, report: Report) -> None:
        self._records = records
        self._clock = clock
        self._reason = f"imported from {source}"
        self._report = report
        self._lines: list[_Given] = []
        self._gate: Gate | None = None
        self._importer = UUID(int=0)

    @property
    def size(self) -> int:
        """How many lines can be read."""
        return len(self._lines)

    @property
    def people(self) -> list[str]:
        """The names of the people."""
        return sorted({each.name for each in self._lines})

    def read(self, lines: Iterable[PersonLine | BadRow], progress: Callable[[int], None] = lambda _: None) -> None:
        """Read each line, and report those that cannot be."""
        for row in lines:
            if isinstance(row, BadRow):
                self._report.bad.append(row)
            else:
                try:
                    self._lines.append(self._given(row))
                except Refused as refusal:
                    self._report.refuse(row.line, refusal)
            progress(1)

    def check(self) -> None:
        """Decide every line without recording it, and report those that are refused."""
        check_all(self._records, self._items(), self._refused)

    def record(self, gate: Gate, importer: UUID, progress: Callable[[int], None] = lambda _: None) -> None:
        """Record every line that is not refused, as acts of whoever imports them."""
        self._gate, self._importer = gate, importer
        self._report.add(record_all(self._records, self._items(), self._refused, progress))

    def _refused(self, item: Item, refusal: Refused) -> None:
        self._report.refuse(item.label, refusal)

    def _given(self, row: PersonLine) -> _Given:
        check_name(row.name, "name")
        if not row.decision.strip():
            raise Refused("name the decision that makes the appointment", field="decision")
        since, until = self._day(row.since, "since"), self._day(row.until, "until") if row.until else None
        return _Given(row.line, row.name, duty_of(row.duty), row.organisation, since, until, row.decision)

    def _day(self, text: str, field: str) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise Refused("“{text}” is no day such as 2026-06-30", field=field, text=text[:50]) from None

    def _items(self) -> Iterator[Item]:
        for given in self._lines:
            person = person_id(given.name)
            said = f"{given.duty}\x1f{given.organisation}\x1f{given.since}\x1f{given.until}\x1f{given.decision}"
            command = uuid5(person, said)
            run = partial(self._appoint, given=given, person=person, command=command)
            yield Item(command, ((Person, person),), run, given.line)

    def _appoint(self, work: Work, given: _Given, person: UUID, command: UUID) -> None:
        place = self._place(work, given.organisation)
        held = work.load(Person, person)
        account = Account(
            actor=self._importer, occurred_on=self._clock.today(), command_id=command, reason=self._reason
        )
        if self._gate:
            account = self._gate.let(work, Act(account), actions.APPOINT, place, held)
        founded = [] if held.kind else [held.register("person")]
        known = held.after(account, *founded)
        appointment = uuid5(command, "appointment")
        changes: list[Change] = [
            (
                held,
                [*founded, known.appoint(appointment, given.duty, place, given.since, given.until, given.decision)],
            )
        ]
        work.record(account, *changes)

    def _place(self, work: Work, code: str) -> UUID | None:
        if not code:
            return None
        holder = work.load(Code, code_id("division", code)).holder
        if holder is None or work.load(Organisation, holder).standing not in ("live", "closing"):
            raise Refused("no organisation holds the code {code}", field="organisation", code=code)
        return holder


__all__ = ["PersonImport", "PersonLine"]
