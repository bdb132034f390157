"""Hash trees: their roots and proofs against RFC 6962 as it is written down, and every proof that is not one."""

from collections.abc import Collection, Sequence
from hashlib import sha256
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.merkle import (
    EMPTY,
    Frontier,
    consistency,
    inclusion,
    is_consistent,
    is_included,
    leaf_hash,
    multiproof,
    multiroot,
    node_hash,
    root_of,
)
from tests.domain.trees import mth, subtrees

# The entries and roots with which Certificate Transparency's own implementations are tested.
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES]
MANY = [leaf_hash(str(n).encode()) for n in range(70)]


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]) as RFC 6962 §2.1.1 defines it."""
    if len(leaves) == 1:
        return []
    half = max(1 << n for n in range(9) if 1 << n < len(leaves))
    if m < half:
        return [*path(m, leaves[:half]), mth(leaves[half:])]
    return [*path(m - half, leaves[half:]), mth(leaves[:half])]


def subproof(m: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) as RFC 6962 §2.1.2 defines it."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    half = max(1 << n for n in range(9) if 1 << n < len(leaves))
    if m <= half:
        return [*subproof(m, leaves[:half], whole=whole), mth(leaves[half:])]
    return [*subproof(m - half, leaves[half:], whole=False), mth(leaves[:half])]


def altered(proof: list[bytes]) -> list[list[bytes]]:
    """Every proof that is nearly this one: one hash changed, left out, doubled, swapped with the next; cut; longer."""
    found = [[*proof, EMPTY], [EMPTY, *proof]]
    for n, each in enumerate(proof):
        before, after = proof[:n], proof[n + 1 :]
        changed = bytes([each[0] ^ 1]) + each[1:]
        found += [[*before, changed, *after], [*before, *after], [*before, each, each, *after], before]
        found += [[*before, each[:31], *after], [*before, each + b"\0", *after]]
    found += [[*proof[:n], two, one, *proof[n + 2 :]] for n, (one, two) in enumerate(pairwise(proof)) if one != two]
    return [each for each in found if each != proof]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert root_of(LEAVES[:size]).hex() == ROOTS[size]


def test_roots_and_proofs_are_as_the_rfc_defines_them() -> None:
    for size in range(1, len(MANY) + 1):
        leaves = MANY[:size]
        assert root_of(leaves) == mth(leaves)
        for index in range(size):
            assert inclusion(index, size, subtrees(leaves)) == path(index, leaves)
        for first in range(1, size + 1):
            assert consistency(first, size, subtrees(leaves)) == subproof(first, leaves, whole=True)


def test_every_leaf_is_proved_and_nothing_else() -> None:
    for size in range(1, 20):
        leaves = MANY[:size]
        root = mth(leaves)
        for index in range(size):
            proof = path(index, leaves)
            assert is_included(leaves[index], index, size, proof, root)
            assert not any(is_included(leaves[index], index, size, other, root) for other in altered(proof))
            assert not is_included(leaves[index], index, size, proof, EMPTY)
            assert not is_included(MANY[-1], index, size, proof, root)
            for other in {*range(-1, 20)} - {index}:
                assert not is_included(leaves[index], other, size, proof, root)


def test_a_proof_holds_for_no_size_that_shapes_the_path_otherwise() -> None:
    for size in range(1, 20):
        root = mth(MANY[:size])
        for index in range(size):
            proof = path(index, MANY[:size])
            for other in {*range(20)} - {size}:
                same_shape = other > index and len(path(index, MANY[:other])) == len(proof)
                assert same_shape or not is_included(MANY[index], index, other, proof, root)


def test_every_beginning_is_proved_and_nothing_else() -> None:
    for second in range(1, 20):
        after = mth(MANY[:second])
        for first in range(second + 1):
            before = mth(MANY[:first])
            proof = subproof(first, MANY[:second], whole=True) if first else []
            assert is_consistent(first, second, before, after, proof)
            assert not any(is_consistent(first, second, before, after, other) for other in altered(proof))
            assert not is_consistent(first, second, MANY[69], after, proof)
            assert not is_consistent(first, second, before, MANY[69], proof) or not first
            for other in {*range(-1, second + 2)} - {first}:
                assert not is_consistent(other, second, before, after, proof)


def test_a_tree_without_leaves_begins_every_tree_and_proves_no_leaf() -> None:
    assert Frontier().root == EMPTY
    assert is_consistent(0, 3, EMPTY, mth(MANY[:3]), [])
    assert not is_consistent(0, 3, MANY[0], mth(MANY[:3]), [])
    assert not is_included(MANY[0], 0, 0, [], EMPTY)


def test_what_is_no_part_of_a_tree_has_no_proof() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ValueError, match="has no leaf"):
            inclusion(index, size, subtrees(MANY))
    for first, second in ((0, 3), (4, 3), (-1, 3)):
        with pytest.raises(ValueError, match="not the beginning"):
            consistency(first, second, subtrees(MANY))


@given(st.lists(st.integers(0, 40), max_size=6))
def test_a_tree_grows_to_the_same_in_any_pieces(pieces: list[int]) -> None:
    frontier, size = Frontier(), 0
    leaves = [leaf_hash(n.to_bytes(2)) for n in range(sum(pieces))]
    for piece in pieces:
        frontier = frontier.grown(leaves[size : size + piece])
        size += piece
        assert (frontier.size, frontier.root) == (size, mth(leaves[:size]))
        assert len(frontier.hashes) == size.bit_count()


@given(st.integers(0, 70), st.integers(0, 70))
def test_what_more_leaves_complete_is_every_new_subtree(size: int, more: int) -> None:
    leaves = [leaf_hash(n.to_bytes(2)) for n in range(size + more)]
    found = list(Frontier().grown(leaves[:size]).rows(leaves[size:]))
    for level, (first, row) in enumerate(found):
        every = range(first, first + len(row))
        assert (first, every.stop) == (size >> level, size + more >> level)
        assert row == [subtrees(leaves)(level, index) for index in every]
    assert (
        sum(len(row) for _, row in found) == 2 * (size + more) - (size + more).bit_count() - 2 * size + size.bit_count()
    )


def runs_of(held: Collection[int]) -> list[tuple[int, int]]:
    """The runs of leaves whose indexes are given."""
    starts = [index for index in sorted(held) if index - 1 not in held]
    return [(start, next(end for end in count(start) if end not in held)) for start in starts]


def gaps(start: int, end: int, held: Collection[int], leaves: Sequence[bytes]) -> list[bytes]:
    """What a multiproof is made of: D[start:end] whole if none of it is held, else that of its two parts."""
    if not any(start <= index < end for index in held):
        return [mth(leaves[start:end])]
    if end - start == 1:
        return []
    middle = start + max(1 << n for n in range(9) if 1 << n < end - start)
    return [*gaps(start, middle, held, leaves), *gaps(middle, end, held, leaves)]


HELD = st.integers(1, 70).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1))))


@pytest.mark.parametrize("size", range(1, 9))
def test_any_leaves_of_a_small_tree_are_proved_at_once_and_nothing_else(size: int) -> None:
    leaves, root = MANY[:size], mth(MANY[:size])
    for chosen in range(1 << size):
        held = [index for index in range(size) if chosen >> index & 1]
        runs, own = runs_of(held), [leaves[index] for index in held]
        proof = multiproof(runs, size, subtrees(leaves))
        assert proof == gaps(0, size, held, leaves)
        assert multiroot(runs, own, size, proof) == root
        assert not any(multiroot(runs, own, size, other) == root for other in altered(proof))
        assert not any(multiroot(runs, other, size, proof) == root for other in altered(own))


@given(HELD)
def test_any_leaves_of_a_tree_are_proved_at_once(tree: tuple[int, set[int]]) -> None:
    size, held = tree
    leaves = MANY[:size]
    runs = runs_of(held)
    proof = multiproof(runs, size, subtrees(leaves))
    assert proof == gaps(0, size, held, leaves)
    assert multiroot(runs, [leaves[index] for index in sorted(held)], size, proof) == mth(leaves)


def test_one_leaf_is_proved_by_the_hashes_of_its_inclusion_and_a_whole_tree_by_none() -> None:
    for size in range(1, 20):
        assert multiproof([(0, size)], size, subtrees(MANY)) == []
        for index in range(size):
            proof = multiproof([(index, index + 1)], size, subtrees(MANY))
            assert sorted(proof) == sorted(path(index, MANY[:size]))
    assert multiproof([], 5, subtrees(MANY)) == [mth(MANY[:5])]
    assert (multiproof([], 0, subtrees(MANY)), multiroot([], [], 0, [])) == ([], EMPTY)


def test_hashes_of_other_lengths_prove_nothing() -> None:
    pair = [MANY[0][:31], MANY[0][31:] + MANY[1]]
    assert multiroot([(0, 2)], MANY[:2], 2, []) == mth(MANY[:2])
    assert multiroot([(0, 2)], pair, 2, []) is None
    assert multiroot([], [], 2, [b""]) is None


@pytest.mark.parametrize(
    "runs", [[(1, 1)], [(2, 1)], [(-1, 1)], [(0, 6)], [(3, 4), (0, 1)], [(0, 2), (2, 3)], [(5, 6)]]
)
def test_runs_that_a_tree_has_not_are_refused(runs: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="no such runs"):
        multiproof(runs, 5, subtrees(MANY))
    held = max(0, sum(end - start for start, end in runs))
    assert all(multiroot(runs, MANY[:held], 5, MANY[:length]) is None for length in range(9))


def test_a_leaf_is_not_taken_for_a_node() -> None:
    assert leaf_hash(MANY[0] + MANY[1]) != node_hash(MANY[0], MANY[1])
    assert leaf_hash(b"\x01") != sha256(b"\x01").digest()
