"""The events as they are stored, against their groups and against the published tiles, in blocks that stand alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from operator import itemgetter

from psycopg import Connection
from psycopg.rows import TupleRow

from application.keys import verify
from application.sealed import Sealed, Unsealed
from application.verify.finding import Finding
from application.verify.ring import Ring
from domain.group import signed
from domain.leaf import Stored as Event
from domain.leaf import entries
from domain.merkle import HASH, leaf_hash, split
from domain.tile import ENTRIES, WIDTH, Tile, bundle

# Each look-up of what came before in a stream is a probe of its index.
PLAN = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off"
# A stream as text, as it is written in an entry: an object of it would cost a sixth of the whole verification.
EVENTS = (
    "SELECT position, originator_id::text, originator_version, topic, recorded_at, coalesce(salt, commitment), state"
    " FROM events WHERE position > %s AND position <= %s ORDER BY position"
)
# The first event before which there is none of its stream with the version before its own.
UNFOLLOWING = (
    "SELECT min(e.position) FROM events e LEFT JOIN events p"
    " ON p.originator_id = e.originator_id AND p.originator_version = e.originator_version - 1"
    " WHERE e.position > %s AND e.position <= %s AND e.originator_version <> 1"
    " AND (p.position IS NULL OR p.position > e.position)"
)
BEFORE = "SELECT recorded_at FROM events WHERE position = %s"
GROUPS = (
    "SELECT first, leaves, key_id, signature FROM event_groups"
    " WHERE first >= coalesce((SELECT max(first) FROM event_groups WHERE first <= %s), 0) AND first <= %s"
    " ORDER BY first"
)


@dataclass(frozen=True, slots=True)
class Block:
    """Events from an index to another (exclusive), which begins and ends with a tile."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of a block, the groups that reach into it, and when the event before it was recorded."""

    block: Block
    rows: Sequence[Event]
    groups: Sequence[tuple[int, bytes, bytes, bytes]]
    before: datetime | None
    unfollowing: int | None


class Rows:
    """Verifies blocks of one log, of which the first ``size`` events are sealed."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        origin: str,
        ring: Ring,
        covered: Mapping[int, int],
        sealed: Sealed,
        size: int,
    ) -> None:
        """``covered`` has the position of the event that covers the removal of the payload at another."""
        connection.execute(PLAN)
        self._connection = connection
        self._origin = origin
        self._ring = ring
        self._covered = covered
        self._sealed = sealed
        self._size = size

    def read(self, block: Block) -> Stored:
        """Read what is stored of a block: it can be judged while another is read."""
        before = self._connection.execute(BEFORE, (block.first,), binary=True).fetchone()
        [(unfollowing,)] = self._connection.execute(UNFOLLOWING, (block.first, block.end))
        return Stored(
            block,
            self._connection.execute(EVENTS, (block.first, block.end), binary=True).fetchall(),
            self._connection.execute(GROUPS, (block.first + 1, block.end), binary=True).fetchall(),
            before[0] if before else None,
            unfollowing,
        )

    def verify(self, stored: Stored) -> Finding | None:
        """Return the first thing that is wrong with a block."""
        block, rows = stored.block, stored.rows
        known, troubles = self._groups(stored)
        try:
            written = list(entries(self._origin, rows))
        except ValueError as error:
            return Finding(block.first, "event", f"an event from position {block.first + 1} on can be none: {error}")
        found = [leaf_hash(entry) for entry in written]
        return _first(
            *troubles,
            _order(stored),
            self._agreed(block, found, known),
            self._removed(rows),
            self._published(block, found, written),
        )

    def _groups(self, stored: Stored) -> tuple[Mapping[int, bytes], list[Finding]]:
        """Return the leaves that the groups have by index, and what is wrong with the groups that begin here."""
        known: dict[int, bytes] = {}
        troubles: list[Finding] = []
        due = -1
        for first, leaves, key_id, signature in stored.groups:
            index = first - 1
            if due not in (-1, index):
                said = f"one group ends before position {due + 1}, and another begins at {first}"
                troubles.append(Finding(min(due, index), "group", said))
                break
            hashes = split(leaves)
            due = index + len(hashes)
            known.update(zip(range(index, due), hashes, strict=True))
            if index >= stored.block.first and (trouble := self._signed(first, hashes, key_id, signature)):
                troubles.append(trouble)
                break
        return known, troubles

    def _signed(self, first: int, leaves: list[bytes], key_id: bytes, signature: bytes) -> Finding | None:
        key = self._ring.writer(key_id, first)
        if key is None:
            return Finding(first - 1, "key", f"the group at position {first} is signed with no writer's key")
        if not verify(key.public, signed(self._origin, first, leaves), signature):
            return Finding(first - 1, "signature", f"the group at position {first} was not signed by its writer")
        return None

    def _removed(self, rows: Sequence[Event]) -> Finding | None:
        """Every payload that was removed is covered by a later event."""
        if None not in map(itemgetter(-1), rows):
            return None
        for position, *_, state in rows:
            if state is None and self._covered.get(position, 0) <= position:
                said = f"the payload at position {position} was removed, and no later event covers that"
                return Finding(position - 1, "redaction", said)
        return None

    def _agreed(self, block: Block, found: Sequence[bytes], known: Mapping[int, bytes]) -> Finding | None:
        """Every event has the leaf that its group has."""
        for index, leaf in enumerate(found, block.first):
            if index not in known:
                return Finding(index, "group", f"the event at position {index + 1} is in no group")
            if known[index] != leaf:
                return Finding(
                    index, "event", f"the event at position {index + 1} is not the one that its writer signed"
                )
        return None

    def _published(self, block: Block, found: Sequence[bytes], written: Sequence[bytes]) -> Finding | None:
        """Every event that is sealed has the leaf and the entry that were published."""
        for first in range(block.first, min(block.end, self._size), WIDTH):
            width = min(WIDTH, self._size - first)
            leaves, bundled = found[first - block.first :][:width], written[first - block.first :][:width]
            for tile, content in (
                (Tile(0, first // WIDTH, width), b"".join(leaves)),
                (Tile(ENTRIES, first // WIDTH, width), bundle(bundled)),
            ):
                held = self._tile(tile)
                if held is None:
                    return Finding(first, "tile", f"{tile.path} is gone")
                if held != content and len(leaves) == width:
                    index = first + _differing(held, content) if tile.level == 0 else first
                    return Finding(index, "tile", f"{tile.path} is not of the events that are stored")
        return None

    def _tile(self, tile: Tile) -> bytes | None:
        try:
            return self._sealed.tile(tile)
        except (Unsealed, ValueError):
            return None


def _order(stored: Stored) -> Finding | None:
    """Positions without a gap, streams whose versions rise by one, times that do not run back."""
    block, rows, follows = stored.block, stored.rows, stored.unfollowing
    there = zip(range(block.first, block.end), rows, strict=False)
    gone = next((index for index, row in there if row[0] != index + 1), block.first + len(rows))
    times = [row[4] for row in rows]
    pairs = enumerate(pairwise([stored.before or times[0], *times]), block.first) if times else ()
    back = next((index for index, (before, at) in pairs if at < before), None)
    broken = f"the event at position {follows} follows on none of its stream"
    return _first(
        _missing(gone) if gone < block.end else None,
        Finding(follows - 1, "version", broken) if follows is not None else None,
        Finding(back, "time", f"the event at position {back + 1} is dated before the last")
        if back is not None
        else None,
    )


def blocks(first: int, end: int, size: int) -> Iterator[Block]:
    """Cut a log into blocks of so many events."""
    for start in range(first, end, size):
        yield Block(start, min(start + size, end))


def _differing(one: bytes, other: bytes) -> int:
    """Which hash of two tiles is the first to differ."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place // HASH for place, (a, b) in pairs if a != b), min(len(one), len(other)) // HASH)


def _missing(index: int) -> Finding:
    return Finding(index, "missing", f"the event at position {index + 1} is gone")


def _first(*findings: Finding | None) -> Finding | None:
    """The one with the smallest index; of several, the one that is given first."""
    there = [each for each in findings if each is not None]
    return min(there, key=lambda each: -1 if each.index is None else each.index, default=None)
