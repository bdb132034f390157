"""Verifying a bundle against keys that were pinned elsewhere: what the file itself says of keys is not believed."""

from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from domain.bundle.archive import Opened, opened
from domain.bundle.events import walked
from domain.bundle.history import Link, signers, trusted
from domain.bundle.layout import (
    CHECKPOINT,
    ENTRIES,
    LEAVES,
    MANIFEST,
    NEEDED,
    PROOF,
    STATES,
    TIMESTAMP,
    link_names,
    rank,
)
from domain.bundle.manifest import Manifest
from domain.bundle.verdict import Fault, Redaction, Report, Verdict, incomplete, tampered
from domain.merkle import HASH, multiroot
from domain.note import LARGEST, Checkpoint, Key, Note, Verify

_LONGEST: Final = 1 << 26
"""Bytes of a manifest at most: some four million ranges."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What an inspector has by another way than the bundle: the log's keys."""

    keys: tuple[Key, ...]


def verify(file: BinaryIO, trust: Trust, check: Verify) -> Report:
    """Verify the bundle that a file holds, from its first byte to its last, and report what came of it.

    The file is binary and can be wound back. What it holds, whatever it is, raises nothing; OSError is the system's.
    """
    try:
        archive = opened(file, rank)
    except Fault as fault:
        return Report(fault.verdict)
    report = _Verification(archive, trust, check).run()
    if archive.flaw and report.verdict.name != "TAMPERED":
        return replace(report, verdict=Verdict("TAMPERED", archive.flaw, "file"))
    return report


@dataclass(slots=True)
class _Verification:
    """What is verified, with what, and what is known so far."""

    archive: Opened
    trust: Trust
    check: Verify
    timestamped: bool = False
    manifest: Manifest | None = None
    signed: tuple[Key, ...] = ()
    redactions: tuple[Redaction, ...] = ()

    def run(self) -> Report:
        try:
            verdict = self._verdict()
        except Fault as fault:
            verdict = fault.verdict
        keys = tuple(map(str, self.signed))
        return Report(verdict, self.manifest, keys, {}, self.redactions, self.timestamped)

    def _verdict(self) -> Verdict:
        links = self._links()
        self.timestamped = TIMESTAMP in self.archive.members
        self.manifest = manifest = self._manifest()
        note, sealed = self._checkpoint(manifest)
        self.signed = self._signers(note, links, manifest.origin)
        self.redactions = self._events(manifest, sealed.root)
        events = f"{manifest.count} events" if manifest.count != 1 else "the event"
        if not self.redactions:
            return Verdict("VERIFIED", f"{events} held here are as the log sealed them")
        removed = ", ".join(f"{each.position} (covered by {each.covered_by})" for each in self.redactions)
        detail = f"{events} held here are as the log sealed them; payloads were removed lawfully at position {removed}"
        return Verdict("REDACTED", detail)

    def _links(self) -> list[Link]:
        """The key history. Every file that a bundle needs is there, or this ends."""
        held = self.archive.members.keys() - {TIMESTAMP}
        missing = [name for name in NEEDED if name not in held]
        number, history = 0, len(held) - len(NEEDED)
        names: list[tuple[str, str, str]] = []
        while not missing and len(names) * 3 < history:
            names.append(link_names(number := number + 1))
            missing = [name for name in names[-1] if name not in held]
        if missing:
            raise incomplete("member", f"the file {missing[0]} is not in the archive")
        try:
            return [Link(*(self.archive.read(name, LARGEST) for name in link)) for link in names]
        except ValueError as fault:
            raise tampered("key", f"the key history holds what is none: {fault}") from None

    def _manifest(self) -> Manifest:
        try:
            return Manifest.parse(self.archive.read(MANIFEST, _LONGEST))
        except ValueError as fault:
            raise tampered("manifest", f"the manifest is none: {fault}") from None

    def _checkpoint(self, manifest: Manifest) -> tuple[Note, Checkpoint]:
        try:
            note = Note.parse(self.archive.read(CHECKPOINT, LARGEST))
            sealed = Checkpoint.parse(note.text)
        except ValueError as fault:
            raise tampered("checkpoint", f"the checkpoint is none: {fault}") from None
        if (sealed.origin, sealed.size) != (manifest.origin, manifest.size):
            raise tampered("manifest", "the manifest names another log or size than the checkpoint")
        return note, sealed

    def _signers(self, note: Note, links: list[Link], origin: str) -> tuple[Key, ...]:
        keys = trusted(links, self.trust.keys, origin, self.check)
        try:
            signed = signers(note, keys, self.check)
        except ValueError as fault:
            raise tampered("checkpoint", f"the checkpoint is not what was signed: {fault}") from None
        if not signed:
            known = "of the keys you trust none" if keys else "none of the keys you gave is its key, and so none"
            raise Fault(Verdict("UNKNOWN KEY", f"the log is {origin}; {known} signed the checkpoint", "key"))
        return signed

    def _events(self, manifest: Manifest, root: bytes) -> tuple[Redaction, ...]:
        """Hold the leaves against the checkpoint's root, and the events against the leaves."""
        leaves = self._hashes(manifest)
        held = self.archive.members
        holds = (
            held[PROOF].length % HASH == 0 and multiroot(manifest.runs, leaves, manifest.size, self._proof()) == root
        )
        try:
            redactions = walked(
                manifest, leaves, self.archive.blocks(ENTRIES), self.archive.blocks(STATES), held[STATES].length
            )
        except Fault as fault:
            if holds:
                raise
            verdict = fault.verdict
            more = "; nor do the sealed leaves lead to the checkpoint's root, so that others may be changed as well"
            raise Fault(replace(verdict, detail=verdict.detail + more)) from None
        if not holds:
            raise tampered("root", "the sealed leaves and the proof do not lead to the checkpoint's root")
        return redactions

    def _hashes(self, manifest: Manifest) -> list[bytes]:
        length, count = self.archive.members[LEAVES].length, manifest.count
        if length > HASH * count:
            raise tampered("manifest", f"there are more sealed leaves than the {count} of the manifest")
        if length < HASH * count:
            raise incomplete("events", f"of {count} sealed leaves there are {length // HASH}")
        return self._split(LEAVES)

    def _proof(self) -> list[bytes]:
        return self._split(PROOF)

    def _split(self, name: str) -> list[bytes]:
        held = b"".join(self.archive.blocks(name))
        return [held[place : place + HASH] for place in range(0, len(held), HASH)]
