"""Flow conformance: what a case's completed steps say against the flow of its standard, recomputable by anybody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Facts:
    """What one version of a standard's flow says about order, in step names.

    ``required``: no complete run of the flow avoids the step. ``pairs``: (A, B) where A must come
    before B and no third step must lie between them. ``separate``: pairs that need different people.
    """

    steps: frozenset[str]
    required: frozenset[str]
    pairs: tuple[tuple[str, str], ...] = ()
    separate: tuple[tuple[str, str], ...] = ()


class Completion(NamedTuple):
    """One completion of a step: when it took effect (an aware instant), and who did it."""

    step: str
    at: datetime
    by: UUID


class Findings(NamedTuple):
    """The verdict on one case (流程符合性), each kind as sorted names; a pair is named ``A → B``."""

    omitted: tuple[str, ...]
    out_of_order: tuple[str, ...]
    without_predecessor: tuple[str, ...]
    repeated: tuple[str, ...]
    additional: tuple[str, ...]
    duty_conflict: tuple[str, ...]

    @property
    def faultless(self) -> bool:
        """Repeated and additional steps are no faults."""
        return not (self.omitted or self.out_of_order or self.without_predecessor or self.duty_conflict)


def judge(facts: Facts, completions: Iterable[Completion]) -> Findings:
    """Judge a case by its completions, in any order; only their times count.

    For an immediate pair (A, B), B is out of order if its first completion is strictly earlier than
    A's first, and without its predecessor if A has none. A duty conflict is any one person who
    completed both steps of a separated pair.
    """
    first: dict[str, datetime] = {}
    repeated: set[str] = set()
    done = tuple(completions)
    for step, at, _ in done:
        earliest = first.get(step)
        if earliest is None:
            first[step] = at
        else:
            repeated.add(step)
            if at < earliest:
                first[step] = at
    out_of_order: list[str] = []
    without: list[str] = []
    for before, after in facts.pairs:
        if (then := first.get(after)) is not None:
            if (earliest := first.get(before)) is None:
                without.append(f"{before} → {after}")
            elif then < earliest:
                out_of_order.append(f"{before} → {after}")
    return Findings(
        omitted=tuple(sorted(facts.required - first.keys())),
        out_of_order=tuple(sorted(out_of_order)),
        without_predecessor=tuple(sorted(without)),
        repeated=tuple(sorted(repeated)),
        additional=tuple(sorted(first.keys() - facts.steps)),
        duty_conflict=tuple(sorted(f"{a} → {b}" for a, b in facts.separate if _people(done, a) & _people(done, b))),
    )


def _people(completions: Iterable[Completion], step: str) -> set[UUID]:
    return {by for name, _, by in completions if name == step}
