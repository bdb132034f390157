"""Every version of every row compared with what the log gives: any that is another is named, and nothing else is."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from application.database import Database
from interface.app import Installation, all_views
from projections import comparison
from projections.comparison import Pending
from projections.tables import FOREVER, table
from tests.projections.comparisons import TOWNSHIP, VIEWS, compare, different, tamper
from tests.projections.engines import inject
from tests.projections.histories import Play

ROWS = [(view.name, table(kind).name) for view in all_views() for kind in view.rows]
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
    kept.skip(kept.act("ann", "put there by hand", "operator"), "organisation")
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
