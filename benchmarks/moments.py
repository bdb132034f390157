"""A page of every kind of row, and of the omissions board, known at a moment in the past beside the same page now.

The moment lies where every row exists and half of its later versions are recorded. Times in milliseconds.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median
from time import perf_counter
from uuid import UUID, uuid4, uuid5

from application.bulk import Item, record_all
from application.ledger import raise_case
from application.records import Act, Work
from application.standard import flow_facts
from benchmarks.ledger import COUNTY, STANDARD, keep, terms
from benchmarks.measure import Comparison
from benchmarks.nation import DAY, PERSON, account, fail, nation
from benchmarks.server import Server
from domain.ledger import Obligation, case_id
from domain.organisation import Organisation, organisation_id
from domain.standard import Standard, standard_id
from interface.app import Installation
from interface.packs import standard_pack
from projections.conformance import CaseRow
from projections.ledger import ObligationRow
from projections.organisation import OrganisationRow
from projections.query import NOW
from projections.standard import StandardRow, VersionRow

COUNT, CASES, STANDARDS = 8000, 1000, 60
TIMES, LIMIT = 40, 100
APPROVER = UUID("be2c4000-0000-5000-8000-000000000009")
PACK = standard_pack("three-meetings")
STEPS = [step.name for step in PACK.flow.nodes if step.kind == "task"]


def run(server: Server) -> Iterator[Comparison]:
    with server.installation() as at:
        keep(at, COUNT)
        for person in (PERSON, APPROVER):
            at.people.entrust(person, "administrator")
        for number in range(STANDARDS):
            publish(at, number)
        record_all(at.records, (opening(at, number) for number in range(CASES)), fail)
        advance(at, STEPS[:3])
        past = at.head()
        for number in range(STANDARDS):
            amend(at, number)
        advance(at, STEPS[3:])
        at.fold_now()
        for name, page in pages(at):
            before, now = take_turns(partial(page, past), partial(page, NOW))
            yield Comparison(f"{name}: a page of the past", "the same page now", "ms", before, now, at_most=1.5)


def pages(at: Installation) -> Iterator[tuple[str, Callable[[int], object]]]:
    """Yield a page of each kind, to be asked for at a position."""
    ask = partial(at.whole.page, limit=LIMIT)
    county = organisation_id(next(unit.code for unit in nation(COUNTY) if unit.level == "county"))
    village = next(raised.organisation for raised in terms(1))
    yield "organisations by code", partial(ask, OrganisationRow, ("code",))
    yield "standards by code", partial(ask, StandardRow, ("code",))
    yield "versions of a standard", partial(ask, VersionRow, ("number",), where={"standard": STANDARD})
    yield (
        "obligations of an organisation",
        partial(ask, ObligationRow, ("area", "period"), where={"organisation": village}),
    )
    yield "obligations of all", partial(ask, ObligationRow, ())
    yield "cases of a standard", partial(ask, CaseRow, ("case",), where={"standard": STANDARD})
    yield "omissions board of a county", partial(at.board.omissions, county, limit=LIMIT)


def act(by: UUID = PERSON) -> Act:
    return Act(account(uuid4(), by))


def publish(at: Installation, number: int) -> None:
    code = code_of(number)
    at.standards.draft(act(), code, PACK.title, PACK.area)
    at.standards.draw(act(), standard_id(code), PACK.flow)
    at.standards.publish(act(APPROVER), standard_id(code), DAY)


def amend(at: Installation, number: int) -> None:
    id = standard_id(code_of(number))
    at.standards.amend(act(), id, "改进")
    at.standards.publish(act(APPROVER), id, DAY)


def code_of(number: int) -> str:
    return f"benchmark-{number}" if number else "benchmark"


def opening(at: Installation, number: int) -> Item:
    version = at.records.load(Standard, STANDARD).in_force(DAY)
    case = f"案{number:05}"
    id = case_id(STANDARD, case)

    def open_case(work: Work) -> None:
        raise_case(work, account(id), STANDARD, version, case, None, None)

    return Item(id, [(Obligation, id)], open_case)


def advance(at: Installation, steps: Sequence[str]) -> None:
    """Complete steps of every case, and admit as many members to every organisation."""
    facts = flow_facts(STANDARD, at.records.load(Standard, STANDARD).in_force(DAY))

    def complete(id: UUID, step: str) -> Item:
        by = account(uuid5(id, step))

        def run(work: Work) -> None:
            case = work.load(Obligation, id)
            work.record(by, (case, case.complete_step(step, PERSON, facts, by, DAY)))

        return Item(by.command_id, [(Obligation, id)], run)

    def admit(id: UUID, step: str) -> Item:
        by = account(uuid5(id, step))

        def run(work: Work) -> None:
            unit = work.load(Organisation, id)
            work.record(by, (unit, unit.admit(full=1)))

        return Item(by.command_id, [(Organisation, id)], run)

    cases = [case_id(STANDARD, f"案{number:05}") for number in range(CASES)]
    units = [organisation_id(unit.code) for unit in nation(COUNTY)]
    for step in steps:
        record_all(at.records, (complete(id, step) for id in cases), fail)
        record_all(at.records, (admit(id, step) for id in units), fail)


def take_turns(one: Callable[[], object], other: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Return the median milliseconds of each of five rounds, the two taking turns call by call."""
    rounds: tuple[list[float], list[float]] = ([], [])
    for _ in range(5):
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(TIMES):
            for side, call in zip(times, (one, other), strict=True):
                begun = perf_counter()
                call()
                side.append((perf_counter() - begun) * 1000)
        for side, found in zip(rounds, times, strict=True):
            side.append(median(found))
    return rounds
