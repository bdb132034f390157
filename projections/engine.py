"""The engine: it folds the log into every view in batches, keeps every row version, and rebuilds beside what serves."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from domain.event import Recorded
from projections.live import Live
from projections.tables import table
from projections.view import View

# Events of one batch: one transaction for each view.
BATCH = 2000
# Seconds between looks at the log and at the registry when no news comes.
TIMER = 1.0


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


@dataclass
class Place:
    """One fold of a view under way: the one that serves, or the one being built beside it."""

    view: View
    building: bool
    position: int
    stopped_at: int | None

    def schema(self, log: str) -> str:
        return schema_of(log, self.view.name, building=self.building)


def schema_of(log: str, view: str, *, building: bool = False) -> str:
    """Name the schema in which a view's rows lie."""
    return f"{log}_{view}{'_next' if building else ''}"


def shape_of(view: View) -> str:
    """The columns of a view's rows in words; a view of the same shape can be read by the same queries."""
    return "; ".join(table(kind).shape for kind in view.rows)


class Engine:
    """Folds a log into views. One is active for each log; others stand by on an advisory lock."""

    def __init__(
        self, log_schema: str, views: Sequence[View], log: Log, connect: Callable[[], Connection[TupleRow]]
    ) -> None:
        self._schema = log_schema
        self._views = {view.name: view for view in views}
        self._log = log
        self._connect = connect
        self._pages: dict[int, Future[Sequence[Past]]] = {}

    def run(self, stop: threading.Event) -> None:
        """Fold until stopped; a broken connection is replaced, and another engine's lock waited for."""
        while not stop.is_set():
            with suppress(psycopg.OperationalError), self._connect() as connection:
                if self._lock(connection):
                    self._follow(connection, stop)
                    return
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
                    self._log.wait(min((p.position for p in places if p.stopped_at is None), default=0), TIMER)

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
            moved = self._step(connection, place, self._page(place.position, ahead)) or moved
            if place.building and place.stopped_at is None and not self._page(place.position, ahead):
                switch(connection, self._schema, place.view)
                moved = True
        # What was read at the head may be longer by now; what lies behind every view is needed no more.
        wanted = {place.position for place in places if place.stopped_at is None}
        self._pages = {
            after: page for after, page in self._pages.items() if after in wanted and (not page.done() or page.result())
        }
        return moved

    def _page(self, after: int, ahead: Executor) -> Sequence[Past]:
        """Return the batch after a position; views that are level share it, and the next one is read meanwhile."""
        if after not in self._pages:
            self._pages[after] = ahead.submit(self._log.page, after, BATCH)
        page = self._pages[after].result()
        if len(page) == BATCH and page[-1].position not in self._pages:
            self._pages[page[-1].position] = ahead.submit(self._log.page, page[-1].position, BATCH)
        return page

    def _step(self, connection: Connection[TupleRow], place: Place, page: Sequence[Past]) -> bool:
        skipped = self._log.skipped(place.view.name) if place.stopped_at is not None else frozenset[int]()
        if not page or (place.stopped_at is not None and place.stopped_at not in skipped):
            return False
        try:
            self._fold(connection, place, page, skipped)
        except psycopg.DataError:
            # One event gives a row that the table does not take: fold one by one to find it.
            for past in page:
                if place.stopped_at in (None, past.position):
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
        view, topics = place.view, place.view.topics
        live = Live(connection, place.schema(self._schema))
        position, error = page[-1].position, None
        wanted: list[Recorded] = []
        for past in page:
            if past.topic in topics and past.position not in skipped:
                try:
                    wanted.append(past.read())
                except ValueError as raised:
                    position, error = past.position - 1, (past.position, str(raised))
                    break
        live.fetch(view.rows, (key for past in wanted for key in _touched(view, past)))
        for recorded in wanted:
            try:
                view.fold(recorded, live)
            except psycopg.Error:
                raise
            except Exception as raised:  # noqa: BLE001  # whatever a fold raises stops its view, not the engine
                live.drop()
                position, error = recorded.position - 1, (recorded.position, f"{type(raised).__name__}: {raised}")
                break
            live.settle(recorded.position)
        try:
            self._commit(connection, place, live, position, error)
        except psycopg.DataError as refused:
            if not alone:
                raise
            nothing = Live(connection, live.schema)
            self._commit(connection, place, nothing, position - 1, (position, f"{type(refused).__name__}: {refused}"))

    def _commit(
        self, connection: Connection[TupleRow], place: Place, live: Live, position: int, error: tuple[int, str] | None
    ) -> None:
        with connection.transaction():
            live.flush()
            connection.execute(
                "UPDATE views SET position = %s, updated_at = now(), stopped_at = %s, error = %s"
                " WHERE name = %s AND building = %s",
                (position, *(error or (None, None)), place.view.name, place.building),
            )
        place.position = position
        place.stopped_at = error[0] if error else None


def begin(connection: Connection[TupleRow], log_schema: str, view: View, *, building: bool) -> Place:
    """Make a view's empty tables, in place of any that were begun before, and its line in the registry."""
    schema = sql.Identifier(name := schema_of(log_schema, view.name, building=building))
    with connection.transaction():
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO taizhang_reader").format(schema))
        for kind in view.rows:
            table(kind).create(connection, name)
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO taizhang_reader").format(schema))
        connection.execute(
            "INSERT INTO views (name, building, version, shape) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (name, building) DO UPDATE SET version = excluded.version, shape = excluded.shape,"
            " position = 0, updated_at = now(), stopped_at = NULL, error = NULL",
            (view.name, building, view.version, shape_of(view)),
        )
    return Place(view, building, 0, None)


def switch(connection: Connection[TupleRow], log_schema: str, view: View) -> None:
    """Put the rows built in place of those that served, in one transaction; queries see the one or the other."""
    old, new = (sql.Identifier(schema_of(log_schema, view.name, building=building)) for building in (False, True))
    with connection.transaction():
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(old))
        connection.execute(sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(new, old))
        connection.execute("DELETE FROM views WHERE name = %s AND NOT building", (view.name,))
        connection.execute("UPDATE views SET building = false, updated_at = now() WHERE name = %s", (view.name,))


def _touched(view: View, past: Recorded) -> Sequence[UUID]:
    try:
        return list(view.touches(past))
    except Exception:  # noqa: BLE001  # the fold will raise the same, and say so
        return ()
