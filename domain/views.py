"""Decisions about views: an event that a view cannot fold is passed over only by a recorded, reasoned decision."""

from dataclasses import dataclass
from typing import ClassVar, Self, assert_never
from uuid import UUID, uuid5

from domain.action import Action
from domain.event import Account, Aggregate, Event, Refused, replace

SKIP = Action("views.skip", "跳过事件", ("operator",))

NAMESPACE = UUID("5d0b8f5e-3b0e-5c0f-9a55-6a0f7a1c6d11")


class EventSkipped(Event):
    """跳过: one view goes on without one event of the log; the event itself stays as it is."""

    TOPIC: ClassVar[str] = "views.EventSkipped"
    view: str
    position: int
    error: str


ViewEvent = EventSkipped


def decisions_id(view: str) -> UUID:
    """One stream of decisions for each view."""
    return uuid5(NAMESPACE, view)


@dataclass(frozen=True)
class ViewDecisions(Aggregate):
    skipped: frozenset[int] = frozenset()

    def skip(self, view: str, position: int, error: str, account: Account) -> EventSkipped:
        if not account.reason.strip():
            raise Refused("say why the event is passed over", field="reason")
        if position in self.skipped:
            raise Refused("event {position} is passed over already", field="position", position=position)
        return EventSkipped(view=view, position=position, error=error)

    def evolve(self, event: ViewEvent, account: Account) -> Self:
        match event:
            case EventSkipped(position=position):
                return replace(self, skipped=self.skipped | {position})
            case _:
                assert_never(event)
