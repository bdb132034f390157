"""The live rows of one view while events are folded: fetched at once, changed in memory, written batch by batch."""

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

# Rows kept at hand: when there are more, those not touched since the last time are let go.
KEPT = 10_000

_Key = tuple[type[Row], UUID]


@dataclass(slots=True)
class _Kept:
    """A live row, where its version began, and whether the table holds that version, or will by the next batch."""

    row: Row
    began: int
    stored: bool


@dataclass
class Changes:
    """What one batch changes: versions that end, by key with the position; versions to write, with both positions."""

    ended: dict[type[Row], dict[UUID, int]] = field(default_factory=dict)
    written: dict[type[Row], list[tuple[Any, int, int]]] = field(default_factory=dict)

    def flush(self, connection: Connection[TupleRow], schema: str) -> None:
        """Write them; the caller's transaction makes it one. Raise Unfit for a row not taken."""
        try:
            self._write(connection, schema)
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded) as error:
            raise Unfit(f"{type(error).__name__}: {error}") from error
        except psycopg.Error:
            raise
        except Exception as error:
            # A value that has no place in the type of its column: an integer of more than 64 bits, say.
            raise Unfit(f"{type(error).__name__}: {error}") from error

    def _write(self, connection: Connection[TupleRow], schema: str) -> None:
        for kind, ended in self.ended.items():
            table(kind).end(connection, schema, list(ended), list(ended.values()))
        with connection.cursor() as cursor:
            for kind, versions in self.written.items():
                table(kind).write(cursor, schema, versions)


@dataclass
class Live(Rows):
    """What one event puts is pending until ``settle`` gives it a position, or ``drop`` forgets it.

    What is settled is for ``take`` to hand over as one batch's changes. The rows stay at hand, as if
    those changes were in the table by the time that the next batch is taken.
    """

    connection: Connection[TupleRow]
    schema: str
    _kept: dict[_Key, _Kept | None] = field(default_factory=dict)
    _older: dict[_Key, _Kept | None] = field(default_factory=dict)
    _pending: dict[_Key, Row] = field(default_factory=dict)
    _settled: dict[_Key, None] = field(default_factory=dict)
    _changes: Changes = field(default_factory=Changes)

    def fetch(self, kinds: Iterable[type[Row]], keys: Iterable[UUID]) -> None:
        """Look many keys up at once, those that are not at hand."""
        every = list(dict.fromkeys(keys))
        for kind in kinds:
            wanted = [key for key in every if not self._at_hand((kind, key))]
            if not wanted:
                continue
            found = table(kind).live(self.connection, self.schema, wanted)
            for key in wanted:
                stored = found.get(key)
                self._kept[kind, key] = _Kept(stored[0], stored[1], stored=True) if stored else None

    def find(self, kind: type[R], key: UUID) -> R | None:
        place = (kind, key)
        row: Row | None
        if (row := self._pending.get(place)) is None:
            kept = self._get(place)
            row = kept.row if kept else None
        assert row is None or isinstance(row, kind)
        return row

    def put(self, row: Row) -> None:
        self._pending[type(row), row.key] = row

    def settle(self, position: int) -> None:
        """Take what was put as the change made at a position; a row put back unchanged makes no version."""
        for place, row in self._pending.items():
            kept = self._get(place)
            if kept is not None:
                if kept.row == row:
                    continue
                if kept.stored:
                    self._changes.ended.setdefault(place[0], {})[place[1]] = position
                else:
                    self._changes.written.setdefault(place[0], []).append((kept.row, kept.began, position))
            self._kept[place] = _Kept(row, position, stored=False)
            self._settled[place] = None
        self._pending.clear()

    def drop(self) -> None:
        """Forget what the present event put."""
        self._pending.clear()

    def take(self) -> Changes:
        """Hand over what was settled since the last time, which must be in the table by now."""
        changes, self._changes = self._changes, Changes()
        for place in self._settled:
            kept = self._kept[place]
            assert kept is not None
            kept.stored = True
            changes.written.setdefault(place[0], []).append((kept.row, kept.began, FOREVER))
        self._settled.clear()
        if len(self._kept) > KEPT:
            self._older, self._kept = self._kept, {}
        return changes

    def _at_hand(self, place: _Key) -> bool:
        if place not in self._kept:
            if place not in self._older:
                return False
            self._kept[place] = self._older.pop(place)
        return True

    def _get(self, place: _Key) -> _Kept | None:
        if not self._at_hand(place):
            self.fetch((place[0],), (place[1],))
        return self._kept[place]
