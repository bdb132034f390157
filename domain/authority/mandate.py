"""What a person holds (授权): appointments and what was lent of them, each with its days, and relations to others."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from domain.action import Action, Duty
from domain.authority.events import Tie
from domain.event import Fact


@dataclass(frozen=True, slots=True)
class Moment:
    """When somebody acts: the local day, on which mandates are judged, and the instant, at which emergencies end."""

    day: date
    at: datetime


class Appointment(Fact):
    """A duty held at an organisation and for all below it (岗位授权); see ``DutyAppointed``."""

    id: UUID
    duty: Duty
    organisation: UUID | None
    since: date
    until: date | None = None
    decision: str = ""
    emergency: UUID | None = None
    ends_at: datetime | None = None

    def holds(self, now: Moment) -> bool:
        """Whether it is in force."""
        in_days = self.since <= now.day and (self.until is None or now.day <= self.until)
        return in_days and (self.ends_at is None or now.at < self.ends_at)

    def reaches(self, lineage: tuple[UUID, ...], *, above: bool = False) -> bool:
        """Whether it is held at the first organisation of a lineage or one above it; with ``above``, above it alone.

        An empty lineage is the whole record's matter.
        """
        return self.organisation is None or self.organisation in (lineage[1:] if above else lineage)

    def serves(self, action: Action) -> bool:
        """Whether its duty goes with an action."""
        return self.duty in action.duties


class Delegation(Fact):
    """An appointment lent to another person; see ``DelegationGiven``."""

    id: UUID
    appointment: UUID
    to: UUID
    since: date
    until: date
    revoked: bool = False

    def holds(self, now: Moment) -> bool:
        """Whether it is in force, as long as the appointment is."""
        return not self.revoked and self.since <= now.day <= self.until


class Relation(Fact):
    """A relation to another person; see ``RelationDeclared``."""

    id: UUID
    other: UUID
    tie: Tie
    matter: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a token narrows its holder's mandates to; empty as it is, to nothing less than all of them.

    ``duty`` and ``actions``: no others; ``organisation``: it and all below it alone.
    """

    duty: Duty | None = None
    actions: frozenset[str] | None = None
    organisation: UUID | None = None

    def fit(self, action: Action) -> bool:
        """Whether a token is for something at all, wherever."""
        return self.duty in (None, *action.duties) and (self.actions is None or action.name in self.actions)

    def allow(self, action: Action, lineage: tuple[UUID, ...]) -> bool:
        """Whether a token lets its holder do something to the first organisation of a lineage."""
        return self.fit(action) and (self.organisation is None or self.organisation in lineage)

    def narrow(self, other: "Limits") -> "Limits | None":
        """Return what is left under other limits as well; None where these two leave nothing in common."""
        if self.duty and other.duty and self.duty != other.duty:
            return None
        if self.organisation and other.organisation and self.organisation != other.organisation:
            return None
        actions = self.actions if other.actions is None else other.actions
        if self.actions is not None and other.actions is not None:
            actions = self.actions & other.actions
        return Limits(self.duty or other.duty, actions, self.organisation or other.organisation)
