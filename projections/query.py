"""Reading views: one query serves now and any past position; pages follow each other by key at one position."""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from time import monotonic, sleep
from typing import Any, Generic, Protocol, Self, TypeVar
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.abc import Params
from psycopg.rows import TupleRow

from domain.authority import Scope
from projections import cursor as cursors
from projections.registry import schema_of
from projections.scope import entering
from projections.tables import FOREVER, Table, ours, table
from projections.view import Row, View

R = TypeVar("R", bound=Row)

# The position that stands for now: every live version holds there.
NOW = FOREVER - 1

# What PostgreSQL says of a query that was made for a table of another shape than the one it finds.
ANOTHER = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.CannotCoerce,
    psycopg.errors.DatatypeMismatch,
)


class Behind(Exception):
    """A view has not folded the position asked for in the time given, or is being rebuilt; ask again.

    The sentence and its values are told apart, as in a refusal.
    """

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message.format(**values))
        self.message = message
        self.values = values


class Halted(Behind):
    """A view has not folded the position because an event stopped it: it waits for a decision."""


class Fetch(Protocol):
    def fetch(
        self,
        query: str | sql.SQL | sql.Composed,
        parameters: Params | None = None,
        before: tuple[sql.Composed, Params] | None = None,
    ) -> list[TupleRow]: ...


@dataclass(frozen=True)
class Standing:
    """Where a view stands: the last position folded, and the event that stopped it, if one did.

    It was begun without the payloads that were removed by a decision up to the position ``removals``.
    """

    name: str
    building: bool
    version: int
    position: int
    updated_at: datetime
    stopped_at: int | None
    error: str | None
    removals: int


@dataclass(frozen=True)
class Page(Generic[R]):
    """Rows in order as known at one position, and the cursor of the next page if there is one."""

    rows: list[R]
    known_at: int
    next: str | None


@dataclass(frozen=True)
class Change(Generic[R]):
    """What became of one row between two positions: ``before`` is None if it began later."""

    key: UUID
    before: R | None
    after: R | None


@dataclass(frozen=True)
class Changes(Generic[R]):
    """Rows that are not the same at two positions, by key; ``next`` is the key after which there may be more."""

    rows: list[Change[R]]
    next: UUID | None


class Views:
    """The reading side of every view of one log, ``within`` a scope: without one, no row is seen."""

    def __init__(self, log_schema: str, reads: Fetch, views: Sequence[View]) -> None:
        self.scope: Scope | None = None
        self._log_schema = log_schema
        self._reads = reads
        self._schemas = {kind: schema_of(log_schema, view.name) for view in views for kind in view.rows}
        self._names = {kind: view.name for view in views for kind in view.rows}
        self.views = {view.name: view for view in views}

    def within(self, scope: Scope) -> Self:
        """Return the same as it is seen within a scope."""
        within = copy(self)
        within.scope = scope
        return within

    def standings(self) -> list[Standing]:
        rows = self._reads.fetch(
            sql.SQL(
                "SELECT name, building, version, position, updated_at, stopped_at, error, removals FROM {}"
                " ORDER BY name, building"
            ).format(sql.Identifier(self._log_schema, "views"))
        )
        return [Standing(*row) for row in rows]

    def position(self, view: str) -> int:
        """Return the last position that a view has folded, 0 if it has not begun."""
        return next((each.position for each in self.standings() if each.name == view and not each.building), 0)

    def wait(self, view: str, position: int, timeout: float) -> None:
        """Return once a view has folded a position; raise Behind when the time (seconds) is up, Halted if it stopped.

        Looked up each time: a server that crashes takes back what a view folded in the moments before.
        """
        deadline, pause = monotonic() + timeout, 0.002
        while True:
            standing = next((each for each in self.standings() if each.name == view and not each.building), None)
            now = standing.position if standing else 0
            if now >= position:
                return
            if standing and standing.stopped_at is not None:
                raise Halted(
                    "the view {view} stopped at event {position} and waits for a decision on it",
                    view=view,
                    position=standing.stopped_at,
                )
            if monotonic() > deadline:
                raise Behind(
                    "the view {view} has folded position {now}, not yet {position}",
                    view=view,
                    now=now,
                    position=position,
                )
            sleep(pause)
            pause = min(pause * 1.5, 0.05)

    def fetch(self, kinds: Sequence[type[Row]], query: str, parameters: Mapping[str, Any]) -> list[TupleRow]:
        """Run a query in which ``{Name}`` stands for the table of ``NameRow``, ``{views}`` for where views stand."""
        return self._ask(self._composed(kinds, query), parameters)

    def fetch_at(
        self, at: int, kinds: Sequence[type[Row]], query: str, order: Sequence[str], parameters: Mapping[str, Any]
    ) -> tuple[int, list[TupleRow]]:
        """Run such a query, which relies on a position being folded; return the position that it found folded, too.

        ``order`` names columns of the answer, whose first is never null. Raise Behind if that position is not reached.
        """
        return self._ask_at(at, kinds, self._composed(kinds, query), order, parameters)

    def one(self, kind: type[R], key: UUID, at: int = NOW) -> R | None:
        """Return one row as known at a position."""
        described = table(kind)
        query = sql.SQL(
            "SELECT {} FROM {} WHERE key = %(key)s AND began <= %(at)s AND ended > %(at)s ORDER BY began DESC LIMIT 1"
        ).format(described.listed, self._table(kind))
        _, rows = self._ask_at(at, (kind,), query, ("key",), {"key": key, "at": at})
        return _row(described, rows[0]) if rows else None

    def page(
        self,
        kind: type[R],
        order: Sequence[str],
        at: int = NOW,
        *,
        where: Mapping[str, Any] | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[R]:
        """Return a page of rows in the order of some columns, then of their key.

        ``where`` gives what columns equal, a list standing for any of its values. A cursor carries
        its position: the pages of one listing are all of one moment. None comes last.
        """
        described = table(kind)
        types = {column.name: column for column in described.columns}
        columns = [types[name] for name in (*order, "key")]
        after: list[Any] = []
        if cursor is not None:
            at, after = cursors.decode(cursor, [int if column.type == "bigint" else str for column in columns])
        parameters: dict[str, Any] = {"at": at, "limit": limit + 1}
        conditions: list[sql.SQL | sql.Composed] = [sql.SQL("began <= %(at)s AND ended > %(at)s")]
        for name, value in (where or {}).items():
            form = "{} = ANY(%(is_{})s)" if isinstance(value, list) else "{} = %(is_{})s"
            if value is None:
                form = "{} IS NULL"
            conditions.append(sql.SQL(form).format(sql.Identifier(name), ours(name)))
            parameters[f"is_{name}"] = value
        if after:
            conditions.append(cursors.beyond(columns, after))
            parameters |= {f"after_{n}": value for n, value in enumerate(after)}
        query = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT %(limit)s").format(
            described.listed,
            self._table(kind),
            sql.SQL(" AND ").join(conditions),
            sql.SQL(", ").join(sql.Identifier(column.name) for column in columns),
        )
        try:
            folded, found = self._ask_at(at, (kind,), query, [column.name for column in columns], parameters)
        except psycopg.DataError:
            if cursor is None:
                raise
            raise cursors.unknown() from None
        rows = [_row(described, values) for values in found[:limit]]
        known_at = folded if at == NOW else at
        more = len(found) > limit
        return Page(
            rows,
            known_at,
            cursors.encode(known_at, [getattr(rows[-1], column.name) for column in columns]) if more else None,
        )

    def every(self, kind: type[R], at: int = NOW) -> Iterator[R]:
        """Yield every row of one kind as known at a position, by key, a page at a time."""
        cursor = None
        while True:
            page = self.page(kind, (), at, limit=5000, cursor=cursor)
            yield from page.rows
            if (cursor := page.next) is None:
                return

    def changes(
        self, kind: type[R], since: int, until: int, *, limit: int = 100, after: UUID | None = None
    ) -> Changes[R]:
        """Return, by key, the rows that are not the same at two positions, of so many that were touched meanwhile.

        A version ends only where the next one begins: a row touched is one of which a version began.
        """
        described = table(kind)
        query = sql.SQL(
            "WITH touched AS (SELECT DISTINCT key FROM {table} WHERE began > %(since)s AND began <= %(until)s"
            " AND key > %(after)s ORDER BY key LIMIT %(limit)s)"
            " SELECT began <= %(since)s, began <= %(until)s AND ended > %(until)s, {listed} FROM {table}"
            " WHERE key IN (SELECT key FROM touched) AND ((began <= %(since)s AND ended > %(since)s)"
            " OR (began <= %(until)s AND ended > %(until)s)) ORDER BY key"
        ).format(table=self._table(kind), listed=described.listed)
        parameters = {"since": since, "until": until, "limit": limit, "after": after or UUID(int=0)}
        _, found = self._ask_at(until, (kind,), query, ("key",), parameters)
        pairs: dict[UUID, Change[R]] = {}
        for was, is_now, *values in found:
            row = _row(described, values)
            known = pairs.get(row.key, Change(row.key, None, None))
            pairs[row.key] = Change(row.key, row if was else known.before, row if is_now else known.after)
        # Nothing is ever deleted: each key touched has a row at ``until``.
        last = max(pairs) if len(pairs) == limit else None
        return Changes([change for change in pairs.values() if change.before != change.after], last)

    def _ask_at(
        self,
        at: int,
        kinds: Sequence[type[Row]],
        query: sql.Composed,
        order: Sequence[str],
        parameters: Mapping[str, Any],
    ) -> tuple[int, list[TupleRow]]:
        """Tell in one statement what rows answer and how far they are folded.

        A server that crashed between two statements would take back what a view had folded in the moments before.
        """
        whole = sql.SQL(
            "SELECT folded.position, found.*"
            " FROM (SELECT min(position) FROM {} WHERE name = ANY(%(views)s) AND NOT building) AS folded (position)"
            " LEFT JOIN LATERAL ({}) AS found ON true ORDER BY {}"
        ).format(
            sql.Identifier(self._log_schema, "views"),
            query,
            sql.SQL(", ").join(sql.Identifier("found", name) for name in order),
        )
        views = [self._names[kind] for kind in kinds]
        while True:
            found = self._ask(whole, {**parameters, "views": views})
            folded = found[0][0] or 0
            if at == NOW or at <= folded:
                return folded, [row[1:] for row in found if row[1] is not None]
            for view in views:
                self.wait(view, at, 0)

    def _composed(self, kinds: Sequence[type[Row]], query: str) -> sql.Composed:
        names = {kind.__name__.removesuffix("Row"): self._table(kind) for kind in kinds}
        return ours(query).format(views=sql.Identifier(self._log_schema, "views"), **names)

    def _table(self, kind: type[Row]) -> sql.Identifier:
        return sql.Identifier(self._schemas[kind], table(kind).name)

    def _ask(self, query: sql.Composed, parameters: Mapping[str, Any]) -> list[TupleRow]:
        try:
            return self._reads.fetch(query, parameters, entering(self._log_schema, self.scope) if self.scope else None)
        except ANOTHER as error:
            raise Behind("the view is being built: ask again shortly") from error


def _row(described: Table[R], values: Sequence[Any]) -> R:
    try:
        return described.row(values)
    except ValueError as error:
        # What another release stored as JSON, until the rows built anew take its place.
        raise Behind("the view is being built: ask again shortly") from error


__all__ = ["NOW", "Behind", "Change", "Changes", "Halted", "Page", "Standing", "Views"]
