"""What is submitted to the log, and what comes of it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from domain.group import Group


@dataclass(frozen=True, slots=True)
class Command:
    """What one command records: at least one event, in order."""

    id: UUID
    events: Sequence[StoredEvent]
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """A submission was recorded, in signed groups: its events have the positions from ``first`` on, in order."""

    first: int
    recorded_at: datetime
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Repeated:
    """At least one command of the submission is in the log already; nothing was recorded now."""


@dataclass(frozen=True, slots=True)
class Stale:
    """Streams that the submission read have moved on, to the versions given; nothing was recorded."""

    versions: dict[UUID, int]


Outcome = Appended | Repeated | Stale


@dataclass(slots=True)
class Submission:
    """Commands that stand or fall together, and the version of every stream that deciding them read.

    It is submitted once. What the writer needs of it is worked out here, in its maker's thread.
    """

    commands: Sequence[Command]
    read: dict[UUID, int]
    size: int = field(init=False)
    ids: frozenset[UUID] = field(init=False)
    written: frozenset[UUID | str] = field(init=False)
    since: float = field(init=False, default=0.0)
    sent: bool = field(init=False, default=False)
    outcome: Outcome | Exception | None = field(init=False, default=None)
    done: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.size = sum(len(command.events) for command in self.commands)
        self.ids = frozenset(command.id for command in self.commands)
        self.written = frozenset(event.originator_id for command in self.commands for event in command.events)
