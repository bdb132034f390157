"""What an administrator of the database does to the log, the sealer refuses, and names the first index concerned."""

from pathlib import Path

import pytest

from application.database import Role
from application.keys import WRITER, create, load
from application.seal import Unaccountable
from domain.group import signed
from tests.faults.load import submission
from tests.faults.log import ORIGIN, leaves, recorder
from tests.faults.place import Place
from tests.faults.tamper import FORGED, renumber, tamper

MIDDLE = FORGED.format(position=9, at="recorded_at")
TAIL = FORGED.format(position=3, at="clock_timestamp()")
# What is done, the index that is named, and what is said of it. Positions 5 and 6 are one group, not yet sealed.
UNSEALED = {
    "an event edited": (["UPDATE events SET state = '{}' WHERE position = 5"], 4, "event"),
    "a topic edited": (["UPDATE events SET topic = 'test.Other' WHERE position = 5"], 4, "event"),
    "a topic that is none": (["UPDATE events SET topic = '题' WHERE position = 6"], 5, "entry"),
    "a version edited": (["UPDATE events SET originator_version = 9 WHERE position = 5"], 4, "event"),
    "a stream edited": (["UPDATE events SET originator_id = gen_random_uuid() WHERE position = 5"], 4, "event"),
    "a salt edited": (["UPDATE events SET salt = sha256('') WHERE position = 5"], 4, "event"),
    "both dated ahead": (["UPDATE events SET recorded_at = recorded_at + '1 s' WHERE position > 4"], 4, "event"),
    "both dated back": (
        ["UPDATE events SET recorded_at = recorded_at - '1h'::interval WHERE position > 4"],
        4,
        "time",
    ),
    "one dated back": (["UPDATE events SET recorded_at = recorded_at - '1 h'::interval WHERE position = 6"], 5, "time"),
    "one deleted": (["DELETE FROM events WHERE position = 5"], 4, "missing"),
    "the last deleted": (["DELETE FROM events WHERE position = 6"], 5, "missing"),
    "all that is new deleted": (["DELETE FROM events WHERE position > 4"], 4, "missing"),
    "two swapped": (
        [f"UPDATE events SET position = {a} WHERE position = {b}" for a, b in ((1000, 5), (5, 6), (6, 1000))],
        4,
        "event",
    ),
    "the group deleted": (["DELETE FROM event_groups WHERE first = 5"], 4, "group"),
    "the group moved": (["UPDATE event_groups SET first = 6 WHERE first = 5"], 4, "group"),
    "its leaves edited": (["UPDATE event_groups SET leaves = leaves || sha256('') WHERE first = 5"], 4, "signature"),
    "its signature edited": (["UPDATE event_groups SET signature = sha512('') WHERE first = 5"], 4, "signature"),
    "its key edited": (["UPDATE event_groups SET key_id = '\\x01020304' WHERE first = 5"], 4, "key"),
}
SEALED = {
    "an event edited": (["UPDATE events SET state = '{}' WHERE position = 9"], 8, "event"),
    "one deleted": (["DELETE FROM events WHERE position = 9"], 8, "missing"),
    "one deleted, the rest renumbered": (["DELETE FROM events WHERE position = 9", renumber(10, -1)], 599, "missing"),
    "one inserted in the middle": ([renumber(9, 1), MIDDLE], 600, "group"),
    "the tail deleted": (["DELETE FROM events WHERE position > 590"], 590, "missing"),
    "everything deleted": (["TRUNCATE events, event_groups"], 0, "missing"),
    "the last edited": (["UPDATE events SET state = '{}' WHERE position = 600"], 599, "event"),
}


@pytest.mark.parametrize("what", UNSEALED)
def test_what_was_changed_before_it_was_sealed_is_refused(place: Place, what: str) -> None:
    statements, index, kind = UNSEALED[what]
    place.seals(4)
    place.record(2)
    tamper(place.database, *statements)
    found = place.refuses()
    assert (found.index, found.kind) == (index, kind)
    assert place.sealed.checkpoint().size == 4


@pytest.mark.parametrize("what", SEALED)
def test_what_was_changed_after_it_was_sealed_is_refused(place: Place, what: str) -> None:
    statements, index, kind = SEALED[what]
    place.seals(600)
    tamper(place.database, *statements)
    found = place.refuses()
    assert (found.index, found.kind) == (index, kind)
    assert place.sealed.checkpoint().size == 600


def test_what_was_changed_long_ago_is_found_on_patrol(place: Place) -> None:
    place.seals(5 * 1024)
    tamper(place.database, "UPDATE events SET state = '{}' WHERE position = 4000")
    sealer = place.sealer()
    for _ in range(3):
        sealer.seal()
    with pytest.raises(Unaccountable, match="the event at position 4000 is not the one that was sealed"):
        sealer.seal()


def test_an_event_put_at_the_end_without_a_group_is_refused(place: Place) -> None:
    place.seals(2)
    tamper(place.database, TAIL)
    found = place.refuses()
    assert (found.index, found.kind) == (2, "group")


@pytest.mark.parametrize("kind", ["key", "signature"])
def test_an_event_put_at_the_end_with_a_group_of_ones_own_is_refused(place: Place, tmp_path: Path, kind: str) -> None:
    """Well formed to the byte, and signed: but with no writer's key."""
    place.seals(2)
    tamper(place.database, TAIL)
    leaf, forger = leaves(place.database)[2], create(tmp_path, "forger", f"{ORIGIN}/writer")
    named = forger if kind == "key" else load(place.database.keys, WRITER)
    group = [3, leaf, named.key.id, forger.sign(signed(ORIGIN, 3, [leaf]))]
    tamper(place.database, "INSERT INTO event_groups VALUES (%s, %s, %s, %s)", given=group)
    found = place.refuses()
    assert (found.index, found.kind) == (2, kind)


def test_a_backup_put_back_is_refused_also_once_it_has_grown_past_what_was_sealed(place: Place) -> None:
    place.record(2)
    tables = ("events", "event_groups")
    with place.database.connect(Role.owner) as connection:
        for table in tables:
            connection.execute(f"CREATE TABLE saved_{table} AS SELECT * FROM {table}".encode())
    place.seals(2)
    restored = [f"INSERT INTO {table} SELECT * FROM saved_{table}" for table in tables]
    tamper(place.database, "TRUNCATE events, event_groups", *restored)
    found = place.refuses()
    assert (found.index, found.kind) == (2, "missing")
    place.sealed.refuse(None)
    with recorder(place.database) as another:
        for _ in range(3):
            another.append(submission(events=2))
    found = place.refuses()
    assert (found.index, found.kind) == (3, "event")


def test_a_dump_of_the_log_put_back_whole_is_what_was_sealed(place: Place) -> None:
    """Nothing was changed: a table that was dropped and filled again from a dump goes on."""
    place.seals(300)
    tamper(
        place.database,
        "CREATE TABLE saved AS SELECT * FROM events",
        "TRUNCATE events",
        "INSERT INTO events SELECT * FROM saved",
    )
    assert place.seals(1).size == 301
