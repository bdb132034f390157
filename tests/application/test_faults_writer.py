"""Writers under faults: nothing acknowledged is lost, nothing is recorded twice, no position is skipped."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import StoredEvent

from application.bulk import Item, Tally, record_all
from application.database import Database
from application.log import Appended, LogRecorder, Repeated
from application.log import append as groups
from application.migrate import migrate
from application.postgres import EmbeddedPostgres
from application.records import Act, Receipt, Records, Work
from domain.leaf import entries
from domain.organisation import Organisation, OrganisationEstablished
from tests.application.clusters import folder, postmaster, until
from tests.faults.load import Place, command_id, planned, process, submission, told, write
from tests.faults.log import appending, audit, committing, held, locked, reaches, recorder, writers
from tests.faults.proxy import Proxy
from tests.faults.threads import Threads
from tests.spec import account

A = TypeVar("A")

ESTABLISHED = OrganisationEstablished(name="鲁家村", code="", parent=None, level="village", setting="rural")


def test_a_writer_killed_under_load_has_recorded_what_it_acknowledged_and_no_command_in_part(
    database: Database,
) -> None:
    seed, lanes = uuid4(), 8
    acknowledged: set[Place] = set()
    recorded: dict[UUID, int] = {}
    for life in range(1, 4):
        with process(database, seed, lanes) as writer:
            # Every life begins by repeating what the lives before it recorded.
            acknowledged.update(told(writer, 400 * life))
            writer.kill()
            acknowledged.update(told(writer))
        # The server ends what it was at.
        until(lambda: not writers(database))
        recorded = audit(database)
        assert {command_id(seed, place) for place in acknowledged} <= recorded.keys()
    everything = [(lane, n) for lane in range(lanes) for n in range(max(n for _, n in acknowledged) + 2)]
    with recorder(database) as again:
        outcomes = {place: again.append(planned(seed, place)) for place in everything}
    missing = {place for place in everything if command_id(seed, place) not in recorded}
    assert {place for place, outcome in outcomes.items() if isinstance(outcome, Appended)} == missing
    assert {place for place, outcome in outcomes.items() if outcome == Repeated()} == {*everything} - missing
    assert audit(database).keys() == {command_id(seed, place) for place in everything}


def test_a_writer_killed_before_its_turn_has_recorded_nothing_and_is_in_nobodys_way(database: Database) -> None:
    seed = uuid4()
    with locked(database), process(database, seed, lanes=1) as writer:
        until(lambda: appending(database))
        os.kill(writer.pid, signal.SIGKILL)
        assert told(writer) == []
    with recorder(database) as again:
        assert isinstance(again.append(planned(seed, (0, 0))), Appended)
    assert audit(database) == {command_id(seed, (0, 0)): 1}


def test_a_writer_that_stands_still_in_its_turn_is_thrown_out_and_records_when_it_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch, threads: Threads
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait(*given: Any) -> Iterator[bytes]:
        begun.set()
        go_on.wait(30)
        return entries(*given)

    monkeypatch.setattr(groups, "entries", wait)
    monkeypatch.setattr(groups, "PROMPT", "SET idle_in_transaction_session_timeout = '100ms'")
    late, soon = submission(), submission()
    with recorder(database) as standing:
        future = threads.submit(standing.append, late)
        assert begun.wait(10)
        monkeypatch.setattr(groups, "entries", entries)
        with recorder(database) as log:
            assert isinstance(log.append(soon), Appended)
        go_on.set()
        assert isinstance(future.result(10), Appended)
    assert audit(database) == {soon.commands[0].id: 1, late.commands[0].id: 2}


def test_a_group_whose_writer_is_killed_while_the_server_commits_it_is_recorded_whole(database: Database) -> None:
    seed = uuid4()
    with held(database), process(database, seed, lanes=1) as writer:
        until(lambda: committing(database))
        os.kill(writer.pid, signal.SIGKILL)
        assert told(writer) == []
    until(lambda: not writers(database))
    assert audit(database) == {command_id(seed, (0, 0)): 1}
    with recorder(database) as again:
        assert again.append(planned(seed, (0, 0))) == Repeated()


def test_a_database_killed_under_load_is_waited_for_and_loses_and_repeats_nothing(keys: Path, threads: Threads) -> None:
    seed, acknowledged, seen = uuid4(), list[Place](), list[int]()
    stop = threading.Event()

    def go_on() -> None:
        reaches(acknowledged, len(acknowledged) + 200, 60)

    class Enough(Exception):
        pass

    def tell(place: Place) -> None:
        acknowledged.append(place)
        if stop.is_set():
            raise Enough

    def read(log: LogRecorder) -> list[int]:
        heads: list[int] = []
        while not stop.is_set():
            heads.append(log.max_notification_id() or 0)
        return heads

    with folder() as home, EmbeddedPostgres(home, {"shared_buffers": "16MB"}) as postgres:
        database = Database(postgres.dsn, keys)
        migrate(database)
        with recorder(database) as log, log.subscribe() as tail:
            writers = [threads.submit(write, log, seed, lane, tell) for lane in range(8)]
            readers = [threads.submit(read, log) for _ in range(4)]
            follower = threads.submit(lambda: seen.extend(entry.id for entry in tail))
            for _ in range(2):
                go_on()
                kill(home)
            go_on()
            stop.set()
            assert all(isinstance(writer.exception(10), Enough) for writer in writers)
            # What was ever seen is still there after a crash.
            assert all((heads := reader.result(10)) == sorted(heads) for reader in readers)
            recorded = audit(database)
            assert sorted(command_id(seed, place) for place in acknowledged) == sorted(recorded)
            head = log.max_notification_id() or 0
            reaches(seen, head)
        follower.result(5)
        assert seen == list(range(1, head + 1))


def kill(home: Path) -> None:
    """Kill every process of a server at once."""
    server = postmaster(home)
    children = [int(pid) for pid in Path(f"/proc/{server}/task/{server}/children").read_text().split()]
    for pid in (server, *children):
        os.kill(pid, signal.SIGKILL)


def lose_the_acknowledgement(database: Database, proxy: Proxy, threads: Threads, run: Callable[[], A]) -> Future[A]:
    """Run something that appends once; cut its connection when the server has committed and before it hears of it."""
    with held(database):
        future = threads.submit(run)
        until(lambda: committing(database))
        proxy.mute()
    until(lambda: audit(database))
    assert not future.done()
    proxy.cut()
    return future


def test_a_commit_whose_acknowledgement_is_lost_is_acknowledged_all_the_same(
    database: Database, proxy: Proxy, wired: Database, threads: Threads
) -> None:
    one = submission(events=3)
    with recorder(wired) as log:
        outcome = lose_the_acknowledgement(database, proxy, threads, lambda: log.append(one)).result(5)
        assert isinstance(outcome, Appended)
        assert outcome.first == 1
        assert log.recordings([one.commands[0].id])[one.commands[0].id].recorded_at == outcome.recorded_at
        assert log.append(submission(one.commands[0].id)) == Repeated()
    assert audit(database) == {one.commands[0].id: 1}


def test_the_librarys_own_face_reports_no_conflict_after_a_lost_acknowledgement(
    database: Database, proxy: Proxy, wired: Database, threads: Threads
) -> None:
    events = [StoredEvent(uuid4(), 1, "test.Happened", b"{}") for _ in range(3)]
    with recorder(wired) as log:
        done = lose_the_acknowledgement(database, proxy, threads, lambda: log.insert_events(events))
        assert list(done.result(5)) == [1, 2, 3]
    assert list(audit(database).values()) == [1]


def test_a_command_gets_its_receipt_after_a_lost_acknowledgement_and_the_same_when_repeated(
    database: Database, proxy: Proxy, wired: Database, threads: Threads
) -> None:
    act = Act(account(command_id=uuid4()))

    def establish(work: Work) -> None:
        work.record(act.account, (work.create(Organisation, uuid4()), ESTABLISHED))

    def run(records: Records) -> Receipt:
        return records.transact(act, establish)

    with Records(wired) as records:
        receipt = lose_the_acknowledgement(database, proxy, threads, lambda: run(records)).result(5)
        assert receipt == records.receipt(act.account.command_id) == run(records)
    with Records(database) as elsewhere:
        assert run(elsewhere) == receipt
    assert audit(database) == {act.account.command_id: receipt.position}


def test_a_bulk_counts_as_recorded_what_it_recorded_though_the_acknowledgement_was_lost(
    database: Database, proxy: Proxy, wired: Database, threads: Threads
) -> None:
    def item() -> Item:
        act, id = Act(account(command_id=uuid4())), uuid4()

        def run(work: Work) -> None:
            work.record(act.account, (work.load(Organisation, id), ESTABLISHED))

        return Item(act.account.command_id, [(Organisation, id)], run)

    items = [item() for _ in range(5)]
    with Records(wired) as records:

        def run() -> Tally:
            return record_all(records, items, lambda *_: pytest.fail("nothing is refused"))

        done = lose_the_acknowledgement(database, proxy, threads, run)
        assert done.result(5) == Tally(recorded=5, position=5)
        assert run() == Tally(repeated=5)
    assert list(audit(database)) == [item.command_id for item in items]


def test_a_group_sent_again_while_the_server_still_works_on_it_is_recorded_once(
    database: Database, proxy: Proxy, wired: Database, threads: Threads
) -> None:
    one = submission(events=2)
    with recorder(wired) as log:
        with locked(database):
            future = threads.submit(log.append, one)
            until(lambda: appending(database) == 1)
            proxy.cut()
            until(lambda: appending(database) == 2)
        outcome = future.result(5)
    assert isinstance(outcome, Appended)
    assert audit(database) == {one.commands[0].id: outcome.first}


def test_a_query_that_never_reached_the_server_is_sent_again(database: Database, proxy: Proxy, wired: Database) -> None:
    one = submission()
    with recorder(wired) as log:
        log.append(submission())
        proxy.deaf = True
        outcome = log.append(one)
    assert not proxy.deaf
    assert isinstance(outcome, Appended)
    assert audit(database)[one.commands[0].id] == outcome.first == 2


def test_another_command_under_a_known_id_is_not_taken_for_our_own_after_a_cut(
    database: Database, proxy: Proxy, wired: Database
) -> None:
    with recorder(database) as elsewhere, recorder(wired) as log:
        log.append(submission())
        known = submission()
        elsewhere.append(known)
        proxy.deaf = True
        assert log.append(submission(known.commands[0].id)) == Repeated()
    assert not proxy.deaf
    assert len(audit(database)) == 2


def test_a_connection_cut_again_and_again_under_load_loses_and_repeats_nothing(
    database: Database, proxy: Proxy, wired: Database, threads: Threads
) -> None:
    seed, limit, done = uuid4(), 150, list[Place]()
    with recorder(wired) as log:
        writers = [threads.submit(write, log, seed, lane, done.append, limit) for lane in range(8)]
        for n in range(20):
            reaches(done, n * limit * 8 // 20)
            if n % 2 == 0:
                proxy.mute()
            time.sleep(0.01)
            proxy.cut()
        assert [writer.result(10) for writer in writers] == [None] * 8
    assert audit(database).keys() == {command_id(seed, place) for place in done}
    assert len(done) == 8 * limit
