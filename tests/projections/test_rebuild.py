"""Rebuilding: beside what serves, whatever is killed, lost or begun anew meanwhile, and never less than there was."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

import pytest

from application.database import Role
from domain.event import Recorded
from interface.app import Installation, all_views
from projections import cursor as cursors
from projections.engine import begin
from projections.fold import Fold, Hands
from projections.organisation import OrganisationRow, OrganisationView
from projections.query import NOW, Behind
from projections.registry import Place, Superseded, level
from projections.standard import StandardRow
from projections.view import Row, Rows, View
from tests.projections.engines import check_rows, check_versions, cut, engine, eventually, fold, reading, running


class Renaming(OrganisationView):
    """The organisations, each by a name that tells the fold's version."""

    def __init__(self, version: int) -> None:
        self.version = version  # type: ignore[misc]  # a release of its own

    def fold(self, past: Recorded, rows: Rows) -> None:
        super().fold(past, rows)
        row = rows.get(OrganisationRow, past.originator_id)
        rows.put(replace(row, name=f"{row.name.rpartition('/')[2]}" if self.version == 1 else f"{self.version}/"))


def shaped(count: type) -> type[View]:
    """A release of the organisations' view that counts double registrations in a column of another type."""

    @dataclass(frozen=True)
    class OrganisationRow(Row):
        INDEXES: ClassVar = (("doubly_registered",),)
        SCOPE: ClassVar = "key"

        version: int
        doubly_registered: count  # type: ignore[valid-type]

    class Shaped(OrganisationView):
        version = 2 + len(count.__name__)
        rows = (OrganisationRow,)  # type: ignore[assignment]  # another shape, which is the point

        def fold(self, past: Recorded, rows: Rows) -> None:
            rows.put(OrganisationRow(past.originator_id, past.originator_version, count(past.originator_version)))

    return Shaped


def registry(at: Installation) -> list[tuple[str, bool, int, int, int | None]]:
    return [(each.name, each.building, each.version, each.position, each.stopped_at) for each in at.views.standings()]


def test_queries_are_answered_while_a_long_one_keeps_rows_from_being_replaced(played: Installation) -> None:
    played.fold_now()
    with ThreadPoolExecutor(2) as threads:
        with played.database.connect(Role.reader) as reader, reader.transaction():
            reader.execute(
                f"LOCK TABLE {played.database.schema}_organisation.organisation IN ACCESS SHARE MODE".encode()
            )
            rebuilding = threads.submit(played.rebuild, ["organisation"])
            eventually(lambda: ("organisation", True) in [(name, building) for name, building, *_ in registry(played)])
            for _ in range(50):
                assert threads.submit(reading(played).page, OrganisationRow, ("code",)).result(10).rows
            assert not rebuilding.done()
        rebuilding.result(20)
    assert [building for _, building, *_ in registry(played)] == [False] * len(all_views())


def test_queries_are_answered_all_the_while(played: Installation) -> None:
    engine(played, [Renaming(1)]).catch_up()
    expected, stop = len(list(reading(played).every(OrganisationRow))), threading.Event()
    views = [reading(played, [Renaming(1)]) for _ in range(3)]

    def read(n: int) -> set[str]:
        """Every page is of one fold, whole."""
        seen = set()
        while not stop.is_set():
            rows = views[n].page(OrganisationRow, ("code",)).rows
            assert len(rows) == expected
            folds = {row.name if "/" in row.name else "1/" for row in rows}
            assert len(folds) == 1
            seen |= folds
            assert views[n].one(OrganisationRow, rows[0].key) is not None
        return seen

    with ThreadPoolExecutor(3) as threads:
        readers = [threads.submit(read, n) for n in range(3)]
        for version in range(2, 8):
            assert engine(played, [Renaming(version)], batch=20).catch_up()
            assert {row.name for row in reading(played).every(OrganisationRow)} == {f"{version}/"}
        stop.set()
        assert set.union(*(reader.result() for reader in readers)) >= {"1/", "7/"}
    assert registry(played) == [("organisation", False, 7, played.head(), None)]


def test_what_serves_stays_as_it_was_until_what_is_built_is_level(played: Installation) -> None:
    engine(played, [Renaming(1)]).catch_up()
    with played.database.connect(Role.projector) as connection:
        begin(connection, played.database.schema, Renaming(2), 0, building=True)
    assert {row.name for row in reading(played).every(OrganisationRow)} != {"2/"}
    assert engine(played, [Renaming(2)]).catch_up()
    assert {row.name for row in reading(played).every(OrganisationRow)} == {"2/"}


@pytest.mark.parametrize(("before", "after"), [(int, str), (str, int)])
def test_a_view_of_another_shape_is_rebuilt_and_readers_of_the_new_one_ask_again(
    played: Installation, before: type, after: type
) -> None:
    old, new = shaped(before)(), shaped(after)()
    engine(played, [old]).catch_up()
    views = reading(played, [new])
    # The connections that will read the new table have read the old one.
    for _ in range(3):
        list(reading(played, [old]).every(old.rows[0]))
    engine(played, [new]).catch_up()
    for _ in range(20):
        assert {type(getattr(row, "doubly_registered")) for row in views.every(new.rows[0])} == {after}  # noqa: B009


def test_a_reader_of_a_shape_that_is_not_there_yet_is_told_to_ask_again(played: Installation) -> None:
    old = shaped(int)()
    engine(played, [old]).catch_up()
    with pytest.raises(Behind, match="being built"):
        reading(played).page(OrganisationRow, ("code",))
    engine(played).catch_up()
    assert reading(played).page(OrganisationRow, ("code",)).rows


def test_a_rebuild_whose_connection_is_killed_goes_on_and_ends_right(played: Installation) -> None:
    engine(played).catch_up()
    with played.database.connect(Role.projector) as connection:
        for view in all_views():
            begin(connection, played.database.schema, view, 0, building=True)
    killed = 0
    with running(engine(played, batch=5)):
        while killed < 3 and any(each.building for each in played.views.standings()):
            killed += cut(played)
        eventually(lambda: not any(each.building for each in played.views.standings()))
    assert killed
    check_versions(reading(played))
    check_rows(reading(played), played.head(), fold(played, all_views(), played.head()))


def test_a_view_begun_anew_while_it_is_built_loses_nothing(played: Installation) -> None:
    engine(played).catch_up()
    with running(engine(played, batch=1)), played.database.connect(Role.projector) as connection:
        for _ in range(30):
            begin(connection, played.database.schema, all_views()[2], 0, building=True)
        eventually(lambda: not any(each.building for each in played.views.standings()))
    check_versions(reading(played))
    check_rows(reading(played), played.head(), fold(played, all_views(), played.head()))


def test_a_view_begun_anew_under_an_idle_engine_is_folded_again(played: Installation) -> None:
    head = played.head()
    with running(engine(played)), played.database.connect(Role.projector) as connection:
        eventually(lambda: {each.position for each in played.views.standings()} == {head})
        begin(connection, played.database.schema, OrganisationView(), 0, building=False)
        eventually(lambda: {each.position for each in played.views.standings()} == {head})
    check_rows(reading(played), head, fold(played, all_views(), head))


def test_a_batch_of_an_engine_that_lost_its_turn_is_not_written(played: Installation) -> None:
    view, schema, page = OrganisationView(), played.database.schema, played.pages.page(0, 2000)
    with (
        played.database.connect(Role.projector) as one,
        played.database.connect(Role.projector) as other,
        ThreadPoolExecutor(1) as thread,
    ):
        late = Fold(begin(one, schema, view, 0, building=False), schema, Hands(one, other, thread, thread))
        assert engine(played, [view]).catch_up()
        late.fold(page, frozenset())
        with pytest.raises(Superseded):
            late.land()
    check_versions(reading(played, [view]))
    check_rows(reading(played, [view]), played.head(), fold(played, [view], played.head()))


def test_what_is_built_takes_the_place_only_of_what_is_no_further() -> None:
    view = OrganisationView()
    for further, so in ((6, True), (7, True), (8, False)):
        assert level(Place(view, True, 7, None), [Place(view, False, further, None)]) is so
    assert not level(Place(view, True, 7, 8), [Place(view, False, 7, None)])


def test_two_engines_take_turns_and_the_other_takes_over_when_one_is_cut_off(played: Installation) -> None:
    with running(engine(played, batch=3), engine(played, batch=3)):
        for n in range(3):
            eventually(lambda: cut(played) > 0)
            played.organisations.establish(played.act("ann", "", "personnel"), f"new {n}", "other")
        head = played.head()
        eventually(lambda: {each.position for each in played.views.standings()} == {head})
    check_versions(reading(played))
    check_rows(reading(played), head, fold(played, all_views(), head))


def test_only_one_engine_folds_a_log(played: Installation) -> None:
    with running(engine(played)):
        eventually(lambda: len(played.views.standings()) == len(all_views()))
        assert not engine(played).catch_up()


def test_what_an_older_release_had_begun_is_dropped_not_continued(played: Installation) -> None:
    engine(played, [Renaming(1)]).catch_up()
    with played.database.connect(Role.projector) as connection:
        begin(connection, played.database.schema, Renaming(2), 0, building=True)
    assert engine(played, [Renaming(1)]).catch_up()
    assert registry(played) == [("organisation", False, 1, played.head(), None)]
    assert "2/" not in {row.name for row in reading(played).every(OrganisationRow, NOW)}


def test_a_rebuild_asked_for_returns_once_it_serves(played: Installation) -> None:
    played.fold_now()
    with played.database.connect(Role.owner) as connection:
        connection.execute(f"DELETE FROM {played.database.schema}_ledger.obligation".encode())
    played.rebuild(["ledger"])
    check_rows(reading(played), played.head(), fold(played, all_views(), played.head()))


def test_what_a_crash_took_back_from_a_view_is_not_answered_for(played: Installation) -> None:
    """A view's commits do not wait for the disk: after a crash it serves, for a moment, from further back."""
    played.fold_now()
    head = played.head()
    unit = next(played.whole.every(OrganisationRow, head)).key
    standard = next(played.whole.every(StandardRow, head)).key
    views, board = played.views, played.board
    asked: list[Callable[[], object]] = [
        lambda: views.wait("organisation", head, 0),
        lambda: views.page(OrganisationRow, ("code",), head),
        lambda: views.page(OrganisationRow, ("code",), head, where={"code": "nobody's"}),
        lambda: views.one(OrganisationRow, unit, head),
        lambda: views.one(OrganisationRow, UUID(int=9), head),
        lambda: views.changes(OrganisationRow, 1, head),
        lambda: board.omissions(None, head),
        lambda: board.conformance(standard, head),
    ]
    for ask in asked:
        ask()
    with played.database.connect(Role.projector) as connection:
        connection.execute("UPDATE views SET position = position - 1")
    for ask in asked:
        with pytest.raises(Behind, match=f"folded position {head - 1}, not yet {head}"):
            ask()
    with pytest.raises(Behind):
        views.page(OrganisationRow, (), cursor=cursors.encode(head, [str(UUID(int=0))]))
