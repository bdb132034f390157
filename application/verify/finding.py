"""What a verification found."""

from dataclasses import dataclass
from typing import Literal, Self


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is wrong: the leaf's index where it lies in one, one word for its kind, and a sentence."""

    index: int | None
    kind: str
    sentence: str

    @property
    def position(self) -> int | None:
        return None if self.index is None else self.index + 1


@dataclass(frozen=True, slots=True)
class Report:
    """What was verified: so many events, of which so many are sealed under ``root``, under so many checkpoints.

    ``since`` is how many events were verified before and not read again, 0 where everything was. ``altered`` tells in
    what the catalogue is not the one that was sealed at the position ``guarded``, None where none ever was. ``views``
    are those that were folded anew, ``pending`` those that are being built and could not be compared. ``removed``
    payloads are gone, each by a decision on record.
    """

    origin: str
    events: int
    sealed: int
    root: bytes
    checkpoints: int
    since: int
    finding: Finding | None
    guarded: int | None = None
    altered: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    removed: int = 0

    @property
    def verdict(self) -> Literal["VERIFIED", "TAMPERED"]:
        return "VERIFIED" if self.finding is None else "TAMPERED"


class Wrong(Exception):
    """What there is cannot be verified at all, or not further."""

    def __init__(self, index: int | None, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.finding = Finding(index, kind, sentence)

    @classmethod
    def of(cls, finding: Finding) -> Self:
        return cls(finding.index, finding.kind, finding.sentence)
