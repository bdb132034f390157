"""Rows of any values compared: what a table gives back of a row is what was written, and any other is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import ClassVar, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from application.database import Role
from domain.event import Recorded
from interface.app import Installation
from projections.comparison import Comparison, Different
from projections.organisation import OrganisationView
from projections.registry import begin
from projections.scope import OPEN
from projections.tables import FOREVER, table
from projections.view import Row, Rows
from tests.projections.comparisons import tamper


class Member(BaseModel):
    name: str
    shares: tuple[int, ...] = ()
    until: date | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class EveryRow(Row):
    """A row with columns of every type."""

    SCOPE: ClassVar = OPEN

    text: str
    number: int | None
    flag: bool
    day: date | None
    instant: datetime | None
    choice: Literal["one", "two"]
    texts: tuple[str, ...]
    keys: tuple[UUID, ...]
    members: tuple[Member, ...]
    other: Member | None


class EveryView(OrganisationView):
    """A view that has the same rows from the first event on."""

    rows = (EveryRow,)  # type: ignore[assignment]  # a shape of its own

    def __init__(self, given: Sequence[Row]) -> None:
        self._given = given

    def fold(self, past: Recorded, rows: Rows) -> None:
        for row in self._given:
            rows.put(row)


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(minutes=-210))])
INSTANTS = st.datetimes(timezones=ZONES).filter(lambda instant: 1 < instant.year < 9999)
MEMBERS = st.builds(Member, name=TEXTS, at=st.none() | INSTANTS, until=st.none() | st.dates())
EVERY = st.builds(
    EveryRow,
    key=st.uuids(),
    text=TEXTS,
    number=st.none() | st.integers(-(2**63), 2**63 - 1),
    day=st.none() | st.dates(),
    instant=st.none() | INSTANTS,
    texts=st.lists(TEXTS).map(tuple),
    keys=st.lists(st.uuids()).map(tuple),
    members=st.lists(MEMBERS).map(tuple),
    other=st.none() | MEMBERS,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=st.lists(EVERY, min_size=1, unique_by=lambda row: row.key))
def test_a_row_of_any_values_reads_the_same_from_its_table(kept: Installation, rows: list[EveryRow]) -> None:
    view, schema = EveryView(rows), kept.database.schema
    [first, *_] = [past.position for past in kept.pages.page(0, 99) if past.topic in view.topics]
    with kept.database.connect(Role.projector) as connection:
        begin(connection, schema, view, 0, building=False)
        with connection.cursor() as cursor:
            table(EveryRow).write(cursor, f"{schema}_organisation", [(row, first, FOREVER) for row in rows])
        connection.execute("UPDATE views SET position = %s WHERE name = 'organisation'", (kept.head(),))
    with kept.database.connect(Role.reader) as connection:
        Comparison(view, kept.pages, connection, schema).compare()
        tamper(kept.database, "UPDATE every SET text = text || '.' RETURNING key")
        with pytest.raises(Different):
            Comparison(view, kept.pages, connection, schema).compare()
