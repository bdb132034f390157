"""What an administrator of the database can do to a log, past its fences and leaving them as they were."""

from collections.abc import Sequence
from typing import Any

from application.database import Database, Role

_FENCES = (
    ("events", "events_are_append_only"),
    ("events", "events_are_not_rewritten"),
    ("event_groups", "event_groups_are_append_only"),
    ("log", "log_is_append_only"),
    ("retired_keys", "retired_keys_are_append_only"),
)

FORGED = (
    "INSERT INTO events SELECT {position}, gen_random_uuid(), 1, topic, state, {at}, gen_random_uuid(), 1, NULL, salt"
    " FROM events WHERE position = 2"
)
"""The statement that puts an event at a position, dated at a time."""


def tamper(database: Database, *statements: str, given: Sequence[Any] = ()) -> None:
    """Run statements as the superuser, with every trigger of the log's tables out of the way meanwhile."""
    with database.connect(Role.owner) as connection, connection.transaction():
        for table, _ in _FENCES:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
        for statement in statements:
            connection.execute(statement.encode(), given or None)
        for table, fence in _FENCES:
            connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {fence}".encode())


def renumber(first: int, by: int) -> str:
    """The statement that moves the events from a position on."""
    order = "DESC" if by > 0 else "ASC"
    return (
        f"DO $$ DECLARE p bigint; BEGIN FOR p IN SELECT position FROM events WHERE position >= {first}"
        f" ORDER BY position {order} LOOP UPDATE events SET position = p + {by} WHERE position = p; END LOOP; END $$"
    )
