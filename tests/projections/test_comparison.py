"""Every version of every row compared with what the log gives: any that is another is named, and nothing else is."""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, ClassVar, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from application.database import Database, Role
from domain.event import Recorded
from interface.app import Installation, all_views
from projections import comparison
from projections.comparison import Comparison, Different, Pending, Tally
from projections.organisation import OrganisationView
from projections.registry import begin
from projections.tables import FOREVER, table
from projections.view import Row, Rows
from tests.projections.engines import engine, eventually, inject, running
from tests.projections.histories import UNITS, Play

VIEWS = {view.name: view for view in all_views()}
ROWS = [(view.name, table(kind).name) for view in all_views() for kind in view.rows]
TOWNSHIP = UNITS[3]
IS_TOWNSHIP = f"key = '{TOWNSHIP}'"
# For each type of a column, another value than any of those stored.
OTHERS = {
    "uuid": "gen_random_uuid()",
    "text": "'another'",
    "bigint": "77",
    "boolean": 'NOT coalesce("column", false)',
    "date": "date '1999-01-01'",
    "timestamptz": "timestamptz '1999-01-01'",
    "text[]": "'{another}'",
    "uuid[]": "ARRAY[gen_random_uuid()]",
    "jsonb": "'[{\"another\": 1}]'",
}


@pytest.fixture
def kept(played: Installation) -> Installation:
    """A log whose views are folded, with a township of five versions at least."""
    play = Play(played)
    for n in range(4):
        play.name(3, n)
    play.name(0, 0)
    played.fold_now()
    return played


def compare(at: Installation, name: str = "organisation", progress: Callable[[int], None] = lambda _: None) -> None:
    with at.database.connect(Role.reader) as connection:
        Comparison(VIEWS[name], at.pages, connection, at.database.schema).compare(progress)


def different(at: Installation, name: str = "organisation") -> str:
    with pytest.raises(Different) as raised:
        compare(at, name)
    return str(raised.value)


def tamper(database: Database, *statements: str, view: str = "organisation") -> list[tuple[Any, ...]]:
    """Run statements as the owner where a view's tables lie; return the rows that the last of them gives."""
    with database.connect(Role.owner) as connection:
        connection.execute(f"SET search_path = {database.schema}_{view}, {database.schema}".encode())
        rows: list[tuple[Any, ...]] = []
        for statement in statements:
            ran = connection.execute(statement.encode())
            assert ran.description is None or ran.rowcount > 0
            rows = ran.fetchall() if ran.description else []
        return rows


@contextmanager
def put_back(database: Database, name: str, view: str = "organisation") -> Generator[None]:
    """Put back what was in a table, once it was tampered with."""
    tamper(database, f'CREATE TABLE kept AS TABLE "{name}"', view=view)
    yield
    tamper(database, f'TRUNCATE "{name}"', f'INSERT INTO "{name}" TABLE kept', "DROP TABLE kept", view=view)


def versions(at: Installation) -> list[tuple[int, int]]:
    """Where each version of the township began and ended."""
    return tamper(at.database, f"SELECT began, ended FROM organisation WHERE {IS_TOWNSHIP} ORDER BY began")


def test_views_that_nobody_touched_keep_what_the_log_gives(kept: Installation) -> None:
    for name in VIEWS:
        done: list[int] = []
        compare(kept, name, done.append)
        assert sum(done) == kept.head()


def test_a_view_that_lags_or_is_stopped_is_compared_as_far_as_it_has_folded(kept: Installation) -> None:
    head, done = kept.head(), list[int]()
    inject(kept.database, "organisation.OrganisationRenamed", {"name": 7}, TOWNSHIP, 99)
    compare(kept, progress=done.append)
    kept.fold_now()
    [stopped] = [each.stopped_at for each in kept.views.standings() if each.name == "organisation"]
    assert stopped == head + 1
    compare(kept, progress=done.append)
    assert done == [head, head]
    kept.skip(kept.act("ann", "put there by hand"), "organisation")
    kept.fold_now()
    compare(kept)


@pytest.mark.parametrize(("view", "name"), ROWS)
def test_every_column_of_every_table_is_compared(kept: Installation, view: str, name: str) -> None:
    [described] = [table(kind) for kind in VIEWS[view].rows if table(kind).name == name]
    for column in described.columns:
        with put_back(kept.database, name, view):
            tamper(
                kept.database,
                f'UPDATE "{name}" SET "{column.name}" = {OTHERS[column.type].replace("column", column.name)}'
                f' WHERE ctid = (SELECT ctid FROM "{name}" ORDER BY random() LIMIT 1) RETURNING key',
                view=view,
            )
            assert f"the view {view} " in different(kept, view), column.name
        compare(kept, view)


@pytest.mark.parametrize("which", [0, 1, 2, -1])
def test_a_version_past_or_present_is_named_that_was_edited_deleted_or_ended_elsewhere(
    kept: Installation, which: int
) -> None:
    spans = versions(kept)
    assert len(spans) >= 5
    began, ended = spans[which]
    here = f"{IS_TOWNSHIP} AND began = {began}"
    as_it_stood = f"the organisation {TOWNSHIP} as it stood from position {began}"

    [(name,)] = tamper(kept.database, f"SELECT name FROM organisation WHERE {here}")
    tamper(kept.database, f"UPDATE organisation SET name = '杭州' WHERE {here} RETURNING key")
    assert different(kept) == f"the view organisation has {as_it_stood} otherwise than the log gives it"
    tamper(kept.database, f"UPDATE organisation SET name = '{name}' WHERE {here} RETURNING key")
    compare(kept)

    elsewhere = kept.head() if ended == FOREVER else ended - 1 if began < ended - 1 else ended + 1
    tamper(kept.database, f"UPDATE organisation SET ended = {elsewhere} WHERE {here} RETURNING key")
    assert different(kept) == f"the view organisation has {as_it_stood} otherwise than the log gives it"
    tamper(kept.database, f"UPDATE organisation SET ended = {ended} WHERE {here} RETURNING key")
    compare(kept)

    tamper(kept.database, f"DELETE FROM organisation WHERE {here} RETURNING key")
    assert different(kept) == f"the view organisation lacks {as_it_stood}"


def test_a_version_that_was_put_in_or_moved_is_named(kept: Installation) -> None:
    [_, (began, _), *_] = versions(kept)
    another = "00000000-0000-0000-0000-00000000000a"
    tamper(
        kept.database,
        "INSERT INTO organisation SELECT (jsonb_populate_record(o, jsonb_build_object('key',"
        f" '{another}'::uuid))).* FROM organisation o WHERE {IS_TOWNSHIP} AND began = {began} RETURNING key",
    )
    assert different(kept) == (
        f"the view organisation has the organisation {another} as it stood from position {began}, which the log does"
        " not give"
    )
    tamper(kept.database, f"DELETE FROM organisation WHERE key = '{another}' RETURNING key")
    compare(kept)
    # Two versions change places: each is there, from elsewhere.
    tamper(
        kept.database,
        f"UPDATE organisation SET began = 0 WHERE {IS_TOWNSHIP} AND began = {began} RETURNING key",
    )
    assert "as it stood from position 0, which the log does not give" in different(kept)


def test_a_version_that_is_there_twice_is_named(kept: Installation) -> None:
    tamper(
        kept.database,
        "ALTER TABLE organisation DROP CONSTRAINT organisation_pkey",
        f"INSERT INTO organisation SELECT * FROM organisation WHERE {IS_TOWNSHIP} RETURNING key",
    )
    assert f"{TOWNSHIP} as it stood from position {versions(kept)[0][0]} otherwise" in different(kept)


def test_the_earliest_of_several_is_named(kept: Installation) -> None:
    """Whatever their keys: the key that comes first in order is of a later version here."""
    keys = tamper(kept.database, "SELECT key, max(began) FROM organisation GROUP BY key ORDER BY max(began), key")
    earliest, began = max(keys[:-1], key=lambda pair: str(pair[0]))
    tamper(
        kept.database,
        f"UPDATE organisation SET name = '杭州' WHERE began >= {began} AND ended = {FOREVER} RETURNING key",
    )
    assert any(str(key) < str(earliest) for key, later in keys if later > began)
    assert f"{earliest} as it stood from position {began} otherwise" in different(kept)


def test_a_position_that_was_set_back_is_found(kept: Installation) -> None:
    began = versions(kept)[-1][0]
    tamper(kept.database, f"UPDATE views SET position = {began - 1} WHERE name = 'organisation' RETURNING name")
    assert different(kept) == (
        f"the view organisation is said to have folded position {began - 1} alone, and has the organisation"
        f" {TOWNSHIP} of a position after it"
    )


def test_a_position_that_was_put_forward_is_found(kept: Installation) -> None:
    Play(kept).name(3, 9)
    head = kept.head()
    forward = "UPDATE views SET position = {} WHERE name = 'organisation' RETURNING name"
    tamper(kept.database, forward.format(head))
    assert f"the organisation {TOWNSHIP} as it stood from position" in different(kept)
    tamper(kept.database, forward.format(head + 1))
    assert different(kept) == (
        f"the view organisation is said to have folded position {head + 1}; the log ends before it"
    )


def test_a_position_past_what_no_view_can_fold_is_found(kept: Installation) -> None:
    position = inject(kept.database, "organisation.OrganisationRenamed", {"name": 7}, TOWNSHIP, 99)
    tamper(kept.database, f"UPDATE views SET position = {position} WHERE name = 'organisation' RETURNING name")
    assert f"cannot fold the event at position {position}" in different(kept)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE organisation",
        "ALTER TABLE organisation DROP COLUMN ended",
        """
        ALTER TABLE organisation DROP CONSTRAINT organisation_check, DROP CONSTRAINT organisation_pkey,
            ALTER began TYPE text USING 'x'
        """,
        "REVOKE SELECT ON organisation FROM taizhang_reader",
    ],
)
def test_a_table_that_cannot_be_read_is_told(kept: Installation, statement: str) -> None:
    tamper(kept.database, statement)
    assert different(kept).startswith("the rows of the view organisation cannot be read: ")


@pytest.mark.parametrize("column", ["key", "name", "full_members"])
def test_a_column_that_is_no_more_is_told(kept: Installation, column: str) -> None:
    tamper(kept.database, f"ALTER TABLE organisation DROP COLUMN {column} CASCADE")
    assert "the view organisation " in different(kept)


def test_rows_that_hold_nothing_where_something_must_be_are_named(kept: Installation) -> None:
    tamper(kept.database, "ALTER TABLE organisation DROP CONSTRAINT organisation_pkey")
    for column in ("key", "began", "ended", "name"):
        with put_back(kept.database, "organisation"):
            tamper(
                kept.database,
                f"ALTER TABLE organisation ALTER {column} DROP NOT NULL",
                f"UPDATE organisation SET {column} = NULL WHERE {IS_TOWNSHIP} RETURNING name",
            )
            assert "the view organisation " in different(kept), column
        compare(kept)


def test_what_is_to_be_built_anew_is_not_compared(kept: Installation) -> None:
    for change in ("version = 99", "shape = 'other'", "removals = 5"):
        with put_back(kept.database, "views"):
            tamper(kept.database, f"UPDATE views SET {change} WHERE name = 'standard' RETURNING name")
            with pytest.raises(Pending):
                compare(kept, "standard")
        compare(kept, "standard")
    tamper(kept.database, "DELETE FROM views WHERE name = 'standard' RETURNING name")
    with pytest.raises(Pending):
        compare(kept, "standard")


def test_parts_of_all_sizes_give_the_same_answer(kept: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    began = versions(kept)[1][0]
    tamper(kept.database, f"UPDATE organisation SET name = '' WHERE {IS_TOWNSHIP} AND began = {began} RETURNING key")
    told = {different(kept)}
    for prefix in (0, 1, 36):
        monkeypatch.setattr(comparison, "PREFIX", prefix)
        told.add(different(kept))
    assert len(told) == 1


def test_folding_goes_on_meanwhile(kept: Installation) -> None:
    play = Play(kept)
    with running(engine(kept, batch=1)):
        for n in range(12):
            play.name(n, n + 10)
            compare(kept)
    compare(kept)


class Interrupted(Comparison):
    """A comparison during which something happens once, after its snapshot was taken, and before it reads rows."""

    happening: ClassVar[list[Callable[[], object]]] = []

    def _hold(self, tally: Tally, kind: type[Row], until: int, folded: int) -> None:
        if self.happening:
            self.happening.pop()()
        super()._hold(tally, kind, until, folded)


def interrupted(at: Installation, happening: Callable[[], object]) -> int:
    """Compare the organisations, with something that happens meanwhile; return how many events were folded in all."""
    done: list[int] = []
    Interrupted.happening.append(happening)
    with at.database.connect(Role.reader) as connection:
        Interrupted(VIEWS["organisation"], at.pages, connection, at.database.schema).compare(done.append)
    assert not Interrupted.happening
    return sum(done)


def test_rows_built_anew_take_the_place_of_those_compared_afterwards(kept: Installation) -> None:
    waiting = "SELECT count(*) > 0 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted"

    def rebuild() -> None:
        rebuilding.start()
        eventually(lambda: tamper(kept.database, f"{waiting} AND query LIKE 'DROP SCHEMA%'") == [(True,)])

    rebuilding = threading.Thread(target=kept.rebuild, args=(["organisation"],))
    assert interrupted(kept, rebuild) == kept.head()
    rebuilding.join()
    compare(kept)


def test_rows_built_anew_before_they_are_read_are_no_difference(kept: Installation) -> None:
    def rebuild(count: int) -> None:
        kept.rebuild(["organisation"])
        done.append(count)

    done: list[int] = []
    compare(kept, progress=rebuild)
    assert done == [kept.head()]


def test_rows_written_meanwhile_are_no_difference(kept: Installation) -> None:
    head = kept.head()

    def go_on() -> None:
        Play(kept).name(3, 8)
        kept.fold_now()

    assert interrupted(kept, go_on) == head


def test_what_a_crash_took_back_is_no_difference(kept: Installation) -> None:
    """The view is begun anew after it was folded here, and before a snapshot is taken of it."""

    def again(count: int) -> None:
        if not done:
            with kept.database.connect(Role.projector) as connection:
                begin(connection, kept.database.schema, OrganisationView(), 0, building=False)
        done.append(count)

    done: list[int] = []
    compare(kept, progress=again)
    assert done == [kept.head()]


class Member(BaseModel):
    name: str
    shares: tuple[int, ...] = ()
    until: date | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class EveryRow(Row):
    """A row with columns of every type."""

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
