"""Why somebody may do something, or may not (授权说明): what they hold and could act on, and what each rule says."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal
from uuid import UUID

from domain.action import Conflict, Conflicted, Duty
from domain.authority.gate import Forbidden, Question
from domain.authority.mandate import Appointment, Delegation
from domain.event import Refused

Finding = Literal["suffices", "not in force", "elsewhere", "another duty", "not above", "not for the token"]

FINDINGS: Final[dict[Finding, str]] = {
    "suffices": "it suffices",
    "not in force": "it is not in force",
    "elsewhere": "it does not reach this organisation",
    "another duty": "its duty does not go with this",
    "not above": "it is held at the organisation itself, and this is for a unit above it",
    "not for the token": "the token is not for it",
}


@dataclass(frozen=True)
class Held:
    """An appointment, the person who lent it where it was lent, and what it comes to here."""

    appointment: UUID
    duty: Duty
    organisation: UUID | None
    since: date
    until: date | None
    decision: str
    lent_by: UUID | None
    delegation: UUID | None
    finding: Finding


@dataclass(frozen=True)
class Ruling:
    """What a conflict rule says: whether it rules the person out, and in which sentence."""

    rule: str
    term: str
    ruled_out: bool
    refusal: Refused | None


@dataclass(frozen=True)
class Explanation:
    """The answer of the gate: ``refusal`` is why not, None where the person may."""

    refusal: Refused | None
    held: tuple[Held, ...]
    rulings: tuple[Ruling, ...]

    @property
    def allowed(self) -> bool:
        return self.refusal is None


def explain(question: Question) -> Explanation:
    """Ask the gate's question, and say of everything that it goes by what it comes to.

    Rules are asked of a record; without one they say nothing, and what is allowed is so as far as they go.
    """
    rulings = tuple(
        _ruling(question, conflict) for conflict in question.action.conflicts if question.record is not None
    )
    refusal: Refused | None = None
    try:
        question.ground()
    except Forbidden as forbidden:
        refusal = forbidden
    refusal = refusal or next((each.refusal for each in rulings if each.ruled_out), None)
    return Explanation(refusal, tuple(_held(question)), rulings)


def _held(question: Question) -> list[Held]:
    actor, principal = question.actor, question.principal
    if principal is None:
        return [_finding(question, each, None) for each in actor.appointments]
    lent = [each for each in principal.delegations if each.to == actor.id]
    return [_finding(question, principal.appointment(each.appointment), each) for each in lent]


def _finding(question: Question, appointment: Appointment, delegation: Delegation | None) -> Held:
    action, line, now = question.action, question.lineage, question.now
    finding: Finding = "suffices"
    if not appointment.holds(now) or (delegation and not delegation.holds(now)):
        finding = "not in force"
    elif not appointment.serves(action):
        finding = "another duty"
    elif not appointment.reaches(line):
        finding = "elsewhere"
    elif action.above and not appointment.reaches(line, above=True):
        finding = "not above"
    elif question.limits.duty not in (None, appointment.duty) or not question.limits.allow(action, line):
        finding = "not for the token"
    return Held(
        appointment.id,
        appointment.duty,
        appointment.organisation,
        appointment.since,
        appointment.until,
        appointment.decision,
        question.principal.id if question.principal else None,
        delegation.id if delegation else None,
        finding,
    )


def _ruling(question: Question, conflict: Conflict) -> Ruling:
    try:
        question.clear(conflict)
    except Conflicted as refusal:
        return Ruling(conflict.name, conflict.term, True, refusal)
    return Ruling(conflict.name, conflict.term, False, None)


__all__ = ["FINDINGS", "Explanation", "Held", "Ruling", "explain"]
