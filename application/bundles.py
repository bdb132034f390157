"""Bundles: some of the log's sealed events in one file, with all that an inspector needs to verify them offline."""

import tempfile
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from application.database import Reads
from application.proofs import Proofs
from application.sealed import Sealed, Unsealed, Unstamped
from domain.bundle import Held, Link, Manifest, state_written, write
from domain.covering import COVERING, covered
from domain.event import Refused
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
REMOVALS = "SELECT position, coalesce(state, '') FROM events WHERE topic = %s AND position <= %s ORDER BY position"
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
    cover every event that is sealed of what is asked for. Those with ``since`` prove that the tree of so many events
    is its beginning; raise Refused where these are not under the checkpoint.
    """

    def __init__(self, reads: Reads, sealed: Sealed) -> None:
        self._reads = reads
        self._proofs = Proofs(sealed)
        self._sealed = sealed

    def of_record(
        self, file: BinaryIO, record: UUID, *, since: int | None = None, timestamped: bool = False
    ) -> Manifest:
        """Write a record's events; raise Unsealed if none of them is sealed."""
        newest = self._newest(since)
        positions = [position for (position,) in self._reads.fetch(RECORD, (record, newest.checkpoint.size))]
        if not positions:
            raise Unsealed(f"no event of the record {record} is sealed")
        head = self._stamped(positions[-1], since) if timestamped else newest
        sealed = head.checkpoint
        removed = self._removed(sealed.size)
        spans, covering = _covered(_spans(positions), removed)
        manifest = Manifest("record", sealed.origin, sealed.size, spans, record, None, covering, since)
        return self._write(file, head, manifest, removed)

    def of_range(
        self, file: BinaryIO, first: int, last: int, *, since: int | None = None, timestamped: bool = False
    ) -> Manifest:
        """Write the events from a position to another; raise Unsealed for more than are sealed."""
        newest = self._newest(since)
        if not 1 <= first <= last <= (size := newest.checkpoint.size):
            raise Unsealed(f"the sealed events are those from 1 to {size}: {first} to {last} are not among them")
        head = self._stamped(last, since) if timestamped else newest
        sealed = head.checkpoint
        removed = self._removed(sealed.size)
        spans, covering = _covered(((first, last),), removed)
        manifest = Manifest("range", sealed.origin, sealed.size, spans, None, (first, last), covering, since)
        return self._write(file, head, manifest, removed)

    def of_all(self, file: BinaryIO, *, since: int | None = None, timestamped: bool = False) -> Manifest:
        """Write everything that is sealed, or that was when a checkpoint was stamped last."""
        head = self._stamped(1, since) if timestamped else self._newest(since)
        sealed = head.checkpoint
        size = sealed.size
        spans = ((1, size),) if size else ()
        return self._write(file, head, Manifest("all", sealed.origin, size, spans, since=since), self._removed(size))

    def _newest(self, since: int | None) -> Head:
        return _holding(since, Head(self._sealed.note()))

    def _stamped(self, last: int, since: int | None) -> Head:
        """Return the newest stamped checkpoint, if it covers a position."""
        size = self._sealed.stamped()
        stamp = self._sealed.stamp(size) if size >= last else None
        if stamp is None:
            raise Unstamped(size)
        return _holding(since, Head(Note.parse(stamp.checkpoint), stamp.token))

    def _removed(self, size: int) -> dict[int, int]:
        """The positions whose payloads were to be removed, each with that of the first sealed event that says so."""
        found: dict[int, int] = {}
        for by, state in self._reads.fetch(REMOVALS, (COVERING, size)):
            for position in covered(state):
                found.setdefault(position, by)
        return found

    def _write(self, file: BinaryIO, head: Head, manifest: Manifest, removed: Mapping[int, int]) -> Manifest:
        proof = multiproof(manifest.runs, manifest.size, Tiles(manifest.size, self._sealed.tile))
        consistency = self._consistency(manifest.since, manifest.size) if manifest.since is not None else ()
        leaves = [leaf for span in manifest.positions for leaf in self._leaves(span, manifest.size)]
        events = (held for span in manifest.positions for held in self._held(span, manifest.size, removed))
        with tempfile.TemporaryFile(dir=_folder(file)) as scratch:
            links = self._links(manifest)
            write(file, scratch, manifest, bytes(head.note), leaves, proof, events, links, consistency, head.token)
        return manifest

    def _consistency(self, since: int, size: int) -> Sequence[bytes]:
        """The root of an earlier size, and what proves that the tree of this one began with it."""
        found = self._proofs.consistent(since, size)
        return [found.first_root, *found.hashes]

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

    def _held(self, span: Span, size: int, removed: Collection[int]) -> Iterator[Held]:
        states = self._states(span, removed)
        for tile, start, end in _tiles(span, size, ENTRIES):
            for entry, (salt, state) in zip(unbundle(self._sealed.tile(tile))[start:end], states, strict=False):
                yield entry, salt, state

    def _states(self, span: Span, removed: Collection[int]) -> Iterator[tuple[bytes, bytes | None]]:
        """Read the states of a span, None for those that were removed; raise Unsealed where the event is gone."""
        first, last = span
        for after in range(first - 1, last, PAGE):
            rows = self._reads.fetch(STATES, (after, min(after + PAGE, last)))
            for wanted, (position, salt, state) in enumerate(rows, after + 1):
                if position != wanted:
                    raise _gone(wanted)
                if state is None and position not in removed:
                    raise Unsealed(f"that the payload at position {position} is removed is not sealed yet")
                yield salt or b"", state
            if len(rows) < min(PAGE, last - after):
                raise _gone(after + len(rows) + 1)


def _covered(spans: tuple[Span, ...], removed: Mapping[int, int]) -> tuple[tuple[Span, ...], tuple[int, ...]]:
    """Add the events that cover the removal of payloads; return the spans with them, and which they are."""
    covering = {by for position, by in removed.items() if _holds(spans, position)}
    added = sorted(by for by in covering if not _holds(spans, by))
    positions = sorted([*(n for first, last in spans for n in range(first, last + 1)), *added]) if added else []
    return _spans(positions) if added else spans, tuple(added)


def _holding(since: int | None, head: Head) -> Head:
    """Return a checkpoint that so many events are under; raise Refused if they are not."""
    size = head.checkpoint.size
    if since is not None and not 1 <= since <= size:
        raise Refused("{sealed} events are sealed", field="since", sealed=size)
    return head


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


def _gone(position: int) -> Unsealed:
    return Unsealed(f"the event at position {position} is sealed, and no longer in the database: taizhang verify")


def _folder(file: BinaryIO) -> str | None:
    """Where what is put aside meanwhile lies: beside the file, which has room for as much."""
    name = getattr(file, "name", None)
    return str(Path(name).parent) if isinstance(name, str) else None
