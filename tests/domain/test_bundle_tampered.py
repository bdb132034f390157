"""Whoever rewrites a bundle and cannot sign is found, with the place; so is any bit that changes by itself."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bundle.events import REMOVED
from domain.leaf import commitment
from domain.merkle import leaf_hash, root_of
from domain.note import Checkpoint, Note
from domain.tile import bundle as entries_written
from domain.tile import unbundle
from tests.domain.bundles import (
    ORIGIN,
    archived,
    files,
    flipped,
    outcome,
    rewritten,
    story,
    verified,
)

Change = Callable[[bytes], bytes]
STORY = story()
WHOLE = STORY.bundle()


def split(states: bytes) -> list[bytes]:
    """The states of a bundle, as they are written."""
    found: list[bytes] = []
    while states:
        end = 36 if states.startswith(REMOVED) else 36 + int.from_bytes(states[32:36])
        found.append(states[:end])
        states = states[end:]
    return found


def entries(change: Callable[[list[bytes]], object]) -> Change:
    """Rewrite the entries by changing their list."""

    def changed(given: bytes) -> bytes:
        held = unbundle(given)
        change(held)
        return entries_written(held)

    return changed


def states(change: Callable[[list[bytes]], object]) -> Change:
    def changed(given: bytes) -> bytes:
        held = split(given)
        change(held)
        return b"".join(held)

    return changed


def put(index: int, before: bytes, after: bytes) -> Callable[[list[bytes]], None]:
    """Replace a part of one of several."""

    def change(held: list[bytes]) -> None:
        assert before in held[index]
        held[index] = held[index].replace(before, after)

    return change


def swap(one: int, other: int) -> Callable[[list[bytes]], None]:
    def change(held: list[bytes]) -> None:
        held[one], held[other] = held[other], held[one]

    return change


def hashes(change: Callable[[list[bytes]], object]) -> Change:
    """Rewrite hashes of 32 bytes by changing their list."""

    def changed(given: bytes) -> bytes:
        held = [given[place : place + 32] for place in range(0, len(given), 32)]
        change(held)
        return b"".join(held)

    return changed


def said(**members: Any) -> Change:
    """Rewrite the manifest."""

    def changed(given: bytes) -> bytes:
        manifest = {**json.loads(given), **members}
        return json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()

    return changed


ENTRY_4 = unbundle(files(WHOLE)["entries"])[3]
STATE_4 = split(files(WHOLE)["states"])[3]
LENGTH = STATE_4[32:36]

TAMPERINGS: list[tuple[str, dict[str, Change], str, int | None]] = [
    ("a payload is edited", {"states": states(put(3, b'"full":3', b'"full":9'))}, "state", 3),
    ("a payload is edited and its commitment", {
        "states": states(put(3, b'"full":3', b'"full":9')),
        "entries": entries(put(3, STORY.leaves[3].commitment.encode(), commitment(
            ORIGIN, STORY.salt(4), STORY.states[3].replace(b'"full":3', b'"full":9')).encode())),
    }, "leaf", 3),
    ("a salt is edited", {"states": lambda held: flipped(held, 8 * held.index(STATE_4))}, "state", 3),
    ("a topic is edited", {"entries": entries(put(3, b"Admitted", b"Expelled"))}, "leaf", 3),
    ("a version is edited", {"entries": entries(put(3, b'"ver":2', b'"ver":3'))}, "leaf", 3),
    ("a time is edited", {"entries": entries(put(3, b"2026-", b"2025-"))}, "leaf", 3),
    ("two are swapped", {"entries": entries(swap(2, 4)), "states": states(swap(2, 4))}, "leaf", 2),
    ("two are swapped with their leaves", {
        "entries": entries(swap(2, 4)), "states": states(swap(2, 4)), "leaves": hashes(swap(2, 4)),
    }, "entry", 2),
    ("two states are swapped", {"states": states(swap(2, 4))}, "state", 2),
    ("an entry and its leaf are others", {
        "entries": entries(put(3, b"Admitted", b"Expelled")),
        "leaves": hashes(lambda held: held.__setitem__(3, leaf_hash(ENTRY_4.replace(b"Admitted", b"Expelled")))),
    }, "root", None),
    ("a leaf is another", {"leaves": hashes(lambda held: held.__setitem__(3, bytes(32)))}, "leaf", 3),
    ("a payload is removed without authority", {"states": states(lambda held: held.__setitem__(3, REMOVED))},
     "redaction", 3),
    ("a state is declared longer than it is", {"states": states(put(7, LENGTH, b"\0\0\1\0"))}, "state", 7),
    ("a state is declared endless", {"states": states(put(3, LENGTH, b"\xff\xff\xff\xff"))}, "state", 3),
    ("an entry is declared longer than it is", {"entries": lambda held: held[:-len(ENTRY_4) - 2] + b"\xff" + held[
        -len(ENTRY_4) - 1:]}, "entry", 7),
    ("a state is longer than it is declared", {"states": lambda held: held + b"\0"}, "manifest", None),
    ("an event is too many", {"entries": entries(lambda held: held.append(ENTRY_4))}, "manifest", None),
    ("a state is too many", {"states": states(lambda held: held.append(STATE_4))}, "manifest", None),
    ("a leaf is too many", {"leaves": lambda held: held + bytes(32)}, "manifest", None),
    ("a proof is too long", {"proof": lambda held: held + bytes(32)}, "root", None),
    ("a proof is no hashes", {"proof": lambda held: held + b"\0"}, "root", None),
    ("the checkpoint is another's text", {"checkpoint": lambda held: held.replace(b"\n8\n", b"\n9\n")},
     "manifest", None),
    ("the checkpoint's root is another", {
        "checkpoint": lambda held: held.replace(held.split(b"\n")[2], Note(Checkpoint(
            ORIGIN, 8, root_of([])).text).text.split("\n")[2].encode()),
    }, "checkpoint", None),
    ("the checkpoint is none", {"checkpoint": lambda _: b"none"}, "checkpoint", None),
    ("the checkpoint has another line", {"checkpoint": lambda held: held.replace(b"\n8\n", b"\n8\n8\n")},
     "checkpoint", None),
    ("the manifest is none", {"bundle.json": lambda _: b"{}"}, "manifest", None),
    ("the manifest is of another size", {"bundle.json": said(count=7, positions=[[1, 7]], size=7)}, "manifest", None),
    ("the manifest is of another log", {"bundle.json": said(origin="other.example/log")}, "manifest", None),
    ("the manifest says another range", {
        "bundle.json": said(kind="range", positions=[[1, 7]], count=7, **{"from": 1, "to": 7}),
    }, "manifest", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "kind", "index"), [case[1:] for case in TAMPERINGS], ids=[case[0] for case in TAMPERINGS]
)
def test_who_rewrites_a_bundle_is_found(changes: dict[str, Change], kind: str, index: int | None) -> None:
    assert outcome(rewritten(WHOLE, changes)) == ("TAMPERED", kind, index)


def test_of_several_faults_the_first_is_named() -> None:
    changes = {
        "states": states(put(5, b'"full":5', b'"full":9')),
        "entries": entries(put(3, b"Admitted", b"Expelled")),
    }
    assert outcome(rewritten(WHOLE, changes)) == ("TAMPERED", "leaf", 3)


def test_it_is_said_if_more_may_be_changed_than_the_one_that_is_named() -> None:
    changed = rewritten(WHOLE, {"leaves": hashes(lambda held: held.__setitem__(3, bytes(32)))})
    assert verified(changed).verdict.detail == (
        "position 4: the entry does not fit the sealed leaf; nor do the sealed leaves lead to the checkpoint's root,"
        " so that others may be changed as well"
    )


@pytest.mark.parametrize(
    ("changes", "index"),
    [
        ({"leaves": hashes(lambda held: held.pop())}, None),
        ({"entries": entries(lambda held: held.pop())}, 7),
        ({"states": states(lambda held: held.pop())}, 7),
        ({"entries": lambda _: b"", "states": lambda _: b""}, 0),
    ],
)
def test_events_that_are_missing_leave_it_incomplete(changes: dict[str, Change], index: int | None) -> None:
    assert outcome(rewritten(WHOLE, changes)) == ("INCOMPLETE", "events", index)


def test_every_changed_bit_of_a_bundle_is_found() -> None:
    log = story(2)
    log.remove(1)
    whole = log.bundle(timestamp=b"token")
    assert outcome(whole) == ("REDACTED", "", None)
    names = {verified(flipped(whole, bit)).verdict.name for bit in range(8 * len(whole))}
    assert names == {"TAMPERED"}


def test_every_changed_bit_of_its_content_is_found_behind_a_digest_that_fits() -> None:
    log = story(2)
    log.remove(1)
    whole = log.bundle()
    for name, content in files(whole).items():
        for bit in range(8 * len(content)):
            found = verified(archived({**files(whole), name: flipped(content, bit)})).verdict
            assert not found.holds, (name, bit, found)


@given(st.data())
def test_any_changed_bit_of_a_larger_bundle_is_found(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, 8 * len(WHOLE) - 1))
    assert outcome(flipped(WHOLE, place))[0] == "TAMPERED"
