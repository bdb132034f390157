"""Verifying a bundle against keys that were pinned elsewhere: what the file itself says of keys is not believed."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import BinaryIO, Final

from domain.bundle.archive import Opened, opened
from domain.bundle.bracket import Bracket
from domain.bundle.events import walked
from domain.bundle.history import Link, signers, trusted
from domain.bundle.layout import (
    ASKED,
    CHECKPOINT,
    CONSISTENCY,
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
from domain.bundle.manifest import LONGEST, Manifest
from domain.bundle.trust import Kept, Trust
from domain.bundle.verdict import Fault, Redaction, Report, Verdict, held, incomplete, tampered
from domain.merkle import EMPTY, HASH, is_consistent, multiroot, root_of, split
from domain.note import LARGEST, Checkpoint, Key, Note, Verify

_LONGEST_TOKEN: Final = 1 << 16
"""Bytes of a time-stamp response at most."""

Aside = Callable[[Callable[[BinaryIO], str]], Callable[[], str]]
"""Begins some reading of the whole file, and returns what gives its result."""


def verify(file: BinaryIO, trust: Trust, check: Verify, aside: Aside | None = None) -> Report:
    """Verify the bundle that a file holds, from its first byte to its last, and report what came of it.

    The file is binary and can be wound back. What it holds, whatever it is, raises nothing; OSError is the system's.
    ``aside`` can have the file read by another thread, opened a second time.
    """
    try:
        archive = opened(file, rank)
    except Fault as fault:
        return Report(fault.verdict)
    flaw = aside(archive.flaw) if aside else partial(archive.flaw, file)
    report = _Verification(archive, trust, check).run()
    if report.verdict.name == "TAMPERED":
        return report
    try:
        found = flaw()
    except Fault as fault:
        return replace(report, verdict=fault.verdict)
    return replace(report, verdict=Verdict("TAMPERED", found, "file")) if found else report


@dataclass(slots=True)
class _Verification:
    """What is verified, with what, and what is known so far."""

    archive: Opened
    trust: Trust
    check: Verify
    timestamped: bool = False
    timestamped_at: int | None = None
    manifest: Manifest | None = None
    signed: tuple[Key, ...] = ()
    cosigned_at: dict[str, int] = field(default_factory=dict[str, int])
    redactions: tuple[Redaction, ...] = ()
    continues: int | None = None

    def run(self) -> Report:
        try:
            verdict = self._verdict()
        except Fault as fault:
            verdict = fault.verdict
        keys = tuple(map(str, self.signed))
        more = self.continues, self.timestamped, self.timestamped_at
        return Report(verdict, self.manifest, keys, self.cosigned_at, self.redactions, *more)

    def _verdict(self) -> Verdict:
        links = map(self._link, self._link_names())
        self.timestamped = TIMESTAMP in self.archive.members
        self.manifest = manifest = self._manifest()
        note, sealed = self._checkpoint(manifest)
        keys = trusted(links, self.trust.pinned, manifest.origin, self.check)
        self.signed = self._signers(note, keys, manifest.origin)
        kept = Kept.of(self.trust, manifest.origin, keys, self.check)
        self.cosigned_at = self.trust.cosigned_at(note, self.check)
        self.redactions = self._events(manifest, sealed.root, self._bracket(kept))
        self._continued(manifest, sealed.root, kept)
        self.timestamped_at = self._timed()
        self._witnessed()
        return held(manifest.count, self.redactions)

    def _link_names(self) -> list[tuple[str, str, str]]:
        """The files of the key history. Every file that a bundle needs is there, or this ends."""
        held = self.archive.members.keys() - {*ASKED}
        count = -(-(len(held) - len(NEEDED)) // 3)
        links = [link_names(number) for number in range(1, count + 1)]
        for name in (*NEEDED, *(name for link in links for name in link)):
            if name not in held:
                raise incomplete("member", f"the file {name} is not in the archive")
        return links

    def _link(self, names: tuple[str, str, str]) -> Link:
        try:
            return Link(*(self.archive.read(name, LARGEST) for name in names))
        except ValueError as fault:
            raise tampered("key", f"the key history does not hold at {names[0]}: {fault}") from None

    def _manifest(self) -> Manifest:
        try:
            return Manifest.parse(self.archive.read(MANIFEST, LONGEST))
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
        if (manifest.since is None) != (CONSISTENCY not in self.archive.members):
            raise tampered("manifest", f"the manifest does not say since when it is proved what {CONSISTENCY} proves")
        return note, sealed

    def _signers(self, note: Note, keys: Collection[Key], origin: str) -> tuple[Key, ...]:
        try:
            signed = signers(note, keys, self.check)
        except ValueError as fault:
            raise tampered("checkpoint", f"the checkpoint is not what was signed: {fault}") from None
        if not signed:
            known = "of the keys you trust none" if keys else "none of the keys you gave is its key, and so none"
            raise Fault(Verdict("UNKNOWN KEY", f"the log is {origin}; {known} signed the checkpoint", "key"))
        return signed

    def _bracket(self, kept: Kept | None) -> Bracket:
        sealed = self.trust.met_at(self.cosigned_at)
        return Bracket(kept.checkpoint.size, kept.at, sealed) if kept else Bracket(sealed=sealed)

    def _events(self, manifest: Manifest, root: bytes, bracket: Bracket) -> tuple[Redaction, ...]:
        """Hold the leaves against the checkpoint's root, and the events against the leaves."""
        leaves = self._hashes(manifest)
        held = self.archive.members
        holds = (
            held[PROOF].length % HASH == 0
            and multiroot(manifest.runs, leaves, manifest.size, self._split(PROOF)) == root
        )
        try:
            redactions = walked(
                manifest,
                leaves,
                self.archive.blocks(ENTRIES),
                self.archive.blocks(STATES),
                held[STATES].length,
                bracket,
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

    def _continued(self, manifest: Manifest, root: bytes, kept: Kept | None) -> None:
        """Hold the tree against that of an earlier size: the one that the bundle proves, and the one that was kept."""
        since, before = manifest.since, b""
        if since is not None:
            if self.archive.members[CONSISTENCY].length % HASH:
                raise tampered("consistency", f"{CONSISTENCY} is not of whole hashes")
            before, *proof = self._split(CONSISTENCY) or [b""]
            if not is_consistent(since, manifest.size, before, root, proof):
                raise tampered("consistency", f"it is not proved that the log began with {since} events as it says")
        if kept is None:
            return
        size = kept.checkpoint.size
        if size > manifest.size:
            raise Fault(Verdict("STALE", f"the checkpoint that was kept is of {size} events, a later one", "age"))
        if size != since:
            before = self._root_at(size, manifest, root)
        if before != kept.checkpoint.root:
            was = f"{size} events were sealed otherwise in the checkpoint that was kept"
            raise tampered("consistency", f"the log does not go on from there: {was}")
        self.continues = size

    def _root_at(self, size: int, manifest: Manifest, root: bytes) -> bytes:
        """Return the root of an earlier size, which no proof is needed for; end where one is."""
        if size in (0, manifest.size):
            return root if size else EMPTY
        if manifest.kind != "all":
            ask = f"ask for the bundle with what proves that (--since {size})"
            raise incomplete(
                "consistency", f"that the log goes on from the checkpoint that was kept is not proved: {ask}"
            )
        return root_of(self._hashes(manifest)[:size])

    def _timed(self) -> int | None:
        """Judge the token over the checkpoint, where somebody can: None if nobody does."""
        if self.trust.judge is None:
            return None
        if not self.timestamped:
            raise incomplete("timestamp", "no time-stamp is there for the checkpoint")
        try:
            token = self.archive.read(TIMESTAMP, _LONGEST_TOKEN)
            return self.trust.judge(token, self.archive.read(CHECKPOINT, LARGEST))
        except ValueError as fault:
            raise tampered("timestamp", f"the time-stamp does not hold: {fault}") from None

    def _witnessed(self) -> None:
        """Judge the cosignatures: last, since without them everything else may hold."""
        policy, oldest = self.trust.policy, self.trust.oldest
        if policy is None:
            return
        # Which log signed is known: one that is pinned, or was added by one.
        if not policy.is_quorum(self.cosigned_at):
            by = ", ".join(self.cosigned_at) or "none of its witnesses"
            raise incomplete("quorum", f"the policy asks for {policy.quorum}; the checkpoint is cosigned by {by}")
        if oldest is None:
            return
        newest = max(self.cosigned_at.values(), default=None)
        if newest is None or newest < oldest:
            last = (
                "no witness of the policy cosigned it" if newest is None else f"it was cosigned last at {_time(newest)}"
            )
            raise Fault(Verdict("STALE", f"the checkpoint is older than {_time(oldest)}: {last}", "age"))

    def _hashes(self, manifest: Manifest) -> list[bytes]:
        length, count = self.archive.members[LEAVES].length, manifest.count
        if length > HASH * count:
            raise tampered("manifest", f"there are more sealed leaves than the {count} of the manifest")
        if length < HASH * count:
            raise incomplete("events", f"of {count} sealed leaves there are {length // HASH}")
        return self._split(LEAVES)

    def _split(self, name: str) -> list[bytes]:
        return split(b"".join(self.archive.blocks(name)))


def _time(at: int) -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at):%Y-%m-%dT%H:%M:%SZ}"
