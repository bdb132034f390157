"""The calendar of recurring duties."""

from datetime import date, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from domain.event import Refused
from domain.ledger import Frequency, Period, due, periods

frequencies = st.sampled_from(get_args(Frequency))
years = st.integers(1, 9999)


def test_a_year_has_twelve_months_four_quarters_two_halves_and_itself() -> None:
    assert [len(periods(frequency, 2026)) for frequency in ("monthly", "quarterly", "half-yearly", "yearly")] == [
        12,
        4,
        2,
        1,
    ]
    assert periods("half-yearly", 2026) == (
        Period("2026-H1", date(2026, 1, 1), date(2026, 6, 30)),
        Period("2026-H2", date(2026, 7, 1), date(2026, 12, 31)),
    )
    assert [period.code for period in periods("quarterly", 2026)] == ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("1900-02", date(1900, 2, 1), date(1900, 2, 28)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("9999-12", date(9999, 12, 1), date(9999, 12, 31)),
    ],
)
def test_a_code_says_its_first_and_last_day(code: str, first: date, last: date) -> None:
    assert Period.parse(code) == Period(code, first, last)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "26",
        "2026-0",
        "2026-00",
        "2026-13",
        "2026-Q5",
        "2026-H3",
        "2026-q1",
        " 2026",
        "2026\n",
        "0000",
        "\uff12\uff10\uff12\uff16",
    ],
)
def test_anything_else_is_no_period(code: str) -> None:
    with pytest.raises(Refused, match="is no period") as refusal:
        Period.parse(code)
    assert refusal.value.field == "period"


@examples(frequencies, years)
def test_the_periods_of_a_year_are_the_year_each_day_once(frequency: Frequency, year: int) -> None:
    found = periods(frequency, year)
    assert found[0].first == date(year, 1, 1)
    assert found[-1].last == date(year, 12, 31)
    assert all(after.first - before.last == timedelta(days=1) for before, after in pairwise(found))


@examples(frequencies, years)
def test_a_code_read_back_is_the_same_period(frequency: Frequency, year: int) -> None:
    assert all(Period.parse(period.code) == period for period in periods(frequency, year))


def test_work_is_due_so_many_days_after_the_last_day() -> None:
    assert due(Period.parse("2026-Q1"), 0) == date(2026, 3, 31)
    assert due(Period.parse("2024-02"), 10) == date(2024, 3, 10)
    assert due(Period.parse("2026"), -31) == date(2026, 11, 30)


def test_days_beyond_the_calendar_are_refused() -> None:
    with pytest.raises(Refused, match="beyond the calendar"):
        due(Period.parse("9999"), 1)
    with pytest.raises(Refused, match="beyond the calendar"):
        due(Period.parse("2026"), 10**12)
    with pytest.raises(Refused, match="no year 0"):
        periods("monthly", 0)
