"""The calendar of recurring duties: which periods a year has, and when work for one is due."""

import re
from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, date, timedelta
from typing import Literal, NamedTuple, Self

from domain.event import Refused

Frequency = Literal["monthly", "quarterly", "half-yearly", "yearly"]

_CODE = re.compile(r"([0-9]{4})(?:-(?:(0[1-9]|1[0-2])|Q([1-4])|H([12])))?")


class Period(NamedTuple):
    """A stretch of whole months (期间): both days belong to it.

    The code is ``2026``, ``2026-H1``, ``2026-Q1`` or ``2026-03``.
    """

    code: str
    first: date
    last: date

    @classmethod
    def parse(cls, code: str) -> Self:
        parts = _CODE.fullmatch(code)
        if not parts or int(parts[1]) < MINYEAR:
            raise Refused("“{code}” is no period: write 2026, 2026-H1, 2026-Q1 or 2026-03", field="period", code=code)
        year, month, quarter, half = (int(part or 0) for part in parts.groups())
        if month:
            return cls._of(code, year, month, 1)
        if quarter:
            return cls._of(code, year, 3 * quarter - 2, 3)
        if half:
            return cls._of(code, year, 6 * half - 5, 6)
        return cls._of(code, year, 1, 12)

    @classmethod
    def _of(cls, code: str, year: int, month: int, months: int) -> Self:
        end = month + months - 1
        return cls(code, date(year, month, 1), date(year, end, monthrange(year, end)[1]))


def periods(frequency: Frequency, year: int) -> tuple[Period, ...]:
    """The periods of a year in order; together they are the year, each day once."""
    if not MINYEAR <= year <= MAXYEAR:
        raise Refused("the calendar has no year {year}", field="year", year=year)
    match frequency:
        case "monthly":
            suffixes = [f"-{month:02}" for month in range(1, 13)]
        case "quarterly":
            suffixes = ["-Q1", "-Q2", "-Q3", "-Q4"]
        case "half-yearly":
            suffixes = ["-H1", "-H2"]
        case "yearly":
            suffixes = [""]
    return tuple(Period.parse(f"{year:04}{suffix}") for suffix in suffixes)


def due(after: Period | date, days_after: int) -> date:
    """The day by which the work is due: so many calendar days after a day, or a period's last; 0 is that day itself."""
    last, said = (after.last, after.code) if isinstance(after, Period) else (after, after.isoformat())
    try:
        return last + timedelta(days=days_after)
    except OverflowError:
        raise Refused(
            "{days} days after {period} is beyond the calendar", field="days_after", days=days_after, period=said
        ) from None
