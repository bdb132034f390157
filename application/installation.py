"""Deployments and verifications of a log, put on record: what guards it in its database, and what verifying found."""

from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow

from application import catalogue
from application.access import introduce, person_id
from application.clock import Clock
from application.database import Database, Reads, Role
from application.identity import uuid7
from application.log import Within
from application.migrate import apply, prepare
from application.records import Act, Receipt, Records
from domain.event import Account
from domain.installation import CatalogueSealed, InstallationRecord, LogVerified, installation_id

PROGRAM = "installation"
"""The name under which the program seals what a deployment left."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was migrated, whether the catalogue was put on record, and in what it is not as it was sealed."""

    applied: list[str]
    sealed: bool
    altered: list[str]


def deploy(database: Database, clock: Clock, origin: str = "", accept: str = "", person: str = PROGRAM) -> Deployment:
    """Migrate a log (see ``migrate``) and seal its catalogue, both or neither.

    ``accept`` is the reason for which a catalogue is sealed that is not as it was. Raise Refused where there are
    migrations for one that nobody accepted, Unusable where there is something to seal, and no key to sign it with.
    """
    account = Account(actor=person_id(person), occurred_on=clock.today(), command_id=uuid7(), reason=accept)
    with database.connect(Role.owner) as connection, connection.transaction():
        prepare(connection, database)
        log = Within(database, connection)
        before = _guards(connection, database.schema)
        applied = apply(connection, database, origin)
        found = _guards(connection, database.schema)
        [(name,)] = connection.execute("SELECT origin FROM log")
        record = log.load(InstallationRecord, installation_id(name))
        decided = record.seal(found, before, account)
        if decided:
            introduce(connection, [person])
            log.record(record, account, decided)
    return Deployment(applied, bool(decided), [] if decided else record.altered(found))


def _guards(connection: Connection[TupleRow], schema: str) -> CatalogueSealed:
    """Read what guards a log now, in the form in which it is put on record."""
    parts = catalogue.read(connection, schema)
    [(migration,)] = connection.execute("SELECT coalesce(max(number), 0) FROM migrations")
    return CatalogueSealed(
        migration=migration, catalogue=catalogue.fingerprint(parts), parts=catalogue.shortened(parts)
    )


@dataclass(frozen=True, slots=True)
class Installations:
    """What is on record of one log's installation."""

    records: Records
    reads: Reads

    def record(self) -> InstallationRecord:
        [(origin,)] = self.reads.fetch("SELECT origin FROM log")
        return self.records.load(InstallationRecord, installation_id(origin), fresh=True)

    def altered(self) -> list[str]:
        """Say in what the catalogue is not as it was sealed."""
        record = self.record()
        with self.reads.pool.connection() as connection:
            return record.altered(_guards(connection, self.records.database.schema))

    def conclude(self, account: Account, result: LogVerified) -> Receipt | None:
        """Put the result of a verification on record; None if it says nothing that is not there."""

        def decide(record: InstallationRecord) -> tuple[LogVerified, ...]:
            last = self.records.recorder.select_events(record.id, desc=True, limit=1)
            new = not last or (last[0].id, last[0].topic) != (result.head, LogVerified.TOPIC)
            if not (decided := record.conclude(result, new=new)):
                raise _Nothing
            return decided

        try:
            return self.records.decide(Act(account), InstallationRecord, self.record().id, decide)
        except _Nothing:
            return None


class _Nothing(Exception):
    """There is nothing to put on record."""
