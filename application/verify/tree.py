"""The published tree: its tiles from the lowest up, and every checkpoint that was ever published over it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from application.keys import verify
from application.sealed import Sealed, Unsealed
from application.verify.finding import Finding
from domain.merkle import HASH, split
from domain.note import Checkpoint, Key, Note
from domain.tile import WIDTH, Edge, Tile

# Tiles of leaves that are read at once.
STEP = 64


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint of the history."""

    checkpoint: Checkpoint
    line: int


class Tree:
    def __init__(self, sealed: Sealed, origin: str, keys: Sequence[Key]) -> None:
        self._sealed = sealed
        self._origin = origin
        self._keys = keys

    def history(self) -> list[Seen]:
        """Read every checkpoint that was published, the newest last; raise Wrong for one that is none of the log's."""
        newest = self._newest()
        seen: list[Seen] = []
        for number, text in enumerate(self._sealed.history(), 1):
            try:
                note = Note.parse(str(json.loads(text)["checkpoint"]).encode())
                seen.append(Seen(self._read(note), number))
            except (ValueError, KeyError, TypeError):
                raise Wrong(Finding(None, "history", f"line {number} of the history is no checkpoint")) from None
            if number > 1 and seen[-1].checkpoint.size < seen[-2].checkpoint.size:
                raise Wrong(Finding(None, "history", f"line {number} of the history is smaller than the one before it"))
        if newest is None and seen:
            raise Wrong(Finding(None, "checkpoint", "the newest checkpoint is gone"))
        if newest is not None and newest not in [each.checkpoint for each in seen]:
            raise Wrong(Finding(None, "history", "the newest checkpoint is not in the history"))
        return seen

    def _newest(self) -> Checkpoint | None:
        try:
            return self._read(self._sealed.note())
        except Unsealed:
            return None
        except ValueError:
            raise Wrong(Finding(None, "checkpoint", "what is published as the newest checkpoint is none")) from None

    def verify(self, seen: Sequence[Seen]) -> Finding | None:
        """Build the tree from its leaves; return the first tile, or checkpoint, that is not of it."""
        edge = Edge()
        wanted = iter(seen)
        due = next(wanted, None)
        size = seen[-1].checkpoint.size if seen else 0
        while due is not None:
            while due is not None and due.checkpoint.size == edge.frontier.size:
                if due.checkpoint.root != edge.frontier.root:
                    return Finding(
                        None,
                        "checkpoint",
                        f"line {due.line} of the history is of another log than this",
                    )
                due = next(wanted, None)
            if due is not None:
                end = min(due.checkpoint.size, (edge.frontier.size // WIDTH + STEP) * WIDTH)
                leaves = self._leaves(edge.frontier.size, end, size)
                if leaves is None:
                    return Finding(edge.frontier.size, "tile", f"leaves from index {edge.frontier.size} on are gone")
                edge, tiles = edge.grown(leaves)
                for tile, content in tiles:
                    if tile.level and (tile.width == WIDTH or end == size) and self._tile(tile) != content:
                        return Finding(None, "tile", f"{tile.path} is not of the leaves below it")
        return None

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

    def _read(self, note: Note) -> Checkpoint:
        """Return what a checkpoint says that one of the log's keys signed; raise ValueError for any other."""
        found = Checkpoint.parse(note.text)
        if found.origin != self._origin or not any(note.is_signed_by(key, verify) for key in self._keys):
            raise ValueError
        return found


class Wrong(Exception):
    """What was published cannot be verified at all."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence)
        self.finding = finding
