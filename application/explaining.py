"""Explaining the gate: what it would say to somebody, and why, of a record or an organisation as it stands now."""

from dataclasses import dataclass
from uuid import UUID

from application.gate import Gate
from application.records import Records, Work
from domain.action import Action
from domain.actions import ACTIONS
from domain.authority import Emergency, Explanation, Limits, Person, explain
from domain.authority.actions import DECIDE_EMERGENCY
from domain.event import Aggregate, Refused
from domain.ledger import Obligation
from domain.organisation import Organisation
from domain.standard import Standard

_KINDS: dict[str, type[Aggregate]] = {
    "authority": Person,
    "ledger": Obligation,
    "organisation": Organisation,
    "standard": Standard,
}


def action_of(name: str) -> Action:
    """Return the action that goes by a name; raise Refused where none does."""
    if name not in ACTIONS:
        raise Refused("“{action}” is no action: see the table of actions", field="action", action=name)
    return ACTIONS[name]


@dataclass(frozen=True)
class Explaining:
    records: Records
    gate: Gate

    def explain(
        self,
        person: UUID,
        action: Action,
        organisation: UUID | None = None,
        record: UUID | None = None,
        principal: UUID | None = None,
        limits: Limits | None = None,
    ) -> Explanation:
        """Say whether a person, for a principal where one is named, may do something, and why or why not.

        ``record`` is what it would be done to: it says which organisation is concerned, and who took which part.
        """
        while True:
            work = Work(self.records)
            found = self._explain(work, person, action, organisation, record, principal, limits or Limits())
            # What is at hand may lag behind another process.
            if not self.records.moved_on(work):
                return found

    def _explain(
        self,
        work: Work,
        person: UUID,
        action: Action,
        organisation: UUID | None,
        record: UUID | None,
        principal: UUID | None,
        limits: Limits,
    ) -> Explanation:
        state = None
        if record is not None:
            kind = Emergency if action is DECIDE_EMERGENCY else _KINDS.get(action.name.partition(".")[0])
            if kind is None:
                raise Refused("no one record is concerned by this", field="record")
            state = work.load(kind, record)
            if not state.version:
                raise Refused("nothing is recorded under {id}", field="record", id=record)
            organisation = _concerned(state, organisation)
        return explain(self.gate.question(work, person, principal, action, organisation, state, limits))


def _concerned(record: Aggregate, named: UUID | None) -> UUID | None:
    match record:
        case Obligation():
            return record.terms.organisation if record.terms else None
        case Organisation():
            return record.id
        case Standard():
            return record.owner
        case Emergency():
            return record.asked.organisation if record.asked else None
        case _:
            return named


__all__ = ["Explaining", "action_of"]
