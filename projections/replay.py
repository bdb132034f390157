"""Replay: a view folded from the log in memory, without what the engine has stored; and rows as JSON."""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import TypeAdapter

from projections.engine import BATCH, Log, concerns
from projections.view import Memory, Row, Rows, View


class Stopped(Exception):
    """The view cannot fold an event, and no recorded decision lets it pass over it."""

    def __init__(self, view: str, position: int, error: Exception) -> None:
        super().__init__(
            f"the view {view} cannot fold the event at position {position}: {type(error).__name__}: {error}"
        )
        self.position = position


def replay(view: View, log: Log, until: int, progress: Callable[[int], None] = lambda _: None) -> Memory:
    """Fold a view from the log's beginning up to a position; raise Stopped where the engine would stop."""
    rows = Memory()
    for _ in folding(view, log, rows, until, progress):
        pass
    return rows


def folding(view: View, log: Log, rows: Rows, until: int, progress: Callable[[int], None]) -> Iterator[int]:
    """Fold a view into rows event by event, and yield the position of each when it is; raise Stopped as ``replay``."""
    skipped = log.skipped(view.name)
    after = 0
    while after < until and (page := log.page(after, min(BATCH, until - after))):
        for past in page:
            if concerns(view, past.topic) and past.position not in skipped:
                try:
                    view.fold(past.read(), rows)
                except Exception as error:
                    raise Stopped(view.name, past.position, error) from error
                yield past.position
        progress(page[-1].position - after)
        after = page[-1].position


_ADAPTERS: dict[type[Row], TypeAdapter[Any]] = {}


def as_json(row: Row) -> str:
    """Return a row as JSON, in the one form in which rows leave this program."""
    kind = type(row)
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind].dump_json(row, by_alias=True).decode()


__all__ = ["Log", "Stopped", "as_json", "folding", "replay"]
