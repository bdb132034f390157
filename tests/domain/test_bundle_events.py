"""The quick walk over events accepts just what the leaf's own module reads, wherever its blocks are cut."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bundle import Manifest
from domain.bundle.bracket import Bracket
from domain.bundle.events import REMOVED, state_read, state_written, walked
from domain.bundle.verdict import Fault
from domain.leaf import Leaf, commitment
from domain.merkle import leaf_hash
from domain.tile import bundle
from tests.domain.test_leaf import LEAVES

ORIGIN = "example.com/log"
SALT = bytes(range(32))
UUIDS = (UUID(int=1), UUID(int=2))
AT = datetime(2026, 3, 1, tzinfo=UTC)


def accepted(entry: bytes, position: int, state: bytes) -> bool:
    """Whether the walk accepts an entry alone in a bundle, its leaf as sealed."""
    manifest = Manifest("range", ORIGIN, 2**53 - 1, ((position, position),), asked=(position, position))
    try:
        walked(manifest, [leaf_hash(entry)], [bundle([entry])], [state], len(state), Bracket())
    except Fault as fault:
        # What nobody covers is found only once all else holds.
        return fault.verdict.kind == "redaction"
    return True


def is_read(entry: bytes, position: int) -> bool:
    try:
        return Leaf.read(entry).position == position
    except ValueError:
        return False


@given(LEAVES, st.booleans(), st.booleans())
def test_every_entry_is_accepted_at_its_position(leaf: Leaf, is_removed: bool, is_next: bool) -> None:
    state = REMOVED if is_removed else state_written(SALT, b"{}")
    entry = replace(leaf, commitment=commitment(ORIGIN, SALT, b"{}")).entry()
    assert accepted(entry, leaf.position, state)
    assert not is_next or leaf.position == 1 or not accepted(entry, leaf.position - 1, state)


@given(LEAVES, st.data(), st.booleans())
def test_a_changed_entry_is_accepted_only_if_it_is_read_and_then_always(
    leaf: Leaf, data: st.DataObject, is_removed: bool
) -> None:
    entry = bytearray(replace(leaf, commitment=commitment(ORIGIN, SALT, b"{}")).entry())
    place = data.draw(st.integers(0, len(entry) - 1))
    entry[place : place + data.draw(st.integers(0, 2))] = data.draw(
        st.binary(max_size=2) | st.sampled_from([b"0", b"9", b"f", b"A", b"-", b'"', b"\\", b"\n"])
    )
    changed = bytes(entry)
    held = is_read(changed, leaf.position)
    if not is_removed and held and Leaf.read(changed).commitment != commitment(ORIGIN, SALT, b"{}"):
        held = False
    assert accepted(changed, leaf.position, REMOVED if is_removed else state_written(SALT, b"{}")) == held


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"ts":"2026-02-28', b'"ts":"2026-02-29'),
        (b'"ts":"2026-02-28', b'"ts":"2026-13-28'),
        (b'"ts":"2026-02-28', b'"ts":"0000-02-28'),
        (b"T08:", b"T24:"),
        (b"T08:", b"T99:"),
        (b'"ver":4', b'"ver":9007199254740992'),
        (b'"ver":4', b'"ver":0'),
        (b'"p":7', b'"p":07'),
        (b'"id":"de', b'"id":"DE'),
        (b'"id":"de066e26-', b'"id":"de066e26f'),
        (b'"c":"', b'"c":"G'),
        (b"organisation.", b"organisation\\"),
        (b"organisation.", b"organisation\xe4"),
    ],
)
def test_what_no_leaf_says_is_accepted_nowhere(before: bytes, after: bytes) -> None:
    entry = (
        b'{"c":"%b","id":"de066e26-eab3-5d08-88fa-4d12944e0799","p":7,"t":"organisation.MemberAdmitted",'
        b'"ts":"2026-02-28T08:13:22.756962Z","v":1,"ver":4}' % commitment(ORIGIN, SALT, b"{}").encode()
    )
    written = state_written(SALT, b"{}")
    assert accepted(entry, 7, written)
    changed = entry.replace(before, after)
    if after.endswith(b"G"):
        changed = changed[:69] + changed[70:]
    assert changed != entry
    assert not is_read(changed, 7)
    assert not accepted(changed, 7, written)
    assert not accepted(changed, 7, REMOVED)


@given(st.lists(st.none() | st.binary(max_size=100), max_size=6), st.data())
def test_states_are_read_wherever_their_blocks_are_cut(states: list[bytes | None], data: st.DataObject) -> None:
    leaves = [
        Leaf(n, UUIDS[n % 2], (n + 1) // 2, "t", AT, commitment(ORIGIN, SALT, state or b""))
        for n, state in enumerate(states, 1)
    ]
    entries = bundle([leaf.entry() for leaf in leaves])
    written = b"".join(state_written(SALT, state) for state in states)
    manifest = Manifest("all", ORIGIN, len(states), ((1, len(states)),) if states else ())
    removed = [n for n, state in enumerate(states) if state is None]

    def cut(given: bytes) -> Iterator[bytes]:
        while given:
            width = data.draw(st.integers(1, 200))
            yield given[:width]
            given = given[width:]

    hashes = [leaf.hash() for leaf in leaves]
    if removed:
        with pytest.raises(Fault, match=f"position {removed[0] + 1}: the payload is removed"):
            walked(manifest, hashes, cut(entries), cut(written), len(written), Bracket())
    else:
        assert walked(manifest, hashes, cut(entries), cut(written), len(written), Bracket()) == ()


@given(st.none() | st.binary())
def test_one_state_is_read_as_it_was_written(state: bytes | None) -> None:
    written = state_written(SALT, state)
    assert state_read(written) == (None if state is None else SALT + state)
    for other in (written[:-1], written + b"\0", written * 2, b""):
        with pytest.raises(ValueError, match="not one"):
            state_read(other)


def test_a_state_that_is_declared_longer_than_all_is_not_waited_for() -> None:
    taken = 0

    def blocks() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield b"\1" * 1000

    leaf = Leaf(1, UUIDS[0], 1, "t", AT, commitment(ORIGIN, SALT, b""))
    manifest = Manifest("all", ORIGIN, 1, ((1, 1),))
    with pytest.raises(Fault, match="position 1: the file ends within"):
        walked(manifest, [leaf.hash()], [bundle([leaf.entry()])], blocks(), 1_000_000, Bracket())
    assert taken == 1
