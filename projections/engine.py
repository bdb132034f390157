"""The engine: it folds the log into every view in batches, keeps every row version, and rebuilds beside what serves."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Protocol
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.event import Event, Recorded
from projections.live import Live
from projections.registry import Place, Superseded, abandon, begin, level, shape_of, switch
from projections.tables import Unfit
from projections.view import View

# Events of one batch: one transaction for each view.
BATCH = 2000
# Seconds between looks at the log and at the registry when no news comes.
TIMER = 1.0

_LOGGER = logging.getLogger(__name__)


class Past(Protocol):
    """An event of the log, read only when a view asks for it, and then once for all views."""

    @property
    def position(self) -> int: ...

    @property
    def topic(self) -> str:
        """The topic of the event's present shape."""
        ...

    def read(self) -> Recorded:
        """Return the event; raise ValueError if this program cannot read it."""
        ...


class Log(Protocol):
    """What the engine asks of the log."""

    def page(self, after: int, limit: int) -> Sequence[Past]:
        """Return the next events after a position."""
        ...

    def wait(self, after: int, timeout: float) -> int:
        """Return the head once it is past a position, or when the time (seconds) is up."""
        ...

    def skipped(self, view: str) -> frozenset[int]:
        """Return the positions that a recorded decision lets a view pass over."""
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
        self._skipped: dict[str, frozenset[int]] = {}
        # The stops that this engine has tried: whoever starts anew, perhaps with a better program, tries once.
        self._tried: set[tuple[str, bool, int]] = set()

    def run(self, stop: threading.Event) -> None:
        """Fold until stopped; whatever breaks is begun again, and another engine's lock waited for."""
        while not stop.is_set():
            try:
                with self._connect() as connection:
                    while not stop.is_set():
                        if self._lock(connection):
                            self._follow(connection, stop)
                        else:
                            stop.wait(TIMER / 2)
            except psycopg.OperationalError as error:
                _LOGGER.warning("views wait for the database: %s", error)
            except Exception:
                _LOGGER.exception("views are not folded; another attempt follows")
            self._pages.clear()
            stop.wait(TIMER / 2)

    def catch_up(self, progress: Callable[[int], None] = lambda _: None) -> bool:
        """Fold until every view is level with the log or stopped; return False if another engine is active."""
        with self._connect() as connection:
            if not self._lock(connection):
                return False
            places = self._places(connection)
            with ThreadPoolExecutor(1, "taizhang views read ahead") as ahead:
                while self._advance(connection, places, ahead):
                    progress(min(place.position for place in places))
                    places = self._places(connection)
            return True

    def _follow(self, connection: Connection[TupleRow], stop: threading.Event) -> None:
        with ThreadPoolExecutor(1, "taizhang views read ahead") as ahead:
            while not stop.is_set():
                places = self._places(connection)
                if not self._advance(connection, places, ahead):
                    going = [place.position for place in places if place.stopped_at is None]
                    if going:
                        self._log.wait(min(going), TIMER)
                    else:
                        stop.wait(TIMER)

    def _lock(self, connection: Connection[TupleRow]) -> bool:
        # Views are derived: a crash takes rows and position back together, so their commits need not wait for the disk.
        connection.execute("SET synchronous_commit = off")
        row = connection.execute(
            "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (f"taizhang views {self._schema}",)
        ).fetchone()
        return bool(row and row[0])

    def _places(self, connection: Connection[TupleRow]) -> list[Place]:
        """Read where every view stands; begin those that are new, and rebuild those whose fold or shape is another."""
        known = {
            (name, building): (version, shape, position, stopped_at)
            for name, building, version, shape, position, stopped_at in connection.execute(
                "SELECT name, building, version, shape, position, stopped_at FROM views"
            )
        }
        places = []
        for view in self._views.values():
            serving = known.get((view.name, False))
            building = known.get((view.name, True))
            now = (view.version, shape_of(view))
            if serving is None:
                places.append(begin(connection, self._schema, view, building=False))
            elif serving[:2] == now:
                places.append(Place(view, False, *serving[2:]))
                if building is not None and building[:2] != now:
                    # Another release began it; what serves is this one's.
                    building = None
                    abandon(connection, self._schema, view)
            elif building is None or building[:2] != now:
                building = None
                places.append(begin(connection, self._schema, view, building=True))
            if building is not None:
                places.append(Place(view, True, *building[2:]))
        return places

    def _advance(self, connection: Connection[TupleRow], places: list[Place], ahead: Executor) -> bool:
        """Fold one batch into each place; return whether anything was folded or switched."""
        moved = False
        for place in places:
            try:
                moved = self._step(connection, place, self._page(place.position, ahead)) or moved
                if level(place, places) and not self._page(place.position, ahead):
                    switch(connection, self._schema, place)
                    moved = True
            except Superseded:
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

    def _step(self, connection: Connection[TupleRow], place: Place, page: Sequence[Past]) -> bool:
        name = place.view.name
        if place.stopped_at is not None or name not in self._skipped:
            self._skipped[name] = self._log.skipped(name)
        skipped = self._skipped[name]
        if place.stopped_at is not None:
            stop = (name, place.building, place.stopped_at)
            if stop in self._tried and place.stopped_at not in skipped:
                return False
            self._tried.add(stop)
        if not page:
            return False
        try:
            self._fold(connection, place, page, skipped)
        except Unfit:
            # One event gives a row that the table does not take: fold one by one to find it.
            place.stopped_at = None
            for past in page:
                if place.stopped_at is None:
                    self._fold(connection, place, [past], skipped, alone=True)
        return True

    def _fold(
        self,
        connection: Connection[TupleRow],
        place: Place,
        page: Sequence[Past],
        skipped: frozenset[int],
        *,
        alone: bool = False,
    ) -> None:
        view = place.view
        live = Live(connection, place.schema(self._schema))
        position, error = page[-1].position, None
        wanted: list[Recorded] = []
        for past in page:
            if past.position not in skipped and concerns(view, past.topic):
                try:
                    wanted.append(past.read())
                except psycopg.Error:
                    raise
                except Exception as raised:  # noqa: BLE001  # what cannot be read stops its view, not the engine
                    position, error = past.position - 1, (past.position, _told(raised))
                    break
        live.fetch(view.rows, (key for past in wanted for key in _touched(view, past)))
        for recorded in wanted:
            try:
                view.fold(recorded, live)
            except psycopg.Error:
                raise
            except Exception as raised:  # noqa: BLE001  # whatever a fold raises stops its view, not the engine
                live.drop()
                position, error = recorded.position - 1, (recorded.position, _told(raised))
                break
            live.settle(recorded.position)
        try:
            self._commit(connection, place, live, position, error)
        except Unfit as refused:
            if not alone:
                raise
            nothing = Live(connection, live.schema)
            self._commit(connection, place, nothing, position - 1, (position, str(refused)))

    def _commit(
        self, connection: Connection[TupleRow], place: Place, live: Live, position: int, error: tuple[int, str] | None
    ) -> None:
        with connection.transaction():
            # First the view's line: it is what everybody who begins, folds or switches a view takes turns on.
            written = connection.execute(
                "UPDATE views SET position = %s, updated_at = now(), stopped_at = %s, error = %s"
                " WHERE name = %s AND building = %s AND position = %s AND version = %s",
                (
                    position,
                    *(error or (None, None)),
                    place.view.name,
                    place.building,
                    place.position,
                    place.view.version,
                ),
            )
            if not written.rowcount:
                raise Superseded
            live.flush()
        place.position = position
        place.stopped_at = error[0] if error else None
        if error:
            self._tried.add((place.view.name, place.building, error[0]))
            _LOGGER.error("the view %s stopped at event %s: %s", place.view.name, *error)


def concerns(view: View, topic: str) -> bool:
    """Whether a view folds an event, or would if this program knew what it is."""
    return topic in view.topics or (topic not in Event.topics and topic.partition(".")[0] in view.contexts)


def _touched(view: View, past: Recorded) -> Sequence[UUID]:
    try:
        return list(view.touches(past))
    except Exception:  # noqa: BLE001  # the fold will raise the same, and say so
        return ()


def _told(error: Exception) -> str:
    """What the registry says of an error; a text there holds no NUL."""
    return f"{type(error).__name__}: {error}".replace("\0", "\ufffd")


__all__ = ["BATCH", "Engine", "Log", "Past", "begin", "concerns"]
