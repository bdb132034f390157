"""What the sealer reads of the log: the events as they are stored, and the groups that were signed."""

from collections.abc import Generator
from contextlib import contextmanager

from psycopg import Connection, IsolationLevel
from psycopg.rows import TupleRow

from application.seal.account import Page, hashed
from application.seal.refusal import Unaccountable
from domain.group import Group
from domain.keychange import Change
from domain.keyring import keyring_id
from domain.leaf import Stored

# Events at most that are read at once, but for a group larger than that.
PAGE = 20_000

ENDS = "SELECT coalesce(max(position), 0), (SELECT origin FROM log) FROM events"
GROUPS = "SELECT first, leaves, key_id, signature FROM event_groups WHERE first > %s AND first <= %s ORDER BY first"
# A stream as text, as it is written in an entry.
EVENTS = (
    "SELECT position, originator_id::text, originator_version, topic, recorded_at, coalesce(salt, commitment), state"
    " FROM events WHERE position > %s AND position <= %s ORDER BY position"
)

KEYRING = (
    "SELECT position, topic, state FROM events WHERE originator_id = %s AND position > %s AND position <= %s"
    " ORDER BY originator_version"
)


HOLDER = (
    "SELECT min(l.virtualtransaction) FROM pg_locks l, hashtextextended('taizhang log ' || current_schema, 0) AS key"
    " WHERE l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND l.granted AND l.objsubid = 1"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND l.classid::bigint = (key >> 32 & 4294967295) AND l.objid::bigint = (key & 4294967295)"
)


@contextmanager
def at_one_moment(connection: Connection[TupleRow]) -> Generator[None]:
    """Have a connection read the log as it is at one moment."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    with connection.transaction():
        yield


def holder(connection: Connection[TupleRow]) -> str | None:
    """Return the transaction that holds the log's lock, None if none does: one that dates events, or commits them."""
    [(found,)] = connection.execute(HOLDER)
    return None if found is None else str(found)


def ends(connection: Connection[TupleRow]) -> tuple[int, str]:
    """Return the log's last position, and its name."""
    [(head, origin)] = connection.execute(ENDS)
    return head, origin


def groups(connection: Connection[TupleRow], size: int) -> list[Group]:
    """Read the next groups, as many as make a page."""
    found: list[Group] = []
    for row in connection.execute(GROUPS, (size, size + PAGE), binary=True):
        group = Group(*row)
        if found and group.first - 1 + group.size > size + PAGE:
            break
        found.append(group)
    return found


def changes(connection: Connection[TupleRow], origin: str, size: int, end: int) -> list[Change]:
    """Read which events from an index to another change the log's keys."""
    found: list[Change] = []
    for row in connection.execute(KEYRING, (keyring_id(origin), size, end)):
        try:
            change = Change.read(*row)
        except ValueError as error:
            raise Unaccountable(row[0] - 1, "key", f"the event at position {row[0]} changes no key: {error}") from None
        if change is not None:
            found.append(change)
    return found


def page(connection: Connection[TupleRow], origin: str, first: int, end: int) -> Page:
    """Read events from one index to another and hash them."""
    rows: list[Stored] = connection.execute(EVENTS, (first, end), binary=True).fetchall()
    return hashed(origin, rows, first, end)
