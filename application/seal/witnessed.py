"""What the sealer asks of witnesses, and what it does while too few of them answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from application.cosignatures import Answer, Cosigners, Proofs
from application.keys import verify
from domain.note import Note
from domain.policy import Policy

# Seconds that witnesses have to answer in: a checkpoint waits so long at most.
PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether witnesses enough cosigned the newest checkpoint, and what came of asking each."""

    met: bool
    answers: tuple[Answer, ...] = ()

    @property
    def troubles(self) -> Sequence[str]:
        return [answer.trouble for answer in self.answers if answer.trouble]

    @property
    def contradicted(self) -> bool:
        """Whether a witness has seen another past than this log's."""
        return any(answer.contradicts for answer in self.answers)


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A policy that names witnesses. ``hold``: nothing is published before enough of them cosigned it."""

    policy: Policy
    hold: bool = False
    _cosigners: Cosigners = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cosigners", Cosigners(self.policy.witnesses, PATIENCE))

    def ask(self, note: Note, proofs: Proofs) -> tuple[Note, Standing]:
        """Collect cosignatures for a signed checkpoint."""
        collected = self._cosigners.collect(note, proofs)
        return collected.note, Standing(self.policy.is_met_by(collected.note, verify), collected.answers)
