"""Verifying a bundle against keys that were pinned elsewhere: what the file itself says of keys is not believed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
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
from domain.bundle.manifest import LONGEST, Manifest
from domain.bundle.verdict import Fault, Redaction, Report, Verdict, incomplete, tampered
from domain.merkle import HASH, multiroot, split
from domain.note import LARGEST, Checkpoint, Key, Note, Verify
from domain.policy import Policy

_NAMED: Final = 20
"""Removals that a sentence names at most; the report has all."""


_LONGEST_TOKEN: Final = 1 << 16
"""Bytes of a time-stamp response at most."""

Judge = Callable[[bytes, bytes], int]
"""Tells of a time-stamp response (RFC 3161) when it says that some bytes existed, in seconds since 1970.

It raises ValueError, with the reason, if it does not hold.
"""


@dataclass(frozen=True, slots=True)
class Trust:
    """What an inspector has by another way than the bundle.

    ``keys`` are the log's, and with them those of the policy's logs; whoever of them signed, ``policy`` says which
    witnesses must have cosigned as well. ``oldest``, in seconds since 1970, is when one of these must have done so at
    the earliest; raise ValueError for that without a policy. ``judge`` knows which authorities tell the time: with it
    there must be a token over the checkpoint that holds; what makes it needs more than the standard library.
    """

    keys: tuple[Key, ...] = ()
    policy: Policy | None = None
    oldest: int | None = None
    judge: Judge | None = None

    def __post_init__(self) -> None:
        if self.oldest is not None and self.policy is None:
            raise ValueError("how old a checkpoint is, witnesses say: give the policy that names them")

    @property
    def pinned(self) -> tuple[Key, ...]:
        return (*self.keys, *(log.key for log in self.policy.logs)) if self.policy else self.keys


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

    def run(self) -> Report:
        try:
            verdict = self._verdict()
        except Fault as fault:
            verdict = fault.verdict
        keys = tuple(map(str, self.signed))
        stamp = self.timestamped, self.timestamped_at
        return Report(verdict, self.manifest, keys, self.cosigned_at, self.redactions, *stamp)

    def _verdict(self) -> Verdict:
        links = map(self._link, self._link_names())
        self.timestamped = TIMESTAMP in self.archive.members
        self.manifest = manifest = self._manifest()
        note, sealed = self._checkpoint(manifest)
        self.signed = self._signers(note, links, manifest.origin)
        self.redactions = self._events(manifest, sealed.root)
        self.timestamped_at = self._timed()
        self._witnessed(note)
        return _held(manifest.count, self.redactions)

    def _link_names(self) -> list[tuple[str, str, str]]:
        """The files of the key history. Every file that a bundle needs is there, or this ends."""
        held = self.archive.members.keys() - {TIMESTAMP}
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
        return note, sealed

    def _signers(self, note: Note, links: Iterable[Link], origin: str) -> tuple[Key, ...]:
        keys = trusted(links, self.trust.pinned, origin, self.check)
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
            held[PROOF].length % HASH == 0
            and multiroot(manifest.runs, leaves, manifest.size, self._split(PROOF)) == root
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

    def _witnessed(self, note: Note) -> None:
        """Judge the cosignatures: last, since without them everything else may hold."""
        policy, oldest = self.trust.policy, self.trust.oldest
        if policy is None:
            return
        self.cosigned_at = policy.cosigned_at(note, self.check)
        # Which log signed is known: one that is pinned, or was added by one.
        if not replace(policy, logs=()).is_met_by(note, self.check):
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


def _held(count: int, redactions: tuple[Redaction, ...]) -> Verdict:
    detail = (
        f"{count} events held here are as the log sealed them" if count != 1 else "the event is as the log sealed it"
    )
    if not redactions:
        return Verdict("VERIFIED", detail)
    removed = ", ".join(f"{each.position} (covered by {each.covered_by})" for each in redactions[:_NAMED])
    more = f" and {len(redactions) - _NAMED} more" if redactions[_NAMED:] else ""
    return Verdict("REDACTED", f"{detail}; payloads were removed lawfully at position {removed}{more}")


def _time(at: int) -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at):%Y-%m-%dT%H:%M:%SZ}"
