"""Reaching the log's database, and saying why it cannot be reached: in a sentence that gives no secret away."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from application.database import Database, Role, Unavailable

# The oldest server that has everything the log asks for.
OLDEST = 16


def reach(dsn: str, keys: Path, sign_command: str = "") -> Database:
    """Return the database of a connection string once its server has answered; raise Unavailable."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # What the library says of it would repeat it, with its password.
        example = "postgresql://user@host:5432/name"
        raise Unavailable(f"the database's address is no connection string such as {example}") from None
    # One at the beginning alone is an abstract socket's; any other is a piece of what should not be shown.
    if "@" in str(given.get("host", ""))[1:]:
        raise Unavailable("an @ in the user or the password of the database's address is written %40")
    database = Database(dsn, keys, sign_command=sign_command)
    with answering(), database.connect(Role.owner) as connection:
        version = connection.info.server_version // 10_000
    if version < OLDEST:
        raise Unavailable(f"the database's server is PostgreSQL {version}; {OLDEST} or later is needed")
    return database


@contextmanager
def answering() -> Generator[None]:
    """Raise Unavailable for whatever a server, or the lack of one, does to a command."""
    try:
        yield
    except Unavailable:
        raise
    except (psycopg.OperationalError, psycopg.errors.InsufficientPrivilege) as error:
        raise Unavailable(f"the database does not do it: {error.diag.message_primary or _first_line(error)}") from error


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().partition("\n")[0]
