"""The events of a bundle: how entries and states are laid out, and the walk that holds each against its sealed leaf."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from struct import Struct
from typing import Final

from domain.bundle.bracket import SLACK, Bracket, Part
from domain.bundle.manifest import LARGEST, Manifest
from domain.bundle.verdict import Fault, Kind, Redaction, incomplete, tampered
from domain.covering import COVERING, covered
from domain.leaf import SALT, Leaf

REMOVED: Final = bytes(SALT) + b"\xff" * 4
"""What stands in place of a salt, a length and a state whose payload was removed."""

_HEAD = SALT + 4
_NONE = 0xFFFFFFFF
_LENGTH = Struct(">L")

# What domain.leaf reads, but that it leaves open which digits a commitment and a stream's name have: they are held
# against a digest that is computed, and against streams that were seen; what is left then is looked at by itself.
_ENTRY = re.compile(
    rb'\{"c":"(.{64})","id":"(.{36})",(?:"kc":"[0-9a-f]{64}",)?"p":([1-9][0-9]{0,15}),"t":"([ !#-\[\]-~]+)",'
    rb'"ts":"([0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6})Z",'
    rb'"v":1,"ver":([1-9][0-9]{0,15})\}'
)
_DIGEST = re.compile(rb"[0-9a-f]{64}")
_STREAM = re.compile(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def state_written(salt: bytes, state: bytes | None) -> bytes:
    """Write a salt, the state's length in four bytes, and the state; or that its payload was removed."""
    return REMOVED if state is None else salt + len(state).to_bytes(4) + state


def state_read(written: bytes) -> bytes | None:
    """Read one salt and state, and return one after the other; None if the payload was removed.

    Raise ValueError for what is not just one.
    """
    try:
        found = list(_states([written], len(written)))
    except _Cut:
        found = []
    if len(found) != 1:
        raise ValueError("its salt and state are not one")
    return found[0]


def events(entries: Iterable[bytes], states: Iterable[bytes], length: int) -> Iterator[tuple[Leaf, bytes | None]]:
    """Yield each event as the tree knows it, and its state, None if its payload was removed; nothing is verified.

    Raise ValueError for what is none.
    """
    try:
        for entry, salted in zip(_entries(entries), _states(states, length), strict=True):
            yield Leaf.read(entry), None if salted is None else salted[SALT:]
    except _Cut as cut:
        raise ValueError(f"the file ends within: {cut.kind}") from None


def walked(
    manifest: Manifest,
    leaves: Sequence[bytes],
    entries: Iterable[bytes],
    states: Iterable[bytes],
    length: int,
    bracket: Bracket,
) -> tuple[Redaction, ...]:
    """Hold every event against its sealed leaf, those before it, and the times that its place leaves.

    Return which payloads were removed lawfully.

    Entries and states are given in blocks, cut anywhere; the latter have so many bytes together. End with the first
    position at fault; that a removal is covered by nothing is known only once all are seen.
    """
    walk = _Walk(manifest, frozenset(manifest.covering))
    given = iter(leaves), _entries(entries), _states(states, length)
    for first, last in manifest.positions:
        walk.begin()
        for part in bracket.parts(first, last):
            walk.run(part, *given)
    for each in given[1:]:
        try:
            more = next(each, walk) is not walk
        except _Cut:
            more = True
        if more:
            raise tampered("manifest", f"there are more events than the {manifest.count} of the manifest")
    return walk.redactions()


@dataclass(slots=True)
class _Walk:
    """Where it is: the time last seen, and the versions of streams, those of earlier runs apart."""

    manifest: Manifest
    covering: frozenset[int]
    at: bytes = b""
    versions: dict[bytes, int] = field(default_factory=dict[bytes, int])
    earlier: dict[bytes, int] = field(default_factory=dict[bytes, int])
    removed: dict[int, int | None] = field(default_factory=dict[int, int | None])

    def begin(self) -> None:
        """Begin with positions that others come between: of other streams than the record, events may be missing."""
        self.earlier |= self.versions
        record = str(self.manifest.record).encode()
        self.versions = {record: self.versions[record]} if record in self.versions else {}

    def run(
        self, part: Part, leaves: Iterator[bytes], entries: Iterator[bytes], states: Iterator[bytes | None]
    ) -> None:
        """Go over positions that follow each other."""
        first, last, floor, ceiling = part
        read, named = _ENTRY.fullmatch, f"{self.manifest.origin}/state/v1\n".encode()
        record = str(self.manifest.record).encode() if self.manifest.record else None
        versions = self.versions
        # From one part to the next no time is passed over, though it be the same.
        known, last_at, day = versions.get, max(self.at, floor), b""
        position, covering = first - 1, COVERING.encode()
        try:
            # The range is first: where it ends, nothing is taken from the others.
            for position, leaf, entry, salted in zip(range(first, last + 1), leaves, entries, states, strict=False):
                if sha256(b"\0" + entry).digest() != leaf:
                    raise _at(position, "leaf", "the entry does not fit the sealed leaf")
                found = read(entry)
                if found is None:
                    raise _at(position, "entry", "the entry is none of an event")
                commitment, stream, place, topic, at, said = found.groups()
                version, before = int(said), known(stream)
                if int(place) != position:
                    raise _at(position, "entry", f"the entry is that of position {int(place)}")
                if record and (stream == record) == (position in self.covering):
                    raise _at(position, "entry", "the entry is of another record than the manifest says")
                if at != last_at:
                    if at < last_at or at > ceiling or at[:10] != day:
                        day = self._goes_on(position, at, last_at, part)
                    last_at = at
                if before is None:
                    self._begin(position, stream, version)
                elif version != before + 1:
                    raise _at(position, "version", f"version {version} of a stream follows on {before}")
                versions[stream] = version
                if salted is None:
                    self._remove(position, commitment)
                elif sha256(named + salted).hexdigest().encode() != commitment:
                    raise _at(position, "state", "the state does not fit the commitment in its entry")
                elif topic == covering:
                    self._cover(position, salted[SALT:])
            self.at = last_at
        except _Cut as cut:
            raise _at(position + 1, cut.kind, "the file ends within") from None
        if position < last:
            detail = f"the events from position {position + 1} on are missing"
            raise incomplete("events", detail, position)

    def redactions(self) -> tuple[Redaction, ...]:
        for position, covered_by in self.removed.items():
            if covered_by is None:
                raise _at(position, "redaction", "the payload is removed, and no later event here covers that")
        return tuple(Redaction(position, by) for position, by in self.removed.items() if by)

    def _goes_on(self, position: int, at: bytes, before: bytes, part: Part) -> bytes:
        """See whether a time may follow on another, in its place; return its day."""
        day = at[:10]
        try:
            date.fromisoformat(day.decode())
        except ValueError:
            raise _at(position, "entry", "the entry has a time that never was") from None
        if not part.floor <= at <= part.ceiling:
            where = (
                "before the checkpoint in front of it" if at < part.floor else "after the first checkpoint behind it"
            )
            said = f"it was recorded at {at.decode()}Z, more than {SLACK // 60} minutes {where} was cosigned"
            raise _at(position, "time", said)
        if at < before:
            raise _at(position, "time", f"it was recorded at {at.decode()}Z, before the event in front of it")
        return day

    def _begin(self, position: int, stream: bytes, version: int) -> None:
        """See whether a stream may be met first in this run with a version."""
        if version > LARGEST or not _STREAM.fullmatch(stream):
            raise _at(position, "entry", "the entry has a stream or a version that are none")
        if self.manifest.kind == "all" or stream == str(self.manifest.record).encode():
            if version != 1:
                raise _at(position, "version", f"a stream begins with version {version}")
        elif version <= self.earlier.get(stream, 0):
            raise _at(position, "version", f"version {version} of a stream follows on {self.earlier[stream]}")

    def _remove(self, position: int, commitment: bytes) -> None:
        if not _DIGEST.fullmatch(commitment):
            raise _at(position, "entry", "the entry has a commitment that is none")
        self.removed[position] = None

    def _cover(self, position: int, state: bytes) -> None:
        """Note which removals the event at a position covers: of those before it."""
        for each in covered(state):
            if self.removed.get(each, each) is None:
                self.removed[each] = position


class _Cut(Exception):
    """Entries or states end within one."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind: Kind = kind


def _entries(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield entries that lie across blocks, each after its length in two bytes."""
    held = b""
    for block in blocks:
        held += block
        place, end = 0, len(held)
        while place + 2 <= end:
            start = place + 2
            stop = start + (held[place] << 8 | held[place + 1])
            if stop > end:
                break
            yield held[start:stop]
            place = stop
        held = held[place:]
    if held:
        raise _Cut("entry")


def _states(blocks: Iterable[bytes], length: int) -> Iterator[bytes | None]:
    """Yield each salt and state, one after the other, or None for one that was removed.

    What is declared longer than the blocks are, ``length`` bytes, is not waited for.
    """
    waiting: list[bytes] = []
    length_at = _LENGTH.unpack_from
    wanted = _HEAD
    for block in blocks:
        waiting.append(block)
        length -= len(block)
        wanted -= len(block)
        if wanted > 0:
            continue
        held = b"".join(waiting)
        place, end = 0, len(held)
        stop = _HEAD
        while stop <= end:
            start = place + _HEAD
            [declared] = length_at(held, start - 4)
            if declared == _NONE and held.startswith(REMOVED, place):
                yield None
                stop = start
            else:
                stop = start + declared
                if stop > end:
                    break
                yield held[place : start - 4] + held[start:stop]
            place, stop = stop, stop + _HEAD
        waiting = [held[place:]]
        wanted = stop - end
        if wanted > length:
            break
    if any(waiting):
        raise _Cut("state")


def _at(position: int, kind: Kind, what: str) -> Fault:
    return tampered(kind, f"position {position}: {what}", position - 1)
