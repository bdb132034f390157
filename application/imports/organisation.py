"""Organisations from a list of codes: any order of rows, parents in the list or in the record."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import NamedTuple, get_args
from uuid import UUID, uuid5

from application.access import person_id
from application.bulk import CHUNK, Item, record_all
from application.clock import Clock
from application.imports.report import Report
from application.organisation import establish
from application.records import Act, Records, Work
from domain.event import Account, Refused
from domain.organisation import (
    Code,
    Level,
    Neighbour,
    Organisation,
    code_id,
    organisation_id,
    setting_from_name,
)

LEVELS: dict[str, Level] = {level: level for level in get_args(Level)}


class OrganisationLine(NamedTuple):
    """One row of the list; ``line`` is where it stands in the file."""

    line: int
    code: str
    name: str
    parent_code: str
    level: str


class _Place(NamedTuple):
    """What is kept of a row between the passes."""

    line: int
    level: Level
    parent_code: str


@dataclass
class _Import:
    records: Records
    clock: Clock
    source: str
    report: Report

    def __post_init__(self) -> None:
        self.places: dict[str, _Place] = {}
        self.bad: set[str] = set()
        # Organisations whose identifier does not follow from the code they hold, and parents outside the list.
        self.held: dict[str, Organisation | None] = {}
        self.known: set[str] = set()
        self.empty = not self.records.recorder.max_notification_id()

    def check(self, lines: Iterable[OrganisationLine]) -> None:
        """Find every bad row, and which rows are recorded already."""
        iterator = iter(lines)
        while batch := list(islice(iterator, CHUNK)):
            recorded = {} if self.empty else self._holders([row.code for row in batch])
            for row in batch:
                try:
                    self._check_row(row, recorded.get(row.code))
                except Refused as refusal:
                    self.report.refuse(row.line, refusal)
                    self.bad.add(row.code)
        self._check_tree()

    def _check_row(self, row: OrganisationLine, holder: Organisation | None) -> None:
        if row.code in self.places:
            raise Refused(
                "code {code} stands in line {line} already",
                field="code",
                code=row.code,
                line=self.places[row.code].line,
            )
        level = LEVELS.get(row.level)
        if level is None:
            raise Refused(
                "“{level}” is no level: it is one of {levels}", field="level", level=row.level, levels=", ".join(LEVELS)
            )
        self.places[row.code] = _Place(row.line, level, row.parent_code)
        if not row.code:
            raise Refused("the code is empty", field="code")
        Organisation(organisation_id(row.code)).establish(row.name, level, code=row.code)
        if holder:
            if (holder.name, holder.level) != (row.name, level):
                raise Refused(
                    "code {code} is recorded as “{name}”, {level}, already",
                    field="code",
                    code=row.code,
                    name=holder.name,
                    level=holder.level,
                )
            self.known.add(row.code)
            if holder.id != organisation_id(row.code):
                self.held[row.code] = holder

    def _check_tree(self) -> None:
        """Every row hangs below one of a higher level, in the list or in the record, and never below itself."""
        outside = {place.parent_code for place in self.places.values() if place.parent_code not in self.places} - {""}
        for codes in _chunks(sorted(outside)):
            self.held.update(dict.fromkeys(codes))
            self.held.update(self._holders(codes))
        sound: set[str] = set()
        for code in self.places:
            self._check_above(code, sound)

    def _check_above(self, code: str, sound: set[str]) -> None:
        path: list[str] = []
        while code in self.places and code not in sound and code not in self.bad and code not in path:
            path.append(code)
            code = self.places[code].parent_code
        if code in path:
            self._refuse(code, Refused("the parents of code {code} lead back to it", field="parent_code", code=code))
        for each in reversed(path):
            if each in self.bad:
                continue
            try:
                self._check_parent(each)
            except Refused as refusal:
                self._refuse(each, refusal)
            else:
                sound.add(each)

    def _check_parent(self, code: str) -> None:
        level, parent_code = self.places[code].level, self.places[code].parent_code
        if not parent_code:
            return
        if parent_code in self.bad:
            line = self.places[parent_code].line
            raise Refused("its parent, in line {line}, is not imported", field="parent_code", line=line)
        if parent_code in self.places:
            parent = Neighbour(organisation_id(parent_code), self.places[parent_code].level, "live")
        elif (holder := self.held.get(parent_code)) is not None:
            parent = holder.as_neighbour
        else:
            raise Refused(
                "the parent {code} is neither in the file nor in the record", field="parent_code", code=parent_code
            )
        Organisation(organisation_id(code)).establish("-", level, parent=parent)

    def _refuse(self, code: str, refusal: Refused) -> None:
        self.bad.add(code)
        self.report.refuse(self.places[code].line, refusal)

    def _holders(self, codes: Sequence[str]) -> dict[str, Organisation]:
        """Return the organisations that hold these codes."""
        registers = self.records.load_many(Code, [code_id("division", code) for code in codes])
        holders = {code: register.holder for code, register in zip(codes, registers, strict=True) if register.holder}
        units = self.records.load_many(Organisation, list(holders.values()))
        return dict(zip(holders, units, strict=True))

    def id_of(self, code: str) -> UUID:
        held = self.held.get(code)
        return held.id if held else organisation_id(code)

    def depths(self) -> dict[str, int]:
        """How many rows of the list stand above each; the rows of one depth can be recorded in any order."""
        depths: dict[str, int] = {}
        for code in self.places:
            path = []
            above = code
            while above in self.places and above not in depths:
                path.append(above)
                above = self.places[above].parent_code
            depth = depths.get(above, -1)
            for each in reversed(path):
                depth = depths[each] = depth + 1
        return depths

    def items(self, lines: Iterable[OrganisationLine]) -> Iterator[Item]:
        account = Account(
            actor=person_id("importer"),
            occurred_on=self.clock.today(),
            command_id=UUID(int=0),
            reason=f"imported from {self.source}",
        )
        for row in lines:
            if row.code in self.bad or row.code in self.known or self.places[row.code].line != row.line:
                continue
            id = organisation_id(row.code)
            command_id = uuid5(id, f"import {row.name} {row.parent_code} {row.level}")
            parent = self.id_of(row.parent_code) if row.parent_code else None
            reads: list[tuple[type[Organisation | Code], UUID]] = [
                (Organisation, id),
                (Code, code_id("division", row.code)),
            ]
            if parent:
                reads.append((Organisation, parent))
            run = partial(
                _establish, account=account.model_copy(update={"command_id": command_id}), row=row, parent=parent
            )
            yield Item(command_id, reads, run, row.line)


def import_organisations(
    records: Records,
    clock: Clock,
    source: str,
    lines: Callable[[], Iterable[OrganisationLine]],
    report: Report,
    *,
    skip_bad: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Import a list that ``lines`` reads anew at each call; record nothing if a row is bad, unless told to skip it.

    A residents' committee (居委会、社区) is urban, a villagers' committee (村委会、村) rural.
    """
    importing = _Import(records, clock, source, report)
    importing.check(lines())
    if report.bad and not skip_bad:
        return
    report.repeated += len(importing.known - importing.bad)
    depths = importing.depths()
    ordered = all(
        place.parent_code not in importing.places or importing.places[place.parent_code].line < place.line
        for place in importing.places.values()
    )
    for depth in [None] if ordered else range(max(depths.values(), default=-1) + 1):
        chosen = (row for row in lines() if depth is None or depths.get(row.code) == depth)
        refused: Callable[[Item, Refused], None] = lambda item, refusal: report.refuse(item.label, refusal)  # noqa: E731
        report.add(record_all(records, importing.items(chosen), refused, progress))


def _establish(work: Work, account: Account, row: OrganisationLine, parent: UUID | None) -> None:
    level = LEVELS[row.level]
    setting = setting_from_name(row.name) if level == "village" else ""
    establish(work, Act(account), row.name, level, parent=parent, code=row.code, uscc="", setting=setting)


def _chunks(codes: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(codes), CHUNK):
        yield codes[start : start + CHUNK]
