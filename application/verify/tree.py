"""The published tree: its tiles from the lowest up, and every checkpoint that was ever published over it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from application.sealed import Sealed, Unsealed
from application.verify.finding import Wrong
from application.verify.progress import Progress
from application.verify.ring import Ring
from domain.merkle import HASH, Frontier, inclusion, is_included, split
from domain.note import Checkpoint, Note
from domain.tile import WIDTH, Edge, Tile, Tiles

# Tiles of leaves that are read at once.
STEP = 64


@dataclass(frozen=True, slots=True)
class History:
    """So many checkpoints were published, the last of them of a tree of this size and root."""

    lines: int
    size: int
    root: bytes


class Tree:
    """The tree of a log as it was published, of which what another verification found to be right is not read again."""

    def __init__(self, sealed: Sealed, origin: str, ring: Ring, known: Progress) -> None:
        self._sealed = sealed
        self._origin = origin
        self._ring = ring
        self._known = known

    def history(self) -> History:
        """Read every checkpoint that was published; raise Wrong for one that is none of the log's."""
        newest, known = self._newest(), self._known
        last = Checkpoint(self._origin, known.size, known.frontier.root)
        found, line = known.size > 0 and newest == last, known.line
        for line, checkpoint in self._checkpoints(signed=True):
            if checkpoint.size < last.size:
                raise Wrong(None, "history", f"line {line} of the history is smaller than the one before it")
            last = checkpoint
            found = found or newest == checkpoint
        if newest is None and line:
            raise Wrong(None, "checkpoint", "the newest checkpoint is gone")
        if newest is not None and not found:
            raise Wrong(None, "history", "the newest checkpoint is not in the history")
        return History(line, last.size, last.root)

    def _checkpoints(self, *, signed: bool) -> Iterator[tuple[int, Checkpoint]]:
        """Yield the checkpoints of the history that are not known, with their lines, one by one: they are many."""
        line, size = 0, 0
        for line, text in enumerate(self._sealed.history(), 1):
            if line < self._known.line:
                continue
            try:
                note = Note.parse(str(json.loads(text)["checkpoint"]).encode())
                checkpoint = self._read(note, size) if signed else Checkpoint.parse(note.text)
            except (ValueError, KeyError, TypeError):
                raise Wrong(None, "history", f"line {line} of the history is no checkpoint") from None
            size = checkpoint.size
            if line > self._known.line:
                yield line, checkpoint
            elif (checkpoint.size, checkpoint.root) != (self._known.size, self._known.frontier.root):
                raise self._another(line)
        if line < self._known.line:
            raise self._another(self._known.line)

    def _another(self, line: int) -> Wrong:
        known = f"that of {self._known.size} events, which was verified at {self._known.at}"
        return Wrong(None, "history", f"line {line} of the history is no longer {known}")

    def _newest(self) -> Checkpoint | None:
        try:
            return self._read(self._sealed.note(), 0)
        except Unsealed:
            return None
        except ValueError:
            raise Wrong(None, "checkpoint", "what is published as the newest checkpoint is none") from None

    def verify(self, history: History) -> Frontier:
        """Build the tree from its leaves; raise Wrong for the first tile, or checkpoint, that is not of it."""
        edge = self._edge()
        # Their signatures were verified when they were read first.
        for line, checkpoint in self._checkpoints(signed=False):
            if line > history.lines:
                break
            while edge.frontier.size < checkpoint.size:
                end = min(checkpoint.size, (edge.frontier.size // WIDTH + STEP) * WIDTH)
                edge = self._grown(edge, end, history.size)
            if (checkpoint.size, checkpoint.root) != (edge.frontier.size, edge.frontier.root):
                raise Wrong(None, "checkpoint", f"line {line} of the history is of another log than this")
        return edge.frontier

    def _edge(self) -> Edge:
        """The tree that was verified before, as it is in the tiles: so it is the beginning of that of now."""
        try:
            return Edge.read(self._known.frontier, self._sealed.tile)
        except (Unsealed, ValueError):
            before = f"of {self._known.size} events, which was verified at {self._known.at}"
            raise Wrong(None, "tile", f"the tiles are no longer those of the tree {before}") from None

    def _grown(self, edge: Edge, end: int, size: int) -> Edge:
        leaves = self._leaves(edge.frontier.size, end, size)
        if leaves is None:
            first = edge.frontier.size
            raise Wrong(first, "tile", f"leaves from index {first} on are gone")
        edge, tiles = edge.grown(leaves)
        for tile, content in tiles:
            if tile.level and (tile.width == WIDTH or end == size) and self._tile(tile) != content:
                raise Wrong(None, "tile", f"{tile.path} is not of the leaves below it")
        return edge

    def includes(self, index: int, history: History) -> bool:
        """Whether the leaf that the tiles have at an index is one of the tree that was sealed."""
        subtrees = Tiles(history.size, self._sealed.tile)
        try:
            leaf, proof = subtrees(0, index), inclusion(index, history.size, subtrees)
        except (Unsealed, ValueError):
            return False
        return is_included(leaf, index, history.size, proof, history.root)

    def _leaves(self, first: int, end: int, size: int) -> list[bytes] | None:
        held = b""
        for number in range(first // WIDTH, -(-end // WIDTH)):
            tile = self._tile(Tile(0, number, min(WIDTH, size - number * WIDTH)))
            if tile is None:
                return None
            held += tile
        start = first - first % WIDTH
        return split(held)[first - start : end - start]

    def _tile(self, tile: Tile) -> bytes | None:
        try:
            held = self._sealed.tile(tile)
        except Unsealed:
            return None
        return held if len(held) == HASH * tile.width else None

    def _read(self, note: Note, after: int) -> Checkpoint:
        """Return what a checkpoint says that one of the log's keys signed; raise ValueError for any other.

        It follows on one of so many events.
        """
        found = Checkpoint.parse(note.text)
        if found.origin != self._origin or not self._ring.may_seal(note, after):
            raise ValueError
        return found
