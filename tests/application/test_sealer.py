"""The sealer seals what writers signed, and nothing else; it is killed at any moment and signs no second past."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg.errors import InsufficientPrivilege

from application.database import Role
from application.files import put
from application.keys import create
from application.log import Appended
from application.seal import Sealer, Unaccountable, Unwilling, sealer, stored
from application.seal.horizon import Horizon
from application.seal.state import State
from application.sealed import Sealed, Unsealed
from domain.merkle import consistency, is_consistent
from domain.tile import ENTRIES, Tile, Tiles
from tests.application.clusters import until
from tests.faults.load import submission
from tests.faults.log import ORIGIN, committing, held
from tests.faults.place import Place
from tests.faults.tamper import tamper
from tests.faults.threads import Threads


def test_each_checkpoint_is_of_the_whole_log_and_goes_on_from_the_one_before(place: Place) -> None:
    sealed = [place.seals(*sizes) for sizes in ((), (1,), (3, 2), (300,), (1,), (700, 1))]
    assert [each.size for each in sealed] == [0, 1, 6, 306, 307, 1008]
    subtrees = Tiles(1008, place.sealed.tile)
    for each in sealed[1:]:
        assert is_consistent(each.size, 1008, each.root, sealed[-1].root, consistency(each.size, 1008, subtrees))
    history = (place.sealed.folder / "history.jsonl").read_text().splitlines()
    assert len(history) == 6


def test_what_is_sealed_already_is_not_signed_again(place: Place) -> None:
    place.seals(3)
    sealer = place.sealer()
    for _ in range(3):
        sealer.seal()
    assert len((place.sealed.folder / "history.jsonl").read_text().splitlines()) == 1


def test_partial_tiles_are_removed_once_they_are_full_and_are_served_all_the_same(place: Place) -> None:
    place.seals(200)
    partial = place.sealed.tile(Tile(0, 0, 200)), place.sealed.tile(Tile(ENTRIES, 0, 200))
    place.seals(100)
    assert not (place.sealed.folder / "tile/0/000.p").exists()
    assert (place.sealed.tile(Tile(0, 0, 200)), place.sealed.tile(Tile(ENTRIES, 0, 200))) == partial
    with pytest.raises(Unsealed, match=r"no tile/0/002"):
        place.sealed.tile(Tile(0, 2))


def test_many_pages_are_sealed_as_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "PAGE", 100)
    assert place.seals(*[7] * 40, 250, 3).size == 533


def test_a_large_log_is_published_while_it_is_caught_up_with(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "PAGE", 100)
    monkeypatch.setattr(sealer, "INTERVAL", 0.0)
    place.seals(*[50] * 6)
    assert len((place.sealed.folder / "history.jsonl").read_text().splitlines()) == 3


def test_of_a_log_that_waited_long_nothing_is_published_before_its_end(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A witness would date it later than events that it does not hold: they would seem to be dated back."""
    monkeypatch.setattr(stored, "PAGE", 100)
    monkeypatch.setattr(sealer, "INTERVAL", 0.0)
    place.ahead = timedelta(minutes=2)
    place.seals(*[50] * 6)
    assert len((place.sealed.folder / "history.jsonl").read_text().splitlines()) == 1


def test_what_waited_long_is_kept_but_not_published_where_the_rest_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "PAGE", 3)
    place.record(3, 2)
    tamper(place.database, "UPDATE events SET state = '{}' WHERE position = 4")
    place.ahead = timedelta(minutes=2)
    assert place.refuses().index == 3
    assert place.sealer().size == 3
    with pytest.raises(Unsealed):
        place.sealed.note()


@pytest.mark.parametrize("moment", ["tiles", "state", "history", "checkpoint"])
def test_a_sealer_that_dies_at_any_moment_goes_on_and_signs_no_second_past(
    place: Place, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    class Died(Exception):
        pass

    def die(*_: object, **__: object) -> None:
        raise Died

    place.seals(200)
    before = place.sealed.checkpoint()
    place.record(100)
    with monkeypatch.context() as patch:
        if moment == "tiles":
            patch.setattr("application.sealed.settle", die)
        elif moment == "state":
            patch.setattr("application.seal.state.put", die)
        elif moment == "history":
            patch.setattr(Sealed, "publish", die)
        else:
            patch.setattr("application.sealed.put", lambda path, *n: (die if path.name == moment else put)(path, *n))
        with pytest.raises(Died):
            place.sealer().seal()
    assert place.sealed.checkpoint() == before
    assert place.seals().size == 300


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "tile/0/001.p/44").unlink(),
        lambda folder: (folder / "tile/0/001.p/44").write_bytes(bytes(44 * 32)),
        lambda folder: (folder / "tile/1/000.p/1").write_bytes(b"short"),
        lambda folder: (folder / "tile/entries/001.p/44").write_bytes(b""),
        lambda folder: (folder / "tile/entries/001.p/44").write_bytes(b"\0\1x"),
        lambda folder: (folder / "tile/0/000").write_bytes(bytes(256 * 32)),
        lambda folder: (folder / "tile/0/000").unlink(),
        lambda folder: (folder / "checkpoint").unlink(),
        lambda folder: (folder / "checkpoint").write_bytes(b"nothing"),
    ],
)
def test_published_files_that_are_damaged_are_written_anew(place: Place, damage: Callable[[Path], object]) -> None:
    """Whoever can write where they lie gains nothing by it."""
    place.seals(300)
    damage(place.sealed.folder)
    place.sealer().seal()
    place.check()


def test_a_sealer_without_a_state_asks_for_a_decision(place: Place) -> None:
    place.seals(3)
    (place.folder / "state.json").unlink()
    with pytest.raises(Unwilling, match="bring it from where this log was sealed; if it never was, decide so"):
        place.sealer()
    with pytest.raises(Unwilling, match="has a checkpoint of 3 events: bring the state that goes with it"):
        Sealer.begin(place.signer, place.folder, place.sealed, [])


def test_a_log_is_begun_once(place: Place) -> None:
    with pytest.raises(Unwilling, match="sealed already"):
        Sealer.begin(place.signer, place.folder, place.sealed, [])


@pytest.mark.parametrize("cut", [0, 1, 50, 200, -3])
def test_a_damaged_state_is_never_guessed_at(place: Place, cut: int) -> None:
    place.seals(3)
    path = place.folder / "state.json"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(Unwilling, match="is damaged: bring a whole copy"):
        place.sealer()


@pytest.mark.parametrize(
    ("was", "becomes"),
    [('"size": 3', '"size": 4'), ('"v": 3', '"v": 4'), ('"known": "2', '"known": "x'), (ORIGIN, "test.example/other")],
)
def test_a_state_that_does_not_fit_its_own_checkpoint_is_damaged(place: Place, was: str, becomes: str) -> None:
    place.seals(3)
    path = place.folder / "state.json"
    path.write_text(path.read_text().replace(was, becomes, 1))
    with pytest.raises(Unwilling, match="is damaged"):
        place.sealer()


def test_a_state_of_another_log_is_refused(place: Place, tmp_path: Path) -> None:
    place.signer = create(tmp_path, "other", "test.example/other")
    with pytest.raises(Unwilling, match=f"is of the log {ORIGIN}, and the key is test.example/other's"):
        place.sealer()


def test_a_database_of_another_log_is_refused(place: Place) -> None:
    place.seals(1)
    tamper(place.database, "UPDATE log SET origin = 'test.example/other'")
    assert place.refuses().kind == "log"


def test_an_event_dated_ahead_of_the_sealers_clock_is_refused(place: Place) -> None:
    place.seals(1)
    place.record(1)
    place.ahead = timedelta(minutes=-2)
    found = place.refuses()
    assert (found.index, found.kind) == (1, "time")


def test_an_event_dated_before_the_log_was_seen_to_end_in_front_of_it_is_refused(place: Place) -> None:
    place.seals(2)
    watching = place.sealer()
    place.ahead = timedelta(minutes=2)
    watching.seal()
    place.record(1)
    with pytest.raises(Unaccountable, match="it was not in the log") as found:
        watching.seal()
    assert (found.value.index, found.value.kind) == (2, "time")


def test_a_sealer_that_begins_anew_knows_up_to_when_the_log_was_known(place: Place) -> None:
    place.seals(2)
    place.ahead = timedelta(minutes=2)
    place.seals()
    place.record(1)
    found = place.refuses()
    assert (found.index, found.kind) == (2, "time")
    # Where clocks went wrong, that cannot be put right: the decision to go on forgets it.
    lifted = Sealer.resume(place.folder, place.sealed)
    assert lifted is not None
    assert lifted.index == 2
    assert place.seals().size == 3
    place.ahead += timedelta(minutes=2)
    place.seals()
    place.record(1)
    assert place.refuses().index == 3


def test_up_to_when_a_quiet_log_is_known_is_kept_once_a_minute(place: Place) -> None:
    place.seals(1)
    kept, watching = State.read(place.folder / "state.json"), place.sealer()
    for seconds, moved in ((1, False), (58, False), (62, True), (63, False), (-10, True)):
        place.ahead = timedelta(seconds=seconds)
        watching.seal()
        now = State.read(place.folder / "state.json")
        assert (now != kept) is moved, seconds
        kept = now


def test_a_clock_that_was_set_back_has_not_looked_later_than_it_shows(place: Place) -> None:
    watching = place.sealer()
    for ahead in (timedelta(minutes=10), timedelta()):
        place.ahead = ahead
        watching.seal()
        place.ahead = timedelta()
        place.record(1)
        watching.seal()
    assert watching.size == 2


def test_a_clock_that_differs_a_little_is_no_reason_to_refuse(place: Place) -> None:
    for ahead in (timedelta(seconds=-50), timedelta(days=400)):
        place.ahead = ahead
        place.seals(1)


def test_what_came_before_the_first_that_is_refused_is_sealed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "PAGE", 1)
    place.seals(1)
    place.record(1, 1, 1)
    tamper(place.database, "UPDATE events SET state = '{}' WHERE position = 4")
    assert place.refuses().index == 3
    assert place.sealed.checkpoint().size == 3


def test_a_refusal_stands_until_it_is_lifted_though_its_reason_is_gone(place: Place) -> None:
    place.seals(1)
    place.record(1)
    tamper(
        place.database, "CREATE TABLE kept AS SELECT * FROM events", "UPDATE events SET state = '{}' WHERE position = 2"
    )
    place.refuses()
    tamper(place.database, "UPDATE events SET state = kept.state FROM kept WHERE events.position = kept.position")
    place.refuses()
    place.sealed.refuse(None)
    assert place.seals(1).size == 3


def test_the_sealers_role_reads_the_log_and_nothing_else(place: Place) -> None:
    with place.database.connect(Role.sealer) as connection:
        for table in ("events", "event_groups", "log"):
            connection.execute(f"SELECT * FROM {table}".encode())
        for statement in ("SELECT * FROM people", "SELECT * FROM tokens", "INSERT INTO log VALUES ('x')"):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(statement.encode())


def test_a_commit_that_waits_long_is_sealed_when_it_comes(place: Place, threads: Threads) -> None:
    """A standby, or a disk, can hold a commit back for minutes: nobody dated anything back."""
    watching = place.sealer()
    place.record(2)
    watching.seal()
    with held(place.database):
        waiting = threads.submit(place.log.append, submission(events=3))
        until(lambda: committing(place.database))
        for minutes in (0, 2, 4):
            place.ahead = timedelta(minutes=minutes)
            watching.seal()
            assert watching.size == 2
    assert isinstance(waiting.result(10), Appended)
    watching.seal()
    assert place.sealed.checkpoint().size == 5


def test_a_log_is_known_up_to_when_nobody_was_on_his_way_into_it() -> None:
    first, second, third, fourth = (datetime(2026, 3, 1, 8, n, tzinfo=UTC) for n in range(4))
    horizon = Horizon()
    assert horizon.look("a", first) is None, "who held the lock then may have dated anything"
    assert horizon.look("a", second) is None
    assert horizon.look("b", third) == second, "b came after the second look"
    assert horizon.look("b", fourth) == second
    assert horizon.look(None, fourth) == fourth
    assert horizon.look("c", fourth + timedelta(minutes=1)) == fourth
