"""What is recorded of people and their mandates (人员与授权)."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from domain.action import Duty
from domain.event import Event

Kind = Literal["person", "service"]
Tie = Literal["relative", "household", "case"]


class PersonRegistered(Event):
    """人员登记: a person is known to the record, or a service account, under which a program comes in.

    Their name is kept beside the log, where it can be erased.
    """

    TOPIC: ClassVar[str] = "authority.PersonRegistered"
    kind: Kind


class DutyAppointed(Event):
    """授权任命: a person holds a duty at an organisation, and for all below it; without one, for the whole record.

    ``since`` and ``until`` are the first and the last day, ``decision`` what made the appointment. One that emergency
    access gave ends at an instant.
    """

    TOPIC: ClassVar[str] = "authority.DutyAppointed"
    appointment: UUID
    duty: Duty
    organisation: UUID | None
    since: date
    until: date | None
    decision: str
    emergency: UUID | None = None
    ends_at: AwareDatetime | None = None


class AppointmentEnded(Event):
    """授权终止: an appointment ends sooner than it said; ``last`` is its last day, or the day before its first."""

    TOPIC: ClassVar[str] = "authority.AppointmentEnded"
    appointment: UUID
    last: date


class DelegationGiven(Event):
    """委托: a person lends an appointment of theirs to another, from a day to a day; they answer for it together."""

    TOPIC: ClassVar[str] = "authority.DelegationGiven"
    delegation: UUID
    appointment: UUID
    to: UUID
    since: date
    until: date


class DelegationRevoked(Event):
    """撤回委托: what was lent is taken back."""

    TOPIC: ClassVar[str] = "authority.DelegationRevoked"
    delegation: UUID


class RelationDeclared(Event):
    """关系申报: two people stand in a relation that rules the one out where the other took part.

    They are relatives (近亲属), of one household (同户), or both named in a case, which ``matter`` names. It stands in
    the records of both.
    """

    TOPIC: ClassVar[str] = "authority.RelationDeclared"
    relation: UUID
    other: UUID
    tie: Tie
    matter: str = ""


class RelationEnded(Event):
    """关系解除: the relation is no more; what was ruled out by it meanwhile stays so."""

    TOPIC: ClassVar[str] = "authority.RelationEnded"
    relation: UUID


class PersonSuspended(Event):
    """停职: a person may do nothing, until a day or until reinstated; their appointments run on."""

    TOPIC: ClassVar[str] = "authority.PersonSuspended"
    until: date | None


class PersonReinstated(Event):
    """恢复履职: a suspension is lifted."""

    TOPIC: ClassVar[str] = "authority.PersonReinstated"


class SignInOpened(Event):
    """开通登录: a person may sign in; how, they choose with a code that is good once. What they had before is void."""

    TOPIC: ClassVar[str] = "authority.SignInOpened"


class SignInClosed(Event):
    """停用登录: a person may not sign in any more; their sessions are ended."""

    TOPIC: ClassVar[str] = "authority.SignInClosed"


AuthorityEvent = (
    PersonRegistered
    | DutyAppointed
    | AppointmentEnded
    | DelegationGiven
    | DelegationRevoked
    | RelationDeclared
    | RelationEnded
    | PersonSuspended
    | PersonReinstated
    | SignInOpened
    | SignInClosed
)


class EmergencyRequested(Event):
    """应急授权申请: a person asks, for the reason in the account, for a duty at once and for some hours."""

    TOPIC: ClassVar[str] = "authority.EmergencyRequested"
    person: UUID
    duty: Duty
    organisation: UUID | None
    hours: Annotated[int, Field(ge=1, le=72)]


class EmergencyGranted(Event):
    """应急授权批准: somebody else lets them; whoever answers for the organisation is told, and so are its auditors."""

    TOPIC: ClassVar[str] = "authority.EmergencyGranted"
    appointment: UUID
    ends_at: AwareDatetime
    announced_to: tuple[UUID, ...]


class EmergencyDeclined(Event):
    """应急授权驳回: somebody else does not let them."""

    TOPIC: ClassVar[str] = "authority.EmergencyDeclined"


EmergencyEvent = EmergencyRequested | EmergencyGranted | EmergencyDeclined
