"""RFC 6962 §2.1 as it is written down, for hash trees to be compared with."""

from collections.abc import Callable, Sequence
from hashlib import sha256


def mth(leaves: Sequence[bytes]) -> bytes:
    """MTH(D[n]) as §2.1 defines it, of leaves that are hashed already."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\x01" + mth(leaves[:half]) + mth(leaves[half:])).digest()


def subtrees(leaves: Sequence[bytes]) -> Callable[[int, int], bytes]:
    def subtree(level: int, index: int) -> bytes:
        own = leaves[index << level : index + 1 << level]
        assert len(own) == 1 << level, "only complete subtrees are asked for"
        return mth(own)

    return subtree
