"""What came of an import."""

from dataclasses import dataclass, field

from application.bulk import Tally
from domain.event import Refused


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be recorded: its line in the file, and why."""

    line: int
    refusal: Refused


@dataclass
class Report:
    """``recorded`` and ``repeated`` count commands: those recorded now, and those that were there already."""

    recorded: int = 0
    repeated: int = 0
    bad: list[BadRow] = field(default_factory=list)

    def refuse(self, line: int, refusal: Refused) -> None:
        self.bad.append(BadRow(line, refusal))

    def add(self, tally: Tally) -> None:
        self.recorded += tally.recorded
        self.repeated += tally.repeated
