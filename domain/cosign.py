"""What a witness is asked, and what it decides (见证): the add-checkpoint call of C2SP tlog-witness."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Final, Self

from domain.merkle import EMPTY, HASH, is_consistent
from domain.note import Checkpoint, Key, Note, Verify, decode, encode

LARGEST: Final = 1 << 17
"""Bytes of a request at most: enough for the longest proof, and for sixteen signatures of any type."""

LONGEST: Final = 63
"""Hashes of a proof at most."""

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


class Kind(StrEnum):
    """Why a checkpoint is not cosigned."""

    malformed = "malformed"
    unknown = "unknown"
    """The witness watches no log of this origin."""
    unsigned = "unsigned"
    """No key of the log signed it, or a line that names one does not hold."""
    stale = "stale"
    """The proof is from another size than that of the checkpoint cosigned last."""
    forked = "forked"
    """The log's own key signed two roots of one size: the two checkpoints are the proof that it shows two histories."""
    unproven = "unproven"
    """The proof does not lead from the checkpoint cosigned last to this one: the log's doing, or the caller's."""
    superfluous = "superfluous"
    """There are hashes where there is nothing to prove."""


class NotCosigned(Exception):
    """A checkpoint is not cosigned; the sentence says why.

    ``size`` is that of the checkpoint cosigned last, where the request supposed another. ``evidence`` is the checkpoint
    under the log's own signatures, where it may show that the log misbehaves.
    """

    def __init__(self, kind: Kind, sentence: str, size: int | None = None, evidence: Note | None = None) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.size = size
        self.evidence = evidence


@dataclass(frozen=True, slots=True)
class Request:
    """Whoever sends it claims that the log of ``old`` leaves begins that of a checkpoint, and proves it by hashes."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: Note

    @property
    def origin(self) -> str:
        """The name of the log that the checkpoint speaks of."""
        return self.checkpoint.text.partition("\n")[0]

    def __bytes__(self) -> bytes:
        proof = "".join(f"{encode(each)}\n" for each in self.proof)
        return f"old {self.old}\n{proof}\n".encode() + bytes(self.checkpoint)

    @classmethod
    def parse(cls, given: bytes) -> Self:
        """Read a request's body; raise NotCosigned for what is none, to the byte."""
        try:
            return cls._parse(given)
        except ValueError as error:
            raise NotCosigned(Kind.malformed, f"the request cannot be read: {error}") from None

    @classmethod
    def _parse(cls, given: bytes) -> Self:
        if len(given) > LARGEST:
            raise ValueError(f"it is longer than {LARGEST} bytes")
        head, gap, checkpoint = given.partition(b"\n\n")
        first, *lines = head.decode().split("\n")
        old = _OLD.fullmatch(first)
        if old is None or not gap:
            raise ValueError("it is no line “old SIZE”, lines of hashes, a blank line and a checkpoint")
        proof = tuple(map(decode, lines))
        if len(proof) > LONGEST or any(len(each) != HASH for each in proof):
            raise ValueError(f"a proof has up to {LONGEST} hashes of {HASH} bytes")
        if checkpoint.startswith(b"\n"):
            raise ValueError("the checkpoint names no log")
        return cls(int(old[1]), proof, Note.parse(checkpoint))


def origin_hash(origin: str) -> str:
    """The name under which a witness publishes what it last cosigned of a log."""
    return sha256(origin.encode()).hexdigest()


def nothing(origin: str) -> Checkpoint:
    """The tree without leaves, which begins every other: what has been seen of a log before its first checkpoint."""
    return Checkpoint(origin, 0, EMPTY)


def head(text: str) -> Checkpoint:
    """Read a checkpoint's first three lines, past which others may follow; raise ValueError for what is none."""
    *lines, rest = text.split("\n")
    if rest or not all(lines):
        raise ValueError("a checkpoint is lines that are not empty")
    return Checkpoint.parse("".join(f"{line}\n" for line in lines[:3]))


def decide(request: Request, keys: Iterable[Key], seen: Checkpoint, verify: Verify) -> Note:
    """Return what is to be cosigned: the checkpoint under the log's own signatures alone. Raise NotCosigned.

    ``keys`` are those trusted for the log, and ``seen`` is what was last cosigned of it.
    """
    note = _signed(request.checkpoint, keys, verify)
    try:
        new = head(note.text)
    except ValueError as error:
        raise NotCosigned(Kind.malformed, f"what the log signed is no checkpoint: {error}") from None
    if request.old > new.size:
        raise NotCosigned(Kind.malformed, f"{new.size} leaves cannot begin with {request.old}")
    size = None if request.old == seen.size else seen.size
    if new.size == seen.size and new.root != seen.root:
        roots = f"the root {encode(seen.root)} before and {encode(new.root)} now"
        raise NotCosigned(Kind.forked, f"the log {seen.origin} of {seen.size} leaves has {roots}", size, note)
    if size is not None:
        raise NotCosigned(Kind.stale, f"the log {seen.origin} was cosigned at {size} leaves", size)
    if request.proof and request.old in (0, new.size):
        raise NotCosigned(Kind.superfluous, f"that {new.size} leaves begin with {request.old} needs no proof")
    if not is_consistent(seen.size, new.size, seen.root, new.root, request.proof):
        unproven = f"that the {new.size} leaves of the log {seen.origin} begin with the {seen.size} seen is not proved"
        raise NotCosigned(Kind.unproven, unproven, evidence=note)
    return note


def _signed(note: Note, keys: Iterable[Key], verify: Verify) -> Note:
    """Return the note with the lines of these keys alone, each of which holds."""
    named = {(each.name, each.id) for each in note.signatures}
    signers = {(key.name, key.id): key for key in keys if (key.name, key.id) in named}
    if not signers:
        raise NotCosigned(Kind.unsigned, "no key that is trusted for the log signed the checkpoint")
    if not all(note.is_signed_by(key, verify) for key in signers.values()):
        raise NotCosigned(Kind.unsigned, "a signature of the log's key does not hold")
    return replace(note, signatures=tuple(each for each in note.signatures if (each.name, each.id) in signers))
