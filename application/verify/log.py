"""The log as a whole: its events in several processes at once, and the tree that was published over them."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context

from application.database import Database, Role
from application.sealed import Sealed
from application.verify.finding import Finding, Report
from application.verify.rows import Block, Rows, blocks
from application.verify.tree import Tree, Wrong
from domain.note import Key
from domain.tile import WIDTH

ENDS = """
    SELECT (SELECT coalesce(max(position), 0) FROM events),
           coalesce((SELECT first - 1 + octet_length(leaves) / 32 FROM event_groups ORDER BY first DESC LIMIT 1), 0),
           (SELECT origin FROM log)
"""
Found = Iterator[tuple[Block, Finding | None]]

# Events that one process verifies at once.
BLOCK = 40 * WIDTH


@dataclass(frozen=True, slots=True)
class Verifier:
    """Verifies one log with the keys it is given: those that seal it, and those that write it."""

    database: Database
    sealed: Sealed
    keys: Sequence[Key]
    writers: Sequence[Key]

    def verify(self, progress: Callable[[int], None] = lambda _: None, processes: int = 1) -> Report:
        """Verify everything; ``progress`` is told how many events were, as they are. What comes meanwhile is left."""
        with self.database.connect(Role.sealer) as connection:
            [(events, grouped, origin)] = connection.execute(ENDS)
        tree = Tree(self.sealed, origin, self.keys)
        try:
            seen = tree.history()
        except Wrong as wrong:
            return Report(origin, events, 0, 0, wrong.finding)
        size = seen[-1].checkpoint.size if seen else 0
        finding = self._rows(origin, events, min(size, events), progress, processes)
        if finding is None and events < max(size, grouped):
            gone = (
                f"the log ends at position {events}; {size} events were sealed, and {grouped} signed by their writers"
            )
            finding = Finding(events, "missing", gone)
        finding = finding or tree.verify(seen)
        return Report(origin, events, size, len(seen), finding)

    def _rows(
        self, origin: str, events: int, size: int, progress: Callable[[int], None], processes: int
    ) -> Finding | None:
        given = (self.database, origin, {key.id: key for key in self.writers}, self.sealed, size)
        todo = blocks(0, events, BLOCK)
        with ExitStack() as opened:
            if processes == 1:
                rows = Rows(opened.enter_context(self.database.connect(Role.sealer)), *given[1:])
                reader = opened.enter_context(ThreadPoolExecutor(1, "taizhang verify"))
                return _earliest(_read_ahead(reader, rows, todo), progress)
            pool = opened.enter_context(
                ProcessPoolExecutor(processes, get_context("spawn"), initializer=_open, initargs=given)
            )
            return _earliest(_ahead(pool, todo, 2 * processes), progress)


_opened: list[Rows] = []
"""What a process of the pool verifies with."""


def _open(database: Database, origin: str, writers: dict[bytes, Key], sealed: Sealed, size: int) -> None:
    _opened.append(Rows(database.connect(Role.sealer), origin, writers, sealed, size))


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


def _earliest(found: Found, progress: Callable[[int], None]) -> Finding | None:
    for block, finding in found:
        if finding is not None:
            return finding
        progress(block.end - block.first)
    return None


def cores() -> int:
    """How many processes this one may run at once."""
    return len(os.sched_getaffinity(0))
