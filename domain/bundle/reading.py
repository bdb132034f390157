"""Reading what a bundle holds, apart from verifying it, which is to be done before."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Self

from domain.bundle.archive import Opened, opened
from domain.bundle.events import events
from domain.bundle.layout import ENTRIES, MANIFEST, STATES, rank
from domain.bundle.manifest import LONGEST, Manifest
from domain.bundle.verdict import Fault
from domain.leaf import Leaf


@dataclass(frozen=True, slots=True)
class Contents:
    """A bundle that is read; its file stays open meanwhile."""

    manifest: Manifest
    _archive: Opened

    @classmethod
    def of(cls, file: BinaryIO) -> Self:
        """Open a bundle; raise ValueError for what is none."""
        try:
            archive = opened(file, rank)
            return cls(Manifest.parse(archive.read(MANIFEST, LONGEST)), archive)
        except KeyError as name:
            raise ValueError(f"the file {name} is not in the archive") from None
        except Fault as fault:
            raise ValueError(fault.verdict.detail) from None

    def events(self) -> Iterator[tuple[Leaf, bytes | None]]:
        """Yield each event as the tree knows it, and its state, None if its payload was removed.

        Raise ValueError for what is none.
        """
        archive = self._archive
        try:
            yield from events(archive.blocks(ENTRIES), archive.blocks(STATES), archive.members[STATES].length)
        except KeyError as name:
            raise ValueError(f"the file {name} is not in the archive") from None
        except Fault as fault:
            raise ValueError(fault.verdict.detail) from None
