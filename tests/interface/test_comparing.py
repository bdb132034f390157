"""Views compared in several processes at once: the same outcomes in the same order, and no process left behind."""

from collections.abc import Callable, Iterator
from multiprocessing import active_children

import pytest

from application.database import Database, Role
from interface.app import Installation, all_views
from interface.cli import comparing
from interface.cli.comparing import compared
from projections.comparison import Different, Pending
from tests.application.clusters import until
from tests.projections.engines import forget
from tests.projections.histories import OPENING, play

NAMES = [view.name for view in all_views()]


@pytest.fixture
def at(new_log: Callable[[], Database], monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A short history whose views are folded, and for which processes are begun nevertheless."""
    monkeypatch.setattr(comparing, "WORTH", 0)
    play(database := new_log(), [*OPENING])
    with Installation(database) as at:
        at.fold_now()
        yield at


@pytest.mark.parametrize("processes", [1, 2, 9])
def test_views_are_compared_so_many_at_once(at: Installation, processes: int) -> None:
    done: list[int] = []
    assert list(compared(at, NAMES, done.append, processes)) == [None] * len(NAMES)
    assert sum(done) == len(NAMES) * at.head()
    with at.database.connect(Role.owner) as connection:
        connection.execute(f"DELETE FROM {at.database.schema}_standard.standard".encode())
        connection.execute("DELETE FROM views WHERE name = 'ledger'")
    *others, second, third, last = compared(at, NAMES, done.append, processes)
    assert [*others, last] == [None] * (len(NAMES) - 2)
    assert "the view standard lacks the standard" in str(second)
    assert isinstance(second, Different)
    assert isinstance(third, Pending)
    forget(at.database)
    assert {type(each) for each in compared(at, NAMES, done.append, processes)} == {Pending}


def test_whoever_needs_no_more_outcomes_leaves_no_process_behind(at: Installation) -> None:
    outcomes = compared(at, NAMES, lambda _: None, 2)
    assert next(outcomes) is None
    assert active_children()
    outcomes.close()
    until(lambda: not active_children())
