"""What a verification found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is wrong: the leaf's index where it lies in one, one word for its kind, and a sentence."""

    index: int | None
    kind: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was verified: so many events, of which so many are sealed, under so many checkpoints."""

    origin: str
    events: int
    sealed: int
    checkpoints: int
    finding: Finding | None

    @property
    def verdict(self) -> str:
        return "VERIFIED" if self.finding is None else "TAMPERED"
