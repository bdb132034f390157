"""What came of verifying a bundle: one verdict, and what of the bundle it is about."""

from dataclasses import dataclass, field
from typing import Final, Literal

from domain.bundle.manifest import Manifest

Name = Literal["VERIFIED", "REDACTED", "TAMPERED", "INCOMPLETE", "UNKNOWN KEY", "STALE"]

Kind = Literal[
    "",  # nothing is wrong
    "file",  # the archive's bytes: TAMPERED or, where it is cut short, INCOMPLETE
    "member",  # INCOMPLETE: a file is not in the archive
    "manifest",
    "checkpoint",
    "key",  # a link of the key history; UNKNOWN KEY
    "root",  # leaves and proof do not lead to the checkpoint's root
    "leaf",  # an entry does not fit its sealed leaf
    "entry",  # no lawful entry, of another position, or of another record
    "time",  # recorded before its predecessor, or not between the checkpoints around it
    "version",  # not the next of its stream
    "state",  # a salt and state do not fit the entry's commitment
    "redaction",  # a payload is removed that no event covers
    "timestamp",  # the token does not hold; INCOMPLETE where there is none
    "consistency",  # the tree of a checkpoint that was kept does not begin this one; INCOMPLETE: nothing proves it
    "events",  # INCOMPLETE: fewer than the manifest says
    "quorum",  # INCOMPLETE: too few witnesses cosigned
    "age",  # STALE: cosigned too long ago, or of fewer events than a checkpoint that was kept
]


_NAMED: Final = 20
"""Removals that a sentence names at most; the report has all."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``index`` is that of the first bad leaf, its position minus one; ``detail`` says in a sentence what is wrong."""

    name: Name
    detail: str
    kind: Kind = ""
    index: int | None = None

    @property
    def holds(self) -> bool:
        return self.name in {"VERIFIED", "REDACTED"}


@dataclass(frozen=True, slots=True)
class Redaction:
    """A payload that was removed lawfully: its position, and that of the event that covers it."""

    position: int
    covered_by: int


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict, and what it is about as far as it came.

    ``manifest`` is what the bundle says of itself. ``keys`` are the verifier keys of the log that signed its
    checkpoint; ``cosigned_at`` has, by its name in the policy, when a witness cosigned it last, in seconds since 1970.
    ``continues`` is the size of the checkpoint that was kept, if this log was proved to go on from there.
    ``timestamped`` says that a time-stamp response (RFC 3161) lies beside it, and ``timestamped_at``, in seconds since
    1970, when it says that the checkpoint was there: None unless it was judged and holds.
    """

    verdict: Verdict
    manifest: Manifest | None = None
    keys: tuple[str, ...] = ()
    cosigned_at: dict[str, int] = field(default_factory=dict[str, int])
    redactions: tuple[Redaction, ...] = ()
    continues: int | None = None
    timestamped: bool = False
    timestamped_at: int | None = None


class Fault(Exception):
    """Ends a verification with a verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.detail)
        self.verdict = verdict


def tampered(kind: Kind, detail: str, index: int | None = None) -> Fault:
    return Fault(Verdict("TAMPERED", detail, kind, index))


def incomplete(kind: Kind, detail: str, index: int | None = None) -> Fault:
    return Fault(Verdict("INCOMPLETE", detail, kind, index))


def held(count: int, redactions: tuple[Redaction, ...]) -> Verdict:
    """Return the verdict for so many events that hold."""
    detail = (
        f"{count} events held here are as the log sealed them" if count != 1 else "the event is as the log sealed it"
    )
    if not redactions:
        return Verdict("VERIFIED", detail)
    removed = ", ".join(f"{each.position} (covered by {each.covered_by})" for each in redactions[:_NAMED])
    more = f" and {len(redactions) - _NAMED} more" if redactions[_NAMED:] else ""
    return Verdict("REDACTED", f"{detail}; payloads were removed lawfully at position {removed}{more}")
