"""Reading the log itself within a scope: whether a reader sees a record there, as it stands now."""

from dataclasses import dataclass
from uuid import UUID

from application.lineage import lineage
from application.records import Records, Work
from domain.authority import Emergency, Scope
from domain.ledger import Obligation, YearRaised
from domain.organisation import CodeReleased, CodeTaken

# Whose streams tell who holds a code: they belong to no one organisation.
_CODES = (CodeTaken.TOPIC, CodeReleased.TOPIC)


@dataclass(frozen=True)
class Reading:
    records: Records

    def sees(self, scope: Scope, id: UUID) -> bool:
        """Whether there is such a record, and its history is for whoever has this scope."""
        if not (first := self.records.recorder.select_events(id, limit=1)):
            return False
        topic = first[0].topic
        while True:
            work = Work(self.records)
            seen = _sees(work, scope, id, topic)
            # What is at hand may lag behind another process.
            if not self.records.moved_on(work):
                return seen


def _sees(work: Work, scope: Scope, id: UUID, topic: str) -> bool:
    """What belongs to an organisation is for those who reach it, a person's record for them alone.

    Whoever reaches the whole record sees all of it; standards, the years of their obligations, and what was done to the
    log itself, are for every reader.
    """
    match topic.partition("."):
        case "organisation", _, _:
            return scope.reaches(() if topic in _CODES else lineage(work, id))
        case "ledger", _, _ if topic != YearRaised.TOPIC:
            terms = work.load(Obligation, id).terms
            return scope.reaches(lineage(work, terms.organisation if terms else None))
        case "authority", _, event if event.startswith("Emergency"):
            emergency = work.load(Emergency, id)
            place = emergency.asked.organisation if emergency.asked else None
            return scope.owns(*emergency.askers) or scope.reaches(lineage(work, place))
        case "authority", _, _:
            return scope.owns(id) or scope.reaches(())
        case _:
            return True


__all__ = ["Reading"]
