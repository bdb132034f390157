"""A leaf commits to an event in bytes that stay as they are: version 1, for ever."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from domain.leaf import Leaf, Stored, commitment, entries
from domain.topics import TOPICS

STATE = '{"account":{},"event":{"name":"鲁家村"}}'.encode()
LEAF = Leaf(
    position=11275,
    stream=UUID("de066e26-eab3-5d08-88fa-4d12944e0799"),
    version=4,
    topic="organisation.MemberAdmitted",
    recorded_at=datetime(2026, 11, 23, 8, 13, 22, 756962, UTC),
    commitment=commitment("taizhang.example/anji", bytes(range(32)), STATE),
)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
LEAVES = st.builds(
    Leaf,
    position=st.integers(1, 2**53 - 1),
    stream=st.uuids(),
    version=st.integers(1, 2**31 - 1),
    topic=st.sampled_from(sorted(TOPICS)),
    recorded_at=st.datetimes(timezones=st.just(UTC)),
    commitment=DIGESTS,
    key_commitment=st.just("") | DIGESTS,
)


def test_the_first_version_is_written_and_hashed_like_this_for_ever() -> None:
    assert LEAF.commitment == "31cb07521c7c77961fc8e4e72eb17518ca45cdac105e38ca142242a317083e6e"
    assert LEAF.entry() == (
        b'{"c":"31cb07521c7c77961fc8e4e72eb17518ca45cdac105e38ca142242a317083e6e",'
        b'"id":"de066e26-eab3-5d08-88fa-4d12944e0799","p":11275,"t":"organisation.MemberAdmitted",'
        b'"ts":"2026-11-23T08:13:22.756962Z","v":1,"ver":4}'
    )
    assert LEAF.hash().hex() == "7a7dbd4df9f225fb7ffb3c486c5c8e72f307ad72e79e84fc25aa5907a2f8cd4c"


def test_a_commitment_is_over_the_logs_name_the_salt_and_the_state() -> None:
    salt = bytes(range(32))
    whole = sha256(b"taizhang.example/anji/state/v1\n" + salt + STATE).hexdigest()
    assert commitment("taizhang.example/anji", salt, STATE) == whole
    others = [("taizhang.example/anjj", salt, STATE), ("taizhang.example/anji", salt[::-1], STATE)]
    for other in (*others, ("taizhang.example/anji", salt, STATE + b" ")):
        assert commitment(*other) != whole


@given(LEAVES)
def test_an_entry_is_canonical_json(leaf: Leaf) -> None:
    said: dict[str, Any] = {
        "v": 1,
        "p": leaf.position,
        "id": str(leaf.stream),
        "ver": leaf.version,
        "t": leaf.topic,
        "ts": leaf.recorded_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "c": leaf.commitment,
    }
    if leaf.key_commitment:
        said["kc"] = leaf.key_commitment
    assert leaf.entry() == rfc8785.dumps(said)


def kept(origin: str, salt: bytes, state: bytes | None) -> str:
    """The commitment: computed, or what stands for a payload that was removed."""
    return salt.hex() if state is None else commitment(origin, salt, state)


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1),
    st.lists(
        st.tuples(
            st.integers(1, 2**53 - 1),
            st.uuids(),
            st.integers(1, 2**31 - 1),
            st.sampled_from(sorted(TOPICS)),
            st.sampled_from([LEAF.recorded_at, LEAF.recorded_at.astimezone(timezone(timedelta(hours=8)))])
            | st.datetimes(timezones=st.just(UTC)),
            st.binary(min_size=32, max_size=32),
            st.none() | st.binary(),
        )
    ),
)
def test_entries_written_together_are_those_written_one_by_one(origin: str, events: list[Stored]) -> None:
    assert list(entries(origin, events)) == [
        Leaf(position, UUID(str(stream)), version, topic, at, kept(origin, salt, state)).entry()
        for position, stream, version, topic, at, salt, state in events
    ]


@given(LEAVES)
def test_an_entry_is_read_as_it_was_written(leaf: Leaf) -> None:
    assert Leaf.read(leaf.entry()) == leaf


@given(LEAVES, st.data())
def test_an_entry_with_another_byte_is_another_leaf_or_none(leaf: Leaf, data: st.DataObject) -> None:
    entry = leaf.entry()
    place = data.draw(st.integers(0, len(entry) - 1))
    changed = bytearray(entry)
    changed[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != entry[place]))
    try:
        other = Leaf.read(bytes(changed))
    except ValueError:
        return
    assert other != leaf
    assert other.entry() == changed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"v":1', b'"v":2'),
        (b'"p":11275', b'"p":011275'),
        (b'"p":11275', b'"p":11275.0'),
        (b'"p":11275', b'"p":9007199254740992'),
        (b'"p":11275', b'"p":0'),
        (b'"p":', b'"p": '),
        (b'"id":"de', b'"id":"DE'),
        (b'"id":"de066e26-', b'"id":"de066e26'),
        (b"2026-11-23T", b"2026-13-23T"),
        (b"2026-11-23T08", b"2026-11-23T24"),
        (b"756962Z", b"756962+00:00"),
        (b".756962Z", b".756Z"),
        (b"MemberAdmitted", b"Member\\u0041dmitted"),
        (b"MemberAdmitted", "接收党员".encode()),
        (b'"v":1,"ver":4', b'"ver":4,"v":1'),
        (b'"ver":4', b'"ver":4,"x":1'),
        (b'"ver":4}', b'"ver":4}\n'),
        (b'"p":11275,', b'"p":11275,"p":11275,'),
    ],
)
def test_what_is_written_otherwise_is_no_entry(before: bytes, after: bytes) -> None:
    assert before in LEAF.entry()
    with pytest.raises(ValueError, match=r"."):
        Leaf.read(LEAF.entry().replace(before, after))


@pytest.mark.parametrize("given", [b"", b"{}", b"null", b"[" * 100_000, b"\xff", LEAF.entry() * 2, LEAF.entry()[:-1]])
def test_what_is_no_entry_at_all_is_refused(given: bytes) -> None:
    with pytest.raises(ValueError, match="no entry of a leaf"):
        Leaf.read(given)


@pytest.mark.parametrize(
    "change",
    [
        {"position": 0},
        {"position": 2**53},
        {"version": 0},
        {"topic": ""},
        {"topic": 'a"b'},
        {"topic": "a\\b"},
        {"topic": "发布"},
        {"commitment": "A" * 64},
        {"commitment": ""},
        {"key_commitment": "ab"},
        {"recorded_at": datetime(2026, 11, 23)},  # noqa: DTZ001  # that is the fault
    ],
)
def test_the_grammar_has_no_place_for_anything_else(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        replace(LEAF, **change).entry()


def test_an_instant_is_the_same_in_any_zone() -> None:
    here = LEAF.recorded_at.astimezone(timezone(timedelta(hours=8)))
    assert replace(LEAF, recorded_at=here).entry() == LEAF.entry()
