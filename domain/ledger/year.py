"""A standard's year (年度): who had its obligations raised, when, and how many there are."""

from dataclasses import dataclass
from typing import Self
from uuid import UUID, uuid5

from domain.event import Account, Aggregate, Refused, replace
from domain.ledger.events import YearRaised

_YEARS = UUID("9d3e5b17-64f8-5c02-b7a1-2c8f0e6d4a95")


def year_id(standard: UUID, year: int) -> UUID:
    """One identifier per standard and year."""
    return uuid5(_YEARS, f"{standard}/{year}")


@dataclass(frozen=True)
class Year(Aggregate):
    """It may be raised again and again, as organisations are founded or duties added; ``raised`` sums up."""

    raised: int = 0

    def raise_(self, standard: UUID, year: int, below: UUID | None, *, raised: int, standing: int) -> YearRaised:
        """Record that the year's obligations were raised; refuse where nothing is asked of anybody."""
        if not raised + standing:
            raise Refused("the standard asks nothing in {year} of the organisations meant", field="year", year=year)
        return YearRaised(standard=standard, year=year, below=below, raised=raised, standing=standing)

    def evolve(self, event: YearRaised, account: Account) -> Self:
        return replace(self, raised=self.raised + event.raised)
