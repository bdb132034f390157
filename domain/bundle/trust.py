"""What an inspector has by another way than the bundle, and what follows from it before an event is looked at."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Self

from domain.bundle.history import signers
from domain.bundle.verdict import Fault, Verdict
from domain.note import Checkpoint, Key, Note, Verify
from domain.policy import Policy

Judge = Callable[[bytes, bytes], int]
"""Tells of a time-stamp response (RFC 3161) when it says that some bytes existed, in seconds since 1970.

It raises ValueError, with the reason, if it does not hold.
"""


@dataclass(frozen=True, slots=True)
class Trust:
    """What is believed, whatever a bundle says.

    ``keys`` are the log's, and with them those of the policy's logs; whoever of them signed, ``policy`` says which
    witnesses must have cosigned as well. ``oldest``, in seconds since 1970, is when one of these must have done so at
    the earliest; raise ValueError for that without a policy. ``kept`` is a checkpoint of the log from before, which it
    must go on from; raise ValueError for a note that is none. ``judge`` knows which authorities tell the time: with it
    there must be a token over the checkpoint that holds; what makes it needs more than the standard library.
    """

    keys: tuple[Key, ...] = ()
    policy: Policy | None = None
    oldest: int | None = None
    kept: Note | None = None
    judge: Judge | None = None

    def __post_init__(self) -> None:
        if self.oldest is not None and self.policy is None:
            raise ValueError("how old a checkpoint is, witnesses say: give the policy that names them")
        if self.kept is not None:
            Checkpoint.parse(self.kept.text)

    @property
    def pinned(self) -> tuple[Key, ...]:
        return (*self.keys, *(log.key for log in self.policy.logs)) if self.policy else self.keys

    def cosigned_at(self, note: Note, check: Verify) -> dict[str, int]:
        """The policy's witnesses that cosigned a checkpoint, and when, in seconds since 1970."""
        return self.policy.cosigned_at(note, check) if self.policy else {}

    def met_at(self, cosigned_at: Mapping[str, int]) -> int | None:
        """When enough of them had; None if they had not, or none must."""
        return self.policy.met_at(cosigned_at) if self.policy else None


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint from before, which one of the log's keys signed, and when enough witnesses had cosigned it."""

    checkpoint: Checkpoint
    at: int | None

    @classmethod
    def of(cls, trust: Trust, origin: str, keys: Collection[Key], check: Verify) -> Self | None:
        """Return what was kept, if anything; end where none of these keys of a log signed it."""
        if trust.kept is None:
            return None
        checkpoint = Checkpoint.parse(trust.kept.text)
        if checkpoint.origin != origin:
            raise _unknown(f"the checkpoint that was kept is of {checkpoint.origin}, and the bundle of {origin}")
        try:
            signed = signers(trust.kept, keys, check)
        except ValueError as fault:
            raise _unknown(f"the checkpoint that was kept is not what was signed: {fault}") from None
        if not signed:
            raise _unknown("none of the keys you trust signed the checkpoint that was kept")
        return cls(checkpoint, trust.met_at(trust.cosigned_at(trust.kept, check)))


def _unknown(detail: str) -> Fault:
    return Fault(Verdict("UNKNOWN KEY", detail, "key"))
