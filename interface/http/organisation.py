"""Organisations over HTTP: found, move and end them; their codes, officers and members; tree and profile."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from pydantic import Field

from application.records import Act, Receipt
from domain.organisation import Cause, Elected, Level, Organisation, Scheme, Setting, Standing, actions
from interface.app import Installation
from interface.http.command import Count, Day, Order, command
from interface.http.gate import Caller
from interface.http.present import router
from interface.http.reading import Asked, AskedPage, Listing, Text, listing, query
from interface.http.tree import Tree, grow
from projections.organisation import OrganisationRow
from projections.query import NOW

routes = router("/organisations", "organisations")

VIEWS = ("organisation",)


class AskedOrganisations(AskedPage):
    parent: UUID | None = None
    code: Text | None = Field(None, description="The division code that it holds.")
    uscc: Text | None = Field(None, description="The unified social credit identifier that it holds.")
    level: Level | None = None
    setting: Setting | None = None
    standing: Standing | None = None


@query(routes, "", VIEWS, Listing[OrganisationRow])
def list_organisations(who: Caller, asked: AskedOrganisations, moment: int) -> Listing[OrganisationRow]:
    """List organisations by code."""
    where = asked.model_dump(include={"parent", "code", "uscc", "level", "setting", "standing"}, exclude_none=True)
    views = who.views
    return listing(views.page(OrganisationRow, ("code",), moment, where=where, limit=asked.limit, cursor=asked.cursor))


class AskedProfile(Asked):
    on: date | None = Field(None, description="Only the codes and terms that are valid on this day.")


@query(routes, "/{id}", VIEWS, OrganisationRow, found=False)
def show_organisation(who: Caller, asked: AskedProfile, moment: int, id: UUID) -> OrganisationRow | None:
    """Show an organisation with its codes, officers' terms and number of members."""
    row = who.views.one(OrganisationRow, id, moment)
    if row is None or asked.on is None:
        return row
    on = asked.on
    return replace(
        row,
        codes=tuple(held for held in row.codes if held.covers(on)),
        terms=tuple(term for term in row.terms if term.covers(on)),
    )


class AskedTree(Asked):
    depth: int = Field(1, ge=1, le=8, description="How many levels below the root to show.")


@query(routes, "/{id}/tree", VIEWS, Tree, found=False)
def show_tree(who: Caller, asked: AskedTree, moment: int, id: UUID) -> Tree | None:
    """Show an organisation and what stands below it, level by level, at most 2,000 organisations."""
    views = who.views
    at = views.position("organisation") if moment == NOW else moment
    top = views.one(OrganisationRow, id, at)
    return grow(views, top, asked.depth, at) if top else None


class Establishment(Order):
    name: str
    level: Level
    parent: UUID | None = None
    code: str = Field("", description="Its division code, valid from the day of effect.")
    uscc: str = Field("", description="Its unified social credit identifier (统一社会信用代码).")
    setting: Setting = ""


@command(routes, "", actions.ESTABLISH, founds="organisations")
def establish_organisation(at: Installation, act: Act, body: Establishment) -> Receipt:
    """Found an organisation."""
    return at.organisations.establish(
        act, body.name, body.level, parent=body.parent, code=body.code, uscc=body.uscc, setting=body.setting
    )


class Renaming(Order):
    name: str


@command(routes, "/{id}/name", actions.RENAME, kind=Organisation)
def rename_organisation(at: Installation, act: Act, body: Renaming, id: UUID) -> Receipt:
    """Give an organisation another name."""
    return at.organisations.rename(act, id, body.name)


class SettingChange(Order):
    setting: Setting


@command(routes, "/{id}/setting", actions.CHANGE_SETTING, kind=Organisation)
def change_setting(at: Installation, act: Act, body: SettingChange, id: UUID) -> Receipt:
    """Say that an organisation is urban, rural, or neither."""
    return at.organisations.change_setting(act, id, body.setting)


class Move(Order):
    parent: UUID | None = Field(description="The organisation that it answers to; null for nobody.")


@command(routes, "/{id}/parent", actions.MOVE, kind=Organisation)
def move_organisation(at: Installation, act: Act, body: Move, id: UUID) -> Receipt:
    """Let an organisation answer to another."""
    return at.organisations.move(act, id, body.parent)


class CodeAssignment(Order):
    scheme: Scheme
    code: str
    valid_from: Day


@command(routes, "/{id}/codes", actions.ASSIGN_CODE, kind=Organisation)
def assign_code(at: Installation, act: Act, body: CodeAssignment, id: UUID) -> Receipt:
    """Give an organisation a code in place of the one it holds."""
    return at.organisations.assign_code(act, id, body.scheme, body.code, body.valid_from)


class CodeWithdrawal(Order):
    scheme: Scheme
    valid_until: Day


@command(routes, "/{id}/codes/withdrawal", actions.WITHDRAW_CODE, kind=Organisation)
def withdraw_code(at: Installation, act: Act, body: CodeWithdrawal, id: UUID) -> Receipt:
    """Take the code of a scheme away from an organisation."""
    return at.organisations.withdraw_code(act, id, body.scheme, body.valid_until)


class Appointment(Order):
    post: str
    person: UUID
    since: Day
    until: Day | None = None
    shared: bool = Field(False, description="Whether several people may hold the post at once.")


@command(routes, "/{id}/officers", actions.APPOINT_OFFICER, kind=Organisation)
def appoint_officer(at: Installation, act: Act, body: Appointment, id: UUID) -> Receipt:
    """Appoint an officer."""
    return at.organisations.appoint(act, id, body.post, body.person, body.since, body.until, shared=body.shared)


class OfficerRelease(Order):
    post: str
    person: UUID
    on: Day = Field(description="The last day of the term.")


@command(routes, "/{id}/officers/release", actions.RELEASE_OFFICER, kind=Organisation)
def release_officer(at: Installation, act: Act, body: OfficerRelease, id: UUID) -> Receipt:
    """End an officer's term."""
    return at.organisations.release(act, id, body.post, body.person, body.on)


@command(routes, "/{id}/terms/expiry", actions.EXPIRE_TERMS, kind=Organisation)
def expire_terms(at: Installation, act: Act, id: UUID) -> Receipt:
    """Record that terms ran out before today."""
    return at.organisations.expire_terms(act, id)


class Election(Order):
    on: Day
    results: tuple[Elected, ...]
    vacated: tuple[str, ...] = Field((), description="Posts that are left empty.")
    since: Day = Field(description="The first day of the new terms.")
    until: Day | None = None


@command(routes, "/{id}/elections", actions.REELECT, kind=Organisation)
def hold_election(at: Installation, act: Act, body: Election, id: UUID) -> Receipt:
    """Record an election: those elected serve, and the terms before end."""
    return at.organisations.reelect(act, id, body.on, body.results, body.since, body.until, body.vacated)


class Admission(Order):
    full: Count = 0
    probationary: Count = 0


@command(routes, "/{id}/members/admission", actions.ADMIT, kind=Organisation)
def admit_members(at: Installation, act: Act, body: Admission, id: UUID) -> Receipt:
    """Record that members joined."""
    return at.organisations.admit(act, id, body.full, body.probationary)


class Confirmation(Order):
    count: Count


@command(routes, "/{id}/members/confirmation", actions.CONFIRM, kind=Organisation)
def confirm_members(at: Installation, act: Act, body: Confirmation, id: UUID) -> Receipt:
    """Record that probationary members became full ones."""
    return at.organisations.confirm(act, id, body.count)


class Loss(Order):
    full: Count = 0
    probationary: Count = 0
    cause: Cause


@command(routes, "/{id}/members/loss", actions.LOSE, kind=Organisation)
def lose_members(at: Installation, act: Act, body: Loss, id: UUID) -> Receipt:
    """Record that members are members no more."""
    return at.organisations.lose_members(act, id, body.full, body.probationary, body.cause)


class Transfer(Order):
    full: Count = 0
    probationary: Count = 0
    to: UUID | None = Field(None, description="The receiving organisation; null for one not kept in this record.")
    on: Day


@command(routes, "/{id}/members/transfer", actions.TRANSFER, kind=Organisation)
def transfer_members(at: Installation, act: Act, body: Transfer, id: UUID) -> Receipt:
    """Transfer members to another organisation."""
    return at.organisations.transfer(act, id, body.full, body.probationary, body.to, body.on)


class Takeover(Order):
    full: Count = 0
    probationary: Count = 0
    on: Day


@command(routes, "/{id}/members/receipt", actions.RECEIVE, kind=Organisation)
def receive_members(at: Installation, act: Act, body: Takeover, id: UUID) -> Receipt:
    """Take over members from an organisation that is not kept in this record."""
    return at.organisations.receive(act, id, body.full, body.probationary, body.on)


class DoubleRegistration(Order):
    count: Count
    residence: UUID = Field(description="The organisation where they live.")


@command(routes, "/{id}/members/double-registration", actions.REGISTER_DOUBLY, kind=Organisation)
def register_doubly(at: Installation, act: Act, body: DoubleRegistration, id: UUID) -> Receipt:
    """Record that members registered where they live as well."""
    return at.organisations.register_doubly(act, id, body.count, body.residence)


@command(routes, "/{id}/dissolution/begin", actions.BEGIN_DISSOLUTION, kind=Organisation)
def begin_dissolution(at: Installation, act: Act, id: UUID) -> Receipt:
    """Close an organisation to newcomers, so that it can be dissolved."""
    return at.organisations.begin_dissolution(act, id)


@command(routes, "/{id}/dissolution/abandon", actions.ABANDON_DISSOLUTION, kind=Organisation)
def abandon_dissolution(at: Installation, act: Act, id: UUID) -> Receipt:
    """Let an organisation that was to be dissolved go on."""
    return at.organisations.abandon_dissolution(act, id)


class Dissolution(Order):
    successor: UUID | None = None


@command(routes, "/{id}/dissolution", actions.DISSOLVE, kind=Organisation)
def dissolve_organisation(at: Installation, act: Act, body: Dissolution, id: UUID) -> Receipt:
    """End an organisation once nothing is left below it."""
    return at.organisations.dissolve(act, id, body.successor)
