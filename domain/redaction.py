"""Removing payloads lawfully (依法移除): what an event said goes; that it happened stays, and who decided it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, ClassVar, Self
from uuid import UUID, uuid5

from pydantic import Field, PositiveInt

from domain.action import Action
from domain.covering import COVERING
from domain.event import Account, Aggregate, Event, Refused, replace

REMOVE = Action("redaction.remove", "依法移除", ("decider",))

NAMESPACE = UUID("c7a4f0f7-54d4-5b7e-9c0b-31f6a1f0a2d3")

MOST = 1000
"""Payloads that one decision removes at most."""

KEPT = ("installation.", "keyring.", "redaction.", "views.")
"""The beginnings of topics that are of the log itself: what is proved rests on them, and they tell of nobody."""


class PayloadRemoved(Event):
    """移除: the payloads at these positions are removed, on the authority and for the reason in the account."""

    TOPIC: ClassVar[str] = COVERING
    positions: Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=MOST)]


RedactionEvent = PayloadRemoved


def redactions_id(origin: str) -> UUID:
    """A log, by its name, has one stream of removals."""
    return uuid5(NAMESPACE, origin)


@dataclass(frozen=True)
class Redactions(Aggregate):
    """Which payloads of the log were removed."""

    removed: frozenset[int] = frozenset()

    def remove(self, events: Collection[tuple[int, str]], account: Account) -> PayloadRemoved:
        """Remove payloads; ``events`` are the positions, which the log has, and their topics."""
        if not account.reason.strip():
            raise Refused("say why the payload is removed", field="reason")
        if not account.authority.strip():
            raise Refused("say on which authority the payload is removed", field="authority")
        if not events:
            raise Refused("name the positions of the payloads", field="positions")
        if len(events) > MOST:
            raise Refused("one decision removes up to {most} payloads", field="positions", most=MOST)
        for position, topic in events:
            if topic.startswith(KEPT):
                raise Refused("position {position} is of the log itself", field="positions", position=position)
            if position in self.removed:
                raise Refused("the payload at position {position} is removed", field="positions", position=position)
        return PayloadRemoved(positions=tuple(sorted(position for position, _ in events)))

    def evolve(self, event: RedactionEvent, account: Account) -> Self:
        return replace(self, removed=self.removed.union(event.positions))
