"""The leaf of one event in the log's hash tree, version 1: what of the event it commits to, and how that is written.

The entry is RFC 8785 JSON in a grammar so narrow that a template writes it: texts of printable ASCII without quotation
mark or backslash, integers below 2**53, members in order. It holds a commitment to the stored state, not the state:
whoever knows the entry alone cannot guess what was recorded, and a state that is lawfully removed leaves it whole.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, Self
from uuid import UUID

from domain.merkle import leaf_hash

SALT: Final = 32
"""Bytes of an event's salt."""

_LARGEST = 2**53 - 1
_TEXT = re.compile(r"[ !#-\[\]-~]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ENTRY = re.compile(
    rb'\{"c":"([0-9a-f]{64})","id":"([0-9a-f-]{36})",(?:"kc":"([0-9a-f]{64})",)?"p":([1-9][0-9]{0,15}),'
    rb'"t":"([ !#-\[\]-~]+)","ts":"([0-9T:.-]{26})Z","v":1,"ver":([1-9][0-9]{0,15})\}'
)


Stored = tuple[int, UUID | str, int, str, datetime, bytes, bytes | None]
"""An event as it is stored: position, stream, version there, topic, when it was recorded, salt and state.

Of one whose payload was removed, the commitment that was kept in place of the salt, and None.
"""


def commitment(origin: str, salt: bytes, state: bytes) -> str:
    """SHA-256, in hexadecimal, over the log's name, the event's salt and its state, exactly as they are stored."""
    return sha256(b"%b/state/v1\n%b%b" % (origin.encode(), salt, state)).hexdigest()


def entries(origin: str, events: Iterable[Stored]) -> Iterator[bytes]:
    """Write the entries of stored events: as ``Leaf.entry``, and quicker where those recorded together are together.

    Raise ValueError for a topic that the grammar has no place for.
    """
    named = f"{origin}/state/v1\n".encode()
    last, written = None, ""
    for position, stream, version, topic, at, salt, state in events:
        if at != last:
            last, written = at, _instant(at)
        digest = salt.hex() if state is None else sha256(named + salt + state).hexdigest()
        yield (
            f'{{"c":"{digest}","id":"{stream}","p":{position},'
            f'"t":"{_speakable(topic)}","ts":"{written}","v":1,"ver":{version}}}'
        ).encode("ascii")


@dataclass(frozen=True, slots=True)
class Leaf:
    """An event as the tree knows it. ``key_commitment`` is empty unless the state is held encrypted.

    ``position`` counts from 1 and is the leaf's index in the tree plus one; ``recorded_at`` is kept to the
    microsecond.
    """

    position: int
    stream: UUID
    version: int
    topic: str
    recorded_at: datetime
    commitment: str
    key_commitment: str = ""

    def entry(self) -> bytes:
        """The bytes that the leaf is the hash of. Raise ValueError for what the grammar has no place for."""
        if not (1 <= self.position <= _LARGEST and 1 <= self.version <= _LARGEST):
            raise ValueError("positions and versions are 1 to 2**53 - 1")
        key = f'"kc":"{_digest(self.key_commitment)}",' if self.key_commitment else ""
        return (
            f'{{"c":"{_digest(self.commitment)}","id":"{self.stream}",{key}"p":{self.position},'
            f'"t":"{_speakable(self.topic)}","ts":"{_instant(self.recorded_at)}","v":1,"ver":{self.version}}}'
        ).encode("ascii")

    def hash(self) -> bytes:
        return leaf_hash(self.entry())

    @classmethod
    def read(cls, entry: bytes) -> Self:
        """Read an entry; raise ValueError unless it is, to the byte, what ``entry`` writes."""
        found = _ENTRY.fullmatch(entry)
        if found is None:
            raise ValueError("it is no entry of a leaf, or of another version")
        commitment, stream, key, position, topic, at, version = ((part or b"").decode() for part in found.groups())
        instant = datetime.fromisoformat(at).replace(tzinfo=UTC)
        leaf = cls(int(position), UUID(stream), int(version), topic, instant, commitment, key)
        if leaf.entry() != entry:
            raise ValueError("an entry of a leaf is written otherwise")
        return leaf


def _instant(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("an instant has a time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


@lru_cache(maxsize=1000)
def _speakable(topic: str) -> str:
    if not _TEXT.fullmatch(topic):
        raise ValueError(f"{topic!a} cannot stand in a leaf")
    return topic


def _digest(text: str) -> str:
    if not _DIGEST.fullmatch(text):
        raise ValueError("a commitment is 64 hexadecimal digits")
    return text
