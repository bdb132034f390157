"""Writing a bundle: the same bytes for the same content, wherever and whenever it is written."""

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from domain.bundle.archive import BLOCK, Archive
from domain.bundle.events import state_written
from domain.bundle.history import Link
from domain.bundle.layout import (
    CHECKPOINT,
    CONSISTENCY,
    ENTRIES,
    LEAVES,
    MANIFEST,
    PROOF,
    STATES,
    TIMESTAMP,
    link_names,
)
from domain.bundle.manifest import Manifest
from domain.merkle import HASH
from domain.tile import bundle

Held = tuple[bytes, bytes, bytes | None]
"""An event of a bundle: its leaf's entry, its salt, and its state, None if its payload was removed."""


def write(
    file: BinaryIO,
    scratch: BinaryIO,
    manifest: Manifest,
    checkpoint: bytes,
    leaves: Sequence[bytes],
    proof: Sequence[bytes],
    events: Iterable[Held],
    links: Iterable[Link] = (),
    consistency: Sequence[bytes] = (),
    timestamp: bytes | None = None,
) -> None:
    """Write a bundle to a file that is empty; both files are binary, can be read and wound back.

    ``leaves`` and ``events`` are those of the manifest's positions in order, ``proof`` their multiproof in the
    checkpoint's tree. ``consistency`` has the root of the size since which the manifest says that it is proved, and
    that proof. ``scratch`` is empty too and holds states meanwhile. Nothing is verified, but raise ValueError for
    another number of leaves or events than the manifest says.
    """
    if len(leaves) != manifest.count or any(len(each) != HASH for each in (*leaves, *proof)):
        raise ValueError(f"a leaf of {HASH} bytes belongs to each of the {manifest.count} positions")
    archive = Archive(file)
    archive.add(MANIFEST, [bytes(manifest)])
    archive.add(CHECKPOINT, [checkpoint])
    archive.add(LEAVES, leaves)
    archive.add(PROOF, proof)
    archive.add(ENTRIES, _parted(events, scratch, manifest.count))
    archive.add(STATES, _again(scratch))
    for number, link in enumerate(links, 1):
        for name, content in zip(link_names(number), (link.proof, link.entry, link.state), strict=True):
            archive.add(name, [content])
    if manifest.since is not None:
        archive.add(CONSISTENCY, consistency)
    if timestamp is not None:
        archive.add(TIMESTAMP, [timestamp])
    archive.close()


def _parted(events: Iterable[Held], scratch: BinaryIO, count: int) -> Iterator[bytes]:
    """Yield the entries, and put the states aside."""
    found = 0
    for entry, salt, state in events:
        scratch.write(state_written(salt, state))
        found += 1
        yield bundle([entry])
    if found != count:
        raise ValueError(f"there are {found} events for {count} positions")


def _again(scratch: BinaryIO) -> Iterator[bytes]:
    scratch.seek(0)
    while block := scratch.read(BLOCK):
        yield block
