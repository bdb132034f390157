"""Bundles: some of the log's sealed events in one file, with all that an inspector needs to verify them offline."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from application.database import Reads
from application.sealed import Sealed, Unsealed, Unstamped
from domain.bundle import Held, Manifest, write
from domain.merkle import multiproof, split
from domain.note import Checkpoint, Note
from domain.tile import ENTRIES, WIDTH, Tile, Tiles, unbundle

# Events that are read at once.
PAGE = 20 * WIDTH

RECORD = "SELECT position FROM events WHERE originator_id = %s AND position <= %s ORDER BY position"
STATES = "SELECT position, salt, state FROM events WHERE position > %s AND position <= %s ORDER BY position"

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Head:
    """The checkpoint that a bundle is made under, and a token over its bytes where one was asked for."""

    note: Note
    token: bytes | None = None

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint.parse(self.note.text)


class Bundles:
    """Writes bundles of what is sealed: entries and leaves as they were published, states as they are stored.

    ``timestamped`` ones are under the newest stamped checkpoint, with its token; raise Unstamped where that does not
    cover every event that is sealed of what is asked for.
    """

    def __init__(self, reads: Reads, sealed: Sealed) -> None:
        self._reads = reads
        self._sealed = sealed

    def of_record(self, file: BinaryIO, record: UUID, *, timestamped: bool = False) -> Manifest:
        """Write a record's events; raise Unsealed if none of them is sealed."""
        newest = Head(self._sealed.note())
        positions = [position for (position,) in self._reads.fetch(RECORD, (record, newest.checkpoint.size))]
        if not positions:
            raise Unsealed(f"no event of the record {record} is sealed")
        head = self._stamped(positions[-1]) if timestamped else newest
        sealed = head.checkpoint
        return self._write(file, head, Manifest("record", sealed.origin, sealed.size, _spans(positions), record))

    def of_range(self, file: BinaryIO, first: int, last: int, *, timestamped: bool = False) -> Manifest:
        """Write the events from a position to another; raise Unsealed for more than are sealed."""
        newest = Head(self._sealed.note())
        if not 1 <= first <= last <= (size := newest.checkpoint.size):
            raise Unsealed(f"the sealed events are those from 1 to {size}: {first} to {last} are not among them")
        head = self._stamped(last) if timestamped else newest
        sealed = head.checkpoint
        return self._write(
            file, head, Manifest("range", sealed.origin, sealed.size, ((first, last),), asked=(first, last))
        )

    def of_all(self, file: BinaryIO, *, timestamped: bool = False) -> Manifest:
        """Write everything that is sealed, or that was when a checkpoint was stamped last."""
        head = self._stamped(1) if timestamped else Head(self._sealed.note())
        sealed = head.checkpoint
        size = sealed.size
        return self._write(file, head, Manifest("all", sealed.origin, size, ((1, size),) if size else ()))

    def _stamped(self, last: int) -> Head:
        """Return the newest stamped checkpoint, if it covers a position."""
        size = self._sealed.stamped()
        stamp = self._sealed.stamp(size) if size >= last else None
        if stamp is None:
            raise Unstamped(size)
        return Head(Note.parse(stamp.checkpoint), stamp.token)

    def _write(self, file: BinaryIO, head: Head, manifest: Manifest) -> Manifest:
        proof = multiproof(manifest.runs, manifest.size, Tiles(manifest.size, self._sealed.tile))
        leaves = [leaf for span in manifest.positions for leaf in self._leaves(span, manifest.size)]
        events = (held for span in manifest.positions for held in self._held(span, manifest.size))
        with tempfile.TemporaryFile(dir=_folder(file)) as scratch:
            write(file, scratch, manifest, bytes(head.note), leaves, proof, events, timestamp=head.token)
        return manifest

    def _leaves(self, span: Span, size: int) -> Iterator[bytes]:
        for tile, start, end in _tiles(span, size, 0):
            held = self._sealed.tile(tile)
            yield from split(held)[start:end]

    def _held(self, span: Span, size: int) -> Iterator[Held]:
        states = self._states(span)
        for tile, start, end in _tiles(span, size, ENTRIES):
            for entry, (salt, state) in zip(unbundle(self._sealed.tile(tile))[start:end], states, strict=False):
                yield entry, salt, state

    def _states(self, span: Span) -> Iterator[tuple[bytes, bytes]]:
        """Read the states of a span; raise Unsealed where the database has one no longer."""
        first, last = span
        for after in range(first - 1, last, PAGE):
            rows = self._reads.fetch(STATES, (after, min(after + PAGE, last)))
            for wanted, (position, salt, state) in enumerate(rows, after + 1):
                if position != wanted:
                    raise _gone(wanted)
                yield salt, state
            if len(rows) < min(PAGE, last - after):
                raise _gone(after + len(rows) + 1)


def _tiles(span: Span, size: int, level: int) -> Iterator[tuple[Tile, int, int]]:
    """The tiles that a span of positions lies in, and which of each tile's leaves are in the span."""
    first, end = span[0] - 1, span[1]
    for number in range(first // WIDTH, -(-end // WIDTH)):
        start = number * WIDTH
        yield Tile(level, number, min(WIDTH, size - start)), max(first - start, 0), min(end - start, WIDTH)


def _spans(positions: Sequence[int]) -> tuple[Span, ...]:
    """Put ascending positions together to spans."""
    spans: list[Span] = []
    for position in positions:
        if spans and position == spans[-1][1] + 1:
            spans[-1] = spans[-1][0], position
        else:
            spans.append((position, position))
    return tuple(spans)


def _gone(position: int) -> Unsealed:
    return Unsealed(f"the event at position {position} is sealed, and no longer in the database: taizhang verify")


def _folder(file: BinaryIO) -> str | None:
    """Where what is put aside meanwhile lies: beside the file, which has room for as much."""
    name = getattr(file, "name", None)
    return str(Path(name).parent) if isinstance(name, str) else None
