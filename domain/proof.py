"""Proofs of inclusion that anybody can check offline, as C2SP tlog-proof writes them (``.tlog-proof``)."""

import re
from dataclasses import dataclass
from typing import Final, Self

from domain.merkle import HASH, is_included
from domain.note import Checkpoint, Key, Note, Verify, decode, encode

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"

DEEPEST: Final = 64
"""Hashes of a proof at most: levels of a tree of 2**64 leaves."""

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Proof:
    """That the tree of a signed checkpoint has a leaf at ``index``, counted from 0.

    ``hashes`` lead from the leaf's sibling up. ``extra`` is whatever its maker adds; nothing vouches for it.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes | None = None

    def __bytes__(self) -> bytes:
        extra = "" if self.extra is None else f"extra {encode(self.extra)}\n"
        hashes = "".join(f"{encode(each)}\n" for each in self.hashes)
        return f"{FIRST_LINE}\n{extra}index {self.index}\n{hashes}\n".encode() + bytes(self.checkpoint)

    @classmethod
    def parse(cls, given: bytes) -> Self:
        """Read a proof; raise ValueError for what is none, to the byte."""
        head, gap, checkpoint = given.partition(b"\n\n")
        first, *lines = head.decode().split("\n")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = decode(lines.pop(0).removeprefix("extra "))
        index = _INDEX.fullmatch(lines[0]) if lines else None
        if first != FIRST_LINE or not gap or index is None:
            raise ValueError("a proof is a first line, an index, hashes, a blank line and a checkpoint")
        hashes = tuple(map(decode, lines[1:]))
        if len(hashes) > DEEPEST or any(len(each) != HASH for each in hashes):
            raise ValueError(f"a proof has up to {DEEPEST} hashes of {HASH} bytes")
        return cls(int(index[1]), hashes, Note.parse(checkpoint), extra)

    def holds(self, leaf: bytes, key: Key, verify: Verify) -> bool:
        """Whether the log of this key sealed a tree with this leaf (its hash) there."""
        if not self.checkpoint.is_signed_by(key, verify):
            return False
        try:
            sealed = Checkpoint.parse(self.checkpoint.text)
        except ValueError:
            return False
        if sealed.origin != key.name:
            return False
        return is_included(leaf, self.index, sealed.size, self.hashes, sealed.root)
