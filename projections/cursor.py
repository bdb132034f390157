"""Cursors of pages: where the last row stood, and the position at which the whole listing is read."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from psycopg import sql

from domain.event import Refused
from projections.tables import Column, ours


def encode(position: int, values: Sequence[Any]) -> str:
    """Return a cursor for a row at these values of the order's columns."""
    plain = [value if value is None or type(value) in (int, str) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps([position, *plain]).encode()).decode().rstrip("=")


def moment(cursor: str) -> int:
    """Return the position at which a cursor's listing is read; refuse what ``encode`` did not make."""
    found = _read(cursor)
    if not isinstance(found, list) or not found or type(found[0]) is not int or not 0 <= found[0] < 2**63:
        raise unknown()
    return found[0]


def decode(cursor: str, types: Sequence[type[int] | type[str]]) -> tuple[int, list[Any]]:
    """Return the position and the values; refuse what ``encode`` did not make for an order of these types."""
    found = _read(cursor)
    if (
        not isinstance(found, list)
        or len(found) != 1 + len(types)
        or type(found[0]) is not int
        or not all(each is None or type(each) is kind for each, kind in zip(found[1:], types, strict=True))
        or not all("\0" not in each if isinstance(each, str) else 0 <= (each or 0) < 2**63 for each in found)
    ):
        raise unknown()
    position, *values = found
    return position, values


def _read(cursor: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        return None


def beyond(columns: Sequence[Column], values: Sequence[Any]) -> sql.Composed:
    """Compose the condition of coming after a row whose values are the parameters ``after_0`` and on; None is last."""
    names = [sql.Identifier(column.name) for column in columns]
    given = [sql.SQL("%(after_{})s::{}").format(ours(str(n)), ours(each.type)) for n, each in enumerate(columns)]
    if not any(column.nullable for column in columns):
        # One comparison of rows, which an index answers.
        return sql.SQL("({}) > ({})").format(sql.SQL(", ").join(names), sql.SQL(", ").join(given))
    ways = []
    for n, (name, column, value) in enumerate(zip(names, columns, values, strict=True)):
        further = sql.SQL("false") if value is None else sql.SQL("{} > {}").format(name, given[n])
        if column.nullable and value is not None:
            further = sql.SQL("({} OR {} IS NULL)").format(further, name)
        same = [
            sql.SQL("{} IS NULL").format(names[m])
            if values[m] is None
            else sql.SQL("{} = {}").format(names[m], given[m])
            for m in range(n)
        ]
        ways.append(sql.SQL("({})").format(sql.SQL(" AND ").join([*same, further])))
    return sql.SQL("({})").format(sql.SQL(" OR ").join(ways))


def unknown() -> Refused:
    """The refusal of a cursor that no page gave."""
    return Refused("the cursor is not one that a page of this listing gave", field="cursor")
