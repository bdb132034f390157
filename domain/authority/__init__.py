"""Authority (授权): people, the duties they hold by dated mandates, and whether one may do something."""

from domain.authority import actions
from domain.authority.emergency import Emergency
from domain.authority.events import (
    AppointmentEnded,
    AuthorityEvent,
    DelegationGiven,
    DelegationRevoked,
    DutyAppointed,
    EmergencyDeclined,
    EmergencyEvent,
    EmergencyGranted,
    EmergencyRequested,
    Kind,
    PersonRegistered,
    PersonReinstated,
    PersonSuspended,
    RelationDeclared,
    RelationEnded,
    SignInClosed,
    SignInOpened,
    Tie,
)
from domain.authority.explanation import FINDINGS, Explanation, Held, Ruling, explain
from domain.authority.gate import Forbidden, Ground, Question
from domain.authority.mandate import Appointment, Delegation, Limits, Moment, Relation
from domain.authority.person import Person
from domain.authority.scope import WHOLE, Scope

__all__ = [
    "FINDINGS",
    "WHOLE",
    "Appointment",
    "AppointmentEnded",
    "AuthorityEvent",
    "Delegation",
    "DelegationGiven",
    "DelegationRevoked",
    "DutyAppointed",
    "Emergency",
    "EmergencyDeclined",
    "EmergencyEvent",
    "EmergencyGranted",
    "EmergencyRequested",
    "Explanation",
    "Forbidden",
    "Ground",
    "Held",
    "Kind",
    "Limits",
    "Moment",
    "Person",
    "PersonRegistered",
    "PersonReinstated",
    "PersonSuspended",
    "Question",
    "Relation",
    "RelationDeclared",
    "RelationEnded",
    "Ruling",
    "Scope",
    "SignInClosed",
    "SignInOpened",
    "Tie",
    "actions",
    "explain",
]
