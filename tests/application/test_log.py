"""The log: gapless, exactly once, each submission standing or falling alone."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent

from application.database import Database, Role
from application.log import Appended, Command, LogRecorder, Repeated, Stale, Submission
from application.records import Records
from tests.application.clusters import until
from tests.faults.log import LOCK


def stored(stream: UUID, version: int, text: str = "{}") -> StoredEvent:
    return StoredEvent(stream, version, "test.Happened", text.encode())


def submission(stream: UUID, version: int = 1, events: int = 1, id: UUID | None = None) -> Submission:
    command = Command(id or uuid4(), [stored(stream, version + n) for n in range(events)])
    return Submission([command], {stream: version - 1})


def positions(recorder: LogRecorder) -> list[int]:
    return [entry.id for entry in recorder.select_notifications(1, 100_000)]


def test_positions_start_at_one_and_follow_each_other(records: Records) -> None:
    for n in range(3):
        assert isinstance(records.recorder.append(submission(uuid4(), events=n + 1)), Appended)
    assert positions(records.recorder) == [1, 2, 3, 4, 5, 6]


def test_a_refused_submission_consumes_no_position(records: Records) -> None:
    stream = uuid4()
    records.recorder.append(submission(stream))
    assert records.recorder.append(submission(stream)) == Stale({stream: 1})
    records.recorder.append(submission(stream, 2))
    assert positions(records.recorder) == [1, 2]


def test_in_a_group_each_submission_stands_or_falls_alone(records: Records) -> None:
    taken, known = uuid4(), uuid4()
    records.recorder.append(submission(taken, id=known))
    group = [
        submission(uuid4()),
        submission(taken),
        submission(uuid4(), events=2),
        submission(uuid4(), id=known),
        submission(uuid4()),
    ]
    outcomes = records.recorder.writer._appender.send(group)  # one group for certain
    assert [type(outcome) for outcome in outcomes] == [Appended, Stale, Appended, Repeated, Appended]
    assert [outcome.first for outcome in outcomes if isinstance(outcome, Appended)] == [2, 3, 5]
    assert positions(records.recorder) == [1, 2, 3, 4, 5]


def test_a_submission_that_the_database_cannot_take_does_not_hurt_its_group(records: Records) -> None:
    bad = Submission([Command(uuid4(), [StoredEvent(uuid4(), 2**31, "too.Late", b"{}")])], {})
    good = [submission(uuid4()) for _ in range(20)]
    with ThreadPoolExecutor(21) as threads:
        failed = threads.submit(records.recorder.append, bad)
        assert all(isinstance(outcome, Appended) for outcome in threads.map(records.recorder.append, good))
        with pytest.raises(psycopg.DataError):
            failed.result()
    assert positions(records.recorder) == list(range(1, 21))


def test_a_repeated_command_is_recognised_and_not_a_conflict(records: Records) -> None:
    stream, id = uuid4(), uuid4()
    records.recorder.append(submission(stream, id=id))
    assert records.recorder.append(submission(stream, id=id)) == Repeated()
    assert positions(records.recorder) == [1]


def test_a_stream_read_but_not_written_is_relied_on_too(records: Records) -> None:
    read, written = uuid4(), uuid4()
    records.recorder.append(submission(read))
    command = Command(uuid4(), [stored(written, 1)])
    assert records.recorder.append(Submission([command], {written: 0, read: 0})) == Stale({read: 1})
    assert isinstance(records.recorder.append(Submission([command], {written: 0, read: 1})), Appended)


def test_two_that_rely_on_what_the_other_writes_cannot_both_stand(records: Records) -> None:
    a, b = uuid4(), uuid4()
    first = Submission([Command(uuid4(), [stored(a, 1)])], {a: 0, b: 0})
    second = Submission([Command(uuid4(), [stored(b, 1)])], {a: 0, b: 0})
    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(records.recorder.append, [first, second]))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Appended", "Stale"]


def test_recorded_at_never_runs_back_and_positions_can_be_found_by_it(records: Records) -> None:
    for _ in range(20):
        records.recorder.append(submission(uuid4()))
    entries = records.recorder.select_notifications(1, 100)
    assert all(a.recorded_at <= b.recorded_at for a, b in pairwise(entries))
    assert records.recorder.position_at(entries[9].recorded_at) == max(
        e.id for e in entries if e.recorded_at == entries[9].recorded_at
    )
    assert records.recorder.position_at(datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert records.recorder.position_at(datetime.now(UTC)) == 20
    assert records.recorder.position_at(datetime.now(UTC) + timedelta(days=1)) is None


def test_what_was_recorded_by_a_past_instant_is_settled_once_it_was_told(records: Records, database: Database) -> None:
    """A group that took its time before the instant, and is visible only after it, is waited for."""
    records.recorder.append(submission(uuid4()))
    earlier = datetime.now(UTC)
    with ThreadPoolExecutor(1) as threads, database.connect(Role.writer) as connection:
        with connection.transaction():
            connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
            connection.execute(
                "INSERT INTO events VALUES (2, %s, 1, 'test.Happened', '{}', clock_timestamp(), %s, 1, NULL, %s)",
                (uuid4(), uuid4(), bytes(32)),
            )
            told = threads.submit(records.recorder.position_at, datetime.now(UTC))
            until(lambda: bool(waiting(database)))
            assert not told.done()
        assert told.result(5) == 2
    assert records.recorder.position_at(earlier) == 1


def waiting(database: Database) -> int:
    with database.connect(Role.owner) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return int(count)


def test_a_clock_set_back_does_not_run_the_log_back(records: Records, database: Database) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=1)
    with database.connect(Role.writer) as connection:
        connection.execute(
            "INSERT INTO events VALUES (1, %s, 1, 'test.Happened', '{}', %s, %s, 1, NULL, %s)",
            (uuid4(), ahead, uuid4(), bytes(32)),
        )
    records.recorder.append(submission(uuid4()))
    assert [e.recorded_at for e in records.recorder.select_notifications(1, 2)] == [ahead, ahead]


@pytest.mark.parametrize("statement", ["UPDATE events SET topic = 'x'", "DELETE FROM events", "TRUNCATE events"])
@pytest.mark.parametrize("role", list(Role))
def test_nobody_can_change_remove_or_truncate_events(
    records: Records, database: Database, statement: str, role: Role
) -> None:
    records.recorder.append(submission(uuid4()))
    with database.connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())
    assert positions(records.recorder) == [1]


def test_the_triggers_hold_in_replica_mode_too(records: Records, database: Database) -> None:
    records.recorder.append(submission(uuid4()))
    with database.connect(Role.owner) as connection:
        connection.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            connection.execute("DELETE FROM events")


@pytest.mark.parametrize("role", [Role.reader, Role.projector])
def test_only_the_writer_may_insert(database: Database, role: Role) -> None:
    with database.connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("INSERT INTO events VALUES (1, gen_random_uuid(), 1, 'x', '', now(), gen_random_uuid(), 1)")


def test_many_threads_leave_no_gap(records: Records) -> None:
    def write(_: int) -> None:
        for _ in range(25):
            records.recorder.append(submission(uuid4(), events=2))

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(write, range(16)))
    assert positions(records.recorder) == list(range(1, 801))


def test_two_logs_on_one_schema_take_turns(records: Records, database: Database) -> None:
    with Records(database) as other, ThreadPoolExecutor(8) as threads:
        for recorder in [records.recorder, other.recorder] * 4:
            threads.submit(lambda r: [r.append(submission(uuid4())) for _ in range(20)], recorder)
    assert positions(records.recorder) == list(range(1, 161))


def test_a_subscriber_sees_what_was_and_what_comes_once_and_in_order(records: Records) -> None:
    for _ in range(5):
        records.recorder.append(submission(uuid4()))
    seen: list[int] = []
    with records.recorder.subscribe(gt=2) as tail:

        def follow() -> None:
            for entry in tail:
                seen.append(entry.id)
                if entry.id == 40:
                    return

        thread = threading.Thread(target=follow)
        thread.start()
        for _ in range(35):
            records.recorder.append(submission(uuid4()))
        thread.join(20)
    assert seen == list(range(3, 41))


def test_a_subscriber_can_ask_for_topics(records: Records) -> None:
    records.recorder.append(submission(uuid4()))
    records.recorder.append(Submission([Command(uuid4(), [StoredEvent(uuid4(), 1, "test.Other", b"{}")])], {}))
    with records.recorder.subscribe(topics=["test.Other"]) as tail:
        assert next(iter(tail)).id == 2


def test_the_librarys_own_face_works(records: Records) -> None:
    stream = uuid4()
    assert list(records.recorder.insert_events([stored(stream, 1), stored(stream, 2)])) == [1, 2]
    with pytest.raises(IntegrityError):
        records.recorder.insert_events([stored(stream, 2)])
    assert [e.originator_version for e in records.recorder.select_events(stream, desc=True, limit=1)] == [2]
    assert records.recorder.max_notification_id() == 2
