"""Standards over HTTP: the catalogue and its versions, flows as JSON and BPMN, and how a standard comes about."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import Response
from pydantic import Field

from application.records import Act, Receipt
from domain.event import Refused
from domain.standard import Bounds, Duty, Flow, Link, Node, Standard, Standing, actions, area_of, bpmn
from interface.app import Installation
from interface.http.command import Day, Order, command
from interface.http.gate import Caller
from interface.http.present import router
from interface.http.reading import Asked, AskedPage, Listing, Text, Version, listing, query
from projections.conformance import FlowRow
from projections.standard import StandardRow, VersionRow, version_key

routes = router("/standards", "standards")

VIEWS = ("standard",)
BPMN = "application/xml"
BPMN_KINDS = (BPMN, "text/xml", "application/bpmn+xml")
# Bytes of a body with a flow.
LARGEST_FLOW = 5 * 1024 * 1024


class AskedStandards(AskedPage):
    code: Text | None = None
    area: Text | None = Field(None, description="One of the six areas by identifier or Chinese name, or custom:NAME.")
    standing: Standing | None = None


@query(routes, "", VIEWS, Listing[StandardRow])
def list_standards(who: Caller, asked: AskedStandards, moment: int) -> Listing[StandardRow]:
    """List standards by code."""
    where = asked.model_dump(include={"code", "area", "standing"}, exclude_none=True)
    if asked.area is not None:
        where["area"] = area_of(asked.area)
    return listing(who.views.page(StandardRow, ("code",), moment, where=where, limit=asked.limit, cursor=asked.cursor))


@query(routes, "/{id}", VIEWS, StandardRow, found=False)
def show_standard(who: Caller, moment: int, id: UUID) -> StandardRow | None:
    """Show a standard's line in the catalogue."""
    return who.views.one(StandardRow, id, moment)


@query(routes, "/{id}/versions", VIEWS, Listing[VersionRow], found=False)
def list_versions(who: Caller, asked: AskedPage, moment: int, id: UUID) -> Listing[VersionRow] | None:
    """List the versions of a standard that were published, whole, from the first."""
    views = who.views
    if views.one(StandardRow, id, moment) is None:
        return None
    where = {"standard": id}
    return listing(views.page(VersionRow, ("number",), moment, where=where, limit=asked.limit, cursor=asked.cursor))


@dataclass(frozen=True)
class Draft:
    """A standard's draft as it stands; ``version`` is that of its record, and ``separate`` holds names of steps."""

    id: UUID
    version: int
    standing: Standing
    code: str
    title: str
    area: str
    authority: str
    flow: Flow
    separate: tuple[tuple[str, str], ...]
    duties: tuple[Duty, ...]
    authors: tuple[UUID, ...]


@query(routes, "/{id}/draft", (), Draft, found=False)
def show_draft(who: Caller, moment: int, id: UUID) -> Draft | None:
    """Show the draft of a standard's next version."""
    try:
        standard = who.at.records.load_at(Standard, id, moment)
    except Refused:
        return None  # it is another kind of record
    if standard.standing not in ("draft", "amending"):
        return None
    names = {node.id: node.name for node in standard.steps}
    return Draft(
        id,
        standard.version,
        standard.standing,
        standard.code,
        standard.title,
        standard.area,
        standard.authority,
        standard.flow,
        tuple((names[one], names[other]) for one, other in standard.separate_ids),
        standard.duties,
        tuple(sorted(standard.authors)),
    )


@dataclass(frozen=True)
class FlowAnswer:
    """A published flow, and what it says about order, in names of steps: see ``docs/conformance.md``.

    ``required``: no complete run avoids the step. ``precedes``: pairs of which the first must come
    before the second, with no third step between them. ``separate``: pairs that need different people.
    """

    standard: UUID
    number: int
    title: str
    flow: Flow
    steps: tuple[str, ...]
    required: tuple[str, ...]
    precedes: tuple[tuple[str, str], ...]
    separate: tuple[tuple[str, str], ...]


class AskedFlow(Asked):
    version: Version | None = Field(None, description="The number of a published version; else the last one.")


@query(routes, "/{id}/flow", (*VIEWS, "conformance"), FlowAnswer, found=False, also=BPMN)
def show_flow(who: Caller, asked: AskedFlow, moment: int, id: UUID) -> FlowAnswer | Response | None:
    """Show the flow of a published version: as JSON, or as BPMN 2.0 where XML is accepted."""
    accepted = who.request.headers.get("accept", "")
    if "xml" in accepted and "json" not in accepted:
        return show_bpmn(who, asked, moment, id)
    version = _version(who, asked, moment, id)
    facts = who.views.one(FlowRow, version_key(id, version.number), moment) if version else None
    if version is None or facts is None:
        return None
    return FlowAnswer(
        id, version.number, version.title, version.flow, facts.steps, facts.required, facts.pairs, facts.separate
    )


@query(routes, "/{id}/flow.bpmn", VIEWS, None, found=False, also=BPMN)
def show_bpmn(who: Caller, asked: AskedFlow, moment: int, id: UUID) -> Response | None:
    """Show the flow of a published version as BPMN 2.0, with its drawing."""
    version = _version(who, asked, moment, id)
    if version is None:
        return None
    return Response(bpmn.write(version.flow, str(id), version.title), media_type=BPMN)


def _version(who: Caller, asked: AskedFlow, moment: int, id: UUID) -> VersionRow | None:
    views = who.views
    number = asked.version
    if number is None:
        standard = views.one(StandardRow, id, moment)
        number = standard.versions if standard else 0
    return views.one(VersionRow, version_key(id, number), moment)


class Drafting(Order):
    code: str
    title: str
    area: str = Field(description="One of the six areas by identifier or Chinese name, or custom:NAME.")


@command(routes, "", actions.DRAFT, founds="standards")
def draft_standard(at: Installation, act: Act, body: Drafting) -> Receipt:
    """Draft a standard; `authority` is what it rests on."""
    return at.standards.draft(act, body.code, body.title, area_of(body.area), body.authority)


class Description(Order):
    title: str
    area: str = Field(description="One of the six areas by identifier or Chinese name, or custom:NAME.")


@command(routes, "/{id}/description", actions.DESCRIBE, kind=Standard)
def describe_standard(at: Installation, act: Act, body: Description, id: UUID) -> Receipt:
    """Give the draft another title, area of work or `authority`; the versions published before keep theirs."""
    return at.standards.describe(act, id, body.title, area_of(body.area), body.authority)


class Drawing(Order):
    """The flow, as JSON or as a BPMN 2.0 document."""

    flow: Flow | None = None
    bpmn: str | None = None


@command(routes, "/{id}/flow", actions.DRAW, kind=Standard, most=LARGEST_FLOW)
def draw_flow(at: Installation, act: Act, body: Drawing, id: UUID) -> Receipt:
    """Turn the draft's flow into this one."""
    match body.flow, body.bpmn:
        case Flow() as flow, None:
            return at.standards.draw(act, id, flow)
        case None, str() as text:
            return at.standards.draw(act, id, bpmn.read(text.encode("utf-8-sig")))
        case _:
            raise Refused("give either flow or bpmn", field="body.flow")


@command(routes, "/{id}/flow.bpmn", actions.DRAW, kind=Standard, takes=BPMN_KINDS, most=LARGEST_FLOW)
def upload_flow(at: Installation, act: Act, body: bytes, id: UUID) -> Receipt:
    """Turn the draft's flow into that of a BPMN 2.0 document."""
    return at.standards.draw(act, id, bpmn.read(body))


class StepDefinition(Order):
    step: str = Field(description="The step's identifier: one that the draft has is changed.")
    name: str
    bounds: Bounds | None = Field(None, description="Where it is drawn.")


@command(routes, "/{id}/steps", actions.DRAW, kind=Standard)
def define_step(at: Installation, act: Act, body: StepDefinition, id: UUID) -> Receipt:
    """Add a step to the draft's flow, or change one."""
    return at.standards.define_step(act, id, body.step, body.name, body.bounds)


class FlowLinking(Order):
    nodes: tuple[Node, ...] = Field(description="What the flow has besides its steps: start, ends and gateways.")
    links: tuple[Link, ...] = Field(description="Every link of the flow.")


@command(routes, "/{id}/links", actions.DRAW, kind=Standard, most=LARGEST_FLOW)
def link_flow(at: Installation, act: Act, body: FlowLinking, id: UUID) -> Receipt:
    """Say how the draft's steps hang together, in place of what was said before; publication checks it."""
    return at.standards.link(act, id, body.nodes, body.links)


class Separation(Order):
    pairs: tuple[tuple[str, str], ...] = Field(description="Steps, by name or identifier, that need different people.")


@command(routes, "/{id}/separation", actions.SEPARATE, kind=Standard)
def separate_steps(at: Installation, act: Act, body: Separation, id: UUID) -> Receipt:
    """Say which steps need different people, in place of what was said before."""
    return at.standards.separate(act, id, body.pairs)


class DutyDefinition(Order):
    duty: Duty


@command(routes, "/{id}/duties", actions.DEFINE_DUTY, kind=Standard)
def define_duty(at: Installation, act: Act, body: DutyDefinition, id: UUID) -> Receipt:
    """Add a duty to the draft, or change one."""
    return at.standards.define_duty(act, id, body.duty)


class DutyRemoval(Order):
    code: str


@command(routes, "/{id}/duties/removal", actions.REMOVE_DUTY, kind=Standard)
def remove_duty(at: Installation, act: Act, body: DutyRemoval, id: UUID) -> Receipt:
    """Remove a duty from the draft."""
    return at.standards.remove_duty(act, id, body.code)


class Publication(Order):
    effective_on: Day | None = Field(None, description="The first day in force; else the day of effect.")


@command(routes, "/{id}/publication", actions.PUBLISH, kind=Standard)
def publish_standard(at: Installation, act: Act, body: Publication, id: UUID) -> Receipt:
    """Publish the draft as the next version; none of its authors may."""
    return at.standards.publish(act, id, body.effective_on)


class Amendment(Order):
    reason: str


@command(routes, "/{id}/amendment", actions.AMEND, kind=Standard)
def amend_standard(at: Installation, act: Act, body: Amendment, id: UUID) -> Receipt:
    """Open a draft of the next version."""
    return at.standards.amend(act, id, body.reason)


class Retirement(Order):
    reason: str


@command(routes, "/{id}/retirement", actions.RETIRE, kind=Standard)
def retire_standard(at: Installation, act: Act, body: Retirement, id: UUID) -> Receipt:
    """Retire a standard: it asks for nothing more."""
    return at.standards.retire(act, id, body.reason)
