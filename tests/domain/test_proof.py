"""A proof of inclusion is one text: read and written as C2SP tlog-proof has it, and false as soon as a byte is."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.merkle import inclusion, leaf_hash, root_of
from domain.note import Checkpoint, Note
from domain.proof import Proof
from tests.domain.test_note import ORIGIN, OTHER, SECRET, key, signed, verify, witnessed
from tests.domain.trees import subtrees

SIZE, INDEX = 21, 5
LEAVES = [leaf_hash(str(n).encode()) for n in range(SIZE)]
CHECKPOINT = Checkpoint(ORIGIN, SIZE, root_of(LEAVES))
PROOF = Proof(INDEX, tuple(inclusion(INDEX, SIZE, subtrees(LEAVES))), signed(Note(CHECKPOINT.text)))
KEY = key(SECRET)


def holds(proof: Proof, leaf: bytes = LEAVES[INDEX]) -> bool:
    return proof.holds(leaf, KEY, verify)


def test_a_proof_is_written_line_by_line() -> None:
    lines = bytes(replace(PROOF, extra=b"more")).decode().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra bW9yZQ==", "index 5"]
    assert lines[3 + len(PROOF.hashes) :][:4] == ["", *CHECKPOINT.text.split("\n")[:3]]
    assert b"extra" not in bytes(PROOF)


@pytest.mark.parametrize("extra", [None, b"", b"\0\xff"])
def test_a_proof_is_read_as_it_was_written(extra: bytes | None) -> None:
    proof = replace(PROOF, extra=extra)
    assert Proof.parse(bytes(proof)) == proof


def test_a_proof_of_the_only_leaf_has_no_hashes() -> None:
    alone = Checkpoint(ORIGIN, 1, LEAVES[0])
    proof = Proof(0, (), signed(Note(alone.text)))
    assert Proof.parse(bytes(proof)) == proof
    assert holds(proof, LEAVES[0])


def test_a_proof_holds_for_its_leaf_its_place_and_its_log() -> None:
    assert holds(PROOF)
    assert holds(replace(PROOF, checkpoint=witnessed(PROOF.checkpoint, 5)))
    assert not holds(PROOF, LEAVES[INDEX + 1])
    assert not holds(replace(PROOF, index=INDEX + 1))
    assert not holds(replace(PROOF, hashes=PROOF.hashes[:-1]))
    assert not PROOF.holds(LEAVES[INDEX], key(OTHER), verify)
    assert not holds(replace(PROOF, checkpoint=signed(Note(CHECKPOINT.text), OTHER)))


@pytest.mark.parametrize("change", [{"origin": "another.example/log"}, {"size": 4}, {"root": LEAVES[0]}])
def test_a_checkpoint_signed_for_something_else_proves_nothing(change: dict[str, Any]) -> None:
    other = replace(CHECKPOINT, **change)
    assert not holds(replace(PROOF, checkpoint=signed(Note(other.text))))


def test_a_signed_text_that_is_no_checkpoint_proves_nothing() -> None:
    assert not holds(replace(PROOF, checkpoint=signed(Note(f"{CHECKPOINT.text}more\n"))))


@given(st.integers(0, len(bytes(PROOF)) - 1), st.integers(1, 255))
def test_any_changed_byte_is_found(place: int, change: int) -> None:
    changed = bytearray(bytes(PROOF))
    changed[place] ^= change
    with suppress(ValueError):
        assert not holds(Proof.parse(bytes(changed)))


@pytest.mark.parametrize("length", range(0, len(bytes(PROOF)), 7))
def test_a_proof_that_is_cut_short_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        Proof.parse(bytes(PROOF)[:length])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"proof@v1", b"proof@v2"),
        (b"index 5", b"index 05"),
        (b"index 5", b"index -5"),
        (b"index 5", b"index 5 "),
        (b"index 5", b"index " + b"9" * 20),
        (b"index 5\n", b""),
        (b"index 5", b"index 5\nAAAA"),
        (b"index 5", b"index 5\n" + b"A" * 43 + b"=" + (b"\n" + b"A" * 43 + b"=") * 64),
        (b"index 5", b"extra AA\nindex 5"),
        (b"index 5", b"extra AAAA\nextra AAAA\nindex 5"),
        (b"index 5", b"index 5\nextra AAAA"),
        (b"\n\n", b"\n"),
        (b"@v1\n", b"@v1\r\n"),
    ],
)
def test_what_is_written_otherwise_is_no_proof(before: bytes, after: bytes) -> None:
    assert before in bytes(PROOF)
    with pytest.raises(ValueError, match=r"."):
        Proof.parse(bytes(PROOF).replace(before, after, 1))
