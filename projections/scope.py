"""How readers see rows: with every query the database is told their scope, and holds each row against it.

It is the second line: a query that forgets its scope is answered with nothing.
"""

from typing import Final

from psycopg import sql
from psycopg.abc import Params

from domain.authority import Scope

OPEN: Final = "*"
"""What stands in place of a column where every reader sees a row, whatever their scope."""

# The settings under which the database finds how far somebody sees, and who they are.
_SCOPE, _READER = "taizhang.scope", "taizhang.reader"


def entering(log: str, scope: Scope) -> tuple[sql.Composed, Params]:
    """Return the statement that tells the database a scope, for the transaction in which it is run."""
    roots = None if scope.roots is None else sorted(scope.roots)
    query = sql.SQL("SELECT {}(%s::uuid[], %s)").format(sql.Identifier(log, "enter"))
    return query, (roots, str(scope.reader or ""))


def policy(log: str, table: sql.Identifier, column: str | None, own: tuple[str, ...]) -> list[sql.Composed]:
    """Return the statements by which a table shows readers what is in their scope.

    ``column`` holds the organisation that a row belongs to (``OPEN``: to all of them; None: to the whole record), and
    ``own`` the persons whose own it is.
    """
    # Each is looked up once for a query, and not for each row.
    told = sql.SQL("current_setting({}, true)").format(sql.Literal(_SCOPE))
    if column == OPEN:
        seen = [sql.SQL("(SELECT {} <> '')").format(told)]
    else:
        seen = [sql.SQL("(SELECT {} = {})").format(told, sql.Literal(OPEN))]
        if column:
            reached = sql.SQL("(SELECT unnest({}()))").format(sql.Identifier(log, "scope"))
            seen.append(sql.SQL("{} IN {}").format(sql.Identifier(column), reached))
        reader = sql.SQL("(SELECT nullif(current_setting({}, true), '')::uuid)").format(sql.Literal(_READER))
        seen += [sql.SQL("{} = {}").format(sql.Identifier(each), reader) for each in own]
    return [
        sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(table),
        # As a number that is not nought, it is expected to hold for nearly every row: plans are those without it.
        sql.SQL("CREATE POLICY scope ON {} FOR SELECT TO taizhang_reader USING (({})::int <> 0)").format(
            table, sql.SQL(" OR ").join(seen)
        ),
    ]


__all__ = ["OPEN", "entering", "policy"]
