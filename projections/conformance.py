"""Flow conformance (流程符合性): each case held against the flow of the standard version that it was raised under."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import ClassVar
from uuid import UUID

from domain.event import Fact, Recorded, replace
from domain.ledger import Completion, Facts, ObligationRaised, StepCompleted, instant, judge
from domain.standard import PublishedVersion, StandardPublished, analyse
from projections.scope import OPEN
from projections.standard import version_key
from projections.view import Row, Rows, View


class Done(Fact):
    """One completion: the step, when it took effect, and who did it."""

    step: str
    at: datetime
    by: UUID


@dataclass(frozen=True)
class FlowRow(Row):
    """What one published version's flow says about order, in step names; its key is the version's."""

    SCOPE: ClassVar = OPEN

    steps: tuple[str, ...]
    required: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    separate: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CaseRow(Row):
    """One case: what was completed, and the verdict, each kind of finding as names (a pair is ``A → B``)."""

    INDEXES: ClassVar = (("standard", "case"),)
    SCOPE: ClassVar = "organisation"

    standard: UUID
    standard_version: int
    case: str
    organisation: UUID | None
    completions: tuple[Done, ...]
    steps: int
    omitted: tuple[str, ...]
    out_of_order: tuple[str, ...]
    without_predecessor: tuple[str, ...]
    repeated: tuple[str, ...]
    additional: tuple[str, ...]
    duty_conflict: tuple[str, ...]
    faultless: bool


class ConformanceView(View):
    name = "conformance"
    version = 2
    rows = (FlowRow, CaseRow)
    events = (StandardPublished, ObligationRaised, StepCompleted)

    def fold(self, past: Recorded, rows: Rows) -> None:
        match past.event:
            case StandardPublished(version=published):
                rows.put(_flow(version_key(past.originator_id, published.number), published))
            case ObligationRaised(is_case=False):
                pass
            case ObligationRaised() as terms:
                facts = _facts(rows.get(FlowRow, version_key(terms.standard, terms.standard_version)))
                case = CaseRow(
                    past.originator_id,
                    terms.standard,
                    terms.standard_version,
                    terms.case,
                    terms.organisation,
                    *((), 0, (), (), (), (), (), (), False),
                )
                rows.put(_judged(case, facts))
            case StepCompleted(step=step, by=by):
                if (known := rows.find(CaseRow, past.originator_id)) is not None:
                    facts = _facts(rows.get(FlowRow, version_key(known.standard, known.standard_version)))
                    done = Done(step=step, at=instant(past.account), by=by)
                    rows.put(
                        _judged(replace(known, completions=(*known.completions, done), steps=known.steps + 1), facts)
                    )
            case _:
                pass

    def touches(self, past: Recorded) -> Iterable[UUID]:
        match past.event:
            case StandardPublished(version=published):
                return (version_key(past.originator_id, published.number),)
            case ObligationRaised(is_case=False):
                return ()
            case ObligationRaised() as terms:
                return (past.originator_id, version_key(terms.standard, terms.standard_version))
            case _:
                return (past.originator_id,)


def _flow(key: UUID, published: PublishedVersion) -> FlowRow:
    found = analyse(published.flow)
    return FlowRow(key, found.steps, tuple(sorted(found.required)), found.precedes, published.separate)


@lru_cache(maxsize=1000)
def _facts(row: FlowRow) -> Facts:
    return Facts(frozenset(row.steps), frozenset(row.required), row.pairs, row.separate)


def _judged(case: CaseRow, facts: Facts) -> CaseRow:
    found = judge(facts, (Completion(done.step, done.at, done.by) for done in case.completions))
    return replace(case, **found._asdict(), faultless=found.faultless)
