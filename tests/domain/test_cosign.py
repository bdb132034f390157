"""A witness cosigns what is proved to follow what it saw, and nothing else: as C2SP tlog-witness has it."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cosign import Kind, NotCosigned, Request, decide, head, nothing, origin_hash
from domain.merkle import consistency, leaf_hash, root_of
from domain.note import Checkpoint, Key, Note
from tests.domain.test_merkle import altered
from tests.domain.test_note import ORIGIN, OTHER, SECRET, key, signed, verify, witnessed
from tests.domain.trees import subtrees

KEYS = [key(SECRET)]
LEAVES = [leaf_hash(str(n).encode()) for n in range(18)]
FORK = [*LEAVES[:5], leaf_hash(b"another"), *LEAVES[6:]]
# The example of the specification.
EXAMPLE = """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
""".encode()  # fmt: skip  # noqa: E501


def tree(size: int, leaves: list[bytes] = LEAVES) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root_of(leaves[:size]))


def proof(old: int, size: int, leaves: list[bytes] = LEAVES) -> tuple[bytes, ...]:
    return tuple(consistency(old, size, subtrees(leaves[:size]))) if old else ()


def asks(old: int, new: Checkpoint, hashes: tuple[bytes, ...]) -> Request:
    return Request(old, hashes, signed(Note(new.text)))


def decided(request: Request, seen: Checkpoint) -> Note:
    return decide(request, KEYS, seen, verify)


def refused(request: Request, seen: Checkpoint, keys: list[Key] = KEYS) -> NotCosigned:
    with pytest.raises(NotCosigned) as found:
        decide(request, keys, seen, verify)
    return found.value


def test_the_specifications_example_is_read_and_written_again() -> None:
    request = Request.parse(EXAMPLE)
    assert (request.old, len(request.proof), request.origin) == (20_852_014, 4, "example.com/behind-the-sofa")
    assert len(request.checkpoint.signatures) == 2
    assert bytes(request) == EXAMPLE
    assert bytes(Request.parse(b"old 0\n" + EXAMPLE[EXAMPLE.index(b"\n\n") + 1 :])).startswith(b"old 0\n\nexample.com/")


@given(st.integers(0, 10**19 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple))
def test_a_request_is_read_as_it_was_written(old: int, hashes: tuple[bytes, ...]) -> None:
    request = asks(old, tree(3), hashes)
    assert Request.parse(bytes(request)) == request


HASH = b64encode(bytes(32))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"old 20852014\n", b""),
        (b"old 20852014", b"old 020852014"),
        (b"old 20852014", b"old -1"),
        (b"old 20852014", b"old  1"),
        (b"old 20852014", b"old 1 "),
        (b"old 20852014", b" old 1"),
        (b"old 20852014", b"Old 1"),
        (b"old 20852014", b"old\t1"),
        (b"old 20852014", b"old"),
        (b"old 20852014", b"old " + b"9" * 20),
        (b"old 20852014", "old １".encode()),
        (b"old 20852014", b"old \xff"),
        (b"old 20852014", b"old 1\nold 1"),
        (b"old 20852014", b"\nold 20852014"),
        (b"\n", b"\r\n"),
        (b"Dpkaw=", b"Dpkaw"),
        (b"Dpkaw=", b"Dpkax="),
        (b"Dpkaw=", b"Dpka-="),
        (b"Dpkaw=", b"Dpkaw= "),
        (b"Dpkaw=", b"Dpkaw=\r"),
        (b"PlRNCrwH", b""),
        (b"PlRNCrwH", b"AAAA" + b"PlRNCrwH"),
        (b"3Kj/0=\n\n", b"3Kj/0=\n"),
        (b"3Kj/0=\n\n", b"3Kj/0=\n\n\n"),
        (b"3Kj/0=\n\n", b"3Kj/0=\n" + (HASH + b"\n") * 60 + b"\n"),
        (b"+qbSzm9Q=\n", b"+qbSzm9Q="),
        (b"+qbSzm9Q=\n", b"+qbSzm9Q=\n\n"),
        (b"+qbSzm9Q=\n", b"+qbSzm9Q=\nmore\n"),
        ("— ".encode(), b"- "),
    ],
)
def test_what_is_no_request_is_refused(before: bytes, after: bytes) -> None:
    assert before in EXAMPLE
    with pytest.raises(NotCosigned) as refused:
        Request.parse(EXAMPLE.replace(before, after))
    assert refused.value.kind is Kind.malformed


@pytest.mark.parametrize("length", range(0, len(EXAMPLE), 7))
def test_a_request_that_is_cut_short_is_refused(length: int) -> None:
    with pytest.raises(NotCosigned):
        Request.parse(EXAMPLE[:length])


def test_the_longest_proof_and_sixteen_signatures_of_five_kilobytes_are_taken_and_no_more_than_is_allowed() -> None:
    line = f"— post-quantum.example {b64encode(bytes(5000)).decode()}\n".encode()
    full = b"old 1\n" + (HASH + b"\n") * 63 + b"\n" + f"{tree(9).text}\n".encode() + line * 16
    assert len(Request.parse(full).proof) == 63
    with pytest.raises(NotCosigned, match="longer than 131072 bytes"):
        Request.parse(full + line * 4)


@pytest.mark.parametrize("size", range(len(LEAVES) + 1))
def test_every_tree_is_cosigned_after_every_tree_that_begins_it_with_the_one_proof(size: int) -> None:
    for old in range(size + 1):
        right = proof(old, size)
        assert decided(asks(old, tree(size), right), tree(old)) == signed(Note(tree(size).text))
        for wrong in altered(list(right)):
            kind = refused(asks(old, tree(size), tuple(wrong)), tree(old)).kind
            assert kind is (Kind.superfluous if old in (0, size) else Kind.unproven)


@pytest.mark.parametrize("size", range(len(LEAVES) + 1))
def test_a_proof_from_another_size_than_was_seen_is_answered_with_that_size(size: int) -> None:
    for old in range(size + 1):
        for seen in range(len(LEAVES) + 1):
            if seen != old:
                found = refused(asks(old, tree(size), proof(old, size)), tree(seen))
                assert (found.kind, found.size) == (Kind.stale, seen)


@pytest.mark.parametrize("size", range(6, len(LEAVES) + 1))
def test_no_tree_of_another_history_is_cosigned_whatever_the_proof(size: int) -> None:
    """From the sixth leaf on the two differ."""
    for old in range(6, size):
        for hashes in (proof(old, size), proof(old, size, FORK), ()):
            assert refused(asks(old, tree(size, FORK), hashes), tree(old)).kind is Kind.unproven
    forked = refused(asks(size, tree(size, FORK), ()), tree(size))
    assert (forked.kind, forked.size) == (Kind.forked, None)


def test_two_roots_of_one_size_are_seen_whatever_size_the_proof_is_from() -> None:
    found = refused(asks(3, tree(9, FORK), proof(3, 9, FORK)), tree(9))
    assert (found.kind, found.size) == (Kind.forked, 9)


def test_more_leaves_before_than_there_are_now_make_no_sense() -> None:
    for old in (10, 18):
        assert refused(asks(old, tree(9), ()), tree(old)).kind is Kind.malformed


def test_the_first_checkpoint_of_a_log_needs_no_proof_and_may_be_empty() -> None:
    for size in (0, 1, 9):
        assert decided(asks(0, tree(size), ()), nothing(ORIGIN))
    assert nothing(ORIGIN) == tree(0)
    odd = Checkpoint(ORIGIN, 0, bytes(32))
    assert refused(asks(0, odd, ()), nothing(ORIGIN)).kind is Kind.forked


def test_a_checkpoint_is_cosigned_only_under_a_signature_of_a_trusted_key() -> None:
    note = Note(tree(3).text)
    for unsigned in (witnessed(note, 5), signed(note, OTHER), signed(note, name="another.example/log")):
        assert refused(Request(0, (), unsigned), nothing(ORIGIN)).kind is Kind.unsigned
    borrowed = Note(note.text, signed(Note(tree(4).text)).signatures)
    assert refused(Request(0, (), borrowed), nothing(ORIGIN)).kind is Kind.unsigned
    both = Note(note.text, (*signed(note).signatures, *borrowed.signatures))
    assert refused(Request(0, (), both), nothing(ORIGIN)).kind is Kind.unsigned, "each line of a known key must hold"
    assert refused(Request(0, (), signed(note)), nothing(ORIGIN), []).kind is Kind.unsigned


def test_a_log_may_have_several_keys_and_each_that_signs_must_hold() -> None:
    keys = [key(SECRET), key(OTHER)]
    note = Note(tree(3).text)
    for good in (signed(note), signed(note, OTHER), signed(signed(note), OTHER)):
        assert decide(Request(0, (), good), keys, nothing(ORIGIN), verify) == good
    bad = Note(note.text, (*signed(note).signatures, *signed(Note(tree(4).text), OTHER).signatures))
    assert refused(Request(0, (), bad), nothing(ORIGIN), keys).kind is Kind.unsigned


def test_signatures_of_others_are_passed_over_and_left_out() -> None:
    note = signed(Note(tree(3).text))
    crowd = signed(witnessed(note, 5), OTHER, "stranger.example")
    assert decided(Request(0, (), crowd), nothing(ORIGIN)) == note


def test_what_is_cosigned_keeps_its_extension_lines() -> None:
    extended = signed(Note(f"{tree(3).text}one more\nand — another\n"))
    assert head(extended.text) == tree(3)
    assert decided(Request(0, (), extended), nothing(ORIGIN)) == extended
    for text in (f"{ORIGIN}\n03\n{'A' * 43}=\n", f"{ORIGIN}\n3\n", f"{tree(3).text}\nafter a blank\n"):
        assert refused(Request(0, (), signed(Note(text))), nothing(ORIGIN)).kind is Kind.malformed


def test_a_log_is_published_under_the_hash_of_its_name() -> None:
    """As printf %s example.com/log | sha256sum says."""
    assert origin_hash("example.com/log") == "4d3203c8f35cdf600e475f55fede6081a703d3d322f208865fca2ec4f0e030f8"


WHOLE = bytes(asks(7, tree(17), proof(7, 17)))


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_request_with_any_changed_byte_is_refused(place: int, change: int) -> None:
    changed = bytearray(WHOLE)
    changed[place] ^= change
    with pytest.raises(NotCosigned):
        decided(Request.parse(bytes(changed)), tree(7))


@given(st.integers(0, 17), st.integers(0, 18), st.lists(st.sampled_from(LEAVES), max_size=6).map(tuple))
def test_a_proof_made_of_anything_else_proves_nothing(old: int, size: int, hashes: tuple[bytes, ...]) -> None:
    request = asks(old, tree(size), hashes)
    if old <= size and hashes == proof(old, size):
        assert decided(request, tree(old))
    else:
        refused(request, tree(old))


def test_the_specifications_request_is_refused_by_whoever_trusts_other_keys() -> None:
    request = Request.parse(EXAMPLE)
    assert refused(request, nothing(request.origin)).kind is Kind.unsigned
