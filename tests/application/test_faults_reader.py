"""Readers under faults: what is committed is seen by every subscriber once, in order."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from uuid import uuid4

import pytest

from application.database import Database, Role
from application.log import Appended, Entry, LogRecorder, Tail, Unavailable
from application.log.tail import TIMER
from tests.application.clusters import until
from tests.faults.load import Place, command_id, contend, process, submission, told, write
from tests.faults.log import audit, reaches, readers, recorder
from tests.faults.proxy import Proxy
from tests.faults.threads import Threads


@pytest.fixture
def log(database: Database) -> Iterator[LogRecorder]:
    with recorder(database) as log:
        yield log


def follow(tail: Tail, seen: list[Entry]) -> None:
    seen.extend(entry for entry in tail)


def warm(log: LogRecorder) -> None:
    """Append two events; from when the tailer keeps what it reads, subscribers wait for it alone."""
    log.append(submission())
    log.tailer.wait(0, 5)
    log.append(submission())
    until(lambda: log.tailer.recent(1, 1))


def committed(log: LogRecorder) -> list[Entry]:
    return list(log.select_notifications(1, 1_000_000))


def test_what_several_processes_commit_at_once_is_seen_once_and_in_order(
    database: Database, log: LogRecorder, threads: Threads
) -> None:
    first, second, third = uuid4(), uuid4(), uuid4()
    seen: list[Entry] = []
    done: list[Place] = []
    with log.subscribe() as tail:
        following = threads.submit(follow, tail, seen)
        with (
            process(database, first, 4, 300) as one,
            process(database, second, 4, 60, "contend") as two,
        ):
            ours = [threads.submit(contend, log, third, lane, done.append, 60) for lane in range(4)]
            acknowledged = {command_id(first, place) for place in told(one)}
            acknowledged |= {command_id(second, place) for place in told(two)}
            assert [each.result() for each in ours] == [None] * 4
            assert one.wait(5) == two.wait(5) == 0
        acknowledged |= {command_id(third, place) for place in done}
        assert len(acknowledged) == 4 * 300 + 8 * 60
        assert audit(database).keys() == acknowledged
        reaches(seen, len(committed(log)))
    following.result(5)
    assert seen == committed(log)
    assert all(a.recorded_at <= b.recorded_at for a, b in pairwise(seen))


def test_a_reader_whose_connection_is_killed_again_and_again_misses_and_repeats_nothing(
    database: Database, log: LogRecorder, threads: Threads
) -> None:
    seen, late = list[Entry](), list[Entry]()
    killed = rounds = 0
    with log.subscribe() as tail, log.subscribe() as other, database.connect(Role.owner) as connection:
        following = [threads.submit(follow, tail, seen)]
        while killed < 4:
            rounds += 1
            with process(database, uuid4(), 4, 400) as writer:
                written = threads.submit(told, writer)
                while not written.done():
                    [(count,)] = connection.execute(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND application_name = 'taizhang reader'"
                    )
                    killed += count
                    time.sleep(0.1)
        following.append(threads.submit(follow, other, late))
        reaches(seen, len(committed(log)))
        reaches(late, len(committed(log)))
    assert [each.result(5) for each in following] == [None, None]
    assert seen == late == committed(log)
    assert len(audit(database)) == 1600 * rounds


def test_an_event_that_nobody_was_notified_of_is_seen_by_the_timer(
    database: Database, log: LogRecorder, threads: Threads
) -> None:
    seen: list[Entry] = []
    with log.subscribe() as tail, database.connect(Role.writer) as connection:
        following = threads.submit(follow, tail, seen)
        warm(log)
        for position in (3, 4, 5):
            connection.execute(
                "INSERT INTO events VALUES (%s, %s, 1, 'test.Happened', '{}', clock_timestamp(), %s, 1, NULL, %s)",
                (position, uuid4(), uuid4(), bytes(32)),
            )
            reaches(seen, position, 2 * TIMER)
    following.result(5)
    assert [entry.id for entry in seen] == [1, 2, 3, 4, 5]


def test_a_notification_wakes_a_reader_before_the_timer_would(log: LogRecorder) -> None:
    with log.subscribe() as tail:
        warm(log)
        assert [next(tail).id, next(tail).id] == [1, 2]
        waits: list[float] = []
        for _ in range(10):
            begun = time.monotonic()
            log.append(submission())
            next(tail)
            waits.append(time.monotonic() - begun)
    assert max(waits) < TIMER / 2


def test_a_server_out_of_reach_for_longer_than_patience_ends_no_subscription(
    log: LogRecorder, proxy: Proxy, wired: Database, threads: Threads
) -> None:
    seen, late = list[Entry](), list[Entry]()
    log.append(submission(events=3))
    with (
        recorder(replace(wired, patience=0.2)) as far,
        far.subscribe() as tail,
        far.subscribe() as other,
    ):
        following = [threads.submit(follow, tail, seen)]
        log.append(submission())
        reaches(seen, 4)
        with proxy.unplugged():
            log.append(submission())
            following.append(threads.submit(follow, other, late))
            time.sleep(1)
            assert (len(seen), len(late)) == (4, 0)
        reaches(seen, 5)
        reaches(late, 5)
    assert [each.result(5) for each in following] == [None, None]
    assert seen == late == committed(log)


def test_reads_go_on_soon_after_a_server_comes_back_however_long_it_was_away(
    proxy: Proxy, wired: Database, threads: Threads
) -> None:
    with recorder(wired) as log:
        log.append(submission())
        with proxy.unplugged():
            reading = threads.submit(log.max_notification_id)
            time.sleep(4)
            assert not reading.done()
        assert reading.result(2) == 1


def test_a_query_that_the_server_stopped_is_not_asked_again(database: Database) -> None:
    with database.connect(Role.owner) as connection:
        connection.execute(f"ALTER DATABASE \"{connection.info.dbname}\" SET statement_timeout = '300ms'".encode())
    with recorder(database) as other:
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="statement timeout"):
            other.reads.fetch("SELECT pg_sleep(5)")
        assert time.monotonic() - begun < 3
        assert other.max_notification_id() is None


def test_many_subscribers_share_one_connection_and_see_the_same(
    database: Database, log: LogRecorder, threads: Threads
) -> None:
    seed, sights = uuid4(), [list[Entry]() for _ in range(50)]
    with ExitStack() as stack:
        following = [threads.submit(follow, stack.enter_context(log.subscribe()), seen) for seen in sights]
        writers = [threads.submit(write, log, seed, lane, lambda _: None, 30) for lane in range(8)]
        assert [writer.result() for writer in writers] == [None] * 8
        expected = committed(log)
        until(lambda: all(len(seen) >= len(expected) for seen in sights))
        assert readers(database) == 1
    assert [each.result(5) for each in following] == [None] * 50
    assert all(seen == expected for seen in sights)


def test_closing_the_log_ends_every_subscription_and_every_wait(database: Database, threads: Threads) -> None:
    log = LogRecorder(database)
    log.append(submission())
    following = [threads.submit(lambda: [entry.id for entry in log.subscribe()]) for _ in range(20)]
    waiting = [threads.submit(log.tailer.wait, 10, 60) for _ in range(20)]
    begun = threading.Event()

    def go_on() -> None:
        while True:
            log.append(submission())
            begun.set()

    writing = threads.submit(go_on)
    begun.wait(5)
    time.sleep(0.2)
    begin = time.monotonic()
    log.close()
    assert time.monotonic() - begin < 5
    for each in following:
        ids = each.result(1)
        assert ids == list(range(1, len(ids) + 1))
    assert all(each.result(1) >= 0 for each in waiting)
    with pytest.raises(Unavailable, match="closed"):
        writing.result(1)
    before = time.process_time()
    assert list(log.subscribe()) == []
    assert time.process_time() - before < 1


def test_closing_while_the_server_is_away_does_not_wait_for_it(proxy: Proxy, wired: Database, threads: Threads) -> None:
    log = LogRecorder(wired)
    assert isinstance(log.append(submission()), Appended)
    seen: list[Entry] = []
    following = threads.submit(follow, log.subscribe(), seen)
    reaches(seen, 1)
    proxy.close()
    time.sleep(0.3)
    begin = time.monotonic()
    log.close()
    assert time.monotonic() - begin < 5
    following.result(1)
    assert len(seen) == 1
