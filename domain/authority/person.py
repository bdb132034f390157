"""A person (人员) and what they may do: appointments, what they lend of them, their relations, and suspension."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, Self, assert_never
from uuid import UUID

from domain.action import ALL_ROUND, Duty
from domain.authority.events import (
    AppointmentEnded,
    AuthorityEvent,
    DelegationGiven,
    DelegationRevoked,
    DutyAppointed,
    EmergencyGranted,
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
from domain.authority.mandate import Appointment, Delegation, Moment, Relation
from domain.event import Account, Aggregate, Refused, replace

SERVICE_DUTIES: Final[tuple[Duty, ...]] = ("integrator", "filer", "operator")
"""What a program may hold: it brings in and takes out, and passes on nothing."""

LONGEST_DELEGATION: Final = timedelta(days=366)

LAST = date(2999, 12, 31)


@dataclass(frozen=True)
class Person(Aggregate):
    """``kind`` is empty for one that is not registered."""

    kind: Kind | Literal[""] = ""
    appointments: tuple[Appointment, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    relations: tuple[Relation, ...] = ()
    suspended: bool = False
    suspended_until: date | None = None
    signs_in: bool = False

    def is_suspended(self, day: date) -> bool:
        """Whether the person may do nothing on a day."""
        return self.suspended and (self.suspended_until is None or day <= self.suspended_until)

    def appointment(self, id: UUID) -> Appointment:
        """Return an appointment by its identifier; raise Refused where there is none."""
        for each in self.appointments:
            if each.id == id:
                return each
        raise Refused("this person has no appointment {id}", field="appointment", id=id)

    def lent(self, to: UUID, now: Moment) -> list[tuple[Delegation, Appointment]]:
        """What the person lends to another and holds themselves, both in force."""
        return [
            (each, held)
            for each in self.delegations
            if each.to == to and each.holds(now) and (held := self.appointment(each.appointment)).holds(now)
        ]

    def register(self, kind: Kind) -> PersonRegistered:
        if self.kind:
            raise Refused("this person is registered already")
        return PersonRegistered(kind=kind)

    def appoint(
        self,
        appointment: UUID,
        duty: Duty,
        organisation: UUID | None,
        since: date,
        until: date | None,
        decision: str,
    ) -> DutyAppointed:
        """Give the person a duty, by a decision that is named."""
        self._known()
        if not decision.strip():
            raise Refused("name the decision that makes the appointment", field="decision")
        if until is not None and until < since:
            raise Refused("the appointment would end before it begins", field="until")
        if self.kind == "service" and duty not in SERVICE_DUTIES:
            raise Refused("a service account may be {duties} alone", field="duty", duties=", ".join(SERVICE_DUTIES))
        for each in self.appointments:
            same = (each.duty, each.organisation, each.emergency) == (duty, organisation, None)
            if same and each.since <= (until or LAST) and since <= (each.until or LAST):
                raise Refused(
                    "the person holds this duty there already, from {since} to {until}: end that first",
                    field="duty",
                    since=each.since,
                    until=each.until or "—",
                )
        return DutyAppointed(
            appointment=appointment,
            duty=duty,
            organisation=organisation,
            since=since,
            until=until,
            decision=decision,
        )

    def appoint_for(
        self, granted: EmergencyGranted, emergency: UUID, duty: Duty, organisation: UUID | None, now: Moment
    ) -> DutyAppointed:
        """Give the person what was granted in an emergency, from now until it ends."""
        self._known()
        return DutyAppointed(
            appointment=granted.appointment,
            duty=duty,
            organisation=organisation,
            since=now.day,
            until=None,
            decision="",
            emergency=emergency,
            ends_at=granted.ends_at,
        )

    def end(self, appointment: UUID, last: date) -> AppointmentEnded:
        """End an appointment with a last day; the day before its first means that it never was in force."""
        held = self.appointment(appointment)
        if held.until is not None and held.until <= last:
            raise Refused("the appointment ends on {until} already", field="last", until=held.until)
        return AppointmentEnded(appointment=appointment, last=max(last, held.since - timedelta(days=1)))

    def delegate(
        self, delegation: UUID, appointment: UUID, to: "Person", since: date, until: date, now: Moment
    ) -> DelegationGiven:
        """Lend an appointment to another person, for a year at most; what was lent to oneself is not one's to lend."""
        held = self.appointment(appointment)
        if not held.holds(now):
            raise Refused("the appointment is not in force", field="appointment")
        if held.duty == ALL_ROUND or held.emergency:
            raise Refused(
                "a duty of {duty}, or one given in an emergency, is not lent", field="appointment", duty=ALL_ROUND
            )
        if to.id == self.id:
            raise Refused("nobody lends a duty to themselves", field="to")
        if to.kind != "person":
            raise Refused("a duty is lent to a person who is registered", field="to")
        if until < max(since, now.day):
            raise Refused("the delegation would be over before it begins", field="until")
        if until - since > LONGEST_DELEGATION or (held.until and until > held.until):
            raise Refused("a delegation lasts a year at most, and no longer than the appointment", field="until")
        if any(each.to == to.id and each.appointment == appointment and not each.revoked and each.until >= since
               and until >= each.since for each in self.delegations):  # fmt: skip
            raise Refused("the appointment is lent to this person for some of these days already", field="to")
        return DelegationGiven(delegation=delegation, appointment=appointment, to=to.id, since=since, until=until)

    def revoke(self, delegation: UUID) -> DelegationRevoked:
        """Take back what was lent."""
        for each in self.delegations:
            if each.id == delegation:
                if each.revoked:
                    raise Refused("the delegation is revoked already", field="delegation")
                return DelegationRevoked(delegation=delegation)
        raise Refused("this person gave no delegation {id}", field="delegation", id=delegation)

    def declare(self, relation: UUID, other: UUID, tie: Tie, matter: str = "") -> RelationDeclared:
        """Declare a relation to another person; one by a case names it."""
        self._known()
        if other == self.id:
            raise Refused("a relation is to somebody else", field="other")
        if (tie == "case") != bool(matter.strip()):
            raise Refused("name the case for a relation by a case, and for no other", field="matter")
        if any((each.other, each.tie, each.matter) == (other, tie, matter) for each in self.relations):
            raise Refused("the relation is declared already", field="other")
        return RelationDeclared(relation=relation, other=other, tie=tie, matter=matter)

    def end_relation(self, relation: UUID) -> RelationEnded:
        self.relation(relation)
        return RelationEnded(relation=relation)

    def relation(self, id: UUID) -> Relation:
        """Return a relation by its identifier; raise Refused where there is none."""
        for each in self.relations:
            if each.id == id:
                return each
        raise Refused("this person has no relation {id}", field="relation", id=id)

    def suspend(self, until: date | None, today: date) -> PersonSuspended:
        self._known()
        if until is not None and until < today:
            raise Refused("the suspension would be over before it begins", field="until")
        if self.is_suspended(today) and self.suspended_until == until:
            raise Refused("the person is suspended like this already")
        return PersonSuspended(until=until)

    def reinstate(self, today: date) -> PersonReinstated:
        if not self.is_suspended(today):
            raise Refused("the person is not suspended")
        return PersonReinstated()

    def open_sign_in(self) -> SignInOpened:
        """Let the person sign in, or begin anew where they may already; programs come in with tokens."""
        self._known()
        if self.kind != "person":
            raise Refused("a service account comes in with a token: make it one")
        return SignInOpened()

    def close_sign_in(self) -> SignInClosed:
        if not self.signs_in:
            raise Refused("the person may not sign in as it is")
        return SignInClosed()

    def _known(self) -> None:
        if not self.kind:
            raise Refused("no such person")

    def evolve(self, event: AuthorityEvent, account: Account) -> Self:
        match event:
            case PersonRegistered(kind=kind):
                return replace(self, kind=kind)
            case DutyAppointed():
                held = Appointment(
                    id=event.appointment,
                    duty=event.duty,
                    organisation=event.organisation,
                    since=event.since,
                    until=event.until,
                    decision=event.decision,
                    emergency=event.emergency,
                    ends_at=event.ends_at,
                )
                return replace(self, appointments=(*self.appointments, held))
            case AppointmentEnded(appointment=id, last=last):
                ended = (
                    each.model_copy(update={"until": last}) if each.id == id else each for each in self.appointments
                )
                return replace(self, appointments=tuple(ended))
            case DelegationGiven():
                lent = Delegation(
                    id=event.delegation,
                    appointment=event.appointment,
                    to=event.to,
                    since=event.since,
                    until=event.until,
                )
                return replace(self, delegations=(*self.delegations, lent))
            case DelegationRevoked(delegation=id):
                left = (
                    each.model_copy(update={"revoked": True}) if each.id == id else each for each in self.delegations
                )
                return replace(self, delegations=tuple(left))
            case RelationDeclared():
                tied = Relation(id=event.relation, other=event.other, tie=event.tie, matter=event.matter)
                return replace(self, relations=(*self.relations, tied))
            case RelationEnded(relation=id):
                return replace(self, relations=tuple(each for each in self.relations if each.id != id))
            case PersonSuspended(until=until):
                return replace(self, suspended=True, suspended_until=until)
            case PersonReinstated():
                return replace(self, suspended=False, suspended_until=None)
            case SignInOpened() | SignInClosed():
                return replace(self, signs_in=isinstance(event, SignInOpened))
            case _:
                assert_never(event)
