"""Following the log: one listener a process, and any number of subscribers that it feeds."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Self

import psycopg
from eventsourcing.persistence import ApplicationRecorder, Subscription
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from application.database import Database, Role, Unavailable
from application.log.mapper import Entry

if TYPE_CHECKING:
    from application.log.recorder import LogRecorder

# Seconds after which the head is read again, whether or not a notification came.
TIMER = 1.0
# Events of one read, and events kept for subscribers that are level with the head.
PAGE = 1000
KEPT = 5000

NEWS = f"SELECT {Entry.COLUMNS} FROM events WHERE position > %s ORDER BY position LIMIT %s"


class Tailer:
    """Reads each new event once and keeps the newest for every subscriber of this process.

    It listens before it first reads, reads on every notification and on a timer, and after a broken
    connection listens again before it reads, all on one connection of its own. Positions become
    visible in order, so ``position > last`` misses nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._news = threading.Condition()
        self._kept: list[Entry] = []
        self._head = 0
        self._closed = False
        self._thread: threading.Thread | None = None

    def wait(self, after: int, timeout: float) -> int:
        """Return the head once it is past a position, or when the time (seconds) is up."""
        deadline = monotonic() + timeout
        with self._news:
            self._start()
            while self._head <= after and not self._closed and (left := deadline - monotonic()) > 0:
                self._news.wait(left)
            return self._head

    def recent(self, after: int, limit: int) -> Sequence[Entry] | None:
        """Return the next events after a position, or None if they are too far back to be kept."""
        with self._news:
            if not self._kept or self._kept[0].id > after + 1:
                return None
            start = after + 1 - self._kept[0].id
            return self._kept[start : start + limit]

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Let everybody who waits go, and stop listening."""
        with self._news:
            self._closed = True
            self._news.notify_all()
        if self._thread:
            self._thread.join()

    def _start(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, name="taizhang tailer", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._closed:
            with suppress(psycopg.Error):
                self._follow()
            if not self._closed:
                with self._news:
                    self._news.wait(0.2)

    def _follow(self) -> None:
        with self._database.connect(Role.reader) as connection:
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(f"taizhang_{self._database.schema}")))
            if self._head == 0:
                [(head,)] = connection.execute("SELECT coalesce(max(position), 0) FROM events")
                self._reach(head)
            while not self._closed:
                self._read(connection)
                for _ in connection.notifies(timeout=TIMER, stop_after=1):
                    pass

    def _read(self, connection: Connection[TupleRow]) -> None:
        while not self._closed:
            rows = connection.execute(NEWS, (self._head, PAGE), binary=True)
            entries = [Entry(*row) for row in rows]
            if entries:
                self._reach(entries[-1].id, entries)
            if len(entries) < PAGE:
                return

    def _reach(self, head: int, entries: Sequence[Entry] = ()) -> None:
        with self._news:
            self._kept = [*self._kept, *entries][-KEPT:]
            self._head = head
            self._news.notify_all()


class Tail(Subscription[ApplicationRecorder]):
    """One subscriber's place in the log: every event after ``gt`` once, in order, then the new ones as they come."""

    def __init__(self, recorder: "LogRecorder", gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._log = recorder
        self._tailer = recorder.tailer
        self._place = gt or 0
        self._wanted = frozenset(topics)
        self._page: Sequence[Entry] = ()
        self._next = 0

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def __next__(self) -> Entry:
        """Wait for the next event; raise StopIteration once this or the log is closed."""
        while not (self._has_been_stopped or self._tailer.closed):
            while self._next < len(self._page):
                entry = self._page[self._next]
                self._next += 1
                self._place = entry.id
                if not self._wanted or entry.topic in self._wanted:
                    return entry
            # A server that stays away is waited for here as the tailer waits for it.
            with suppress(Unavailable):
                self._page, self._next = self._following(), 0
            if self._next == len(self._page):
                self._tailer.wait(self._place, TIMER)
        raise StopIteration

    def _following(self) -> Sequence[Entry]:
        recent = self._tailer.recent(self._place, PAGE)
        if recent is None:
            return self._log.select_notifications(self._place, PAGE, inclusive_of_start=False)
        return recent
