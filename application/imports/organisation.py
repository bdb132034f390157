"""Organisations from a list of codes: any order of rows, parents in the list or in the record."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import islice
from typing import NamedTuple, get_args
from uuid import UUID, uuid5

from application.bulk import CHUNK, Item, Stream, record_all
from application.clock import Clock
from application.gate import Gate
from application.imports.report import BadRow, Report
from application.organisation import establish
from application.records import Act, Records, Work
from domain.event import Account, Refused
from domain.organisation import (
    Code,
    Level,
    Neighbour,
    Organisation,
    Standing,
    actions,
    code_id,
    organisation_id,
    setting_from_name,
)

LEVELS: dict[str, Level] = {level: level for level in get_args(Level)}
_RANKED: tuple[Level, ...] = get_args(Level)
_COMMANDS = UUID("3f0a6d52-6b0f-5c4e-9d3b-1c27a5f84e60")
# An organisation that is not there: to ask whether one could be founded.
_PROBE = Organisation(UUID(int=0))

# What is known of a code: only named as a parent; given, then asked about; fit to be recorded; recorded already;
# not to be recorded; and handed on to be recorded.
NAMED, GIVEN, ASKED, SOUND, KNOWN, BAD, PASSED = range(7)


class OrganisationLine(NamedTuple):
    """One row of the list; ``line`` is where it stands in the file."""

    line: int
    code: str
    name: str
    parent_code: str
    level: str


class OrganisationImport:
    """Checks a list whole, then records it; ``lines`` reads it anew at each call.

    Of each row a few numbers are kept between the passes, never its text but the code: a nation fits
    in memory. A row's command follows from what it says, so that the same row is recorded once
    whatever has become of the organisation since.
    """

    def __init__(
        self,
        records: Records,
        clock: Clock,
        source: str,
        lines: Callable[[], Iterable[OrganisationLine | BadRow]],
        report: Report,
    ) -> None:
        self._records = records
        self._today = clock.today()
        self._reason = f"imported from {source}"
        self._lines = lines
        self._report = report
        # Each code named has a number, in the order in which they are first named; the arrays are by number.
        self._numbers: dict[str, int] = {}
        self._line = array("q")
        self._parent = array("q")
        self._level = bytearray()
        self._state = bytearray()
        # Organisations in the record that rows hang below, where they are not as the list gives them.
        self._recorded: dict[int, Neighbour | None] = {}

    @property
    def size(self) -> int:
        """How many rows are to be recorded, once they are checked."""
        return self._state.count(SOUND)

    def check(self, progress: Callable[[int], None] = lambda _: None) -> None:
        """Find every bad row, and which rows are recorded already."""
        iterator = iter(self._lines())
        empty = not self._records.recorder.max_notification_id()
        while batch := list(islice(iterator, CHUNK)):
            rows = [row for row in batch if isinstance(row, OrganisationLine)]
            self._report.bad += (row for row in batch if isinstance(row, BadRow))
            known = (
                set[UUID]() if empty else self._records.recorder.recordings([command_of(row) for row in rows]).keys()
            )
            holders = {} if empty else self._holders([row.code for row in rows])
            for row in rows:
                try:
                    self._check_row(row, holders, known)
                except Refused as refusal:
                    self._report.refuse(row.line, refusal)
            progress(len(batch))
        self._look_up_parents()
        codes = list(self._numbers)
        for number in range(len(codes)):
            self._check_above(number, codes)
        self._report.repeated += self._state.count(KNOWN)

    def record(self, gate: Gate, importer: UUID, progress: Callable[[int], None] = lambda _: None) -> None:
        """Record every row that is fit for it, parents before children, as acts of whoever imports them."""

        def item(row: OrganisationLine) -> Item:
            command = command_of(row)
            account = Account(actor=importer, occurred_on=self._today, command_id=command, reason=self._reason)
            reads = _streams(row.parent_code) if row.parent_code else ()
            run = partial(_establish, row=row, act=Act(account), gate=gate)
            return Item(command, reads, run, row.line, founds=_streams(row.code))

        def refused(item: Item, refusal: Refused) -> None:
            self._report.refuse(item.label, refusal)

        self._report.add(record_all(self._records, map(item, self._in_order()), refused, progress))

    def _number(self, code: str) -> int:
        number = self._numbers.setdefault(code, len(self._numbers))
        if number == len(self._line):
            self._line.append(0)
            self._parent.append(-1)
            self._level.append(0)
            self._state.append(NAMED)
        return number

    def _check_row(self, row: OrganisationLine, holders: Mapping[str, Organisation], known: Iterable[UUID]) -> None:
        if not row.code:
            raise Refused("the code is empty", field="code")
        number = self._number(row.code)
        if self._line[number]:
            raise Refused(
                "code {code} stands in line {line} already", field="code", code=row.code, line=self._line[number]
            )
        self._line[number] = row.line
        self._state[number] = BAD
        level = LEVELS.get(row.level)
        if level is None:
            raise Refused(
                "“{level}” is no level: it is one of {levels}", field="level", level=row.level, levels=", ".join(LEVELS)
            )
        _PROBE.establish(row.name, level, code=row.code)
        if row.parent_code:
            self._parent[number] = self._number(row.parent_code)
        self._level[number] = _RANKED.index(level)
        holder = holders.get(row.code)
        if command_of(row) in known or (holder and self._same(row, holder)):
            self._state[number] = KNOWN
            now = holder.as_neighbour if holder else None
            if now is None or (now.level, now.standing) != (level, "live"):
                self._recorded[number] = now
        elif holder:
            raise Refused(
                "code {code} is held by “{name}”, {level}, already: this row says something else of it",
                field="code",
                code=row.code,
                name=holder.name,
                level=holder.level,
            )
        else:
            self._state[number] = GIVEN

    def _same(self, row: OrganisationLine, holder: Organisation) -> bool:
        """Whether an organisation that was founded otherwise is as the row says."""
        parent = self._holders([row.parent_code]).get(row.parent_code) if row.parent_code else None
        above = parent.id if parent else None
        return (holder.name, holder.level, holder.parent) == (row.name, row.level, above)

    def _look_up_parents(self) -> None:
        """Find in the record those parents that the list does not give."""
        outside = iter([code for code, number in self._numbers.items() if not self._line[number]])
        while batch := list(islice(outside, CHUNK)):
            for code, holder in self._holders(batch).items():
                self._recorded[self._numbers[code]] = holder.as_neighbour

    def _check_above(self, number: int, codes: Sequence[str]) -> None:
        """Every row hangs below one of a higher level, and never below itself."""
        path: list[int] = []
        while number >= 0 and self._state[number] == GIVEN:
            self._state[number] = ASKED
            path.append(number)
            number = self._parent[number]
        if number >= 0 and self._state[number] == ASKED:
            for each in path[path.index(number) :]:
                lost = Refused("the parents of code {code} lead back to it", field="parent_code", code=codes[each])
                self._refuse(each, lost)
        for each in reversed(path):
            if self._state[each] == ASKED:
                try:
                    self._check_parent(each, codes)
                except Refused as refusal:
                    self._refuse(each, refusal)
                else:
                    self._state[each] = SOUND

    def _check_parent(self, number: int, codes: Sequence[str]) -> None:
        parent = self._parent[number]
        if parent < 0:
            return
        level, code = _RANKED[self._level[number]], codes[parent]
        above: Neighbour | None
        if parent in self._recorded:
            above = self._recorded[parent]
        elif self._state[parent] == BAD:
            raise Refused(
                "its parent {code}, in line {line}, is not imported",
                field="parent_code",
                code=code,
                line=self._line[parent],
            )
        elif self._state[parent] == NAMED:
            above = None
        else:
            above = Neighbour(_PROBE.id, _RANKED[self._level[parent]], "live")
        if above is None:
            raise Refused("the parent {code} is neither in the file nor in the record", field="parent_code", code=code)
        if not _fits(level, above.level, above.standing):
            _PROBE.establish("-", level, parent=above)

    def _refuse(self, number: int, refusal: Refused) -> None:
        self._state[number] = BAD
        self._report.refuse(self._line[number], refusal)

    def _holders(self, codes: Sequence[str]) -> dict[str, Organisation]:
        """Return the organisations that hold these codes."""
        registers = self._records.load_many(Code, [code_id("division", code) for code in codes])
        holders = {code: register.holder for code, register in zip(codes, registers, strict=True) if register.holder}
        units = self._records.load_many(Organisation, list(holders.values()))
        return dict(zip(holders, units, strict=True))

    def _in_order(self) -> Iterator[OrganisationLine]:
        """Yield the rows to record; one that comes before its parent waits for it in memory."""
        waiting: dict[int, list[OrganisationLine]] = {}
        for row in self._lines():
            number = self._numbers.get(row.code) if isinstance(row, OrganisationLine) else None
            if number is None or self._line[number] != row.line or self._state[number] != SOUND:
                continue
            assert isinstance(row, OrganisationLine)
            parent = self._parent[number]
            if parent >= 0 and self._state[parent] == SOUND:
                waiting.setdefault(parent, []).append(row)
                continue
            ready = [row]
            while ready:
                first = ready.pop()
                number = self._numbers[first.code]
                self._state[number] = PASSED
                yield first
                ready += waiting.pop(number, ())


def _streams(code: str) -> tuple[Stream, Stream]:
    return (Organisation, organisation_id(code)), (Code, code_id("division", code))


def command_of(row: OrganisationLine) -> UUID:
    """The identifier of the command that records a row: one for one content, whatever file it stands in."""
    return uuid5(_COMMANDS, f"{row.code}\x1f{row.name}\x1f{row.parent_code}\x1f{row.level}")


def _establish(work: Work, row: OrganisationLine, act: Act, gate: Gate) -> None:
    parent = work.load(Code, code_id("division", row.parent_code)).holder if row.parent_code else None
    if row.parent_code and parent is None:
        raise Refused(
            "the parent {code} is neither in the file nor in the record", field="parent_code", code=row.parent_code
        )
    level = LEVELS[row.level]
    # Towns too have names that end in 村: only of villages does the name say whether they are rural.
    setting = setting_from_name(row.name) if level == "village" else ""
    gated = Act(gate.let(work, act, actions.ESTABLISH, None))
    establish(work, gated, row.name, level, parent=parent, code=row.code, uscc="", setting=setting)


@lru_cache
def _fits(level: Level, above: Level, standing: Standing) -> bool:
    """Whether an organisation of a level can stand below such a one."""
    try:
        _PROBE.establish("-", level, parent=Neighbour(_PROBE.id, above, standing))
    except Refused:
        return False
    return True


__all__ = ["OrganisationImport", "OrganisationLine"]
