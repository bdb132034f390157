"""Groups under faults: a submission that spoils its group, a writer that closes, a server that does not write."""

import time
from concurrent.futures import Future
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from application.database import Database, Role
from application.log import Appended, Command, LogRecorder, Outcome, Stale, Submission, Unavailable
from tests.application.clusters import until
from tests.faults.load import Place, command_id, happened, process, submission, told, write
from tests.faults.log import appending, audit, locked, recorder
from tests.faults.proxy import Proxy
from tests.faults.threads import Threads


def together(database: Database, log: LogRecorder, threads: Threads, group: list[Submission]) -> list[Future[Outcome]]:
    """Submit all of a group while the writer is busy, so that it sends them together."""
    with locked(database):
        first = threads.submit(log.append, submission())
        until(lambda: appending(database))
        futures: list[Future[Outcome]] = []
        for each in group:
            futures.append(threads.submit(log.append, each))
            until(lambda: len(log.writer._waiting) == len(futures))
    first.result(5)
    return futures


def refuse(database: Database, topic: str, statement: str) -> None:
    """Have the server run a statement for each event of a topic."""
    with database.connect(Role.owner) as connection:
        connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
            f" $$ BEGIN IF NEW.topic = '{topic}' THEN {statement}; END IF; RETURN NEW; END $$".encode()
        )
        connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()")


@pytest.mark.parametrize(
    ("topic", "statement", "raised"),
    [
        ("test.Full", "RAISE SQLSTATE '53100' USING MESSAGE = 'no space left on device'", Unavailable),
        ("test.Wrong", "RAISE SQLSTATE '22000' USING MESSAGE = 'wrong'", psycopg.DataError),
        ("test.Fatal", "PERFORM pg_terminate_backend(pg_backend_pid())", Unavailable),
    ],
    ids=["disk full", "wrong", "fatal to its connection"],
)
def test_a_submission_that_spoils_its_group_is_refused_alone(
    database: Database, threads: Threads, topic: str, statement: str, raised: type[Exception]
) -> None:
    refuse(database, topic, statement)
    with recorder(replace(database, patience=1)) as log:
        good = [submission(events=2) for _ in range(6)]
        futures = together(database, log, threads, [*good[:3], submission(topic=topic), *good[3:]])
        with pytest.raises(raised):
            futures.pop(3).result(10)
        assert all(isinstance(future.result(5), Appended) for future in futures)
        assert isinstance(log.append(submission()), Appended)
    assert {each.commands[0].id for each in good} <= audit(database).keys()
    assert len(audit(database)) == 8


def test_of_two_in_one_group_that_rely_on_what_the_other_writes_one_is_stale(
    database: Database, threads: Threads
) -> None:
    a, b = uuid4(), uuid4()
    pair = [
        Submission([Command(uuid4(), [StoredEvent(stream, 1, "test.Happened", b"{}")])], {a: 0, b: 0})
        for stream in (a, b)
    ]
    with recorder(database) as log:
        outcomes = [future.result(5) for future in together(database, log, threads, pair)]
    assert outcomes[1] == Stale({a: 1})
    assert isinstance(outcomes[0], Appended)
    assert len(audit(database)) == 2


def test_a_backend_that_is_terminated_between_two_commits_is_replaced_unnoticed(database: Database) -> None:
    with recorder(database) as log, database.connect(Role.owner) as connection:
        for n in range(3):
            outcome = log.append(submission())
            assert isinstance(outcome, Appended)
            assert outcome.first == n + 1
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
                " AND query LIKE '%FROM append(%' AND pid <> pg_backend_pid()"
            )


def test_closing_appends_what_was_submitted_before_and_refuses_what_comes_after(
    database: Database, threads: Threads
) -> None:
    log = LogRecorder(database)
    group = [submission() for _ in range(20)]
    with locked(database):
        futures = [threads.submit(log.append, group[0])]
        until(lambda: appending(database))
        futures += [threads.submit(log.append, each) for each in group[1:]]
        until(lambda: len(log.writer._waiting) == 19)
        closing = threads.submit(log.close)
        until(lambda: log.writer._closed)
        with pytest.raises(Unavailable, match="closed"):
            log.append(submission())
    closing.result(5)
    assert all(isinstance(future.result(5), Appended) for future in futures)
    assert audit(database).keys() == {each.commands[0].id for each in group}
    assert not log.writer._thread.is_alive()


def test_closing_while_the_server_is_away_refuses_at_once_whoever_waits(
    proxy: Proxy, wired: Database, threads: Threads
) -> None:
    log = LogRecorder(wired)
    log.append(submission())
    proxy.close()
    group = [submission() for _ in range(20)]
    futures = [threads.submit(log.append, each) for each in group]
    until(lambda: all(each.since for each in group))
    assert not any(future.done() for future in futures)
    begun = time.monotonic()
    log.close()
    assert time.monotonic() - begun < 5
    for future in futures:
        with pytest.raises(Unavailable):
            future.result(1)


def test_patience_with_a_server_that_is_away_is_counted_from_each_submission(
    proxy: Proxy, wired: Database, threads: Threads
) -> None:
    with recorder(replace(wired, patience=1)) as log:
        log.append(submission())
        proxy.close()
        stream = uuid4()
        # On one stream no two go into one group.
        futures = [threads.submit(log.append, happened(uuid4(), stream, n, 1)) for n in range(10)]
        begun = time.monotonic()
        for future in futures:
            with pytest.raises(Unavailable):
                future.result(5)
        assert 0.5 < time.monotonic() - begun < 4
        with pytest.raises(Unavailable):
            log.max_notification_id()


def test_a_process_ends_when_its_waiting_threads_have_their_answers(database: Database) -> None:
    seed = uuid4()
    with process(database, seed, lanes=8, limit=1) as writer:
        with locked(database):
            until(lambda: appending(database))
        assert sorted(told(writer)) == [(lane, 0) for lane in range(8)]
        assert writer.wait(5) == 0
    assert len(audit(database)) == 8


def set_database(database: Database, setting: str) -> None:
    with database.connect(Role.owner) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f'ALTER DATABASE "{connection.info.dbname}" {setting}'.encode())


def test_a_server_that_only_reads_is_waited_for(database: Database, threads: Threads) -> None:
    set_database(database, "SET default_transaction_read_only = on")
    with recorder(replace(database, patience=0.5)) as log, pytest.raises(Unavailable, match="read-only"):
        log.append(submission())
    with recorder(database) as log:
        future = threads.submit(log.append, submission())
        time.sleep(0.3)
        assert not future.done()
        set_database(database, "RESET default_transaction_read_only")
        assert isinstance(future.result(5), Appended)
    assert len(audit(database)) == 1


def test_a_servers_own_isolation_level_does_not_let_writers_collide(database: Database, threads: Threads) -> None:
    set_database(database, "SET default_transaction_isolation = 'repeatable read'")
    seed, done = uuid4(), list[Place]()
    with recorder(database) as one, recorder(database) as other:
        writers = [threads.submit(write, (one, other)[lane % 2], seed, lane, done.append, 30) for lane in range(8)]
        assert [writer.result() for writer in writers] == [None] * 8
    assert audit(database).keys() == {command_id(seed, place) for place in done}


def test_a_servers_own_haste_does_not_let_an_acknowledgement_come_before_the_disk(database: Database) -> None:
    set_database(database, "SET synchronous_commit = off")
    statement = "IF current_setting('synchronous_commit') = 'off' THEN RAISE 'not on the disk'; END IF"
    refuse(database, "test.Happened", statement)
    with recorder(database) as log:
        assert isinstance(log.append(submission()), Appended)
