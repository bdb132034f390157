"""The engine: it folds the log into every view in batches, keeps every row version, and rebuilds beside what serves."""

import logging
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from projections.fold import Fold, Hands, Past, concerns
from projections.registry import Place, Superseded, abandon, begin, level, shape_of, switch
from projections.tables import Unfit
from projections.view import View

# Events of one batch: one transaction for each view.
BATCH = 2000
# Seconds between looks at the log and at the registry when no news comes.
TIMER = 1.0

_LOGGER = logging.getLogger(__name__)


class Log(Protocol):
    """What the engine asks of the log."""

    def page(self, after: int, limit: int) -> Sequence[Past]:
        """Return the next events after a position."""
        ...

    def wait(self, after: int, timeout: float) -> int:
        """Return the head once it is past a position, or when the time (seconds) is up."""
        ...

    def skipped(self, view: str) -> frozenset[int]:
        """Return the positions that a recorded decision lets a view pass over, or at which payloads were removed."""
        ...

    def removals(self) -> int:
        """Return the last position at which it was decided to remove payloads, 0 if none was."""
        ...


class Engine:
    """Folds a log into views. One is active for each log; others stand by on an advisory lock."""

    def __init__(
        self,
        log_schema: str,
        views: Sequence[View],
        log: Log,
        connect: Callable[[], Connection[TupleRow]],
        batch: int = BATCH,
    ) -> None:
        self._schema = log_schema
        self._views = {view.name: view for view in views}
        self._log = log
        self._connect = connect
        self._batch = batch
        self._pages: dict[int, Future[Sequence[Past]]] = {}
        self._folds: dict[tuple[str, bool], Fold] = {}
        self._skipped: dict[str, frozenset[int]] = {}
        self._removals = 0
        # The stops that this engine has tried: whoever starts anew, perhaps with a better program, tries once.
        self._tried: set[tuple[str, bool, int]] = set()

    def run(self, stop: threading.Event) -> None:
        """Fold until stopped; whatever breaks is begun again, and another engine's lock waited for."""
        while not stop.is_set():
            try:
                with self._connect() as connection:
                    while not stop.is_set():
                        if self._lock(connection):
                            with self._hands(connection) as hands:
                                self._follow(hands, stop)
                        else:
                            stop.wait(TIMER / 2)
            except psycopg.OperationalError as error:
                _LOGGER.warning("views wait for the database: %s", error)
            except Exception:
                _LOGGER.exception("views are not folded; another attempt follows")
            stop.wait(TIMER / 2)

    def catch_up(self, progress: Callable[[int], None] = lambda _: None) -> bool:
        """Fold until every view is level with the log or stopped; return False if another engine is active."""
        with self._connect() as connection:
            if not self._lock(connection):
                return False
            with self._hands(connection) as hands:
                places = self._places(connection)
                while self._advance(hands, places):
                    progress(min(place.position for place in places))
                    places = self._places(connection)
            # A server notices some time later that a connection was closed: the next engine may be there before.
            connection.execute("SELECT pg_advisory_unlock_all()")
            return True

    @contextmanager
    def _hands(self, connection: Connection[TupleRow]) -> Generator[Hands]:
        with (
            self._connect() as writing,
            ThreadPoolExecutor(1, "taizhang views write") as writer,
            ThreadPoolExecutor(1, "taizhang views read ahead") as ahead,
        ):
            for each in (connection, writing):
                # Views are derived: a crash takes rows and position back together, so commits need not wait for a disk.
                each.execute("SET synchronous_commit = off")
            # Versions are found one by one by their key: a table filled this minute has no statistics that say so.
            for way in ("hashjoin", "mergejoin", "seqscan", "bitmapscan"):
                writing.execute(sql.SQL("SET {} = off").format(sql.Identifier(f"enable_{way}")))
            self._pages.clear()
            self._folds.clear()
            yield Hands(connection, writing, writer, ahead)

    def _follow(self, hands: Hands, stop: threading.Event) -> None:
        while not stop.is_set():
            places = self._places(hands.reading)
            if not self._advance(hands, places):
                going = [place.position for place in places if place.stopped_at is None]
                if going:
                    self._log.wait(min(going), TIMER)
                else:
                    stop.wait(TIMER)

    def _lock(self, connection: Connection[TupleRow]) -> bool:
        row = connection.execute(
            "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (f"taizhang views {self._schema}",)
        ).fetchone()
        return bool(row and row[0])

    def _places(self, connection: Connection[TupleRow]) -> list[Place]:
        """Read where every view stands; begin those that are new, and rebuild those whose fold or shape is another.

        So are those that folded what was to be removed since.
        """
        removals = self._log.removals()
        if removals != self._removals:
            self._removals = removals
            self._skipped.clear()
            self._pages.clear()
        known = {
            (name, building): (version, shape, removals, position, stopped_at)
            for name, building, version, shape, removals, position, stopped_at in connection.execute(
                "SELECT name, building, version, shape, removals, position, stopped_at FROM views"
            )
        }
        places = []
        for view in self._views.values():
            serving = known.get((view.name, False))
            building = known.get((view.name, True))
            now = (view.version, shape_of(view), removals)
            if serving is None:
                places.append(begin(connection, self._schema, view, removals, building=False))
            elif serving[:3] == now:
                places.append(Place(view, False, *serving[3:]))
                if building is not None and building[:3] != now:
                    # Another release began it; what serves is this one's.
                    building = None
                    abandon(connection, self._schema, view)
            elif building is None or building[:3] != now:
                building = None
                places.append(begin(connection, self._schema, view, removals, building=True))
            if building is not None:
                places.append(Place(view, True, *building[3:]))
        return [self._under_way(place) for place in places]

    def _under_way(self, place: Place) -> Place:
        """Return a place as far as it is folded here, rather than written; as it is if somebody began it anew."""
        fold = self._folds.get(place.key)
        if fold and (fold.flying or (fold.written, fold.place.stopped_at) == (place.position, place.stopped_at)):
            return fold.place
        self._folds.pop(place.key, None)
        return place

    def _advance(self, hands: Hands, places: list[Place]) -> bool:
        """Fold one batch into each place; return whether anything was folded or switched."""
        moved = False
        for place in places:
            fold = self._folds.setdefault(place.key, Fold(place, self._schema, hands))
            try:
                moved = self._step(hands, fold) or moved
                fold = self._folds[place.key]
                place = fold.place  # noqa: PLW2901  # as far as it is now
                if level(place, places) and not self._page(place.position, hands.ahead):
                    fold.land()
                    moved = True
                    if switch(hands.reading, self._schema, place):
                        for building in (False, True):
                            self._folds.pop((place.view.name, building), None)
            except Superseded:
                self._folds.pop(place.key, None)
                moved = True
        # What was read at the head may be longer by now; what lies behind every view is needed no more.
        wanted = {place.position for place in places if place.stopped_at is None}
        self._pages = {
            after: page
            for after, page in self._pages.items()
            if after in wanted and not (page.done() and (page.exception() or not page.result()))
        }
        return moved

    def _page(self, after: int, ahead: Executor) -> Sequence[Past]:
        """Return the batch after a position; views that are level share it, and the next one is read meanwhile."""
        if after not in self._pages:
            self._pages[after] = ahead.submit(self._log.page, after, self._batch)
        page = self._pages[after].result()
        if len(page) == self._batch and page[-1].position not in self._pages:
            self._pages[page[-1].position] = ahead.submit(self._log.page, page[-1].position, self._batch)
        return page

    def _step(self, hands: Hands, fold: Fold) -> bool:
        place, name = fold.place, fold.place.view.name
        if place.stopped_at is not None or name not in self._skipped:
            self._skipped[name] = self._log.skipped(name)
        skipped = self._skipped[name]
        if place.stopped_at is not None:
            stop = (*place.key, place.stopped_at)
            if stop in self._tried and place.stopped_at not in skipped:
                return False
            self._tried.add(stop)
        page = self._page(place.position, hands.ahead)
        try:
            if not page:
                fold.land()
                return False
            error = fold.fold(page, skipped)
            if len(page) < self._batch:
                fold.land()
        except Unfit:
            # One event gives a row that the table does not take: fold one by one to find it.
            fold = self._folds[place.key] = Fold(
                Place(place.view, place.building, fold.written, None), self._schema, hands
            )
            error = None
            for past in self._log.page(fold.written, self._batch):
                if error is None:
                    error = fold.fold_alone(past, skipped)
        if error:
            self._tried.add((*place.key, error[0]))
            _LOGGER.error("the view %s stopped at event %s: %s", name, *error)
        return True


__all__ = ["BATCH", "Engine", "Log", "Past", "begin", "concerns"]
