"""People and mandates over HTTP: who holds which duty where, what is lent, relations, emergencies, and why."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from pydantic import Field

from application.explaining import action_of
from application.records import Act, Receipt
from domain.action import DUTIES, Duty
from domain.actions import ACTIONS
from domain.authority import FINDINGS, Emergency, Explanation, Held, Kind, Person, Ruling, Tie, actions
from domain.event import Refused
from interface.app import Installation
from interface.catalogue import say
from interface.http.command import Day, Order, command
from interface.http.gate import Caller
from interface.http.present import router
from interface.http.reading import AskedPage, Listing, Seen, Text, listing, query
from projections.authority import AppointmentRow, DelegationRow, EmergencyRow, PersonRow

routes = router("", "authority")

VIEWS = ("authority",)


@dataclass(frozen=True)
class PersonAnswer:
    """A person or a service account; ``name`` is as it is now."""

    id: UUID
    version: int
    kind: Kind
    name: str
    suspended: bool
    suspended_until: date | None
    signs_in: bool


class AskedPeople(AskedPage):
    kind: Kind | None = None


@query(routes, "/people", VIEWS, Listing[PersonAnswer])
def list_people(who: Caller, asked: AskedPeople, moment: int) -> Listing[PersonAnswer]:
    """List people and service accounts."""
    where = asked.model_dump(include={"kind"}, exclude_none=True)
    page = who.views.page(PersonRow, (), moment, where=where, limit=asked.limit, cursor=asked.cursor)
    names = who.at.access.names([row.key for row in page.rows])
    return Listing(page.known_at, page.next, [_person(row, names) for row in page.rows])


@query(routes, "/people/{id}", VIEWS, PersonAnswer, found=False)
def show_person(who: Caller, moment: int, id: UUID) -> PersonAnswer | None:
    """Show a person."""
    row = who.views.one(PersonRow, id, moment)
    return _person(row, who.at.access.names([id])) if row else None


def _person(row: PersonRow, names: dict[UUID, str]) -> PersonAnswer:
    name = names.get(row.key, "")
    return PersonAnswer(row.key, row.version, row.kind, name, row.suspended, row.suspended_until, row.signs_in)


class AskedAppointments(AskedPage):
    person: UUID | None = None
    duty: Duty | None = None
    organisation: UUID | None = None


@query(routes, "/appointments", VIEWS, Listing[AppointmentRow])
def list_appointments(who: Caller, asked: AskedAppointments, moment: int) -> Listing[AppointmentRow]:
    """List appointments to duties, those that are over too, from the earliest first day on."""
    where = asked.model_dump(include={"person", "duty", "organisation"}, exclude_none=True)
    page = who.views.page(AppointmentRow, ("since",), moment, where=where, limit=asked.limit, cursor=asked.cursor)
    return listing(page)


class AskedDelegations(AskedPage):
    person: UUID | None = Field(None, description="Who lends.")
    to: UUID | None = Field(None, description="To whom.")


@query(routes, "/delegations", VIEWS, Listing[DelegationRow])
def list_delegations(who: Caller, asked: AskedDelegations, moment: int) -> Listing[DelegationRow]:
    """List what is lent, and what was."""
    where = asked.model_dump(include={"person", "to"}, exclude_none=True)
    page = who.views.page(DelegationRow, ("since",), moment, where=where, limit=asked.limit, cursor=asked.cursor)
    return listing(page)


@query(routes, "/emergencies", VIEWS, Listing[EmergencyRow])
def list_emergencies(who: Caller, asked: AskedPage, moment: int) -> Listing[EmergencyRow]:
    """List emergency access: who asked for what and why, who granted it until when, and who was told."""
    return listing(who.views.page(EmergencyRow, ("standing",), moment, limit=asked.limit, cursor=asked.cursor))


@query(routes, "/emergencies/{id}", VIEWS, EmergencyRow, found=False)
def show_emergency(who: Caller, moment: int, id: UUID) -> EmergencyRow | None:
    """Show one emergency access."""
    return who.views.one(EmergencyRow, id, moment)


class Registration(Order):
    name: str
    kind: Kind = Field("person", description="Whether it is a person, or a service account for a program.")


@command(routes, "/people", actions.REGISTER, founds="people")
def register_person(at: Installation, act: Act, body: Registration) -> Receipt:
    """Register a person, or a service account."""
    return at.people.register(act, body.kind, body.name)


class DutyAppointment(Order):
    duty: Duty
    organisation: UUID | None = Field(description="Where it is held, and for all below it; null for the whole record.")
    since: Day = Field(description="The first day.")
    until: Day | None = Field(None, description="The last day.")
    decision: str = Field(description="The decision that makes the appointment.")


@command(routes, "/people/{id}/appointments", actions.APPOINT, kind=Person)
def appoint_person(at: Installation, act: Act, body: DutyAppointment, id: UUID) -> Receipt:
    """Give a person a duty; nobody gives one to themselves."""
    return at.people.appoint(act, id, body.duty, body.organisation, body.since, body.until, body.decision)


class AppointmentEnd(Order):
    appointment: UUID
    last: Day = Field(description="The last day; yesterday takes it back at once.")


@command(routes, "/people/{id}/appointments/end", actions.END_APPOINTMENT, kind=Person)
def end_appointment(at: Installation, act: Act, body: AppointmentEnd, id: UUID) -> Receipt:
    """End an appointment."""
    return at.people.end_appointment(act, id, body.appointment, body.last)


class Suspension(Order):
    until: Day | None = Field(None, description="The last day; without one, until the person is reinstated.")


@command(routes, "/people/{id}/suspension", actions.SUSPEND, kind=Person)
def suspend_person(at: Installation, act: Act, body: Suspension, id: UUID) -> Receipt:
    """Let a person do nothing for a while."""
    return at.people.suspend(act, id, body.until)


@command(routes, "/people/{id}/reinstatement", actions.REINSTATE, kind=Person)
def reinstate_person(at: Installation, act: Act, id: UUID) -> Receipt:
    """Lift a suspension."""
    return at.people.reinstate(act, id)


class RelationDeclaration(Order):
    other: UUID
    tie: Tie = Field(description="Relatives, of one household, or both named in a case.")
    matter: str = Field("", description="The case, for a relation by one.")


@command(routes, "/people/{id}/relations", actions.DECLARE, kind=Person)
def declare_relation(at: Installation, act: Act, body: RelationDeclaration, id: UUID) -> Receipt:
    """Declare a relation to another person: one's own, or for personnel and inspectors what somebody left out."""
    return at.people.declare(act, id, body.other, body.tie, body.matter)


class RelationEnd(Order):
    relation: UUID


@command(routes, "/people/{id}/relations/end", actions.END_RELATION, kind=Person)
def end_relation(at: Installation, act: Act, body: RelationEnd, id: UUID) -> Receipt:
    """End a relation; neither of the two may."""
    return at.people.end_relation(act, id, body.relation)


class DelegationOrder(Order):
    appointment: UUID
    to: UUID
    since: Day
    until: Day


@command(routes, "/delegations", actions.DELEGATE)
def delegate_duty(at: Installation, act: Act, body: DelegationOrder) -> Receipt:
    """Lend an appointment of one's own to another person, for a year at most."""
    return at.people.delegate(act, body.appointment, body.to, body.since, body.until)


class Revocation(Order):
    delegation: UUID


@command(routes, "/delegations/revocation", actions.REVOKE)
def revoke_delegation(at: Installation, act: Act, body: Revocation) -> Receipt:
    """Take back what one lent."""
    return at.people.revoke(act, body.delegation)


class EmergencyOrder(Order):
    duty: Duty
    organisation: UUID | None = Field(description="Where the duty is needed; null for the whole record.")
    hours: int = Field(ge=1, le=72)


@command(routes, "/emergencies", actions.REQUEST_EMERGENCY, founds="emergencies")
def request_emergency(at: Installation, act: Act, body: EmergencyOrder) -> Receipt:
    """Ask for a duty at once and for some hours; `reason` says what the emergency is."""
    return at.people.request_emergency(act, body.duty, body.organisation, body.hours)


@command(routes, "/emergencies/{id}/grant", actions.DECIDE_EMERGENCY, kind=Emergency)
def grant_emergency(at: Installation, act: Act, id: UUID) -> Receipt:
    """Grant emergency access, from now on; the organisation and its auditors are told."""
    return at.people.grant_emergency(act, id)


@command(routes, "/emergencies/{id}/decline", actions.DECIDE_EMERGENCY, kind=Emergency)
def decline_emergency(at: Installation, act: Act, id: UUID) -> Receipt:
    """Decline emergency access; `reason` says why."""
    return at.people.decline_emergency(act, id)


@dataclass(frozen=True)
class ActionLine:
    """One line of the table of actions."""

    name: str
    term: str
    duties: list[Duty]
    above: bool
    rules: list[str]


@dataclass(frozen=True)
class ActionTable:
    duties: dict[str, str]
    items: list[ActionLine]


@query(routes, "/authority/actions", (), ActionTable)
def list_actions() -> ActionTable:
    """List what is done, by which duties, and which conflict rules are asked."""
    lines = [
        ActionLine(each.name, each.term, [*each.duties], each.above, [rule.name for rule in each.conflicts])
        for each in ACTIONS.values()
    ]
    return ActionTable(dict(DUTIES.items()), lines)


@dataclass(frozen=True)
class HeldAnswer:
    """An appointment that a person holds or was lent, and what it comes to here."""

    held: Held
    finding: str


@dataclass(frozen=True)
class RulingAnswer:
    """What a conflict rule says."""

    rule: str
    term: str
    ruled_out: bool
    detail: str


@dataclass(frozen=True)
class ExplanationAnswer:
    """Why somebody may do something, or may not: `detail` says why not, and who can help."""

    person: UUID
    action: str
    allowed: bool
    detail: str
    appointments: list[HeldAnswer]
    rules: list[RulingAnswer]


class AskedExplanation(Seen):
    action: Text = Field(description="One of the table of actions, such as `ledger.verify`.")
    person: UUID | None = Field(None, description="About whom; else about yourself, and your token.")
    on_behalf_of: UUID | None = Field(None, description="For whom they would act.")
    organisation: UUID | None = Field(None, description="Where; null for the whole record.")
    record: UUID | None = Field(None, description="To what it would be done: it says where, and who took which part.")


@query(routes, "/authority/explanation", (), ExplanationAnswer)
def explain_authority(who: Caller, asked: AskedExplanation) -> ExplanationAnswer:
    """Say why somebody may do something, or may not, as of now."""
    person, action = asked.person or who.person.id, action_of(asked.action)
    own = person == who.person.id
    if not own:
        who.asked(actions.EXPLAIN, asked.organisation)
    if asked.record is not None and not who.sees(asked.record):
        raise Refused("nothing is recorded under {id}", field="record", id=asked.record)
    limits = who.person.limits if own and asked.person is None else None
    found = who.at.explaining.explain(person, action, asked.organisation, asked.record, asked.on_behalf_of, limits)
    return _told(who, person, action.name, found)


def _told(who: Caller, person: UUID, action: str, found: Explanation) -> ExplanationAnswer:
    request = who.request

    def ruling(each: Ruling) -> RulingAnswer:
        refusal = each.refusal
        detail = say(request, refusal.message, **refusal.values) if refusal else ""
        return RulingAnswer(each.rule, each.term, each.ruled_out, detail)

    return ExplanationAnswer(
        person,
        action,
        found.allowed,
        say(request, found.refusal.message, **found.refusal.values) if found.refusal else "",
        [HeldAnswer(each, say(request, FINDINGS[each.finding])) for each in found.held],
        [ruling(each) for each in found.rulings],
    )


__all__ = ["routes"]
