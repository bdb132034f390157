"""What a command recorded, as its maker is told (回执)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from application.records.kinds import id_of
from domain.group import Group, leaf_at


@dataclass(frozen=True, slots=True)
class ReceiptEvent:
    """One recorded event: its position, its record (stream) and version there, what it was, and its leaf's hash."""

    position: int
    id: UUID
    version: int
    topic: str
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a command recorded (回执). ``position`` is that of its last event.

    ``groups``, one as a rule, are signed by the log's writer: whoever keeps them can prove what was recorded, whatever
    becomes of it before it is sealed.
    """

    command_id: UUID
    recorded_at: datetime
    events: tuple[ReceiptEvent, ...]
    groups: tuple[Group, ...]

    @property
    def position(self) -> int:
        return self.events[-1].position

    @classmethod
    def of(
        cls,
        command_id: UUID,
        recorded_at: datetime,
        events: Iterable[tuple[int, StoredEvent]],
        groups: tuple[Group, ...],
    ) -> Self:
        """Return the receipt of a command: its events with their positions, and the groups that they are in."""
        told = (
            ReceiptEvent(position, id_of(each), each.originator_version, each.topic, leaf_at(position, groups))
            for position, each in events
        )
        return cls(command_id, recorded_at, tuple(told), groups)
