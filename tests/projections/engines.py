"""What the tests of the engine share: engines, events put into the log by hand, and rows held against memory."""

import json
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from time import monotonic, sleep
from uuid import UUID, uuid4

from application.database import Database, Role
from domain.authority import WHOLE
from interface.app import Installation, all_views
from projections.engine import Engine
from projections.query import Views
from projections.tables import FOREVER, table
from projections.view import Memory, View


def engine(at: Installation, views: Sequence[View] = (), batch: int = 2000) -> Engine:
    connect = partial(at.database.connect, Role.projector)
    return Engine(at.database.schema, views or all_views(), at.pages, connect, batch)


@contextmanager
def running(*engines: Engine) -> Generator[None]:
    """Let engines run in the background."""
    stop = threading.Event()
    threads = [threading.Thread(target=each.run, args=(stop,)) for each in engines]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def eventually(true: Callable[[], bool], seconds: float = 20) -> None:
    """Return once something is so; fail if it does not come to be."""
    deadline = monotonic() + seconds
    while not true():
        assert monotonic() < deadline, "it did not come to be"
        sleep(0.01)


def reading(at: Installation, views: Sequence[View] = ()) -> Views:
    """A reader that remembers nothing of what was folded before."""
    return Views(at.database.schema, at.reads, views or all_views()).within(WHOLE)


def inject(database: Database, topic: str, event: object, stream: UUID, version: int, account: str = "") -> int:
    """Put an event into the log by hand, past all rules; return its position."""
    answerable = account or json.dumps(
        {"actor": str(UUID(int=2)), "occurred_on": "2026-03-01", "command_id": str(uuid4())}
    )
    state = f'{{"account":{answerable},"event":{json.dumps(event)}}}'
    with database.connect(Role.writer) as connection:
        [(position,)] = connection.execute(
            "INSERT INTO events SELECT coalesce(max(position), 0) + 1, %s, %s, %s, %s, clock_timestamp(), %s, 1, NULL,"
            " %s FROM events RETURNING position",
            (stream, version, topic, state.encode(), uuid4(), bytes(32)),
        )
    return int(position)


def cut(at: Installation) -> int:
    """Kill the connection of whichever engine is active; return how many there were."""
    with at.database.connect(Role.owner) as connection:
        return connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND granted AND application_name = 'taizhang projector'"
            " AND datname = current_database()"
        ).rowcount


def forget(database: Database) -> None:
    """Drop every view, as if none had ever been folded."""
    with database.connect(Role.projector) as connection:
        for view in all_views():
            connection.execute(f"DROP SCHEMA IF EXISTS {database.schema}_{view.name} CASCADE".encode())
        connection.execute("DELETE FROM views")


def fold(at: Installation, views: Sequence[View], until: int) -> Memory:
    """Fold views in memory up to a position."""
    rows = Memory()
    skipped = {view.name: at.pages.skipped(view.name) for view in views}
    for past in at.pages.page(0, until):
        for view in views:
            if past.topic in view.topics and past.position not in skipped[view.name]:
                view.fold(past.read(), rows)
    return rows


def check_rows(views: Views, position: int, rows: Memory) -> None:
    for view in views.views.values():
        for kind in view.rows:
            assert list(views.every(kind, position)) == list(rows.of(kind))


def check_versions(views: Views) -> None:
    """Each row's versions follow each other without a gap, and the last of them is live."""
    for view in views.views.values():
        for kind in view.rows:
            name = kind.__name__.removesuffix("Row")
            versions: dict[object, list[tuple[int, int]]] = {}
            for key, began, ended in views.fetch((kind,), f"SELECT key, began, ended FROM {{{name}}} ORDER BY 2", {}):
                versions.setdefault(key, []).append((began, ended))
            for spans in versions.values():
                assert [ended for _, ended in spans] == [*(began for began, _ in spans[1:]), FOREVER], table(kind).name
