"""Proofs from what is sealed: that an event is in the log, and that one size of the log begins another."""

from dataclasses import dataclass

from application.sealed import Sealed, Unsealed
from domain.merkle import Frontier, consistency, inclusion, leaf_hash
from domain.note import Checkpoint, Note
from domain.proof import Proof
from domain.tile import ENTRIES, WIDTH, Tile, Tiles, unbundle


@dataclass(frozen=True, slots=True)
class Included:
    """An event's entry, and the proof that the log has it."""

    entry: bytes
    proof: Proof
    size: int

    @property
    def leaf(self) -> bytes:
        return leaf_hash(self.entry)


@dataclass(frozen=True, slots=True)
class Consistent:
    """The roots of two sizes of the log, and the hashes that lead from the one to the other (RFC 6962 §2.1.2)."""

    first: int
    second: int
    first_root: bytes
    second_root: bytes
    hashes: tuple[bytes, ...]


class Proofs:
    def __init__(self, sealed: Sealed) -> None:
        self.sealed = sealed

    def included(self, position: int, note: Note | None = None) -> Included:
        """Prove that an event is in the log, under a checkpoint, or the newest; raise Unsealed if it is not yet."""
        note = note or self.sealed.note()
        size, index = Checkpoint.parse(note.text).size, position - 1
        if not 0 <= index < size:
            raise Unsealed(f"position {position} is not among the {size} events that are sealed")
        number = index // WIDTH
        entries = unbundle(self.sealed.tile(Tile(ENTRIES, number, min(WIDTH, size - number * WIDTH))))
        hashes = tuple(inclusion(index, size, Tiles(size, self.sealed.tile)))
        return Included(entries[index % WIDTH], Proof(index, hashes, note), size)

    def consistent(self, first: int, second: int | None = None) -> Consistent:
        """Prove that the log of one size begins that of another, or the newest; raise Unsealed for more than there is.

        Raise ValueError unless 0 < first <= second.
        """
        newest = self.sealed.checkpoint()
        size = newest.size
        second = size if second is None else second
        if max(first, second) > size:
            raise Unsealed(f"{max(first, second)} is more than the {size} events that are sealed")
        subtrees = Tiles(size, self.sealed.tile)
        hashes = tuple(consistency(first, second, subtrees))
        root = newest.root if second == size else Frontier.of(second, subtrees).root
        return Consistent(first, second, Frontier.of(first, subtrees).root, root, hashes)
