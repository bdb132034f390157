"""The log within a transaction of the caller's: what is recorded there is so only if all else that it changes is."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from eventsourcing.persistence import JSONTranscoder
from psycopg import Connection
from psycopg.rows import TupleRow

from application.database import Database
from application.log.append import Appender
from application.log.mapper import Entry, RecordMapper
from application.log.submission import Appended, Command, Submission
from domain.event import Account, Aggregate, Event, Recorded

A = TypeVar("A", bound=Aggregate)

STREAM = f"SELECT {Entry.COLUMNS} FROM events WHERE originator_id = %s ORDER BY originator_version"


LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('taizhang log ' || %s, 0))"


class Within:
    """Holds the log's lock until the transaction ends; whoever changes its tables too begins it before that."""

    def __init__(self, database: Database, connection: Connection[TupleRow]) -> None:
        connection.execute(LOCK, (database.schema,))
        self._database = database
        self._connection = connection
        self._mapper = RecordMapper(JSONTranscoder())

    def load(self, kind: type[A], id: UUID) -> A:
        """Return an aggregate as it is stored, in its initial state if it has no events."""
        entries = (Entry(*row) for row in self._connection.execute(STREAM, (id,), binary=True))
        return kind.replay(None, map(self._mapper.to_domain_event, entries)) or kind(id)

    def record(self, aggregate: Aggregate, account: Account, events: Sequence[Event]) -> None:
        """Append what was decided on an aggregate, as one command; raise Unusable where no key can sign it."""
        stored = [
            self._mapper.to_stored_event(Recorded(aggregate.id, aggregate.version + n, event, account))
            for n, event in enumerate(events, 1)
        ]
        submission = Submission([Command(account.command_id, stored)], {aggregate.id: aggregate.version})
        outcome = Appender(self._database, lambda: None).send_within(self._connection, submission)
        assert isinstance(outcome, Appended), "nobody else appends while the lock is held"
