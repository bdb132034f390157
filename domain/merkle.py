"""Hash trees (RFC 6962 §2.1, RFC 9162 §2.1): roots, and proofs that a leaf is in a tree and a tree begins another.

Leaves are numbered from 0, and every hash is 32 bytes of SHA-256. A *subtree* is a complete one: the subtree
(level, index) has the 2**level leaves from index * 2**level on. Ranges of leaves are half-open, as the RFC's D[a:b]:
*runs* are ranges that are not empty, ascend, and leave at least one leaf out between each two.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Final, Self

HASH: Final = 32
"""Bytes of a hash."""

EMPTY: Final = sha256().digest()
"""The root of the tree without leaves."""

Subtrees = Callable[[int, int], bytes]
"""Gives the hash of the subtree (level, index)."""

Runs = Sequence[tuple[int, int]]


def leaf_hash(entry: bytes) -> bytes:
    """MTH({d}) of RFC 6962 §2.1: the hash of a tree's one leaf."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash above two."""
    return sha256(b"\1" + left + right).digest()


def split(held: bytes) -> list[bytes]:
    """Take hashes apart that stand one after the other."""
    return [held[place : place + HASH] for place in range(0, len(held), HASH)]


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that is needed of a tree to let it grow: the hashes of the subtrees it is made of, the largest first.

    There is one for each bit of ``size``, the number of leaves.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, size: int, subtrees: Subtrees) -> Self:
        """Return that of a tree of a size, whose subtrees are known."""
        return cls(size, tuple(subtrees(level, (size >> level) - 1) for level in _levels(size)))

    @property
    def root(self) -> bytes:
        if not self.hashes:
            return EMPTY
        root, *larger = reversed(self.hashes)
        for left in larger:
            root = node_hash(left, root)
        return root

    def rows(self, leaves: Sequence[bytes]) -> Iterator[tuple[int, list[bytes]]]:
        """Yield what more leaves complete, level by level: the first subtree's index, and the hashes from there on."""
        first, row = self.size, list(leaves)
        for level in range(64):
            if not row:
                return
            yield first, row
            if first % 2:
                first, row = first - 1, [self._at(level), *row]
            # As node_hash does it, of which there are as many as leaves.
            row = [sha256(b"\1" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]
            first //= 2

    def grown(self, leaves: Sequence[bytes]) -> "Frontier":
        """Return the frontier once these leaves (their hashes) are added."""
        size = self.size + len(leaves)
        last = [row[-1] for _, row in self.rows(leaves)]
        hashes = (last[level] if level < len(last) else self._at(level) for level in _levels(size))
        return Frontier(size, tuple(hashes))

    def _at(self, level: int) -> bytes:
        """The hash of its subtree of a level: after those of all higher bits of the size."""
        return self.hashes[(self.size >> level + 1).bit_count()]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves' hashes."""
    return Frontier().grown(leaves).root


def inclusion(index: int, size: int, subtrees: Subtrees) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1, from the leaf's sibling up. Raise ValueError for a leaf it has not."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _half(end - start)
        if index < middle:
            proof.append(_range(middle, end, subtrees))
            end = middle
        else:
            proof.append(_range(start, middle, subtrees))
            start = middle
    return proof[::-1]


def consistency(first: int, second: int, subtrees: Subtrees) -> list[bytes]:
    """PROOF(first, D[second]) of RFC 6962 §2.1.2. Raise ValueError unless 0 < first <= second."""
    if not 0 < first <= second:
        raise ValueError(f"a tree of {first} leaves is not the beginning of one of {second}")
    proof: list[bytes] = []
    start, end = 0, second
    while first != end:
        middle = start + _half(end - start)
        if first <= middle:
            proof.append(_range(middle, end, subtrees))
            end = middle
        else:
            proof.append(_range(start, middle, subtrees))
            start = middle
    if start:
        proof.append(_range(start, end, subtrees))
    return proof[::-1]


def multiproof(runs: Runs, size: int, subtrees: Subtrees) -> list[bytes]:
    """Return what proves all leaves of some runs at once: the roots of the widest ranges without any of them.

    They stand from left to right, where RFC 6962 §2.1 divides the tree. Raise ValueError for runs that it has not.
    """
    if not _has_runs(size, runs):
        raise ValueError(f"a tree of {size} leaves has no such runs")
    return [_range(step[0], step[1], subtrees) for step in _steps(runs, size) if step and not step[2]]


def multiroot(runs: Runs, leaves: Sequence[bytes], size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root to which the leaves of some runs, one after the other, and their multiproof lead.

    None for any that are not just as many as the runs and the size ask for.
    """
    held = sum(end - start for start, end in runs)
    if not _has_runs(size, runs) or len(leaves) != held or not (_are_hashes(*leaves) and _are_hashes(*proof)):
        return None
    unused, place = iter(proof), 0
    found: list[bytes] = []
    for step in _steps(runs, size):
        if step is None:
            right = found.pop()
            found.append(node_hash(found.pop(), right))
            continue
        start, end, is_held = step
        if is_held:
            found.append(root_of(leaves[place : place + end - start]) if end - start > 1 else leaves[place])
            place += end - start
        elif given := next(unused, None):
            found.append(given)
        else:
            return None
    return (found[0] if found else EMPTY) if next(unused, None) is None else None


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows that the tree of this size and root has this leaf there (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):
        return False
    node, last, found = index, size - 1, leaf
    for each in proof:
        if not last:
            return False
        if node % 2 or node == last:
            found = node_hash(each, found)
            while node and not node % 2:
                node, last = node // 2, last // 2
        else:
            found = node_hash(found, each)
        node, last = node // 2, last // 2
    return not last and found == root


def is_consistent(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the first tree is the beginning of the second (RFC 9162 §2.1.4.2).

    The tree without leaves is the beginning of every other, which needs no proof; nor does a tree of itself.
    """
    if not 0 <= first <= second or not _are_hashes(first_root, second_root, *proof):
        return False
    if first in (0, second):
        return not proof and first_root == (second_root if first else EMPTY)
    if not proof:
        return False
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    node, last = first - 1, second - 1
    while node % 2:
        node, last = node // 2, last // 2
    before = after = path[0]
    for each in path[1:]:
        if not last:
            return False
        if node % 2 or node == last:
            before, after = node_hash(each, before), node_hash(each, after)
            while node and not node % 2:
                node, last = node // 2, last // 2
        else:
            after = node_hash(after, each)
        node, last = node // 2, last // 2
    return not last and before == first_root and after == second_root


def _levels(size: int) -> list[int]:
    """The levels of the subtrees that a tree is made of, the largest first."""
    return [level for level in reversed(range(size.bit_length())) if size >> level & 1]


def _half(width: int) -> int:
    """The largest power of two smaller than a width of at least two."""
    return 1 << (width - 1).bit_length() - 1


def _range(start: int, end: int, subtrees: Subtrees) -> bytes:
    """MTH(D[start:end]), where a subtree begins at ``start`` that is no narrower."""
    width = end - start
    if not width & (width - 1):
        return subtrees(width.bit_length() - 1, start // width)
    middle = start + _half(width)
    return node_hash(_range(start, middle, subtrees), _range(middle, end, subtrees))


def _has_runs(size: int, runs: Runs) -> bool:
    bounds = [bound for run in runs for bound in run]
    return all(one < other for one, other in pairwise([-1, *bounds])) and bounds[-1:] <= [size]


def _steps(runs: Runs, size: int) -> Iterator[tuple[int, int, bool] | None]:
    """Yield the ranges of which runs hold all or nothing, and whether they do; None where the last two are joined."""
    starts, ends = [start for start, _ in runs], [end for _, end in runs]
    # A range, and between which numbers are the runs that meet it.
    ahead: list[tuple[int, int, int, int] | None] = [(0, size, 0, len(runs))] if size else []
    while ahead:
        step = ahead.pop()
        if step is None:
            yield None
            continue
        start, end, first, last = step
        if first == last or (starts[first] <= start and end <= ends[first]):
            yield start, end, first != last
            continue
        middle = start + _half(end - start)
        left = (start, middle, first, bisect_left(starts, middle, first, last))
        ahead += [None, (middle, end, bisect_right(ends, middle, first, last), last), left]


def _are_hashes(*given: bytes) -> bool:
    return {*map(len, given)} <= {HASH}
