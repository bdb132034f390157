"""Small logs with bundles of them, and the administrator who rewrites a bundle but cannot sign."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any, Literal
from uuid import UUID
from zipfile import ZipFile

from application.keys import Signer, verify
from domain.bundle import Held, Link, Manifest, Report, Trust, write
from domain.bundle import verify as verify_bundle
from domain.bundle.archive import Archive
from domain.bundle.events import state_written
from domain.leaf import Leaf, commitment
from domain.merkle import consistency, inclusion, multiproof, root_of
from domain.note import Checkpoint, Note
from domain.proof import Proof
from tests.domain.trees import subtrees

ORIGIN = "records.anji.example/log"
LOG, LATER, LAST, STRANGER = (Signer.of(ORIGIN, bytes([n]) * 32) for n in (1, 2, 3, 9))
VILLAGE, TOWN, ROLL, KEYRING = (UUID(int=n) for n in (1, 2, 3, 4))
BEGUN = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Log:
    """Events as a log seals them: one a minute, its salts by its name, each stream's versions in a row."""

    leaves: list[Leaf] = field(default_factory=list)
    states: list[bytes] = field(default_factory=list)
    removed: set[int] = field(default_factory=set)

    def record(self, stream: UUID, topic: str = "organisation.MemberAdmitted", **event: Any) -> int:
        """Append an event; return its position."""
        position = len(self.leaves) + 1
        version = 1 + sum(leaf.stream == stream for leaf in self.leaves)
        state = json.dumps({"account": {"actor": str(TOWN)}, "event": event}, separators=(",", ":")).encode()
        self.states.append(state)
        committed = commitment(ORIGIN, self.salt(position), state)
        self.leaves.append(Leaf(position, stream, version, topic, BEGUN + position * MINUTE, committed))
        return position

    def add_key(self, signer: Signer, role: str = "log") -> int:
        return self.record(KEYRING, "keyring.KeyAdded", role=role, vkey=str(signer.key))

    def remove(self, *positions: int) -> int:
        """Remove payloads, and record that; return the position of the event that covers it."""
        self.removed |= {*positions}
        return self.record(ROLL, "redaction.PayloadRemoved", positions=[*positions])

    def change(self, at: int, /, **fields: Any) -> None:
        """Have the event at a position be another, sealed as that: what a log should never have."""
        self.leaves[at - 1] = replace(self.leaves[at - 1], **fields)

    def salt(self, position: int) -> bytes:
        return sha256(f"salt {position}".encode()).digest()

    @property
    def hashes(self) -> list[bytes]:
        return [leaf.hash() for leaf in self.leaves]

    def checkpoint(self, *signers: Signer, size: int | None = None) -> Note:
        hashes = self.hashes[:size]
        note = Note(Checkpoint(ORIGIN, len(hashes), root_of(hashes)).text)
        for signer in signers or (LOG,):
            note = signer.sign_note(note)
        return note

    def link(self, position: int, *signers: Signer) -> Link:
        """The key history's link for the event that added a key, sealed as the log stands now."""
        index, hashes = position - 1, self.hashes
        proof = Proof(index, tuple(inclusion(index, len(hashes), subtrees(hashes))), self.checkpoint(*signers))
        state = state_written(self.salt(position), self.states[index])
        return Link(bytes(proof), self.leaves[index].entry(), state)

    def bundle(
        self,
        positions: Collection[int] | None = None,
        *,
        checkpoint: Note | None = None,
        links: Iterable[Link] = (),
        timestamp: bytes | None = None,
        **said: Any,
    ) -> bytes:
        """A bundle of some positions, or all."""
        held = sorted(range(1, len(self.leaves) + 1) if positions is None else positions)
        firsts = [position for position in held if position - 1 not in held]
        lasts = [position for position in held if position + 1 not in held]
        kind: Literal["record", "range", "all"] = (
            "record" if "record" in said else "range" if "asked" in said else "all"
        )
        hashes = self.hashes
        manifest = Manifest(kind, ORIGIN, len(hashes), tuple(zip(firsts, lasts, strict=True)), **said)
        file = BytesIO()
        write(
            file,
            BytesIO(),
            manifest,
            bytes(checkpoint or self.checkpoint()),
            [hashes[position - 1] for position in held],
            multiproof(manifest.runs, len(hashes), subtrees(hashes)),
            map(self.held, held),
            links,
            self.consistency(manifest.since) if manifest.since is not None else (),
            timestamp,
        )
        return file.getvalue()

    def consistency(self, since: int) -> list[bytes]:
        """The root of an earlier size, and what proves that this log begins with it."""
        hashes = self.hashes
        return [root_of(hashes[:since]), *consistency(since, len(hashes), subtrees(hashes))]

    def held(self, position: int) -> Held:
        state = None if position in self.removed else self.states[position - 1]
        return self.leaves[position - 1].entry(), self.salt(position), state


def story(events: int = 8) -> Log:
    """A log of two records' events in turn."""
    log = Log()
    for n in range(events):
        log.record((VILLAGE, TOWN)[n % 2], full=n)
    return log


def files(bundle: bytes) -> dict[str, bytes]:
    """What is in a bundle, as any zip reader finds it."""
    with ZipFile(BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archived(contents: Mapping[str, bytes] | Sequence[tuple[str, bytes]]) -> bytes:
    """Files as a whole archive, whose digest fits."""
    file = BytesIO()
    archive = Archive(file)
    for name, content in contents.items() if isinstance(contents, Mapping) else contents:
        archive.add(name, [content])
    archive.close()
    return file.getvalue()


def rewritten(bundle: bytes, changes: Mapping[str, Callable[[bytes], bytes]]) -> bytes:
    """A bundle as an administrator rewrites it: some files are others, and the archive is whole."""
    return archived({name: changes.get(name, bytes)(content) for name, content in files(bundle).items()})


def verified(bundle: bytes, *keys: Signer, **trust: Any) -> Report:
    """What an inspector finds who pinned these keys, or the log's first."""
    return verify_bundle(BytesIO(bundle), Trust(tuple(each.key for each in keys or (LOG,)), **trust), verify)


def outcome(bundle: bytes, *keys: Signer, **trust: Any) -> tuple[str, str, int | None]:
    verdict = verified(bundle, *keys, **trust).verdict
    return verdict.name, verdict.kind, verdict.index


def flipped(given: bytes, bit: int) -> bytes:
    """The same with one bit changed."""
    changed = bytearray(given)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
