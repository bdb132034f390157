"""Every row version that a view keeps, compared with those that the log gives when it is folded anew.

Neither side is held whole. Each version is hashed, and the hashes are summed by parts of a table: added as the fold
gives them, taken away as the table holds them. A sum that is not nought tells in which part the two differ, and the
same is done once more with each version of that part as a part of its own. The hashes are keyed anew each time, so
that nobody can choose versions whose sums cancel out.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import blake2b
from secrets import token_bytes
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from domain.authority import WHOLE
from projections.engine import Log
from projections.registry import schema_of, shape_of
from projections.replay import Stopped, folding
from projections.scope import entering
from projections.tables import FOREVER, Table, table
from projections.view import Row, Rows, View

R = TypeVar("R", bound=Row)

# Characters of a key that make a part: 65,536 parts of a table, since keys are as good as random.
PREFIX = 4
# So many parts that differ are looked into for the first version that does.
PARTS = 64
# Versions read from the database at once.
PAGE = 2000

# What PostgreSQL says of a table that is not there, is not of a view's shape, or is damaged.
UNREADABLE = (psycopg.ProgrammingError, psycopg.DataError, psycopg.InternalError)


class Different(Exception):
    """A view does not keep what the log gives; the sentence tells a row's key, and nothing that is in it."""


class Pending(Exception):
    """A view was never begun, or is to be folded anew: there is nothing yet that could be compared."""


class _Moved(Exception):
    """What was being compared was taken back, or built anew, meanwhile."""


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """One version of one row: where it began, of which table, of which key."""

    began: int
    table: str
    key: str

    @property
    def part(self) -> tuple[str, str]:
        return self.table, self.key[:PREFIX]


@dataclass
class Tally:
    """Sums of hashes of versions, each by its part (None: not looked at): nought where as many of each came as went."""

    part: Callable[[Version], Hashable]
    given: set[Hashable] = field(default_factory=set)
    held: set[Hashable] = field(default_factory=set)
    _secret: bytes = field(default_factory=lambda: token_bytes(blake2b.MAX_KEY_SIZE))
    _sums: defaultdict[Hashable, int] = field(default_factory=lambda: defaultdict(int))

    def give(self, version: Version, ended: int, columns: Mapping[str, Any]) -> None:
        """Add a version that the log gives."""
        self._count(version, ended, columns, self.given, 1)

    def hold(self, version: Version, ended: int, columns: Mapping[str, Any]) -> None:
        """Take away a version that the table holds."""
        self._count(version, ended, columns, self.held, -1)

    def differing(self) -> set[Any]:
        """The parts in which the two are not the same."""
        return {part for part, left in self._sums.items() if left}

    def _count(self, version: Version, ended: int, columns: Mapping[str, Any], seen: set[Hashable], times: int) -> None:
        part = self.part(version)
        if part is None:
            return
        seen.add(part)
        told = _DUMPS.encode([version.table, version.key, version.began, ended, columns]).encode()
        self._sums[part] += times * int.from_bytes(blake2b(told, key=self._secret, digest_size=16).digest())


class Versions(Rows):
    """Rows in memory that hand over each version, with the positions at which it began and ended.

    It shares nothing with the engine's ``Live``, whose bookkeeping is judged by this.
    """

    def __init__(self, hand_over: Callable[[Row, int, int], None]) -> None:
        self._hand_over = hand_over
        self._live: dict[tuple[type[Row], UUID], tuple[Row, int]] = {}
        self._pending: dict[tuple[type[Row], UUID], Row] = {}

    def find(self, kind: type[R], key: UUID) -> R | None:
        row = self._pending.get((kind, key))
        if row is None and (live := self._live.get((kind, key))):
            row = live[0]
        assert row is None or isinstance(row, kind)
        return row

    def put(self, row: Row) -> None:
        self._pending[type(row), row.key] = row

    def settle(self, position: int) -> None:
        """Take what was put as the change made at a position; a row put back unchanged makes no version."""
        for place, row in self._pending.items():
            if live := self._live.get(place):
                if live[0] == row:
                    continue
                self._hand_over(*live, position)
            self._live[place] = row, position
        self._pending.clear()

    def end(self) -> None:
        """Hand over the versions that hold to this day."""
        for row, began in self._live.values():
            self._hand_over(row, began, FOREVER)
        self._live.clear()


@dataclass(frozen=True)
class Comparison:
    """A view as it lies beside one log's schema, and the log itself. The connection is a reader's, in autocommit."""

    view: View
    log: Log
    connection: Connection[TupleRow]
    log_schema: str

    def compare(self, progress: Callable[[int], None] = lambda _: None) -> None:
        """Return if the view keeps every version that the log gives, up to where it has folded, and no other.

        Raise Different, naming the first version that is another, or Pending. ``progress`` is told how many events
        were folded, as they are. Whoever folds the view goes on meanwhile.
        """
        while True:
            try:
                return self._compare(progress)
            except _Moved:
                pass

    def _compare(self, progress: Callable[[int], None]) -> None:
        until = self._folded()
        if until and not self.log.page(until - 1, 1):
            raise Different(
                f"the view {self.view.name} is said to have folded position {until}; the log ends before it"
            )
        coarse = self._tallied(until, lambda version: version.part, progress)
        if parts := sorted(coarse.differing())[:PARTS]:
            fine = self._tallied(until, lambda version: version if version.part in parts else None, lambda _: None)
            if not (versions := fine.differing()):
                raise _Moved
            first: Version = min(versions)
            raise Different(self._sentence(first, given=first in fine.given, held=first in fine.held))

    def _tallied(self, until: int, part: Callable[[Version], Hashable], progress: Callable[[int], None]) -> Tally:
        tally = Tally(part)
        self._give(tally, until, progress)
        # One snapshot for how far the view is folded and for what is folded of it.
        with self.connection.transaction():
            self.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            self.connection.execute(*entering(self.log_schema, WHOLE))
            self._lock()
            folded = self._folded()
            if folded < until:
                # A server that crashed takes back what was folded in the moments before.
                raise _Moved
            for kind in self.view.rows:
                self._hold(tally, kind, until, folded)
        return tally

    def _lock(self) -> None:
        """Keep rows built anew from taking the place of these: in a snapshot from before they would not be there."""
        tables = sql.SQL(", ").join(sql.Identifier(self._schema, table(kind).name) for kind in self.view.rows)
        try:
            self.connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(tables))
        except UNREADABLE as error:
            raise self._unreadable(error) from error

    def _give(self, tally: Tally, until: int, progress: Callable[[int], None]) -> None:
        def give(row: Row, began: int, ended: int) -> None:
            described = table(type(row))
            tally.give(Version(began, described.name, str(row.key)), ended, described.plain(row))

        versions = Versions(give)
        try:
            for position in folding(self.view, self.log, versions, until, progress):
                versions.settle(position)
        except Stopped as stopped:
            raise Different(
                f"the view {self.view.name} cannot fold the event at position {stopped.position}, and is said to have"
                f" folded position {until}"
            ) from stopped
        versions.end()

    def _hold(self, tally: Tally, kind: type[Row], until: int, folded: int) -> None:
        described = table(kind)
        for began, ended, columns in self._stored(described):
            version = Version(began, described.name, str(columns.get("key")))
            if began > folded or FOREVER > ended > folded:
                raise Different(
                    f"the view {self.view.name} is said to have folded position {folded} alone, and has the"
                    f" {version.table} {version.key} of a position after it"
                )
            if began <= until:
                tally.hold(version, ended if ended <= until else FOREVER, columns)

    def _stored(self, described: Table[Any]) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """Yield what a table holds: where each version began and ended, and its columns in JSON."""
        # The whole row goes by a name that no column can have.
        query = sql.SQL(
            "SELECT coalesce(began, 0)::bigint, coalesce(ended, 0)::bigint,"
            " (to_jsonb(\"stored row\") - 'began' - 'ended')::text FROM {} AS \"stored row\""
        ).format(sql.Identifier(self._schema, described.name))
        try:
            with self.connection.cursor("versions", binary=True) as cursor:
                cursor.itersize = PAGE
                for began, ended, columns in cursor.execute(query):
                    yield began, ended, json.loads(columns)
        except UNREADABLE as error:
            raise self._unreadable(error) from error

    def _folded(self) -> int:
        """Return the last position that the view has folded; raise Pending where it is of another make."""
        found = self.connection.execute(
            "SELECT position, version, shape, removals FROM views WHERE name = %s AND NOT building", (self.view.name,)
        ).fetchone()
        if found is None or found[1:] != (self.view.version, shape_of(self.view), self.log.removals()):
            raise Pending(self.view.name)
        return int(found[0])

    @property
    def _schema(self) -> str:
        return schema_of(self.log_schema, self.view.name)

    def _unreadable(self, error: psycopg.Error) -> Different:
        return Different(f"the rows of the view {self.view.name} cannot be read: {type(error).__name__}")

    def _sentence(self, version: Version, *, given: bool, held: bool) -> str:
        row = f"the {version.table} {version.key} as it stood from position {version.began}"
        if not held:
            return f"the view {self.view.name} lacks {row}"
        if not given:
            return f"the view {self.view.name} has {row}, which the log does not give"
        return f"the view {self.view.name} has {row} otherwise than the log gives it"


def _plain(value: Any) -> str:
    """Write an identifier, a date or an instant as PostgreSQL does in JSON, in UTC."""
    if isinstance(value, datetime):
        text = value.astimezone(UTC).replace(tzinfo=None).isoformat()
        return f"{text.rstrip('0') if value.microsecond else text}+00:00"
    return value.isoformat() if isinstance(value, date) else str(value)


_DUMPS = json.JSONEncoder(default=_plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

__all__ = ["Comparison", "Different", "Pending", "Tally"]
