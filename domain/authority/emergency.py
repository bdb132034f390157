"""Emergency access (应急授权): asked for by one person, granted by another, for some hours, and announced."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Self, assert_never
from uuid import UUID

from domain.action import ALL_ROUND, Duty
from domain.authority.actions import ASKER_GRANTER
from domain.authority.events import EmergencyDeclined, EmergencyEvent, EmergencyGranted, EmergencyRequested
from domain.authority.mandate import Moment
from domain.event import Account, Aggregate, Refused, replace


@dataclass(frozen=True)
class Emergency(Aggregate):
    """``askers`` are whoever asked, and for whom."""

    asked: EmergencyRequested | None = None
    askers: frozenset[UUID] = frozenset()
    standing: Literal["", "requested", "granted", "declined"] = ""

    def request(
        self, person: UUID, duty: Duty, organisation: UUID | None, hours: int, account: Account
    ) -> EmergencyRequested:
        if self.asked:
            raise Refused("this emergency was told already")
        if not account.reason.strip():
            raise Refused("say what the emergency is", field="reason")
        if duty == ALL_ROUND:
            raise Refused("name the one duty that the emergency needs", field="duty")
        if not 1 <= hours <= 72:
            raise Refused("emergency access is for 1 to 72 hours", field="hours")
        return EmergencyRequested(person=person, duty=duty, organisation=organisation, hours=hours)

    def grant(
        self, appointment: UUID, announced_to: Collection[UUID], account: Account, now: Moment
    ) -> EmergencyGranted:
        """Let the person, from now on; ``announced_to`` are told."""
        asked = self._open(account)
        ends_at = now.at + timedelta(hours=asked.hours)
        return EmergencyGranted(appointment=appointment, ends_at=ends_at, announced_to=tuple(sorted(announced_to)))

    def decline(self, account: Account) -> EmergencyDeclined:
        self._open(account)
        if not account.reason.strip():
            raise Refused("say why it is declined", field="reason")
        return EmergencyDeclined()

    def _open(self, account: Account) -> EmergencyRequested:
        if not self.asked:
            raise Refused("no such emergency")
        if self.standing != "requested":
            raise Refused("the emergency is decided already")
        ASKER_GRANTER.uphold(self, account.people)
        return self.asked

    def evolve(self, event: EmergencyEvent, account: Account) -> Self:
        match event:
            case EmergencyRequested(person=person):
                return replace(self, asked=event, askers=account.people | {person}, standing="requested")
            case EmergencyGranted():
                return replace(self, standing="granted")
            case EmergencyDeclined():
                return replace(self, standing="declined")
            case _:
                assert_never(event)
