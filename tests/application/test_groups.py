"""Every committed group carries the signature of its writer over the leaves that the stored events have."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from application import adopt
from application.database import Database, Role
from application.keys import LOG, WRITER, Unusable, create, create_for_log, for_log, load, verify
from application.log import Appended, Command, Submission
from application.log.append import End
from application.migrate import migrate
from domain.group import leaf_at, log_of, signed, writer
from tests.faults.load import happened, submission
from tests.faults.log import ORIGIN, leaves, recorder

# The log's tables as they were before it had groups.
BEFORE = """
DROP FUNCTION attempt; DROP FUNCTION turn; DROP FUNCTION append;
DROP TABLE event_groups, log; ALTER TABLE events DROP COLUMN salt;
CREATE FUNCTION append() RETURNS void LANGUAGE sql AS ''; DELETE FROM migrations WHERE number = 5;
"""


def groups(database: Database) -> list[tuple[int, list[bytes]]]:
    """Every group's first position and leaves; each is signed by the writer."""
    public = load(database.keys, WRITER).key
    with database.connect(Role.owner) as connection:
        rows = connection.execute("SELECT first, leaves, key_id, signature FROM event_groups ORDER BY first").fetchall()
    found = [(first, [held[n : n + 32] for n in range(0, len(held), 32)]) for first, held, _, _ in rows]
    for (first, each), (_, _, key_id, signature) in zip(found, rows, strict=True):
        assert key_id == public.id
        assert verify(public.public, signed(ORIGIN, first, each), signature)
    return found


def test_each_group_has_the_leaves_of_its_events_under_its_writers_signature(database: Database) -> None:
    with recorder(database) as log:
        for size in (1, 3, 2):
            assert isinstance(log.append(submission(events=size)), Appended)
        assert [leaf_at(position, log.groups(position, 1)) for position in range(1, 7)] == leaves(database)
    stored = leaves(database)
    assert groups(database) == [(1, stored[:1]), (2, stored[1:4]), (5, stored[4:])]


def test_what_is_refused_in_a_group_has_no_leaf(database: Database) -> None:
    stream, known = uuid4(), uuid4()
    with recorder(database) as log:
        log.append(happened(known, stream, 0, 1))
        group = [submission(), happened(uuid4(), stream, 0, 1), submission(known), submission(events=2)]
        log.writer._appender.send(group)  # one group for certain
    assert groups(database) == [(1, leaves(database)[:1]), (2, leaves(database)[1:])]
    assert len(leaves(database)) == 4


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("seconds", [-3600, -0.2, 0, 3600])
def test_a_writer_that_is_mistaken_about_the_logs_end_or_time_finds_them_out(
    database: Database, position: int, seconds: float
) -> None:
    with recorder(database) as log:
        log.append(submission())
        end = log.writer._appender._end
        assert end is not None and end.position == 1
        log.writer._appender._end = End(position, end.clock + timedelta(seconds=seconds))
        outcome = log.append(submission(events=2))
        assert isinstance(outcome, Appended)
        assert outcome.first == 2
        assert abs(outcome.recorded_at - datetime.now(UTC)) < timedelta(seconds=60)
    assert groups(database) == [(1, leaves(database)[:1]), (2, leaves(database)[1:])]


def test_no_two_events_share_a_salt(database: Database) -> None:
    with recorder(database) as log:
        for _ in range(3):
            log.append(submission(events=5))
    with database.connect(Role.owner) as connection:
        [(salts,)] = connection.execute("SELECT count(DISTINCT salt) FROM events")
    assert salts == 15


def test_a_topic_that_no_leaf_can_hold_is_refused_and_hurts_nobody(database: Database) -> None:
    bad = Submission([Command(uuid4(), [StoredEvent(uuid4(), 1, "题目", b"{}")])], {})
    with recorder(database) as log:
        with pytest.raises(ValueError, match="cannot stand in a leaf"):
            log.append(bad)
        assert isinstance(log.append(submission()), Appended)


def test_who_only_reads_needs_no_key_and_who_writes_is_told_of_it(database: Database, tmp_path: Path) -> None:
    with recorder(database) as log:
        log.append(submission())
    with recorder(replace(database, keys=tmp_path)) as log:
        assert log.max_notification_id() == 1
        with pytest.raises(Unusable, match=f"no key {tmp_path}/writer.key"):
            log.append(submission())


def test_a_writer_of_another_log_is_refused(database: Database, tmp_path: Path) -> None:
    create_for_log(tmp_path, "test.example/another")
    with recorder(replace(database, keys=tmp_path)) as log:
        with pytest.raises(Unusable, match=f"speaks for the log {ORIGIN} now; there is test.example/another/writer"):
            log.append(submission())
        assert log.max_notification_id() is None


def test_a_key_that_is_no_writers_signs_no_group(database: Database, tmp_path: Path) -> None:
    said = f"speaks for the log {ORIGIN} now; there is {ORIGIN}[+]"
    create(tmp_path, WRITER, ORIGIN)
    with (
        recorder(replace(database, keys=tmp_path)) as log,
        pytest.raises(Unusable, match=said),
    ):
        log.append(submission())


def test_a_writers_key_is_named_after_its_log() -> None:
    assert log_of(writer(ORIGIN)) == ORIGIN
    with pytest.raises(ValueError, match="is no writer's"):
        log_of(ORIGIN)


def test_an_event_cannot_be_put_at_another_place_than_the_next(database: Database) -> None:
    call = (
        "SELECT append(5, now(), ARRAY[gen_random_uuid()], '{1}', '{x}', '{a}', ARRAY[%s::bytea],"
        " ARRAY[gen_random_uuid()], '{1}', ARRAY[NULL::bytea], %s, '\\x00000000', %s)"
    )
    with database.connect(Role.writer) as connection, pytest.raises(psycopg.Error, match="position 5 is not the next"):
        connection.execute(call, (bytes(32), bytes(32), bytes(64)))


def test_a_log_that_had_no_groups_is_vouched_for_as_it_stands_and_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adopt, "GROUP", 3)
    with recorder(database) as log:
        for size in (1, 3, 4):
            log.append(submission(events=size))
    with database.connect(Role.owner) as connection:
        connection.execute(BEFORE.encode())
    assert migrate(database) == ["0005 groups"]
    stored = leaves(database)
    assert groups(database) == [(1, stored[:3]), (4, stored[3:6]), (7, stored[6:])]
    with recorder(database) as log:
        # A command of four events that two groups share.
        found = log.groups(5, 4)
        assert [leaf_at(position, found) for position in range(5, 9)] == stored[4:]
        assert isinstance(log.append(submission()), Appended)
    assert groups(database)[3:] == [(9, leaves(database)[8:])]


def test_what_was_slipped_in_without_a_signature_is_never_vouched_for(database: Database) -> None:
    with recorder(database) as log:
        log.append(submission())
    with database.connect(Role.owner) as connection:
        connection.execute(
            "INSERT INTO events SELECT 2, gen_random_uuid(), 1, topic, state, recorded_at, gen_random_uuid(), 1, NULL,"
            " salt FROM events"
        )
    assert migrate(database) == []
    assert [first for first, _ in groups(database)] == [1]


def test_a_log_is_named_by_the_keys_that_are_there_or_by_the_name_that_is_given_or_by_chance(
    new_log: Callable[[], Database], tmp_path: Path
) -> None:
    assert named(new_log()) == ORIGIN
    for origin, name in (("a.example/log", r"a\.example/log"), ("", r"taizhang\.local/[0-9a-f]{12}")):
        log = replace(new_log(), keys=tmp_path / (origin.replace("/", " ") or "chance"))
        with log.connect(Role.owner) as connection:
            connection.execute("ALTER TABLE log DISABLE TRIGGER ALL")
            connection.execute("DELETE FROM log")
        assert migrate(log, origin) == []
        assert re.fullmatch(name, named(log))
        assert load(log.keys, LOG).key.name == named(log)


def test_a_sealers_key_alone_is_not_taken_for_a_new_installation(tmp_path: Path) -> None:
    create(tmp_path, LOG, ORIGIN)
    with pytest.raises(Unusable, match=r"a log's key and no writer's: bring writer\.key there"):
        for_log(tmp_path)


def named(database: Database) -> str:
    with database.connect(Role.reader) as connection:
        [(origin,)] = connection.execute("SELECT origin FROM log")
    return str(origin)
