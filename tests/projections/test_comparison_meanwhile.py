"""Views compared while they are folded, built anew or taken back: nothing of that is a difference."""

import threading
from collections.abc import Callable
from typing import ClassVar

from application.database import Role
from interface.app import Installation
from projections.comparison import Comparison, Tally
from projections.organisation import OrganisationView
from projections.registry import begin
from projections.view import Row
from tests.projections.comparisons import VIEWS, compare, tamper
from tests.projections.engines import engine, eventually, running
from tests.projections.histories import Play


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
