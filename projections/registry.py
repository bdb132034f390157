"""Where each view stands, and where its rows lie: a view is begun, built beside the one that serves, and switched."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import Connection, sql
from psycopg.errors import LockNotAvailable
from psycopg.rows import TupleRow

from projections.tables import table
from projections.view import View

# How long a switch may wait for those who read the rows that it takes away.
WAIT = "SET LOCAL lock_timeout = '200ms'"


class Superseded(Exception):
    """Somebody began the view anew since its place was read; nothing was written."""


@dataclass
class Place:
    """One fold of a view under way: the one that serves, or the one being built beside it."""

    view: View
    building: bool
    position: int
    stopped_at: int | None

    @property
    def key(self) -> tuple[str, bool]:
        return self.view.name, self.building

    def schema(self, log: str) -> str:
        return schema_of(log, self.view.name, building=self.building)


def schema_of(log: str, view: str, *, building: bool = False) -> str:
    """Name the schema in which a view's rows lie."""
    return f"{log}_{view}{'_next' if building else ''}"


def shape_of(view: View) -> str:
    """The columns of a view's rows in words; a view of the same shape can be read by the same queries."""
    return "; ".join(table(kind).shape for kind in view.rows)


def begin(connection: Connection[TupleRow], log_schema: str, view: View, removals: int, *, building: bool) -> Place:
    """Make a view's empty tables, in place of any that were begun before, and its line in the registry.

    ``removals`` is the last position at which it was decided to remove payloads: they are not folded.
    """
    schema = sql.Identifier(name := schema_of(log_schema, view.name, building=building))
    with connection.transaction():
        take_turns(connection, view)
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO taizhang_reader").format(schema))
        for kind in view.rows:
            table(kind).create(connection, log_schema, name)
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO taizhang_reader").format(schema))
        connection.execute(
            "INSERT INTO views (name, building, version, shape, removals) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (name, building) DO UPDATE SET version = excluded.version, shape = excluded.shape,"
            " removals = excluded.removals, position = 0, updated_at = now(), stopped_at = NULL, error = NULL",
            (view.name, building, view.version, shape_of(view), removals),
        )
    return Place(view, building, 0, None)


def switch(connection: Connection[TupleRow], log_schema: str, place: Place) -> bool:
    """Put the rows built in place of those that served, in one transaction; queries see the one or the other.

    Return False where somebody reads those for long: whoever wants to read meanwhile would wait behind this, so it is
    tried again. Raise Superseded if the view was begun anew meanwhile.
    """
    try:
        with connection.transaction():
            connection.execute(WAIT)
            _switch(connection, log_schema, place)
    except LockNotAvailable:
        return False
    return True


def _switch(connection: Connection[TupleRow], log_schema: str, place: Place) -> None:
    name = place.view.name
    old, new = (sql.Identifier(schema_of(log_schema, name, building=building)) for building in (False, True))
    take_turns(connection, place.view)
    built = connection.execute(
        "SELECT 1 FROM views WHERE name = %s AND building AND position = %s AND version = %s",
        (name, place.position, place.view.version),
    ).fetchone()
    if not built:
        raise Superseded
    connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(old))
    connection.execute(sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(new, old))
    connection.execute("DELETE FROM views WHERE name = %s AND NOT building", (name,))
    connection.execute("UPDATE views SET building = false, updated_at = now() WHERE name = %s", (name,))


def abandon(connection: Connection[TupleRow], log_schema: str, view: View) -> None:
    """Drop what was being built beside a view."""
    with connection.transaction():
        take_turns(connection, view)
        connection.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(
                sql.Identifier(schema_of(log_schema, view.name, building=True))
            )
        )
        connection.execute("DELETE FROM views WHERE name = %s AND building", (view.name,))


def take_turns(connection: Connection[TupleRow], view: View) -> None:
    """Lock a view's lines until the transaction ends: whoever begins, folds or switches it does this first."""
    connection.execute("SELECT 1 FROM views WHERE name = %s ORDER BY building FOR UPDATE", (view.name,))


def level(place: Place, places: Sequence[Place]) -> bool:
    """Whether a view built anew has come as far as the one that serves: what serves never goes back."""
    serving = (other.position for other in places if other.view is place.view and not other.building)
    return place.building and place.stopped_at is None and all(position <= place.position for position in serving)
