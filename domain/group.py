"""A committed group of events: what its writer signs, before the commit, from its own memory.

A hash tree alone would take in any event that somebody slips into the table's end; the signature of one who holds the
writer's key is what tells a recorded event from a forged one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from domain.merkle import HASH, split

_WRITER: Final = "/writer"


@dataclass(frozen=True, slots=True)
class Group:
    """A committed group: its first position, the hashes of its leaves one behind the other, and who signed these."""

    first: int
    leaves: bytes
    key_id: bytes
    signature: bytes

    @property
    def size(self) -> int:
        return len(self.leaves) // HASH

    def hashes(self) -> list[bytes]:
        return split(self.leaves)


def leaf_at(position: int, groups: Iterable[Group]) -> bytes:
    """Return the leaf at a position that one of some ascending groups has."""
    group = next(each for each in groups if position < each.first + each.size)
    place = (position - group.first) * HASH
    return group.leaves[place : place + HASH]


def signed(origin: str, first: int, leaves: Sequence[bytes]) -> bytes:
    """The message: the log's name, the group's first position, and the hashes of its leaves in order."""
    return b"%b/group/v1\n%d\n%b" % (origin.encode(), first, b"".join(leaves))


def writer(origin: str) -> str:
    """The name of the keys that sign a log's groups."""
    return f"{origin}{_WRITER}"


def log_of(writer: str) -> str:
    """The name of the log that a writer's key signs for; raise ValueError if it is no writer's."""
    if not writer.endswith(_WRITER):
        raise ValueError(f"the key {writer} is no writer's")
    return writer.removesuffix(_WRITER)
