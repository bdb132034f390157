"""People (人员) and their mandates: who holds which duty where and until when, what is lent, relations, emergencies."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal, get_args
from uuid import UUID, uuid5

from domain.action import Duty
from domain.authority import (
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
from domain.event import Recorded, replace
from projections.scope import OPEN
from projections.view import Row, Rows, View


@dataclass(frozen=True)
class PersonRow(Row):
    """A person or a service account at one version."""

    SCOPE: ClassVar = OPEN

    version: int
    kind: Kind
    suspended: bool = False
    suspended_until: date | None = None
    signs_in: bool = False


@dataclass(frozen=True)
class AppointmentRow(Row):
    """A duty that a person holds from a day to a day; one that an emergency gave ends at an instant."""

    INDEXES: ClassVar = (("person", "since"), ("organisation", "duty"))
    SCOPE: ClassVar = OPEN

    person: UUID
    duty: Duty
    organisation: UUID | None
    since: date
    until: date | None
    decision: str
    emergency: UUID | None
    ends_at: datetime | None


@dataclass(frozen=True)
class DelegationRow(Row):
    """An appointment that ``person`` lends to another."""

    INDEXES: ClassVar = (("to", "until"), ("person", "until"))
    SCOPE: ClassVar = OPEN

    person: UUID
    to: UUID
    appointment: UUID
    since: date
    until: date
    revoked: bool = False


@dataclass(frozen=True)
class RelationRow(Row):
    """A relation as it stands in the record of one of the two."""

    INDEXES: ClassVar = (("person",),)
    SCOPE: ClassVar = None
    OWN: ClassVar = ("person",)

    relation: UUID
    person: UUID
    other: UUID
    tie: Tie
    matter: str
    over: bool = False


@dataclass(frozen=True)
class EmergencyRow(Row):
    """Emergency access: who asked for what and why, what was decided, and who was told."""

    INDEXES: ClassVar = (("standing", "asked_at"),)
    SCOPE: ClassVar = "organisation"
    OWN: ClassVar = ("person", "asked_by")

    person: UUID
    duty: Duty
    organisation: UUID | None
    hours: int
    reason: str
    asked_by: UUID
    asked_at: datetime | None
    standing: Literal["requested", "granted", "declined"] = "requested"
    decided_by: UUID | None = None
    ends_at: datetime | None = None
    announced_to: tuple[UUID, ...] = ()


class AuthorityView(View):
    name = "authority"
    version = 3
    rows = (PersonRow, AppointmentRow, DelegationRow, RelationRow, EmergencyRow)
    events = (*get_args(AuthorityEvent), *get_args(EmergencyEvent))

    def fold(self, past: Recorded, rows: Rows) -> None:
        id, account = past.originator_id, past.account
        match past.event:
            case EmergencyRequested() as asked:
                rows.put(
                    EmergencyRow(
                        id,
                        asked.person,
                        asked.duty,
                        asked.organisation,
                        asked.hours,
                        account.reason,
                        account.actor,
                        past.recorded_at,
                    )
                )
            case EmergencyGranted(ends_at=ends_at, announced_to=told):
                granted = {"standing": "granted", "decided_by": account.actor, "ends_at": ends_at, "announced_to": told}
                rows.change(EmergencyRow, id, **granted)
            case EmergencyDeclined():
                rows.change(EmergencyRow, id, standing="declined", decided_by=account.actor)
            case PersonRegistered(kind=kind):
                rows.put(PersonRow(id, past.originator_version, kind))
            case _:
                row = replace(rows.get(PersonRow, id), version=past.originator_version)
                rows.put(_after(row, past, rows))

    def touches(self, past: Recorded) -> tuple[UUID, ...]:
        match past.event:
            case AppointmentEnded(appointment=touched) | DelegationRevoked(delegation=touched):
                return past.originator_id, touched
            case RelationEnded(relation=relation):
                return past.originator_id, uuid5(relation, str(past.originator_id))
            case _:
                return (past.originator_id,)


def _after(row: PersonRow, past: Recorded, rows: Rows) -> PersonRow:
    match past.event:
        case PersonSuspended(until=until):
            return replace(row, suspended=True, suspended_until=until)
        case PersonReinstated():
            return replace(row, suspended=False, suspended_until=None)
        case SignInOpened() | SignInClosed():
            return replace(row, signs_in=isinstance(past.event, SignInOpened))
        case DutyAppointed() as given:
            rows.put(
                AppointmentRow(
                    given.appointment,
                    row.key,
                    given.duty,
                    given.organisation,
                    given.since,
                    given.until,
                    given.decision,
                    given.emergency,
                    given.ends_at,
                )
            )
        case AppointmentEnded(appointment=id, last=last):
            rows.change(AppointmentRow, id, until=last)
        case DelegationGiven() as lent:
            rows.put(DelegationRow(lent.delegation, row.key, lent.to, lent.appointment, lent.since, lent.until))
        case DelegationRevoked(delegation=id):
            rows.change(DelegationRow, id, revoked=True)
        case RelationDeclared() as tied:
            key = uuid5(tied.relation, str(row.key))
            rows.put(RelationRow(key, tied.relation, row.key, tied.other, tied.tie, tied.matter))
        case RelationEnded(relation=relation):
            rows.change(RelationRow, uuid5(relation, str(row.key)), over=True)
        case _:
            pass
    return row
