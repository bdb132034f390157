"""The log as a whole: its events in several processes at once, and the tree that was published over them."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

from psycopg import Connection
from psycopg.errors import DataCorrupted
from psycopg.rows import TupleRow

from application.database import Database, Role
from application.process import serve_parent
from application.sealed import Sealed
from application.verify.finding import Finding, Report, Wrong
from application.verify.guards import guards
from application.verify.progress import Progress
from application.verify.ring import Ring
from application.verify.rows import Block, Rows, blocks
from application.verify.tree import History, Tree
from domain.covering import COVERING, covered
from domain.merkle import EMPTY
from domain.note import Key
from domain.tile import WIDTH

ENDS = """
    SELECT (SELECT coalesce(max(position), 0) FROM events),
           coalesce((SELECT first - 1 + octet_length(leaves) / 32 FROM event_groups ORDER BY first DESC LIMIT 1), 0),
           (SELECT origin FROM log)
"""
REMOVALS = "SELECT position, coalesce(state, '') FROM events WHERE topic = %s AND position <= %s ORDER BY position"
GONE = "SELECT count(*) FROM events WHERE position = ANY(%s) AND state IS NULL"
Found = Iterator[tuple[Block, Finding | None]]

# Events that one process verifies at once.
BLOCK = 40 * WIDTH
# Seconds from one time that it is kept how far a verification has come to the next.
PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Verifier:
    """Verifies one log with the keys it is given: those that seal it, and those that write it.

    How far it has come is kept in the file ``kept``, if one is given.
    """

    database: Database
    sealed: Sealed
    keys: Sequence[Key]
    writers: Sequence[Key]
    kept: Path | None = None

    def verify(
        self, progress: Callable[[int], None] = lambda _: None, processes: int = 1, *, resume: bool = False
    ) -> Report:
        """Verify everything; ``progress`` is told how many events were, as they are. What comes meanwhile is left.

        With ``resume``, what was verified before is not read again; raise Unresumable if it is not known what was.
        """
        report = Report("", 0, 0, EMPTY, 0, 0, None)
        try:
            with self.database.connect(Role.sealer) as connection:
                [(events, grouped, origin)] = connection.execute(ENDS)
                removals, removed = _removals(connection, events)
                report = replace(report, origin=origin, events=events, removed=removed)
                known = Progress.read(self.kept, origin) if resume and self.kept else Progress(origin)
                if not resume:
                    # What is found now is not passed over by whoever goes on.
                    self._keep(known)
                report = replace(report, since=min(known.size, events))
                ring = Ring.read(connection, origin, events, self.sealed, self.keys, self.writers)
            tree = Tree(self.sealed, origin, ring, known)
            history = tree.history()
            report = replace(report, sealed=history.size, root=history.root, checkpoints=history.lines)
            given = Given(self.database, origin, ring, removals, self.sealed, min(history.size, events))
            self._events(given, report, known, max(history.size, grouped), progress, processes)
            frontier = tree.verify(history)
            self._keep(Progress(origin, frontier, history.lines, frontier.size))
            for change in ring.changes:
                self._vouched(given, report, tree, history, change.position - 1)
            return self._guarded(given, report, tree, history)
        except Wrong as wrong:
            return replace(report, finding=wrong.finding)
        except DataCorrupted as error:
            finding = Finding(None, "damaged", f"the database cannot read what it stored: {error}")
            return replace(report, finding=finding)

    def _events(
        self,
        given: "Given",
        report: Report,
        known: Progress,
        held: int,
        progress: Callable[[int], None],
        processes: int,
    ) -> None:
        """Verify the events from where they are not known; raise Wrong."""
        size = min(report.sealed, report.events)
        begin = min(known.rows, size) // WIDTH * WIDTH
        if begin:
            progress(begin)
        kept = monotonic()
        for block, finding in _rows(given, blocks(begin, report.events, BLOCK), processes):
            if finding is not None:
                raise Wrong.of(finding)
            progress(block.end - block.first)
            if monotonic() >= kept + PAUSE:
                self._keep(replace(known, rows=max(known.rows, min(block.end, size))))
                kept = monotonic()
        if report.events < held:
            ends = f"the log ends at position {report.events}"
            raise Wrong(report.events, "missing", f"{ends}; {held} events were sealed, or signed by their writers")

    def _vouched(self, given: "Given", report: Report, tree: Tree, history: History, index: int) -> None:
        """Verify an event that all else rests on, though it was verified before; raise Wrong."""
        if index >= report.since:
            return
        tile = Block(index - index % WIDTH, min(index - index % WIDTH + WIDTH, report.events))
        for _, finding in _rows(given, iter([tile]), 1):
            if finding is not None:
                raise Wrong.of(finding)
        if not tree.includes(index, history):
            raise Wrong(index, "tile", f"the leaf of position {index + 1} is not in the tree that was sealed")

    def _guarded(self, given: "Given", report: Report, tree: Tree, history: History) -> Report:
        """Compare what guards the log with what is sealed of it, in an event that is verified whatever was before."""
        with self.database.connect(Role.sealer) as connection:
            found = guards(connection, self.database.schema, report.origin, report.events)
        if found is None:
            return report
        self._vouched(given, report, tree, history, found.position - 1)
        finding = Finding(None, "catalogue", found.sentence) if found.altered else None
        return replace(report, guarded=found.position, altered=found.altered, finding=finding)

    def _keep(self, progress: Progress) -> None:
        if self.kept is not None:
            progress.keep(self.kept)


@dataclass(frozen=True, slots=True)
class Given:
    """What each process that verifies is given."""

    database: Database
    origin: str
    ring: Ring
    covered: Mapping[int, int]
    sealed: Sealed
    size: int

    def rows(self, connection: Connection[TupleRow]) -> Rows:
        return Rows(connection, self.origin, self.ring, self.covered, self.sealed, self.size)


def _removals(connection: Connection[TupleRow], events: int) -> tuple[dict[int, int], int]:
    """Which payloads were to be removed, each with the event that says so; and how many of them are gone."""
    by: dict[int, int] = {}
    for position, state in connection.execute(REMOVALS, (COVERING, events), binary=True):
        by.update((each, position) for each in covered(state))
    [(gone,)] = connection.execute(GONE, ([*by],))
    return by, gone


def _rows(given: Given, todo: Iterator[Block], processes: int) -> Found:
    with ExitStack() as opened:
        if processes == 1:
            rows = given.rows(opened.enter_context(given.database.connect(Role.sealer)))
            reader = opened.enter_context(ThreadPoolExecutor(1, "taizhang verify"))
            yield from _read_ahead(reader, rows, todo)
            return
        pool = opened.enter_context(
            ProcessPoolExecutor(processes, get_context("spawn"), initializer=_open, initargs=(given,))
        )
        yield from _ahead(pool, todo, 2 * processes)


_opened: list[Rows] = []
"""What a process of the pool verifies with."""


def _open(given: Given) -> None:
    serve_parent()
    _opened.append(given.rows(given.database.connect(Role.sealer)))


def _verify(block: Block) -> Finding | None:
    rows = _opened[0]
    return rows.verify(rows.read(block))


def _read_ahead(reader: ThreadPoolExecutor, rows: Rows, todo: Iterator[Block]) -> Found:
    """Verify one block after the other, each while the next is read."""
    block = next(todo, None)
    reading = reader.submit(rows.read, block) if block else None
    while block and reading:
        stored, block = reading.result(), next(todo, None)
        reading = reader.submit(rows.read, block) if block else None
        yield stored.block, rows.verify(stored)


def _ahead(pool: ProcessPoolExecutor, todo: Iterator[Block], count: int) -> Found:
    """Have so many blocks verified at once, and yield what was found in their order."""
    flying: list[tuple[Block, Future[Finding | None]]] = []
    for block in todo:
        flying.append((block, pool.submit(_verify, block)))
        if len(flying) == count:
            first, future = flying.pop(0)
            yield first, future.result()
    for block, future in flying:
        yield block, future.result()


def cores() -> int:
    """How many processes this one may run at once."""
    return len(os.sched_getaffinity(0))
