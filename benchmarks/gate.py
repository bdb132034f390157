"""The gate: what asking it costs a command, with 10,000 appointments on record; beside the same commands unasked."""

from collections.abc import Iterator
from functools import partial
from itertools import count, starmap
from random import Random, getrandbits
from time import perf_counter
from uuid import UUID, uuid5

from application.bulk import Item, record_all
from application.records import Act, Work
from benchmarks.measure import Comparison, alternate, hammer
from benchmarks.nation import DAY, Unit, account, fail, founding, nation
from benchmarks.server import Server
from domain.action import Duty
from domain.authority import Person
from domain.organisation import Organisation, actions, organisation_id
from interface.app import Installation

PEOPLE, EACH = 2000, 5
UNITS, THREADS, SECONDS = 64 * 40, 64, 2.0
ASKED = 20_000
DUTIES: tuple[Duty, ...] = ("filer", "verifier", "approver", "decider", "personnel")

_NAMESPACE = UUID("be2c4000-0000-5000-8000-000000000009")


def run(server: Server) -> Iterator[Comparison]:
    with server.installation() as at:
        units = list(nation(UNITS))
        record_all(at.records, map(founding, units), fail)
        villages = [unit for unit in units if unit.level == "village"]
        held = [(uuid5(_NAMESPACE, str(n)), villages[n % len(villages)]) for n in range(PEOPLE)]
        record_all(at.records, starmap(_registering, held), fail)
        pairs = [(person, organisation_id(village.code)) for person, village in held] * (ASKED // PEOPLE)
        Random(1).shuffle(pairs)  # noqa: S311  # it guards nothing
        yield Comparison(
            f"the gate, {PEOPLE * EACH:,} appointments on record: one command asked",
            "",
            "µs",
            [_asked(at, pairs) for _ in range(5)],
            at_most=50,
        )
        gated, plain = _commands(at, pairs)
        yield Comparison(
            "commands from 64 threads, the gate asked: load, ask, decide, append one event",
            "the same, unasked",
            "commands/s",
            gated,
            plain,
        )


def _registering(id: UUID, village: Unit) -> Item:
    """A person who holds five duties in the town of a village."""
    town = organisation_id(village.parent_code)

    def run(work: Work) -> None:
        person = work.create(Person, id)
        told = account(id)
        known = person.after(told, registered := person.register("person"))
        given = [known.appoint(uuid5(id, duty), duty, town, DAY, None, "决定") for duty in DUTIES]
        work.record(told, (person, [registered, *given]))

    return Item(id, (), run)


def _asked(at: Installation, pairs: list[tuple[UUID, UUID]]) -> float:
    """Microseconds that asking takes, each in a work of its own, what it rests on at hand."""
    acts = [Act(account(village, actor)) for actor, village in pairs]
    begun = perf_counter()
    for act, (_, village) in zip(acts, pairs, strict=True):
        at.gate.let(Work(at.records), act, actions.ADMIT, village)
    return (perf_counter() - begun) / len(pairs) * 1e6


def _commands(at: Installation, pairs: list[tuple[UUID, UUID]]) -> tuple[list[float], list[float]]:
    turns = count()

    def gated(_: int, __: int) -> None:
        actor, village = pairs[next(turns) % len(pairs)]
        at.organisations.admit(Act(account(UUID(int=getrandbits(128)), actor)), village, full=1)

    def plain(_: int, __: int) -> None:
        actor, village = pairs[next(turns) % len(pairs)]
        act = Act(account(UUID(int=getrandbits(128)), actor))
        at.records.decide(act, Organisation, village, lambda unit: unit.admit(full=1))

    return alternate(partial(hammer, THREADS, SECONDS, gated), partial(hammer, THREADS, SECONDS, plain))
