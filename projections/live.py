"""The live rows of one view while a batch of events is folded: fetched at once, changed in memory, written at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from projections.tables import FOREVER, Unfit, table
from projections.view import Row, Rows

R = TypeVar("R", bound=Row)


@dataclass
class _Kept:
    """A live row: where its version began, and whether the table holds that version yet."""

    row: Row
    began: int
    stored: bool


@dataclass
class Live(Rows):
    """What one event puts is pending until ``settle`` gives it a position, or ``drop`` forgets it."""

    connection: Connection[TupleRow]
    schema: str
    _kept: dict[tuple[type[Row], UUID], _Kept | None] = field(default_factory=dict)
    _pending: dict[tuple[type[Row], UUID], Row] = field(default_factory=dict)
    _ended: dict[type[Row], dict[UUID, int]] = field(default_factory=dict)
    _past: dict[type[Row], list[tuple[Any, int, int]]] = field(default_factory=dict)

    def fetch(self, kinds: Iterable[type[Row]], keys: Iterable[UUID]) -> None:
        """Look many keys up at once."""
        wanted = list(dict.fromkeys(keys))
        for kind in kinds:
            found = table(kind).live(self.connection, self.schema, wanted)
            for key in wanted:
                stored = found.get(key)
                self._kept[kind, key] = _Kept(stored[0], stored[1], stored=True) if stored else None

    def find(self, kind: type[R], key: UUID) -> R | None:
        place = (kind, key)
        row: Row | None
        if (row := self._pending.get(place)) is None:
            if place not in self._kept:
                self.fetch((kind,), (key,))
            kept = self._kept[place]
            row = kept.row if kept else None
        assert row is None or isinstance(row, kind)
        return row

    def put(self, row: Row) -> None:
        self._pending[type(row), row.key] = row

    def settle(self, position: int) -> None:
        """Take what was put as the change made at a position; a row put back unchanged makes no version."""
        for place, row in self._pending.items():
            if place not in self._kept:
                self.fetch((place[0],), (place[1],))
            kept = self._kept[place]
            if kept is not None:
                if kept.row == row:
                    continue
                if kept.stored:
                    self._ended.setdefault(place[0], {})[place[1]] = position
                else:
                    self._past.setdefault(place[0], []).append((kept.row, kept.began, position))
            self._kept[place] = _Kept(row, position, stored=False)
        self._pending.clear()

    def drop(self) -> None:
        """Forget what the present event put."""
        self._pending.clear()

    def flush(self) -> None:
        """Write every change settled; the caller's transaction makes it one. Raise Unfit for a row not taken."""
        try:
            self._write()
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded) as error:
            raise Unfit(f"{type(error).__name__}: {error}") from error
        except psycopg.Error:
            raise
        except Exception as error:
            # A value that has no place in the type of its column: an integer of more than 64 bits, say.
            raise Unfit(f"{type(error).__name__}: {error}") from error

    def _write(self) -> None:
        written: dict[type[Row], list[tuple[Any, int, int]]] = self._past
        for (kind, _), kept in self._kept.items():
            if kept is not None and not kept.stored:
                written.setdefault(kind, []).append((kept.row, kept.began, FOREVER))
        for kind, ended in self._ended.items():
            table(kind).end(self.connection, self.schema, list(ended), list(ended.values()))
        with self.connection.cursor() as cursor:
            for kind, versions in written.items():
                table(kind).write(cursor, self.schema, versions)
