"""What every context shares: the shape of a fact, its accountability, and the state it builds."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414  # is exported
else:

    def replace(state: Any, /, **changes: Any) -> Any:
        """Return a copy with changes, as that of ``dataclasses``; a quarter of its time, which folds mostly are.

        For data classes without slots whose fields are all there is to them: ``__init__`` is not run again.
        """
        copy = object.__new__(type(state))
        copy.__dict__.update(state.__dict__, **changes)
        return copy


class Refused(Exception):
    """A command broke a rule; nothing was recorded.

    ``message`` is a sentence a person can act on, in English, with ``{name}`` for each value; it is
    also the key under which the catalogue holds the other languages. ``field`` names the input at
    fault, where one input alone is.
    """

    def __init__(self, message: str, *, field: str = "", **values: object) -> None:
        super().__init__(message.format(**values))
        self.message = message
        self.field = field
        self.values = values


class Fact(BaseModel):
    """A frozen, strict value inside an event. Its numbers are finite: JSON has no others."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Event(Fact):
    """A fact that happened. Its topic and field names are the storage format, for ever."""

    TOPIC: ClassVar[str]
    topics: ClassVar[dict[str, type["Event"]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        taken = cls.topics.setdefault(cls.TOPIC, cls)
        assert taken.__qualname__ == cls.__qualname__, f"topic {cls.TOPIC} names two events"

    def upcast(self) -> "Event":
        """Return the fact in today's shape; a retired event class overrides this."""
        return self


class Verdict(Fact):
    """Why the actor was let do it (授权结论): which action it was, and the duty and appointment that it rests on.

    ``delegation`` is the one by which somebody else's appointment was lent; ``rules`` are the conflict rules that were
    asked, none of which ruled the actor out.
    """

    action: str
    duty: str
    appointment: UUID
    delegation: UUID | None = None
    rules: tuple[str, ...] = ()


class Account(Fact):
    """Who answers for an event, when it took effect, and on what ground (责任与依据).

    ``occurred_on`` is the local day of effect; ``occurred_at`` the instant, where the hour matters.
    Every event of one command has the same ``command_id``; ``correlation_id`` ties commands of one
    matter together. What the program does by itself, on the clock for one, has no ``verdict``.
    """

    actor: UUID
    occurred_on: date
    command_id: UUID
    occurred_at: AwareDatetime | None = None
    on_behalf_of: UUID | None = None
    organisation: UUID | None = None
    authority: str = ""
    reason: str = ""
    correlation_id: UUID | None = None
    verdict: Verdict | None = None

    @property
    def people(self) -> frozenset[UUID]:
        """Everyone who has a hand in it: who did it, and for whom."""
        return frozenset((self.actor, self.on_behalf_of or self.actor))


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as the log holds it. Position and time are the log's to give: 0 and None before the commit."""

    originator_id: UUID
    originator_version: int
    event: Event
    account: Account
    position: int = 0
    recorded_at: datetime | None = None


@dataclass(frozen=True)
class Aggregate(ABC):
    """State that decides. Decide methods return events; only evolve changes state.

    Version 0 is the state before the first event.
    """

    id: UUID
    version: int = 0

    @abstractmethod
    def evolve(self, event: Any, account: Account) -> Self:
        """Return the state after an event. Total: it accepts all of history."""

    def after(self, account: Account, *events: Event) -> Self:
        """Return the state once these events are recorded on top of it."""
        state = self
        for event in events:
            state = replace(state.evolve(event, account), version=state.version + 1)
        return state

    @classmethod
    def replay(cls, aggregate: Self | None, history: Iterable[Recorded] | Iterator[Recorded]) -> Self | None:
        for past in history:
            state = (aggregate or cls(past.originator_id)).evolve(past.event, past.account)
            aggregate = replace(state, version=past.originator_version)
        return aggregate
