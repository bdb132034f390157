"""The tree as the sealer publishes it: it grows at its right edge, and what was published is looked at again."""

from collections.abc import Sequence
from typing import Self

from application.seal.account import Page
from application.sealed import Sealed, Unsealed
from domain.merkle import Frontier, inclusion, is_included, leaf_hash, split
from domain.tile import ENTRIES, WIDTH, Edge, Tile, Tiles, bundle, unbundle


class Tree:
    """A tree whose tiles are published, and what it goes on from: the edge, and the entries of the last tile."""

    def __init__(self, sealed: Sealed, edge: Edge | None = None, entries: Sequence[bytes] = ()) -> None:
        self._sealed = sealed
        self._edge = edge or Edge()
        self._entries = entries

    @classmethod
    def read(cls, sealed: Sealed, frontier: Frontier) -> Self | None:
        """Go on with the tiles of a tree; None where they are not its tiles."""
        width = frontier.size % WIDTH
        try:
            edge = Edge.read(frontier, sealed.tile)
            entries = unbundle(sealed.tile(Tile(ENTRIES, frontier.size // WIDTH, width))) if width else []
        except (Unsealed, ValueError):
            return None
        if width and b"".join(map(leaf_hash, entries)) != edge.partial[0]:
            return None
        return cls(sealed, edge, entries)

    @property
    def frontier(self) -> Frontier:
        return self._edge.frontier

    @property
    def size(self) -> int:
        return self.frontier.size

    def subtrees(self) -> Tiles:
        """Its subtrees, for proofs."""
        return Tiles(self.size, self._sealed.tile)

    def take(self, page: Page) -> None:
        """Write the tiles that a page completes or widens."""
        edge, tiles = self._edge.grown(page.leaves)
        held = [*self._entries, *page.entries]
        for number, place in enumerate(range(0, len(held), WIDTH), page.first // WIDTH):
            some = held[place : place + WIDTH]
            tiles.append((Tile(ENTRIES, number, len(some)), bundle(some)))
        self._sealed.write(tiles)
        self._edge, self._entries = edge, held[len(held) - len(held) % WIDTH :]

    def leaves(self, number: int) -> list[bytes] | None:
        """Read the leaves of a full tile; None if it is not the one that was sealed."""
        first = number * WIDTH
        try:
            tile = self._sealed.tile(Tile(0, number))
            # Each hash of the tile but the first is part of the proof of the first.
            proof = inclusion(first, self.size, self.subtrees())
        except (Unsealed, ValueError):
            return None
        leaves = split(tile)
        return leaves if is_included(leaves[0], first, self.size, proof, self.frontier.root) else None
