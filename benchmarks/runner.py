"""The yardstick's view: each obligation's row versions, written with their tracking in a transaction for each event."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection
from psycopg import sql

from benchmarks.ledger import CLERK, SUMMARY, VERIFIER, id_of, terms
from benchmarks.nation import DAY, PERSON
from benchmarks.stock import Accountable, now


@dataclass(frozen=True)
class Raised(Accountable):
    organisation: UUID
    standard: UUID
    standard_version: int
    duty: str
    title: str
    area: str
    period: str
    case: str
    due: date | None
    soft: bool


@dataclass(frozen=True)
class Filed(Accountable):
    summary: str


@dataclass(frozen=True)
class Verified(Accountable):
    remark: str


def kept(count: int) -> Iterator[Accountable]:
    """Yield the ledger's events as the library's: obligations raised, then filed, then verified."""
    for raised in terms(count):
        id = id_of(raised)
        given = raised.model_dump(exclude={"evidence", "quorum"})
        yield Raised(id, 1, now(), PERSON, DAY, id, "", **given)
    for raised in terms(count):
        yield Filed(id_of(raised), 2, now(), CLERK, DAY, id_of(raised), "", SUMMARY)
    for raised in terms(count):
        yield Verified(id_of(raised), 3, now(), VERIFIER, DAY, id_of(raised), "", "与原始记录本核对一致")


TABLE = """
CREATE TABLE IF NOT EXISTS obligation (
    key uuid NOT NULL, version integer NOT NULL, organisation uuid NOT NULL, standard uuid NOT NULL,
    standard_version integer NOT NULL, duty text NOT NULL, title text NOT NULL, area text NOT NULL,
    period text NOT NULL, "case" text NOT NULL, due date, soft boolean NOT NULL, outcome text NOT NULL DEFAULT 'open',
    entry text NOT NULL DEFAULT '', summary text NOT NULL DEFAULT '', done_on date, filed_by uuid,
    began bigint NOT NULL, ended bigint NOT NULL DEFAULT 9223372036854775807, PRIMARY KEY (key, began)
) WITH (fillfactor = 50)
"""
INDEXES = (
    "CREATE INDEX IF NOT EXISTS obligation_place ON obligation (organisation, area, period, key)",
    'CREATE INDEX IF NOT EXISTS obligation_case ON obligation (standard, "case", key)',
    "CREATE INDEX IF NOT EXISTS obligation_due ON obligation (outcome, due, key)",
)
RAISED = """
INSERT INTO obligation
    (key, version, organisation, standard, standard_version, duty, title, area, period, "case", due, soft, began)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
# The library's way to keep versions: the last one ends, and one like it begins, changed.
ENDED = """
UPDATE obligation SET ended = %s WHERE key = %s AND began = (SELECT max(began) FROM obligation WHERE key = %s)
"""
AGAIN = """
INSERT INTO obligation
SELECT key, %s, organisation, standard, standard_version, duty, title, area, period, "case", due, soft,
    {outcome}, {entry}, {summary}, {done_on}, {filed_by}, %s
FROM obligation WHERE key = %s AND ended = %s
"""
FILED = AGAIN.format(outcome="'done'", entry="'filed'", summary="%s", done_on="%s", filed_by="%s")
VERIFIED = AGAIN.format(
    outcome="outcome", entry="'verified'", summary="summary", done_on="done_on", filed_by="filed_by"
)

Statement = tuple[str, tuple[Any, ...]]


class Obligations(PostgresTrackingRecorder):
    """The view, as the library has it: each change commits with the position that it was made for."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.sql_create_statements += [sql.SQL(each).format() for each in (TABLE, *INDEXES)]

    def write(self, tracking: Tracking, *statements: Statement) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            for statement, values in statements:
                cursor.execute(statement.encode(), values, prepare=True)


class Board(Projection[Obligations]):
    name = "board"

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        raise TypeError(domain_event)

    @process_event.register
    def raised(self, event: Raised, tracking: Tracking) -> None:
        values = (event.originator_id, 1, event.organisation, event.standard, event.standard_version, event.duty)
        more = (event.title, event.area, event.period, event.case, event.due, event.soft, tracking.notification_id)
        self.view.write(tracking, (RAISED, (*values, *more)))

    @process_event.register
    def filed(self, event: Filed, tracking: Tracking) -> None:
        id, at = event.originator_id, tracking.notification_id
        values = (event.originator_version, event.summary, event.occurred_on, event.actor, at, id, at)
        self.view.write(tracking, (ENDED, (at, id, id)), (FILED, values))

    @process_event.register
    def verified(self, event: Verified, tracking: Tracking) -> None:
        id, at = event.originator_id, tracking.notification_id
        self.view.write(tracking, (ENDED, (at, id, id)), (VERIFIED, (event.originator_version, at, id, at)))
