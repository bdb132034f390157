"""Bundles: some of the log's sealed events in one file, with all that an inspector needs to verify them offline."""

import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from application.database import Reads
from application.proofs import Proofs
from application.sealed import Sealed, Unsealed
from domain.bundle import Held, Link, Manifest, state_written, write
from domain.covering import COVERING, covered
from domain.keychange import LOG, Change
from domain.keyring import keyring_id
from domain.merkle import multiproof, split
from domain.note import Checkpoint, Note
from domain.tile import ENTRIES, WIDTH, Tile, Tiles, unbundle

# Events that are read at once.
PAGE = 20 * WIDTH

RECORD = "SELECT position FROM events WHERE originator_id = %s AND position <= %s ORDER BY position"
KEYRING = (
    "SELECT position, topic, salt, state FROM events WHERE originator_id = %s AND position <= %s"
    " ORDER BY originator_version"
)
REMOVALS = "SELECT position, coalesce(state, '') FROM events WHERE topic = %s AND position <= %s"
STATES = "SELECT position, salt, state FROM events WHERE position > %s AND position <= %s ORDER BY position"

Span = tuple[int, int]


class Bundles:
    """Writes bundles of what is sealed: entries and leaves as they were published, states as they are stored."""

    def __init__(self, reads: Reads, sealed: Sealed) -> None:
        self._reads = reads
        self._proofs = Proofs(sealed)
        self._sealed = sealed

    def of_record(self, file: BinaryIO, record: UUID) -> Manifest:
        """Write a record's events; raise Unsealed if none of them is sealed."""
        note, size = self._newest()
        positions = [position for (position,) in self._reads.fetch(RECORD, (record, size))]
        if not positions:
            raise Unsealed(f"no event of the record {record} is sealed")
        spans, covering = self._covered(_spans(positions), size)
        return self._write(file, note, Manifest("record", _origin(note), size, spans, record, covering=covering))

    def of_range(self, file: BinaryIO, first: int, last: int) -> Manifest:
        """Write the events from a position to another; raise Unsealed for more than are sealed."""
        note, size = self._newest()
        if not 1 <= first <= last <= size:
            raise Unsealed(f"the sealed events are those from 1 to {size}: {first} to {last} are not among them")
        spans, covering = self._covered(((first, last),), size)
        asked = first, last
        return self._write(file, note, Manifest("range", _origin(note), size, spans, asked=asked, covering=covering))

    def of_all(self, file: BinaryIO) -> Manifest:
        """Write everything that is sealed."""
        note, size = self._newest()
        return self._write(file, note, Manifest("all", _origin(note), size, ((1, size),) if size else ()))

    def _newest(self) -> tuple[Note, int]:
        note = self._sealed.note()
        return note, Checkpoint.parse(note.text).size

    def _covered(self, spans: tuple[Span, ...], size: int) -> tuple[tuple[Span, ...], tuple[int, ...]]:
        """Add the events that cover the removal of payloads; return the spans with them, and which they are."""
        covering = {
            by
            for by, state in self._reads.fetch(REMOVALS, (COVERING, size))
            if any(_holds(spans, position) for position in covered(state))
        }
        added = sorted(by for by in covering if not _holds(spans, by))
        positions = sorted([*(n for first, last in spans for n in range(first, last + 1)), *added]) if added else []
        return _spans(positions) if added else spans, tuple(added)

    def _write(self, file: BinaryIO, note: Note, manifest: Manifest) -> Manifest:
        proof = multiproof(manifest.runs, manifest.size, Tiles(manifest.size, self._sealed.tile))
        leaves = [leaf for span in manifest.positions for leaf in self._leaves(span, manifest.size)]
        events = (held for span in manifest.positions for held in self._held(span, manifest.size))
        with tempfile.TemporaryFile(dir=_folder(file)) as scratch:
            write(file, scratch, manifest, bytes(note), leaves, proof, events, self._links(manifest))
        return manifest

    def _links(self, manifest: Manifest) -> Iterator[Link]:
        """The events that added keys, each under the first checkpoint that it is in: an earlier key signed that too."""
        for position, topic, salt, state in self._reads.fetch(KEYRING, (keyring_id(manifest.origin), manifest.size)):
            change = Change.read(position, topic, state)
            if change is not None and change.added and change.role == LOG:
                included = self._proofs.included(position, self._sealed.covering(position))
                yield Link(bytes(included.proof), included.entry, state_written(salt, state))

    def _leaves(self, span: Span, size: int) -> Iterator[bytes]:
        for tile, start, end in _tiles(span, size, 0):
            held = self._sealed.tile(tile)
            yield from split(held)[start:end]

    def _held(self, span: Span, size: int) -> Iterator[Held]:
        states = self._states(span)
        for tile, start, end in _tiles(span, size, ENTRIES):
            for entry, (salt, state) in zip(unbundle(self._sealed.tile(tile))[start:end], states, strict=False):
                yield entry, salt, state

    def _states(self, span: Span) -> Iterator[tuple[bytes, bytes | None]]:
        """Read the states of a span, None for those that were removed; raise Unsealed where the event is gone."""
        first, last = span
        for after in range(first - 1, last, PAGE):
            rows = self._reads.fetch(STATES, (after, min(after + PAGE, last)))
            for wanted, (position, salt, state) in enumerate(rows, after + 1):
                if position != wanted:
                    raise _gone(wanted)
                yield salt or b"", state
            if len(rows) < min(PAGE, last - after):
                raise _gone(after + len(rows) + 1)


def _tiles(span: Span, size: int, level: int) -> Iterator[tuple[Tile, int, int]]:
    """The tiles that a span of positions lies in, and which of each tile's leaves are in the span."""
    first, end = span[0] - 1, span[1]
    for number in range(first // WIDTH, -(-end // WIDTH)):
        start = number * WIDTH
        yield Tile(level, number, min(WIDTH, size - start)), max(first - start, 0), min(end - start, WIDTH)


def _holds(spans: Sequence[Span], position: int) -> bool:
    place = bisect_right(spans, position, key=lambda span: span[0])
    return place > 0 and position <= spans[place - 1][1]


def _spans(positions: Sequence[int]) -> tuple[Span, ...]:
    """Put ascending positions together to spans."""
    spans: list[Span] = []
    for position in positions:
        if spans and position == spans[-1][1] + 1:
            spans[-1] = spans[-1][0], position
        else:
            spans.append((position, position))
    return tuple(spans)


def _origin(note: Note) -> str:
    return Checkpoint.parse(note.text).origin


def _gone(position: int) -> Unsealed:
    return Unsealed(f"the event at position {position} is sealed, and no longer in the database: taizhang verify")


def _folder(file: BinaryIO) -> str | None:
    """Where what is put aside meanwhile lies: beside the file, which has room for as much."""
    name = getattr(file, "name", None)
    return str(Path(name).parent) if isinstance(name, str) else None
