"""Tiles of a log's hash tree and bundles of its entries, as C2SP tlog-tiles lays them out: files that never change."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from typing import Final, Self

from domain.merkle import HASH, Frontier, node_hash, split

HEIGHT: Final = 8
"""Levels of the tree from one level of tiles to the next."""

WIDTH: Final = 1 << HEIGHT
"""Hashes of a full tile, and entries of a full bundle."""

ENTRIES: Final = -1
"""The level at which the entries themselves lie."""

LONGEST: Final = 2**16 - 1
"""Bytes of an entry at most."""

_FULL = WIDTH * HASH
_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class Tile:
    """The hashes of ``width`` subtrees of the tree's level ``8 * level``, from the subtree ``256 * number`` on.

    One of fewer than 256 is partial: the last of its level in a tree of some size. At the level ENTRIES it is the
    bundle of as many entries.
    """

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is served: ``tile/0/x001/x234/067``, ``tile/entries/000.p/5``."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        thousands, rest = divmod(self.number, 1000)
        number = f"{rest:03}"
        while thousands:
            thousands, rest = divmod(thousands, 1000)
            number = f"x{rest:03}/{number}"
        return f"tile/{level}/{number}" + (f".p/{self.width}" if self.width < WIDTH else "")

    @classmethod
    def parse(cls, path: str) -> Self:
        """Read a path; raise ValueError unless it is one that ``path`` writes."""
        found = _PATH.fullmatch(path)
        if found is None:
            raise ValueError(f"{path!a} is no path of a tile")
        level, number, width = found.groups()
        tile = cls(
            ENTRIES if level == "entries" else int(level),
            int(number.replace("x", "").replace("/", "")),
            int(width) if width else WIDTH,
        )
        if tile.level > 63 or tile.path != path:
            raise ValueError(f"{path!a} is no path of a tile")
        return tile


def tiles(before: int, after: int) -> Iterator[Tile]:
    """Yield the tiles of hashes, level by level, that a tree of ``after`` leaves has and one of ``before`` has not."""
    for level in count():
        first, end = before >> HEIGHT * level, after >> HEIGHT * level
        if not end:
            return
        for number in range(first // WIDTH, -(-end // WIDTH)):
            tile = Tile(level, number, min(WIDTH, end - number * WIDTH))
            if tile.number * WIDTH + tile.width > first:
                yield tile


def holding(level: int, index: int, size: int) -> Tile:
    """Return the tile, as wide as a tree of this size has it, from which the subtree (level, index) can be hashed."""
    number = index << level % HEIGHT >> HEIGHT
    tiles_level = level // HEIGHT
    return Tile(tiles_level, number, min(WIDTH, (size >> HEIGHT * tiles_level) - number * WIDTH))


class Tiles:
    """The subtrees of a tree of ``size`` leaves, hashed from its tiles, each of which is read and hashed once."""

    def __init__(self, size: int, read: Callable[[Tile], bytes]) -> None:
        self.size = size
        self._read = read
        self._rows = cache(self._hashed)

    def __call__(self, level: int, index: int) -> bytes:
        """Return a subtree's hash; raise ValueError if a tile is not as long as it is wide."""
        tile = holding(level, index, self.size)
        above = level % HEIGHT
        row = self._rows(tile)[above]
        place = index - (tile.number * WIDTH >> above)
        if place >= len(row):
            raise ValueError(f"a tree of {self.size} leaves has no subtree ({level}, {index})")
        return row[place]

    def _hashed(self, tile: Tile) -> list[list[bytes]]:
        """A tile's hashes, and those of the complete subtrees above them, level by level."""
        held = self._read(tile)
        if len(held) != HASH * tile.width:
            raise ValueError(f"{tile.path} has {len(held)} bytes, not {HASH * tile.width}")
        rows = [split(held)]
        for _ in range(1, HEIGHT):
            row = rows[-1]
            rows.append([node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=False)])
        return rows


@dataclass(frozen=True, slots=True)
class Edge:
    """All that is needed of a tree to go on writing its tiles: its frontier, and its partial tiles, lowest first."""

    frontier: Frontier = field(default_factory=Frontier)
    partial: tuple[bytes, ...] = ()

    @classmethod
    def read(cls, frontier: Frontier, read: Callable[[Tile], bytes]) -> Self:
        """Read the partial tiles; raise ValueError if they are not those of this tree."""
        subtrees = Tiles(frontier.size, read)
        if Frontier.of(frontier.size, subtrees) != frontier:
            raise ValueError(f"the tiles are not those of the tree of {frontier.size} leaves")
        ends = [holding(level, (frontier.size >> level) - 1, frontier.size) for level in range(0, 64, HEIGHT)]
        ends = [tile for tile in ends if frontier.size >> HEIGHT * tile.level]
        return cls(frontier, tuple(read(tile) if tile.width < WIDTH else b"" for tile in ends))

    def grown(self, leaves: Sequence[bytes]) -> tuple[Self, list[tuple[Tile, bytes]]]:
        """Return the edge once these leaves (their hashes) are added, and the tiles that this completes or widens."""
        partial = list(self.partial)
        written: list[tuple[Tile, bytes]] = []
        for level, (first, row) in enumerate(self.frontier.rows(leaves)):
            if level % HEIGHT:
                continue
            n = level // HEIGHT
            if n == len(partial):
                partial.append(b"")
            held = partial[n] + b"".join(row)
            for number, place in enumerate(range(0, len(held), _FULL), first // WIDTH):
                tile = held[place : place + _FULL]
                written.append((Tile(n, number, len(tile) // HASH), tile))
            partial[n] = held[len(held) - len(held) % _FULL :]
        return replace(self, frontier=self.frontier.grown(leaves), partial=tuple(partial)), written


def bundle(entries: Sequence[bytes]) -> bytes:
    """Write entries one after the other, each after its length in two bytes; raise ValueError for one too long."""
    if any(len(entry) > LONGEST for entry in entries):
        raise ValueError(f"an entry has at most {LONGEST} bytes")
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def unbundle(given: bytes) -> list[bytes]:
    """Read a bundle; raise ValueError if it ends within an entry."""
    entries: list[bytes] = []
    place = 0
    while place < len(given):
        start = place + 2
        place = start + int.from_bytes(given[start - 2 : start])
        if start > len(given) or place > len(given):
            raise ValueError("the bundle ends within an entry")
        entries.append(given[start:place])
    return entries
