"""What came of an import."""

from dataclasses import dataclass, field

from application.bulk import Tally
from domain.event import Refused


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be recorded: its line in the file, the input at fault where it is one, and why."""

    line: int
    field: str
    reason: str

    @classmethod
    def of(cls, line: int, refusal: Refused) -> "BadRow":
        # The sentence alone is kept: there may be as many as rows, and an exception holds on to all it passed through.
        return cls(line, refusal.field, str(refusal))


@dataclass
class Report:
    """``recorded`` and ``repeated`` count commands: those recorded now, and those that were there already."""

    recorded: int = 0
    repeated: int = 0
    bad: list[BadRow] = field(default_factory=list[BadRow])

    def refuse(self, line: int, refusal: Refused) -> None:
        self.bad.append(BadRow.of(line, refusal))

    def add(self, tally: Tally) -> None:
        self.recorded += tally.recorded
        self.repeated += tally.repeated
