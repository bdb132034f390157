"""Commands: load an organisation, decide, append one event; each thread has organisations of its own.

Ours from 64 threads, beside (a) the library's application doing the same from 16 threads, and (b) 16 connections
that each insert a row as large and commit, with a trigger that copies every row into an audit table.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from random import getrandbits
from uuid import UUID

import psycopg

from application.bulk import record_all
from application.records import Act
from benchmarks.measure import Comparison, alternate, hammer
from benchmarks.nation import account, fail, founding, nation
from benchmarks.server import Server
from benchmarks.stock import Stock, batches, environment, founded
from domain.organisation import Organisation, organisation_id
from interface.app import Installation

THREADS, OTHERS = 64, 16
UNITS = 64 * 40
SECONDS = 2.0

AUDITED = """
CREATE TABLE entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, record uuid NOT NULL, version integer NOT NULL,
    topic text NOT NULL, state bytea NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now(), UNIQUE (record, version)
);
CREATE TABLE audit (at timestamptz NOT NULL, operation text NOT NULL, entry jsonb NOT NULL);
CREATE FUNCTION copy_into_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit VALUES (clock_timestamp(), TG_OP, to_jsonb(NEW));
    RETURN NULL;
END
$$;
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON entries FOR EACH ROW EXECUTE FUNCTION copy_into_audit();
"""
INSERT = "INSERT INTO entries (record, version, topic, state) VALUES (%s, %s, %s, %s)"


def run(server: Server) -> Iterator[Comparison]:
    ids = [organisation_id(unit.code) for unit in nation(UNITS)]
    with ExitStack() as opened:
        installation = opened.enter_context(server.installation())
        record_all(installation.records, map(founding, nation(UNITS)), fail)
        stock = opened.enter_context(Stock(environment(opened.enter_context(server.database()), OTHERS)))
        for events in batches(founded(nation(UNITS))):
            stock.save(*events)
        connections = audited(opened.enter_context(server.database()), opened)
        state = installation.records.recorder.select_notifications(1, 1)[0].state

        def ours() -> float:
            def one(thread: int, n: int) -> None:
                admit(installation, ids[(n * THREADS + thread) % UNITS], fresh())

            return hammer(THREADS, SECONDS, one)

        def theirs() -> float:
            def one(thread: int, n: int) -> None:
                stock.admit(ids[(n * OTHERS + thread) % UNITS], fresh())

            return hammer(OTHERS, SECONDS, one)

        def insert() -> float:
            def one(thread: int, _: int) -> None:
                connections[thread].execute(INSERT, (fresh(), 1, "organisation.MemberAdmitted", state))

            return hammer(OTHERS, SECONDS, one)

        measured, others = alternate(ours, theirs)
        yield Comparison(
            "commands from 64 threads: load, decide, append one event",
            "the library's application doing the same from 16 threads",
            "commands/s",
            measured,
            others,
            at_least=12,
        )
        measured, others = alternate(ours, insert)
        yield Comparison(
            "the same",
            "one-row INSERT + commit with an audit trigger, 16 connections",
            "commands/s",
            measured,
            others,
            at_least=1,
        )


def fresh() -> UUID:
    """Make a command's identifier. Asking the operating system for its chance would be measured, too."""
    return UUID(int=getrandbits(128))  # it guards nothing


def admit(installation: Installation, id: UUID, command_id: UUID) -> None:
    act = Act(account(command_id))
    installation.records.decide(act, Organisation, id, lambda unit: unit.admit(full=1))


def audited(dsn: str, opened: ExitStack) -> list[psycopg.Connection]:
    """Make an audited table, and connections that commit each statement."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(AUDITED)
    return [opened.enter_context(psycopg.connect(dsn, autocommit=True, prepare_threshold=0)) for _ in range(OTHERS)]
