"""A log gets its name; the events it had before groups were signed are signed now, as they stand."""

from itertools import islice

from psycopg import Connection
from psycopg.rows import TupleRow

from application.keys import Signer
from domain import group
from domain.leaf import entries
from domain.merkle import leaf_hash

# Events of a group at most.
GROUP = 4000

EVENTS = (
    "SELECT position, originator_id, originator_version, topic, recorded_at, salt, state FROM events ORDER BY position"
)


def found(connection: Connection[TupleRow], signer: Signer) -> None:
    """Name a log after its writer's key, once, and vouch for what it holds; the caller commits."""
    origin = group.log_of(signer.key.name)
    connection.execute("INSERT INTO log (origin) VALUES (%s)", (origin,))
    with connection.cursor("adopted", binary=True) as events, connection.cursor() as groups:
        events.itersize = GROUP
        events.execute(EVENTS)
        while rows := list(islice(events, GROUP)):
            first = rows[0][0]
            leaves = [leaf_hash(entry) for entry in entries(origin, rows)]
            groups.execute(
                "INSERT INTO event_groups VALUES (%s, %s, %s, %s)",
                (first, b"".join(leaves), signer.key.id, signer.sign(group.signed(origin, first, leaves))),
            )
