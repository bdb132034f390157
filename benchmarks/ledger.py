"""A ledger to measure on: obligations of a county's villages, each raised, filed and verified, in three passes."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from uuid import UUID, uuid5

from application.bulk import Item, record_all
from application.records import Work
from benchmarks.nation import DAY, account, fail, founding, nation
from domain.ledger import Obligation, ObligationRaised, obligation_id
from domain.organisation import organisation_id
from domain.standard import standard_id
from interface.app import Installation

CLERK, VERIFIER = (UUID(f"be2c4000-0000-5000-8000-{number:012}") for number in (2, 3))
STANDARD = standard_id("benchmark")
AREAS = ("组织建设", "党风廉政", "民生服务")
COUNTY = 236
SUMMARY = "研究村级道路养护和困难党员帮扶，表决通过，下月起试行"

Step = Callable[..., None]


def terms(count: int) -> Iterator[ObligationRaised]:
    """Yield so many obligations: every village of a county, in each area of work, in each month."""
    villages = [organisation_id(unit.code) for unit in nation(COUNTY) if unit.level == "village"]
    return islice(
        (
            ObligationRaised(
                organisation=village,
                standard=STANDARD,
                standard_version=1,
                duty=f"committee {area}",
                title="支部委员会会议",
                area=area,
                period=f"{year}-{month:02}",
                due=DAY,
            )
            for year in range(2026, 2100)
            for month in range(1, 13)
            for area in AREAS
            for village in villages
        ),
        count,
    )


def id_of(raised: ObligationRaised) -> UUID:
    assert raised.organisation
    return obligation_id(raised.organisation, STANDARD, raised.duty, raised.period)


def keep(installation: Installation, count: int) -> None:
    """Record a county and its ledger: three events for each obligation."""
    record_all(installation.records, map(founding, nation(COUNTY)), fail)
    for step in (_raise, _file, _verify):
        record_all(installation.records, (_item(raised, step) for raised in terms(count)), fail)


def _item(raised: ObligationRaised, step: Step) -> Item:
    id = id_of(raised)
    command_id = uuid5(id, step.__name__)
    return Item(command_id, ((Obligation, id),), partial(step, raised=raised, command_id=command_id))


def _raise(work: Work, raised: ObligationRaised, command_id: UUID) -> None:
    item = work.load(Obligation, id_of(raised))
    work.record(account(command_id), (item, item.raise_(raised)))


def _file(work: Work, raised: ObligationRaised, command_id: UUID) -> None:
    item, by = work.load(Obligation, id_of(raised)), account(command_id, CLERK)
    work.record(by, (item, item.file(SUMMARY, by, DAY)))


def _verify(work: Work, raised: ObligationRaised, command_id: UUID) -> None:
    item, by = work.load(Obligation, id_of(raised)), account(command_id, VERIFIER)
    work.record(by, (item, item.verify(by, DAY, "与原始记录本核对一致")))
