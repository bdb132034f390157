"""A witness never contradicts what it answered: whatever stops it, whoever asks at once, whatever its clock says."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random
from typing import NoReturn

import pytest

from application import witness as witnesses
from application.keys import for_witness, verify
from application.witness import KEPT, Unable, Unfit, Witness, witnessing
from domain.cosign import Kind, NotCosigned, origin_hash
from domain.merkle import leaf_hash
from domain.note import COSIGNATURE, Checkpoint, Key, Note
from tests.domain.test_cosign import FORK, LEAVES, asks, proof, tree
from tests.domain.test_note import ORIGIN, OTHER, SECRET, key, signed, witnessed

NAME = "witness.example/w1"
START = 1_700_000_000


class Place:
    """Where a witness lives, and its clock."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.folder, self.keys = home / "witness", home / "keys"
        self.path = self.folder / origin_hash(ORIGIN) / "checkpoint"
        self.refused = self.path.with_name("refused")
        self.clock = START
        self._stack = stack

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock, UTC)

    def opens(self, *logs: Key, now: Callable[[], datetime] | None = None) -> Witness:
        """Open the witness anew, as after a restart."""
        self.ends()
        trusted = logs or (key(SECRET),)
        return self._stack.enter_context(witnessing(self.folder, self.keys, NAME, trusted, now or self.now))

    def ends(self) -> None:
        self._stack.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(tmp_path, stack)


def body(old: int, size: int, leaves: list[bytes] = LEAVES) -> bytes:
    return bytes(asks(old, tree(size, leaves), proof(old, size, leaves)))


def refused(witness: Witness, given: bytes) -> NotCosigned:
    with pytest.raises(NotCosigned) as found:
        witness.cosign(given)
    return found.value


def test_what_is_cosigned_is_answered_published_and_on_the_disk(place: Place) -> None:
    witness = place.opens()
    assert witness.last(origin_hash(ORIGIN)) is None
    for old, size in ((0, 0), (0, 3), (3, 3), (3, 18)):
        place.clock += 1
        line = witness.cosign(body(old, size))
        note = Note(tree(size).text, (*signed(Note(tree(size).text)).signatures, line))
        assert note.cosigned_at(witness.key, verify) == place.clock
        assert note.is_signed_by(key(SECRET), verify)
        assert witness.last(origin_hash(ORIGIN)) == note
        assert place.path.read_bytes() == bytes(note)
    assert witness.key == Key(NAME, witness.key.public, COSIGNATURE)


def test_a_witness_that_starts_again_goes_on_where_it_was(place: Place) -> None:
    place.opens().cosign(body(0, 9))
    again = place.opens()
    assert again.watched[ORIGIN].seen.head == tree(9)
    assert refused(again, body(9, 9, FORK)).kind is Kind.forked
    stale = refused(again, body(0, 12))
    assert (stale.kind, stale.size) == (Kind.stale, 9)
    assert again.cosign(body(9, 12))


def test_a_log_that_is_not_watched_is_unknown(place: Place) -> None:
    place.opens().cosign(body(0, 3))
    another = place.opens(key(OTHER, "another.example/log"))
    assert refused(another, body(0, 3)).kind is Kind.unknown
    assert another.last(origin_hash(ORIGIN)) is None
    assert place.opens().last(origin_hash(ORIGIN)) is not None


def test_each_log_is_remembered_by_itself(place: Place) -> None:
    name = "another.example/log"
    witness = place.opens(key(SECRET), key(OTHER, name))
    witness.cosign(body(0, 9))
    other = Checkpoint(name, 3, leaf_hash(b"x"))
    witness.cosign(f"old 0\n\n{bytes(signed(Note(other.text), OTHER, name)).decode()}".encode())
    assert [each.seen.head for each in witness.watched.values()] == [tree(9), other]
    assert refused(witness, body(0, 3)).size == 9


def test_a_log_may_change_its_key(place: Place) -> None:
    place.opens().cosign(body(0, 9))
    old, new = key(SECRET), key(OTHER)
    for trusted in ((old, new), (new,)):
        witness = place.opens(*trusted)
        request = asks(9, tree(9), ())
        by_new = type(request)(9, (), signed(Note(tree(9).text), OTHER))
        assert witness.cosign(bytes(by_new))
    assert refused(witness, bytes(request)).kind is Kind.unsigned


def test_a_witnesss_key_is_no_logs(place: Place) -> None:
    with pytest.raises(Unfit, match="is no log's: a log's is of type 1"):
        place.opens(key(OTHER, "w", COSIGNATURE))


# What stops it, at which of the steps that keep a checkpoint, and the tree that is found again afterwards.
@pytest.mark.parametrize(("step", "found"), [("put", 3), ("settle", 12)])
def test_a_witness_that_is_stopped_while_it_writes_has_the_checkpoint_before_or_the_one_after(
    place: Place, monkeypatch: pytest.MonkeyPatch, step: str, found: int
) -> None:
    witness = place.opens()
    witness.cosign(body(0, 3))

    def die(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(witnesses, step, die)
        with pytest.raises(KeyboardInterrupt):
            witness.cosign(body(3, 12))
    again = place.opens()
    assert again.watched[ORIGIN].seen.head == tree(found)
    assert again.cosign(body(found, 18))


def test_nothing_is_cosigned_that_cannot_be_kept(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    witness = place.opens()
    witness.cosign(body(0, 3))
    aside = place.folder / "aside"
    place.path.parent.rename(aside)
    place.path.parent.write_text("")
    with pytest.raises(Unable, match="cannot be kept here"):
        witness.cosign(body(3, 12))
    assert "cannot be written" in caplog.text
    place.path.parent.unlink()
    aside.rename(place.path.parent)
    assert refused(witness, body(12, 18)).size == 3
    assert witness.cosign(body(3, 18))


def test_a_damaged_memory_is_refused_and_left_as_it_is(place: Place) -> None:
    place.opens().cosign(body(0, 9))
    whole = place.path.read_bytes()
    text, own = tree(9).text.encode(), whole.splitlines(keepends=True)[-1]
    places = [*range(len(text)), *range(len(whole) - len(own), len(whole))]
    damaged = [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :] for n in places]
    damaged += [whole[:length] for length in range(0, len(whole), 11)]
    damaged += [b"\n" + whole, whole + b"\n", whole + own.replace(b"witness", b"another") * 100]
    for each in damaged:
        place.path.write_bytes(each)
        with pytest.raises(
            Unfit, match=r"is damaged, or not of the witness .*: bring a whole copy of it, or begin anew"
        ):
            place.opens()
        assert place.path.read_bytes() == each
    place.path.write_bytes(whole)
    assert place.opens().cosign(body(9, 12))


def test_a_memory_of_another_log_or_another_witness_is_refused(place: Place) -> None:
    place.opens().cosign(body(0, 9))
    name = "another.example/log"
    shutil.copytree(place.path.parent, place.folder / origin_hash(name))
    with pytest.raises(Unfit, match="is damaged, or not of the witness"):
        place.opens(key(OTHER, name))
    (place.keys / "witness.key").unlink()
    with pytest.raises(Unfit, match="is damaged, or not of the witness"):
        place.opens()


def test_a_key_without_its_memory_is_not_used(place: Place) -> None:
    place.opens().cosign(body(0, 9))
    place.ends()
    shutil.rmtree(place.folder)
    with pytest.raises(Unfit, match=r"there is no .*/witness, where witness\.example/w1 keeps what it saw: bring it"):
        place.opens()
    assert not place.folder.exists()


def test_a_memory_that_lost_one_log_does_not_take_it_for_a_new_one(place: Place) -> None:
    place.opens().cosign(body(0, 9))
    kept = place.path.read_bytes()
    place.path.unlink()
    for _ in range(2):
        with pytest.raises(Unfit, match=r"there is no .*/checkpoint, though .* was cosigned before: bring it"):
            place.opens()
        shutil.rmtree(place.path.parent)
    place.path.parent.mkdir()
    place.path.write_bytes(kept)
    (place.folder / "cosigned").unlink()
    assert place.opens().cosign(body(9, 12)), "a memory of before logs were listed is whole"
    place.path.unlink()
    with pytest.raises(Unfit, match="was cosigned before"):
        place.opens()


def test_a_second_witness_on_the_same_folder_is_refused(place: Place) -> None:
    first = place.opens()
    second = witnessing(place.folder, place.keys, NAME, [key(SECRET)], place.now)
    with pytest.raises(Unfit, match=r"another witness works in .*/witness"):
        second.__enter__()
    assert first.cosign(body(0, 3))
    place.ends()
    assert place.opens().cosign(body(3, 9))


def test_a_clock_that_went_back_is_waited_for_and_nothing_is_cosigned_before_what_was(place: Place) -> None:
    witness = place.opens()
    witness.cosign(body(0, 3))
    for opened in (witness, place.opens()):
        place.clock = START - 1
        with pytest.raises(
            Unable, match=r"it is 2023-11-14T22:13:19\+00:00 by the clock here, and the log was cosigned"
        ):
            opened.cosign(body(3, 9))
        assert opened.watched[ORIGIN].seen.head == tree(3)
    place.clock = START
    assert opened.cosign(body(3, 9)), "in the same second it goes on"


def test_a_clock_that_was_never_set_dates_nothing(place: Place) -> None:
    place.clock = 0
    with pytest.raises(Unable, match="1970-01-01"):
        place.opens().cosign(body(0, 3))
    assert not place.path.exists()


def test_two_histories_of_a_log_are_kept_as_the_proof_that_they_are(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    witness = place.opens()
    witness.cosign(body(0, 9))
    before = place.path.read_bytes()
    crowd = witnessed(signed(Note(tree(9, FORK).text)), 5)
    for old in (9, 9, 3, 0):
        request = type(asks(0, tree(0), ()))(old, (), crowd)
        assert refused(witness, bytes(request)).kind is Kind.forked
    [folder] = place.refused.iterdir()
    assert folder.name.startswith("forked-")
    assert (folder / "seen").read_bytes() == before == place.path.read_bytes()
    assert (folder / "checkpoint").read_bytes() == bytes(signed(Note(tree(9, FORK).text))), "nothing of strangers"
    [told] = [each.getMessage() for each in caplog.records]
    assert told.startswith(f"TWO HISTORIES OF ONE LOG: the log {ORIGIN} of 9 leaves has the root ")
    assert str(folder) in told


def test_a_checkpoint_that_was_not_proved_is_kept_once(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    witness = place.opens()
    witness.cosign(body(0, 9))
    for _ in range(2):
        assert refused(witness, body(9, 12, FORK)).kind is Kind.unproven
    [folder] = place.refused.iterdir()
    assert Note.parse((folder / "checkpoint").read_bytes()).text == tree(12, FORK).text
    assert [each.getMessage().partition(":")[0] for each in caplog.records] == ["NOT COSIGNED"]


def test_what_is_refused_for_other_reasons_is_not_kept(place: Place) -> None:
    witness = place.opens()
    witness.cosign(body(0, 9))
    superfluous = bytes(asks(9, tree(9), (LEAVES[0],)))
    for given in (body(3, 12), body(12, 12), b"", superfluous, body(9, 12).replace(b"\n12\n", b"\n13\n")):
        refused(witness, given)
    assert not place.refused.exists()


def test_nobody_fills_the_disk_with_evidence_nor_hides_one_kind_under_the_other(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    witness = place.opens()
    witness.cosign(body(0, 9))

    def checkpoint(size: int, n: int) -> bytes:
        return bytes(asks(9, Checkpoint(ORIGIN, size, leaf_hash(b"%d" % n)), ()))

    for n in range(KEPT + 5):
        assert refused(witness, checkpoint(12, n)).kind is Kind.unproven
    assert len(list(place.refused.iterdir())) == KEPT
    for n in range(KEPT + 5):
        assert refused(witness, checkpoint(9, n)).kind is Kind.forked
    evidence = place.opens().watched[ORIGIN].evidence
    assert (evidence.count(Kind.forked), evidence.count(Kind.unproven)) == (KEPT, KEPT)
    assert len(list(place.refused.iterdir())) == 2 * KEPT
    told = [each.getMessage() for each in caplog.records if " is full: " in each.getMessage()]
    assert [line.partition(" that is ")[2].split()[0] for line in told] == ["unproven", "forked"], "once for each"
    shutil.rmtree(place.refused)
    refused(witness, checkpoint(12, 0))
    assert evidence.count(Kind.unproven) == 1, "once it was moved elsewhere it goes on"


def test_a_checkpoint_is_refused_also_where_the_evidence_cannot_be_kept(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    witness = place.opens()
    witness.cosign(body(0, 9))
    place.refused.write_text("")
    assert refused(witness, body(9, 9, FORK)).kind is Kind.forked
    assert "and that cannot be kept" in caplog.text
    assert witness.cosign(body(9, 12))


def test_evidence_whose_keeping_was_interrupted_is_kept_the_next_time(place: Place) -> None:
    witness = place.opens()
    witness.cosign(body(0, 9))
    refused(witness, body(9, 9, FORK))
    [folder] = place.refused.iterdir()
    (folder / "checkpoint").unlink()
    refused(witness, body(9, 9, FORK))
    assert (folder / "checkpoint").exists()


def test_of_requests_that_race_none_undoes_another(place: Place) -> None:
    """By the times of the cosignatures, all different under a ticking clock, no tree is smaller than one before."""
    ticks = count(START)
    witness = place.opens(now=lambda: datetime.fromtimestamp(next(ticks), UTC))
    trees = [*range(1, 19)] * 4
    Random(7).shuffle(trees)  # noqa: S311  # any order will do

    def ask(size: int) -> tuple[int, int] | None:
        old = 0
        while old <= size:
            try:
                line = witness.cosign(body(old, size))
            except NotCosigned as refusal:
                old = size + 1 if refusal.size is None else refusal.size
            else:
                return int.from_bytes(line.signature[:8]), size
        return None

    with ThreadPoolExecutor(8) as threads:
        given = sorted(each for each in threads.map(ask, trees) if each)
    sizes = [size for _, size in given]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 18
    assert place.opens().watched[ORIGIN].seen.head == tree(18)


def test_the_key_is_made_under_the_name_that_was_given(place: Place) -> None:
    assert place.opens().key == for_witness(place.keys).key
