"""Where the log lives: one PostgreSQL database, one schema a log, and a role for each kind of work."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import Params
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import QueryCanceled
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

# Seconds for which reads and writes wait out a server that restarts, unless a database is given its own.
PATIENCE = 30.0
# Seconds between two attempts to reach a server that is away.
PAUSE = 0.1


class Unavailable(psycopg.OperationalError):
    """The database did not answer in time. What was submitted may or may not be recorded: repeat it."""


class Role(StrEnum):
    """What a connection may do. The owner alone changes the schema; an event, nobody, but for a lawful removal."""

    owner = ""
    writer = "taizhang_writer"
    projector = "taizhang_projector"
    reader = "taizhang_reader"
    sealer = "taizhang_sealer"
    redactor = "taizhang_redactor"


@dataclass(frozen=True)
class Database:
    """A log's address: a libpq connection string, and the schema that holds the log.

    ``keys``: the folder with the keys that sign what is recorded; who only reads needs none.
    ``sign_command``: what signs with those of which only the public half is there.
    ``patience``: seconds for which reads and writes wait out a server that restarts.
    """

    dsn: str
    keys: Path
    schema: str = "record"
    patience: float = PATIENCE
    sign_command: str = ""

    def conninfo(self, role: Role) -> str:
        given = conninfo_to_dict(self.dsn)
        settings = [
            str(given.get("options") or ""),
            f"-c search_path={self.schema},pg_catalog,pg_temp",
            "-c timezone=UTC",
            # The head of the log is read after the lock is taken: that needs a snapshot for each statement.
            "-c default_transaction_isolation=read\\ committed",
        ]
        if role:
            settings.append(f"-c role={role}")
        return make_conninfo(
            self.dsn,
            options=" ".join(settings).strip(),
            application_name=f"taizhang {role.name}",
            # A peer that vanished without a word is noticed within half a minute.
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=25_000,
            connect_timeout=10,
        )

    def connect(self, role: Role, **more: Any) -> psycopg.Connection:
        """Open a connection that commits each statement by itself."""
        return psycopg.connect(self.conninfo(role), autocommit=True, prepare_threshold=1, **more)

    def reads(self, role: Role, size: int = 8) -> "Reads":
        """Open a pool of such connections, for reading."""
        return Reads(
            ConnectionPool(
                self.conninfo(role),
                kwargs={"autocommit": True, "prepare_threshold": 1},
                min_size=1,
                max_size=size,
                open=True,
                name=f"taizhang {role.name}",
                # Try again every second, however long the server is away: a client's patience is short.
                reconnect_timeout=1,
                reconnect_failed=ConnectionPool.check,
            ),
            self.patience,
        )


@dataclass(frozen=True)
class Reads:
    """Queries that change nothing, so that one whose connection broke is simply asked again; and others, ``once``."""

    pool: ConnectionPool
    patience: float

    def fetch(
        self,
        query: str | sql.SQL | sql.Composed,
        parameters: Params | None = None,
        before: tuple[sql.Composed, Params] | None = None,
    ) -> list[TupleRow]:
        """Return every row, in binary format; raise Unavailable if the server stays away.

        ``before`` is run first, in the same transaction: it settles what holds for this query alone.
        """
        deadline = monotonic() + self.patience
        while True:
            try:
                left = deadline - monotonic()
                with self.pool.connection(left) as connection, connection.cursor(binary=True) as cursor:
                    if before is None:
                        return cursor.execute(query, parameters).fetchall()  # pyright: ignore[reportArgumentType]  # ours
                    # All of it in one message.
                    with connection.pipeline(), connection.transaction():
                        connection.execute(*before)
                        cursor.execute(query, parameters)  # pyright: ignore[reportArgumentType]  # ours
                    return cursor.fetchall()
            except psycopg.OperationalError as error:
                # One that took longer than the server lets it is not asked again.
                stopped = isinstance(error, QueryCanceled)
                if stopped or monotonic() > deadline or self.pool.closed:
                    raise Unavailable(f"the database does not answer: {error}") from error
                sleep(PAUSE)
                self.pool.check()

    def once(self, statement: str, parameters: Params | None = None) -> list[TupleRow]:
        """Run a statement that changes something, and return its rows.

        Raise Unavailable where the server is away; whether it was done is not known then.
        """
        try:
            with self.pool.connection(self.patience) as connection:
                return connection.execute(statement, parameters).fetchall()  # pyright: ignore[reportArgumentType]  # ours
        except psycopg.OperationalError as error:
            raise Unavailable(f"the database does not answer: {error}") from error

    def close(self) -> None:
        self.pool.close()
