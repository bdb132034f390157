"""The right to act for a log, which one process at a time has, as long as its connection to the database lives."""

from contextlib import suppress

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from application.database import Database, Role

# The server too notices within half a minute that a peer vanished without a word. A local socket needs none of this.
NOTICE = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"


class Lease:
    """An advisory lock on a connection of its own: who dies, or loses the connection, has lost the lock."""

    def __init__(self, database: Database, what: str) -> None:
        self._database = database
        self._name = f"taizhang {what} {database.schema}"
        self._connection: Connection[TupleRow] | None = None

    def take(self) -> bool:
        """Take it if nobody has it; whether it is ours now."""
        try:
            if self._connection is None:
                self._connection = self._database.connect(Role.reader)
                self._connection.execute(NOTICE)
            [(ours,)] = self._connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (self._name,))
        except psycopg.Error:
            self.release()
            return False
        return bool(ours)

    def holds(self) -> bool:
        """Whether what was taken is ours still."""
        try:
            if self._connection is not None:
                self._connection.execute("SELECT 1")
        except psycopg.Error:
            self.release()
        return self._connection is not None

    def release(self) -> None:
        """Let others have it."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None
