"""How row versions lie in PostgreSQL: the table of a row class, and its values on the way in and out.

A version holds from position ``began`` up to, not including, ``ended``; a live one ends at ``FOREVER``.
"""

import json
import re
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from psycopg import Connection, Cursor, sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from projections.scope import policy
from projections.view import Row

R = TypeVar("R", bound=Row)

FOREVER = 2**63 - 1

SCALARS: dict[Any, str] = {
    UUID: "uuid",
    str: "text",
    int: "bigint",
    bool: "boolean",
    date: "date",
    datetime: "timestamptz",
    tuple[str, ...]: "text[]",
    tuple[UUID, ...]: "uuid[]",
}


class Unfit(Exception):
    """A row that its table does not take."""


def ours(text: str) -> sql.SQL:
    """SQL of our own making: names, types and queries that this program holds, never anything given to it."""
    return sql.SQL(text)  # pyright: ignore[reportArgumentType]  # that is the point


@dataclass(frozen=True)
class Column:
    """One field of a row: its name and PostgreSQL type, and how its values pass in and out (None: as they are)."""

    name: str
    type: str
    nullable: bool
    encode: Callable[[Any], Any] | None = None
    decode: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Table(Generic[R]):
    """Where the versions of one row class lie."""

    kind: type[R]
    name: str
    columns: tuple[Column, ...]

    @property
    def shape(self) -> str:
        """The columns in words: two row classes with one shape can be read by the same queries."""
        listed = (f"{column.name} {column.type}{'' if column.nullable else ' not null'}" for column in self.columns)
        return f"{self.name}({', '.join(listed)}) by {self.kind.INDEXES} in {self.kind.SCOPE} or {self.kind.OWN}"

    def create(self, connection: Connection[TupleRow], log: str, schema: str) -> None:
        """Make the table, whose rows each reader sees within their scope.

        No index holds ``ended``, and each page is filled in part only, so that most versions are ended where they
        lie, without a new entry in every index.
        """
        columns = [
            sql.SQL("{} {} {}").format(
                sql.Identifier(column.name), ours(column.type), sql.SQL("" if column.nullable else "NOT NULL")
            )
            for column in self.columns
        ]
        table = sql.Identifier(schema, self.name)
        connection.execute(
            sql.SQL(
                "CREATE TABLE {} ({}, began bigint NOT NULL, ended bigint NOT NULL,"
                " PRIMARY KEY (key, began), CHECK (began < ended)) WITH (fillfactor = 50)"
            ).format(table, sql.SQL(", ").join(columns))
        )
        for index in self.kind.INDEXES:
            listed = sql.SQL(", ").join(sql.Identifier(name) for name in (*index, "key"))
            connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(table, listed))
        for statement in policy(log, table, self.kind.SCOPE, self.kind.OWN):
            connection.execute(statement)

    @property
    def listed(self) -> sql.Composed:
        """The columns to select, each as this release's type: what another release stored is read where it can be.

        A prepared statement stays valid when a table of other types takes the place of the one it was made for.
        """
        return sql.SQL(", ").join(
            sql.SQL("{}::{}").format(sql.Identifier(column.name), ours(column.type)) for column in self.columns
        )

    @cached_property
    def _decoded(self) -> Sequence[tuple[int, Callable[[Any], Any]]]:
        return [(n, column.decode) for n, column in enumerate(self.columns) if column.decode]

    @cached_property
    def _encoded(self) -> Sequence[tuple[int, Callable[[Any], Any]]]:
        return [(n, column.encode) for n, column in enumerate(self.columns) if column.encode]

    def plain(self, row: R) -> dict[str, Any]:
        """Return the columns of a row, JSON as what it stands for."""
        values = {column.name: getattr(row, column.name) for column in self.columns}
        for n, encode in self._encoded:
            column = self.columns[n]
            if column.type == "jsonb" and (value := values[column.name]) is not None:
                values[column.name] = json.loads(encode(value).obj)
        return values

    def row(self, values: Sequence[Any]) -> R:
        given = list(values)
        for n, decode in self._decoded:
            if given[n] is not None:
                given[n] = decode(given[n])
        return self.kind(*given)

    def live(self, connection: Connection[TupleRow], schema: str, keys: Sequence[UUID]) -> dict[UUID, tuple[R, int]]:
        """Return the live rows of some keys, the last version of each, with the position at which it began."""
        query = sql.SQL(
            "SELECT live.* FROM unnest(%s::uuid[]) AS each(key)"
            " CROSS JOIN LATERAL (SELECT {}, began FROM {} WHERE key = each.key ORDER BY began DESC LIMIT 1) AS live"
        ).format(
            sql.SQL(", ").join(sql.Identifier(column.name) for column in self.columns),
            sql.Identifier(schema, self.name),
        )
        with connection.cursor(binary=True) as cursor:
            return {values[0]: (self.row(values[:-1]), values[-1]) for values in cursor.execute(query, (list(keys),))}

    def end(self, connection: Connection[TupleRow], schema: str, keys: Sequence[UUID], ends: Sequence[int]) -> None:
        """End the last version of each key at a position.

        Each is found by one probe of the key, whatever the planner thinks of a table filled this minute.
        """
        connection.execute(
            sql.SQL(
                "UPDATE {0} AS version SET ended = given.ended FROM ("
                "SELECT (SELECT ctid FROM {0} WHERE key = each.key ORDER BY began DESC LIMIT 1) AS place, each.ended"
                " FROM unnest(%b::uuid[], %b::bigint[]) AS each(key, ended) OFFSET 0"
                ") AS given WHERE version.ctid = given.place"
            ).format(sql.Identifier(schema, self.name)),
            (list(keys), list(ends)),
        )

    def write(self, cursor: Cursor[TupleRow], schema: str, versions: Iterable[tuple[R, int, int]]) -> None:
        """Copy new versions in: each a row, where it began, and where it ended."""
        names = [*(column.name for column in self.columns), "began", "ended"]
        copy_in = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            sql.Identifier(schema, self.name), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        values_of = attrgetter(*(column.name for column in self.columns))
        with cursor.copy(copy_in) as copy:
            copy.set_types([*(column.type for column in self.columns), "bigint", "bigint"])
            for row, began, ended in versions:
                values = [*values_of(row), began, ended]
                for n, encode in self._encoded:
                    if values[n] is not None:
                        values[n] = encode(values[n])
                copy.write_row(values)


_TABLES: dict[type[Row], Table[Any]] = {}


def table(kind: type[R]) -> Table[R]:
    """Describe a row class: ``ObligationRow`` lies in ``obligation``, a column for each field."""
    if kind not in _TABLES:
        _TABLES[kind] = _describe(kind)
    return _TABLES[kind]


def _describe(kind: type[R]) -> Table[R]:
    hints = typing.get_type_hints(kind)
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__.removesuffix("Row")).lower()
    return Table(kind, name, tuple(_column(each.name, hints[each.name]) for each in fields(kind)))


def _column(name: str, hint: Any) -> Column:
    nullable = False
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        given = [each for each in typing.get_args(hint) if each is not types.NoneType]
        nullable = len(given) < len(typing.get_args(hint))
        assert len(given) == 1, f"{name}: a column has one type"
        hint = given[0]
    if typing.get_origin(hint) is Literal:
        return Column(name, "text", nullable)
    if hint in SCALARS:
        listed = typing.get_origin(hint) is tuple
        return Column(name, SCALARS[hint], nullable, list if listed else None, tuple if listed else None)
    adapter: TypeAdapter[Any] = TypeAdapter(hint)
    return Column(
        name,
        "jsonb",
        nullable,
        lambda value: Jsonb(adapter.dump_json(value), dumps=lambda dumped: dumped),
        lambda value: adapter.validate_python(value, strict=False),
    )
