"""The gate (授权判定): whether a person may do something, on which appointment, and which conflict rules them out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from domain.action import DUTIES, Action, Conflict, Conflicted
from domain.authority.events import Tie
from domain.authority.mandate import Appointment, Delegation, Limits, Moment
from domain.authority.person import Person
from domain.event import Refused, Verdict

TIED: Final[dict[Tie, str]] = {
    "relative": "a relative of yours, or of whom you act for, took the other part in this matter ({rule}): let a person"
    " who is free of it do this",
    "household": "one of your household, or of whom you act for, took the other part in this matter ({rule}): let a"
    " person who is free of it do this",
    "case": "somebody named with you, or with whom you act for, in a linked case took the other part in this matter"
    " ({rule}): let a person who is free of it do this",
}


class Forbidden(Refused):
    """No mandate lets a person do something. ``hidden``: nor does any let them know of the organisation at all."""

    hidden = False


@dataclass(frozen=True)
class Ground:
    """An appointment that a person may act on, and the delegation by which it was lent, if it was."""

    appointment: Appointment
    delegation: Delegation | None = None

    def verdict(self, action: Action) -> Verdict:
        """What is kept of it with what it let happen."""
        return Verdict(
            action=action.name,
            duty=self.appointment.duty,
            appointment=self.appointment.id,
            delegation=self.delegation.id if self.delegation else None,
            rules=tuple(conflict.name for conflict in action.conflicts),
        )


@dataclass(frozen=True)
class Question:
    """Whether ``actor``, for ``principal`` where that is another person, may do something at a moment.

    ``lineage`` is the organisation concerned and what stands above it, the nearest first; empty for what concerns the
    whole record. ``record`` is what it is done to, as it stands: conflicts read their parties from it.
    """

    action: Action
    actor: Person
    now: Moment
    lineage: tuple[UUID, ...] = ()
    principal: Person | None = None
    record: object = None
    limits: Limits = field(default_factory=Limits)

    def decide(self) -> Ground:
        """Return the ground that lets the actor do it; raise Forbidden, or Conflicted, that says why not."""
        ground = self.ground()
        for conflict in self.action.conflicts:
            self.clear(conflict)
        return ground

    def grounds(self) -> Iterator[Ground]:
        """Yield what the actor may act on that is in force, in the order in which it was given."""
        if self.principal is None:
            yield from (Ground(each) for each in self.actor.appointments if each.holds(self.now))
        else:
            lent = self.principal.lent(self.actor.id, self.now)
            yield from (Ground(appointment, delegation) for delegation, appointment in lent)

    def ground(self) -> Ground:
        """Return the first ground that suffices; raise Forbidden where none does."""
        self._standing()
        held = list(self.grounds())
        limits, above = self.limits, self.action.above
        reaching = [each for each in held if each.appointment.reaches(self.lineage)]
        for each in reaching:
            appointment = each.appointment
            if (
                appointment.serves(self.action)
                and limits.duty in (None, appointment.duty)
                and limits.allow(self.action, self.lineage)
                and (not above or appointment.reaches(self.lineage, above=True))
            ):
                return each
        raise self._lacking(held, reaching)

    def clear(self, conflict: Conflict) -> None:
        """Raise Conflicted if the actor, the principal, or anybody tied to one of them took the other part."""
        parties = frozenset(conflict.parties(self.record))
        people = frozenset((self.actor.id, (self.principal or self.actor).id))
        conflict.uphold(self.record, people)
        for person in (self.actor, self.principal):
            for relation in person.relations if person else ():
                if relation.other in parties:
                    raise Conflicted(conflict, TIED[relation.tie])

    def _standing(self) -> None:
        for person in (self.actor, self.principal):
            if person is None:
                continue
            if person.is_suspended(self.now.day):
                if person is self.actor:
                    raise Forbidden("you are suspended: ask who suspended you, or personnel, to lift it")
                raise Forbidden("the person for whom you act is suspended", field="on_behalf_of")
        if not self.actor.kind:
            raise Forbidden(
                "you are not registered: ask personnel to register you, and an administrator to appoint you"
            )

    def _lacking(self, held: list[Ground], reaching: list[Ground]) -> Forbidden:
        """Say what is missing, and who can give it."""
        duties = ", ".join(f"{DUTIES[duty]} {duty}" for duty in self.action.by)
        if self.principal is not None and not held:
            return Forbidden(
                "that person has lent you nothing that is in force: ask them to, or act for yourself",
                field="on_behalf_of",
            )
        if not reaching or (self.limits.organisation and self.limits.organisation not in self.lineage):
            forbidden = Forbidden(
                "no duty of yours reaches this organisation: {action} needs {duties} there or above it; ask an"
                " administrator to appoint you",
                action=self.action,
                duties=duties or DUTIES["administrator"],
            )
            forbidden.hidden = True
            return forbidden
        serving = [each for each in reaching if each.appointment.serves(self.action)]
        if serving:
            duty = self.limits.duty
            if not self.limits.fit(self.action) or all(duty not in (None, each.appointment.duty) for each in serving):
                return Forbidden("your token is not for this ({action}): use one that is", action=self.action)
            return Forbidden(
                "{action} is for a unit above the organisation: hold {duties} there",
                field="organisation",
                action=self.action,
                duties=duties,
            )
        return Forbidden(
            "{action} needs the duty {duties} at this organisation or above it: ask an administrator to appoint you",
            action=self.action,
            duties=duties,
        )


__all__ = ["TIED", "Forbidden", "Ground", "Question"]
