"""Installations to fold: an empty one, and one that a short history has been played on."""

from collections.abc import Callable, Iterator

import pytest

from application.database import Database
from interface.app import Installation
from tests.projections.engines import forget
from tests.projections.histories import OPENING, Play, play


@pytest.fixture
def at(new_log: Callable[[], Database]) -> Iterator[Installation]:
    with Installation(new_log()) as at:
        yield at


@pytest.fixture
def played(new_log: Callable[[], Database]) -> Iterator[Installation]:
    """Six organisations, a standard and its obligations of a year; nothing is folded yet."""
    database = new_log()
    play(database, [*OPENING, (Play.file, 0, 0), (Play.step, 0, 4), (Play.later, 5, 0)])
    forget(database)
    with Installation(database) as at:
        yield at


@pytest.fixture
def kept(played: Installation) -> Installation:
    """A log whose views are folded, with a township of five versions at least."""
    play = Play(played)
    for n in range(4):
        play.name(3, n)
    play.name(0, 0)
    played.fold_now()
    return played
