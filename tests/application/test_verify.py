"""Verifying an installation finds what was done to it, and names the first index and the kind of the change."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from application.files import append
from application.keys import WRITER, create, load
from application.proofs import Proofs
from application.seal import Sealer
from application.sealed import Sealed
from application.verify import Finding, Verifier, log
from domain.note import Checkpoint, Note
from domain.tile import WIDTH
from tests.application.test_sealer_tampering import MIDDLE
from tests.faults.load import submission
from tests.faults.log import ORIGIN, recorder
from tests.faults.place import Place
from tests.faults.tamper import FORGED, renumber, tamper


def verified(place: Place, processes: int = 1) -> Finding | None:
    keys, writers = [place.signer.key], [load(place.database.keys, WRITER).key]
    return Verifier(place.database, place.sealed, keys, writers).verify(processes=processes).finding


@pytest.fixture
def full(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """600 events, most of them sealed, in several blocks."""
    monkeypatch.setattr(log, "BLOCK", WIDTH)
    for sizes in ((1, 3), (250, 40), (1,), (290, 1)):
        place.seals(*sizes)
    place.record(10, 4)
    return place


def test_a_log_that_nobody_touched_is_verified(full: Place) -> None:
    keys, writers = [full.signer.key], [load(full.database.keys, WRITER).key]
    seen: list[int] = []
    report = Verifier(full.database, full.sealed, keys, writers).verify(seen.append)
    assert (report.verdict, report.events, report.sealed, report.checkpoints) == ("VERIFIED", 600, 586, 4)
    assert seen == [256, 256, 88]


def test_a_log_is_verified_from_nothing_on(place: Place) -> None:
    assert verified(place) is None
    place.seals()
    assert verified(place) is None
    place.seals(1)
    assert verified(place) is None


def test_several_processes_find_the_same(full: Place) -> None:
    assert verified(full, 2) is None
    tamper(full.database, *(f"UPDATE events SET state = '{{}}' WHERE position = {n}" for n in (590, 300, 700)))
    assert verified(full, 2) == verified(full, 1)
    assert (found := verified(full, 2)) is not None
    assert found.index == 299


# What an administrator of the database does, the index that is named, and what is said of it.
TAMPERINGS = {
    "a payload edited": (["UPDATE events SET state = '{}' WHERE position = 260"], 259, "event"),
    "a topic edited": (["UPDATE events SET topic = 'test.Other' WHERE position = 260"], 259, "event"),
    "a topic that is none": (["UPDATE events SET topic = '题' WHERE position = 260"], 256, "event"),
    "a stream edited": (["UPDATE events SET originator_id = gen_random_uuid() WHERE position = 5"], 4, "event"),
    "a version edited": (["UPDATE events SET originator_version = 9000 WHERE position = 254"], 253, "version"),
    "a time edited": (["UPDATE events SET recorded_at = recorded_at + '1us' WHERE position = 600"], 599, "event"),
    "dated back": (["UPDATE events SET recorded_at = recorded_at - '1h'::interval WHERE position = 257"], 256, "time"),
    "a salt edited": (["UPDATE events SET salt = sha256('') WHERE position = 595"], 594, "event"),
    "one deleted": (["DELETE FROM events WHERE position = 300"], 299, "missing"),
    "one deleted, the rest renumbered": (
        ["DELETE FROM events WHERE position = 300", renumber(301, -1)],
        299,
        "version",
    ),
    "two swapped": (
        [f"UPDATE events SET position = {a} WHERE position = {b}" for a, b in ((1000, 300), (300, 301), (301, 1000))],
        299,
        "version",
    ),
    "one inserted in the middle": ([renumber(9, 1), MIDDLE], 8, "time"),
    "the tail deleted, the sealed too": (["DELETE FROM events WHERE position > 500"], 500, "missing"),
    "the tail deleted, the unsealed": (["DELETE FROM events WHERE position > 595"], 595, "missing"),
    "everything deleted": (["TRUNCATE events, event_groups"], 0, "missing"),
    "an event put at the end": ([FORGED.format(position=601, at="clock_timestamp()")], 600, "group"),
    "a sealed group deleted": (["DELETE FROM event_groups WHERE first = 5"], 4, "group"),
    "a sealed group's leaves edited": (
        ["UPDATE event_groups SET leaves = set_byte(leaves, 64, 0) || '' WHERE first = 5"],
        4,
        "signature",
    ),
    "a sealed group's signature edited": (
        ["UPDATE event_groups SET signature = sha512('') WHERE first = 2"],
        1,
        "signature",
    ),
    "a sealed group's key edited": (["UPDATE event_groups SET key_id = '\\x00000000' WHERE first = 2"], 1, "key"),
    "a group put over another": (
        ["INSERT INTO event_groups SELECT 3, leaves, key_id, signature FROM event_groups WHERE first = 1"],
        2,
        "group",
    ),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_what_an_administrator_does_is_found_and_named(full: Place, what: str) -> None:
    statements, index, kind = TAMPERINGS[what]
    tamper(full.database, *statements)
    found = verified(full)
    assert found is not None
    assert (found.index, found.kind) == (index, kind), found.sentence


def flip(path: Path, place: int) -> None:
    held = bytearray(path.read_bytes())
    held[place] ^= 1
    path.write_bytes(held)


def line(folder: Path, change: Callable[[str], str], number: int = 1) -> None:
    """Change a checkpoint of the history."""
    path = folder / "history.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    told = json.loads(lines[number])
    lines[number] = json.dumps({**told, "checkpoint": change(told["checkpoint"])}) + "\n"
    path.write_text("".join(lines))


FILES: dict[str, tuple[Callable[[Path], object], int | None, str]] = {
    "a leaf of a tile edited": (lambda folder: flip(folder / "tile/0/000", 32 * 7), 7, "tile"),
    "a partial tile edited": (lambda folder: flip(folder / "tile/0/002.p/74", 32 * 70), 582, "tile"),
    "a tile deleted": (lambda folder: (folder / "tile/0/001").unlink(), 256, "tile"),
    "a higher tile edited": (lambda folder: flip(folder / "tile/1/000.p/2", 0), None, "tile"),
    "a higher tile deleted": (lambda folder: (folder / "tile/1/000.p/2").unlink(), None, "tile"),
    "entries edited": (lambda folder: flip(folder / "tile/entries/001", 50), 256, "tile"),
    "the checkpoint deleted": (lambda folder: (folder / "checkpoint").unlink(), None, "checkpoint"),
    "the checkpoint edited": (lambda folder: flip(folder / "checkpoint", 30), None, "checkpoint"),
    "the history deleted": (lambda folder: (folder / "history.jsonl").unlink(), None, "history"),
    "a past checkpoint edited": (lambda folder: line(folder, lambda text: text.replace("294", "295")), None, "history"),
    "a past checkpoint without its signature": (
        lambda folder: line(folder, lambda text: text.partition("\n\n")[0]), None, "history"),
    "what is no checkpoint put among them": (
        lambda folder: append(folder / "history.jsonl", b"nothing"), None, "history"),
}  # fmt: skip


@pytest.mark.parametrize("what", FILES)
def test_what_is_done_to_the_published_files_is_found_and_named(full: Place, what: str) -> None:
    change, index, kind = FILES[what]
    change(full.sealed.folder)
    found = verified(full)
    assert found is not None
    assert (found.index, found.kind) == (index, kind), found.sentence


def test_a_checkpoint_of_another_past_that_the_log_signed_is_found(full: Place) -> None:
    """Two checkpoints of one size are proof by themselves; here the history holds one that is not of this log."""
    other = full.signer.sign_note(Note(Checkpoint(ORIGIN, 294, bytes(32)).text))
    line(full.sealed.folder, lambda _: bytes(other).decode())
    found = verified(full)
    assert found is not None
    assert (found.kind, found.sentence) == ("checkpoint", "line 2 of the history is of another log than this")


def test_other_keys_than_the_logs_are_told(full: Place, tmp_path: Path) -> None:
    stranger = create(tmp_path, "stranger", ORIGIN).key
    writers = [load(full.database.keys, WRITER).key]
    found = Verifier(full.database, full.sealed, [stranger], writers).verify().finding
    assert found is not None
    assert found.kind == "checkpoint"
    found = Verifier(full.database, full.sealed, [full.signer.key], [stranger]).verify().finding
    assert found is not None
    assert (found.index, found.kind) == (0, "key")


def test_a_rewritten_log_under_keys_that_were_stolen_is_verified_by_whoever_has_no_checkpoint_from_outside(
    place: Place, tmp_path: Path
) -> None:
    """Said plainly: who holds the database, the writer's key and the log's can write another past.

    What finds it is a checkpoint that left before: with a witness, a subscriber, an inspector.
    """
    before = place.seals(300)
    tamper(place.database, "TRUNCATE events, event_groups")
    place.folder, place.sealed = tmp_path / "another", Sealed(tmp_path / "rewritten")
    Sealer.begin(place.signer, place.folder, place.sealed, [load(place.database.keys, WRITER).key])
    with recorder(place.database) as log:
        for _ in range(2):
            log.append(submission(events=200))
    place.sealer().seal()
    assert verified(place) is None
    consistent = Proofs(place.sealed).consistent(before.size)
    assert consistent.first_root != before.root
