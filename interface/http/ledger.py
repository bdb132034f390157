"""The ledger over HTTP: obligations and cases, what is done about them, the omissions board, and conformance."""

from dataclasses import replace
from uuid import UUID

from pydantic import Field

from application.records import Act, Receipt
from domain.ledger import Attendance, EvidenceReference, Obligation, Outcome, Revision, actions
from domain.standard import Standard
from interface.app import Installation
from interface.http.command import Day, Order, command
from interface.http.gate import Caller
from interface.http.present import router
from interface.http.reading import USUAL, AskedPage, Listing, Text, listing, query
from projections.board import BoardLine, Conformance
from projections.conformance import CaseRow
from projections.ledger import ObligationRow, YearRow
from projections.query import NOW
from projections.standard import StandardRow

routes = router("", "ledger")

VIEWS = ("ledger",)


class AskedObligations(AskedPage):
    organisation: UUID | None = None
    standard: UUID | None = None
    area: Text | None = None
    period: Text | None = None
    outcome: Outcome | None = None
    case: Text | None = None
    duty: Text | None = None


@query(routes, "/obligations", VIEWS, Listing[ObligationRow])
def list_obligations(who: Caller, asked: AskedObligations, moment: int) -> Listing[ObligationRow]:
    """List obligations; those of one organisation by area and period, those of one standard by case."""
    names = {"organisation", "standard", "area", "period", "outcome", "case", "duty"}
    where = asked.model_dump(include=names, exclude_none=True)
    order = ("area", "period") if asked.organisation else ("case",) if asked.standard else ()
    return listing(who.views.page(ObligationRow, order, moment, where=where, limit=asked.limit, cursor=asked.cursor))


@query(routes, "/obligations/{id}", VIEWS, ObligationRow, found=False)
def show_obligation(who: Caller, moment: int, id: UUID) -> ObligationRow | None:
    """Show an obligation and what it came to."""
    return who.views.one(ObligationRow, id, moment)


class AskedBoard(AskedPage):
    organisation: UUID | None = Field(None, description="Whose board; else that of the roots of all trees.")
    area: Text | None = None
    period: Text | None = None


@query(routes, "/omissions", ("organisation", "ledger"), Listing[BoardLine])
def show_omissions(who: Caller, asked: AskedBoard, moment: int) -> Listing[BoardLine]:
    """Show the omissions board (漏项): what obligations came to, summed up for each organisation directly below one."""
    page = who.board.omissions(
        asked.organisation, moment, area=asked.area, period=asked.period, limit=asked.limit, cursor=asked.cursor
    )
    return listing(page)


@query(routes, "/standards/{id}/conformance", ("standard", "conformance"), Conformance, found=False)
def show_conformance(who: Caller, moment: int, id: UUID) -> Conformance | None:
    """Show what a standard's cases come to when held against its flow, counted in cases."""
    at = moment if moment != NOW else who.views.position("conformance")
    if who.views.one(StandardRow, id, moment) is None:
        return None
    return who.board.conformance(id, at)


class AskedCases(AskedPage):
    case: Text | None = None
    faultless: bool | None = None


@query(routes, "/standards/{id}/cases", ("standard", "conformance"), Listing[CaseRow], found=False)
def list_cases(who: Caller, asked: AskedCases, moment: int, id: UUID) -> Listing[CaseRow] | None:
    """List a standard's cases with what was completed, and the findings against the flow."""
    views = who.views
    if views.one(StandardRow, id, moment) is None:
        return None
    where = {"standard": id, **asked.model_dump(include={"case", "faultless"}, exclude_none=True)}
    return listing(views.page(CaseRow, ("case",), moment, where=where, limit=asked.limit, cursor=asked.cursor))


class Raising(Order):
    year: int = Field(ge=1900, le=2999)
    below: UUID | None = Field(None, description="Only of this organisation and those below it.")


@command(routes, "/standards/{id}/obligations", actions.RAISE_YEAR, kind=Standard)
def raise_obligations(at: Installation, act: Act, body: Raising, id: UUID) -> Receipt:
    """Raise what a standard's duties ask in a year; what was raised before is left as it is.

    The receipt's event says how many are new, and is recorded after all of them.
    """
    at.views.wait("organisation", at.head(), USUAL)
    return at.ledger.raise_year(act, id, body.year, below=body.below)


class AskedYears(AskedPage):
    year: int | None = None


@query(routes, "/standards/{id}/years", ("standard", "ledger"), Listing[YearRow], found=False)
def list_years(who: Caller, asked: AskedYears, moment: int, id: UUID) -> Listing[YearRow] | None:
    """List the years of which a standard's obligations were raised."""
    views = who.views
    if views.one(StandardRow, id, moment) is None:
        return None
    where = {"standard": id, **asked.model_dump(include={"year"}, exclude_none=True)}
    return listing(views.page(YearRow, ("year",), moment, where=where, limit=asked.limit, cursor=asked.cursor))


class Case(Order):
    case: str = Field(min_length=1, max_length=200)
    organisation: UUID | None = Field(None, description="The organisation that answers for it, where it is known.")
    due: Day | None = None


@command(routes, "/standards/{id}/cases", actions.RAISE_CASE, kind=Standard, founds="obligations")
def open_case(at: Installation, act: Act, body: Case, id: UUID) -> Receipt:
    """Open a case under the standard's version in force."""
    return at.ledger.raise_case(act, id, body.case, body.organisation, body.due)


class StepStart(Order):
    """Without `occurred_on` and `occurred_at` it is begun now, to the moment."""

    step: str


@command(routes, "/obligations/{id}/steps/start", actions.START_STEP, kind=Obligation)
def start_step(at: Installation, act: Act, body: StepStart, id: UUID) -> Receipt:
    """Begin a step of the flow."""
    return at.ledger.start_step(_timed(at, act, body), id, body.step)


class StepCompletion(Order):
    """Out of order, unknown to the flow, or by one who may not: it is taken only with a `reason`.

    Without `occurred_on` and `occurred_at` it is completed now, to the moment.
    """

    step: str
    by: UUID | None = Field(None, description="Who did it, where it was somebody else.")


@command(routes, "/obligations/{id}/steps/complete", actions.COMPLETE_STEP, kind=Obligation)
def complete_step(at: Installation, act: Act, body: StepCompletion, id: UUID) -> Receipt:
    """Complete a step of the flow."""
    return at.ledger.complete_step(_timed(at, act, body), id, body.step, body.by)


def _timed(at: Installation, act: Act, body: Order) -> Act:
    """Of steps the hour matters, since their order does: where neither day nor hour is told, it is this moment."""
    if body.occurred_on or body.occurred_at:
        return act
    now = at.clock.now()
    moment = {"occurred_on": now.astimezone(at.clock.zone).date(), "occurred_at": now}
    return replace(act, account=act.account.model_copy(update=moment))


class Filing(Order):
    summary: str
    evidence: tuple[EvidenceReference, ...] = ()
    attendance: Attendance | None = None


@command(routes, "/obligations/{id}/entry", actions.FILE, kind=Obligation)
def file_entry(at: Installation, act: Act, body: Filing, id: UUID) -> Receipt:
    """File the entry that claims the work as done."""
    return at.ledger.file(act, id, body.summary, body.evidence, body.attendance)


class Attachment(Order):
    evidence: EvidenceReference


@command(routes, "/obligations/{id}/evidence", actions.ATTACH, kind=Obligation)
def attach_evidence(at: Installation, act: Act, body: Attachment, id: UUID) -> Receipt:
    """Add evidence to the entry on file."""
    return at.ledger.attach(act, id, body.evidence)


class Verification(Order):
    remark: str = ""


@command(routes, "/obligations/{id}/verification", actions.VERIFY, kind=Obligation)
def verify_entry(at: Installation, act: Act, body: Verification, id: UUID) -> Receipt:
    """Confirm the entry on file; nobody who had a hand in it may."""
    return at.ledger.verify(act, id, body.remark)


class Rejection(Order):
    reason: str


@command(routes, "/obligations/{id}/rejection", actions.REJECT, kind=Obligation)
def reject_entry(at: Installation, act: Act, body: Rejection, id: UUID) -> Receipt:
    """Send the entry on file back."""
    return at.ledger.reject(act, id, body.reason)


class Correction(Order):
    reason: str
    changes: Revision = Field(description="The fields to set; `occurred_on` is the day of the work.")
    support: tuple[EvidenceReference, ...] = Field((), description="Evidence for the correction itself.")


@command(routes, "/obligations/{id}/correction", actions.CORRECT, kind=Obligation)
def correct_entry(at: Installation, act: Act, body: Correction, id: UUID) -> Receipt:
    """Correct the entry on file; it must be verified again."""
    return at.ledger.correct(act, id, body.reason, body.changes, body.support)


class Explanation(Order):
    reason: str


@command(routes, "/obligations/{id}/explanation", actions.EXPLAIN, kind=Obligation)
def explain_exception(at: Installation, act: Act, body: Explanation, id: UUID) -> Receipt:
    """Say why the work is not, or cannot be, done."""
    return at.ledger.explain(act, id, body.reason)


@command(routes, "/obligations/{id}/acceptance", actions.ACCEPT_EXCEPTION, kind=Obligation)
def accept_exception(at: Installation, act: Act, body: Order, id: UUID) -> Receipt:
    """Excuse the obligation; for a unit above the obliged organisation."""
    return at.ledger.accept_exception(act, id, body.reason)


class Decline(Order):
    reason: str


@command(routes, "/obligations/{id}/decline", actions.DECLINE_EXCEPTION, kind=Obligation)
def decline_exception(at: Installation, act: Act, body: Decline, id: UUID) -> Receipt:
    """Hold that the work is still owed; for a unit above the obliged organisation."""
    return at.ledger.decline_exception(act, id, body.reason)


class Waiver(Order):
    reason: str
    authority: str


@command(routes, "/obligations/{id}/waiver", actions.WAIVE, kind=Obligation)
def waive_obligation(at: Installation, act: Act, body: Waiver, id: UUID) -> Receipt:
    """Lift the obligation, on a cited authority; for a unit above the obliged organisation."""
    return at.ledger.waive(act, id, body.reason, body.authority)
