"""A verification goes on where another stopped, and takes its word for no more than what was verified."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from application.clock import Clock
from application.database import Database, Role
from application.installation import deploy
from application.keys import WRITER, load
from application.verify import Report, Unresumable, Verifier, log
from domain.group import signed
from domain.leaf import entries
from domain.merkle import EMPTY, Frontier, leaf_hash
from domain.tile import WIDTH, bundle
from tests.application.test_installation import DISABLED, NAMED
from tests.application.test_verify import flip, line
from tests.faults.log import ORIGIN
from tests.faults.place import Place
from tests.faults.tamper import tamper


@dataclass
class Verified:
    """A log that is verified again and again."""

    place: Place
    kept: Path

    def verify(self, *, resume: bool = True, told: Callable[[int], None] = lambda _: None) -> Report:
        keys, writers = [self.place.signer.key], [load(self.place.database.keys, WRITER).key]
        verifier = Verifier(self.place.database, self.place.sealed, keys, writers, self.kept)
        return verifier.verify(told, resume=resume)

    def counts(self) -> list[int]:
        """How many events are told to be verified, step by step."""
        told: list[int] = []
        assert self.verify(told=told.append).verdict == "VERIFIED"
        return told

    def finds(self, *, resume: bool = True) -> tuple[int | None, str]:
        found = self.verify(resume=resume).finding
        assert found is not None
        return found.index, found.kind

    def state(self) -> Any:
        return json.loads(self.kept.read_bytes())

    def change(self, **changes: object) -> None:
        self.kept.write_text(json.dumps({**self.state(), **changes}))


@pytest.fixture
def known(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Verified:
    """600 events, which were verified."""
    monkeypatch.setattr(log, "BLOCK", WIDTH)
    monkeypatch.setattr(log, "PAUSE", 0)
    for sizes in ((294,), (305, 1)):
        place.seals(*sizes)
    verified = Verified(place, tmp_path / "verified.json")
    assert verified.verify(resume=False).since == 0
    return verified


def test_where_nothing_was_verified_everything_is(place: Place, tmp_path: Path) -> None:
    place.seals(300)
    report = Verified(place, tmp_path / "verified.json").verify()
    assert (report.verdict, report.events, report.since) == ("VERIFIED", 300, 0)


def test_what_was_verified_is_not_read_again(known: Verified) -> None:
    known.place.seals(500)
    assert known.counts() == [512, 256, 256, 76]
    assert known.state()["size"] == 1100
    report = known.verify()
    assert (report.verdict, report.events, report.sealed, report.checkpoints, report.since) == (
        *("VERIFIED", 1100, 1100),
        *(3, 1100),
    )


def test_what_is_not_sealed_yet_is_verified_once_more_when_it_is(known: Verified) -> None:
    known.place.record(700)
    assert known.verify().verdict == "VERIFIED"
    known.place.seals()
    assert known.counts() == [512, 256, 256, 256, 20]


def test_an_edit_of_what_was_verified_before_is_found_by_a_full_verification_alone(known: Verified) -> None:
    """Said plainly, in the documentation too: hence the full one on a schedule."""
    known.place.seals(5)
    tamper(known.place.database, "UPDATE events SET state = '{}' WHERE position = 5")
    assert known.verify().verdict == "VERIFIED"
    assert known.finds(resume=False) == (4, "event")
    assert known.finds() == (4, "event"), "it is not passed over by going on"


def test_an_edit_of_what_is_new_is_found(known: Verified) -> None:
    known.place.seals(500)
    tamper(known.place.database, "UPDATE events SET state = '{}' WHERE position = 900")
    for _ in range(2):
        assert known.finds() == (899, "event")


def test_a_log_that_was_put_back_is_found(known: Verified) -> None:
    tamper(known.place.database, "DELETE FROM events WHERE position > 500")
    assert known.finds() == (500, "missing")


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "the tree above": (lambda folder: flip(folder / "tile/1/000.p/2", 0), "tile"),
    "a checkpoint put in its place": (lambda folder: line(folder, lambda text: text.replace("600", "601")), "history"),
    "a checkpoint that is none": (lambda folder: line(folder, lambda _: ""), "history"),
    "the history": (lambda folder: (folder / "history.jsonl").unlink(), "history"),
    "the newest checkpoint": (lambda folder: (folder / "checkpoint").unlink(), "checkpoint"),
}  # fmt: skip


@pytest.mark.parametrize("what", FILES)
def test_what_was_published_continues_what_was_verified(known: Verified, what: str) -> None:
    change, kind = FILES[what]
    change(known.place.sealed.folder)
    assert known.finds() == (None, kind)


def test_a_tree_that_does_not_continue_the_one_that_was_verified_is_found(known: Verified) -> None:
    hashes = [bytes(32), *map(bytes.fromhex, known.state()["frontier"][1:])]
    known.change(frontier=[each.hex() for each in hashes], root=Frontier(600, tuple(hashes)).root.hex())
    found = known.verify().finding
    assert found is not None
    assert "line 2 of the history is no longer that of 600 events, which was verified at" in found.sentence


def test_an_interrupted_verification_goes_on_from_the_blocks_it_has_done(known: Verified) -> None:
    known.place.seals(500)

    class Interrupted(Exception):
        pass

    seen: list[int] = []

    def interrupt(count: int) -> None:
        seen.append(count)
        if len(seen) == 4:
            raise Interrupted

    with pytest.raises(Interrupted):
        known.verify(resume=False, told=interrupt)
    assert (known.state()["size"], known.state()["rows"]) == (0, 768)
    tamper(known.place.database, "UPDATE events SET state = '{}' WHERE position = 800")
    assert known.finds() == (799, "event")
    tamper(known.place.database, "UPDATE events SET state = '{}' WHERE position = 300")
    assert known.finds() == (799, "event"), "the blocks before are done"
    assert known.finds(resume=False) == (299, "event")


def test_one_that_was_interrupted_is_full_once_it_is_done(known: Verified) -> None:
    known.change(size=0, line=0, frontier=[], root=EMPTY.hex(), rows=256)
    assert known.verify().since == 0
    assert known.verify().since == 600


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"size": 599},
        {"root": "00" * 32},
        {"frontier": ["00"]},
        {"frontier": None},
        {"rows": 1},
        {"line": 0},
        {"line": "x"},
    ],
)
def test_a_damaged_state_is_refused(known: Verified, changes: dict[str, object]) -> None:
    known.change(**changes)
    with pytest.raises(Unresumable, match="is damaged: verify everything, without --resume"):
        known.verify()
    assert known.verify(resume=False).verdict == "VERIFIED"
    assert known.counts() == [512, 88]


def test_a_state_that_is_cut_off_is_refused(known: Verified) -> None:
    known.kept.write_bytes(known.kept.read_bytes()[:50])
    with pytest.raises(Unresumable, match="is damaged"):
        known.verify()


def test_the_state_of_another_log_is_refused(known: Verified) -> None:
    known.change(origin="other.example/log")
    with pytest.raises(Unresumable, match=r"is of the log other\.example/log, not of test\.example/record"):
        known.verify()


@pytest.fixture
def guarded(known: Verified) -> Verified:
    """The catalogue was sealed, by an event that was verified."""
    deploy(known.place.database, Clock())
    known.place.seals(3)
    assert known.verify().guarded == 601
    return known


def test_what_guards_a_log_is_compared_each_time(guarded: Verified) -> None:
    change(guarded.place.database, DISABLED)
    report = guarded.verify()
    assert report.finding is not None
    assert (report.finding.kind, report.altered) == ("catalogue", (NAMED,))
    assert report.finding.sentence.startswith("the database does not guard the log as it did when that was sealed at")
    change(guarded.place.database, "ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_append_only")
    assert guarded.verify().verdict == "VERIFIED"


def test_a_sealed_catalogue_that_was_edited_is_found_though_its_event_was_verified_before(guarded: Verified) -> None:
    edited = "UPDATE events SET state = convert_to(replace(convert_from(state, 'UTF8'), 'always', 'never'), 'UTF8')"
    tamper(guarded.place.database, f"{edited} WHERE position = 601")
    assert guarded.finds() == (600, "event")


def test_a_sealed_catalogue_that_was_forged_with_the_writers_key_is_not_the_one_in_the_tree(guarded: Verified) -> None:
    """Its event, its group and its tiles fit each other; the tree that was sealed has another leaf there."""
    place, signer = guarded.place, load(guarded.place.database.keys, WRITER)
    place.seals(300)
    assert guarded.verify().verdict == "VERIFIED"
    edited = "UPDATE events SET state = convert_to(replace(convert_from(state, 'UTF8'), 'always', 'never'), 'UTF8')"
    tamper(place.database, f"{edited} WHERE position = 601")
    with place.database.connect(Role.owner) as connection:
        stored = "SELECT position, originator_id, originator_version, topic, recorded_at, salt, state FROM events"
        rows = connection.execute(f"{stored} WHERE position BETWEEN 513 AND 768 ORDER BY 1".encode(), binary=True)
        written = list(entries(ORIGIN, rows.fetchall()))
    leaves = [leaf_hash(each) for each in written]
    signature = signer.sign(signed(ORIGIN, 601, [leaves[88]]))
    forged = "UPDATE event_groups SET leaves = %s, signature = %s WHERE first = 601"
    tamper(place.database, forged, given=(leaves[88], signature))
    (place.sealed.folder / "tile/0/002").write_bytes(b"".join(leaves))
    (place.sealed.folder / "tile/entries/002").write_bytes(bundle(written))
    assert guarded.finds() == (600, "tile")


def change(database: Database, statement: str) -> None:
    with database.connect(Role.owner) as connection:
        connection.execute(statement.encode())
