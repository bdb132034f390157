"""The yardstick: the eventsourcing library as it comes, with its PostgreSQL recorder, mapper and subscription.

Its events hold what ours hold; its aggregates are our own, evolved from its events.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from typing import TypeVar
from uuid import UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import DomainEvent
from eventsourcing.persistence import JSONTranscoder, Transcoding
from psycopg.conninfo import conninfo_to_dict

from benchmarks.nation import DAY, PERSON, Unit, account
from domain.event import Account, Event
from domain.organisation import (
    Code,
    Level,
    MemberAdmitted,
    Organisation,
    OrganisationEstablished,
    Scheme,
    Setting,
    code_id,
    organisation_id,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Accountable(DomainEvent):
    """A library's event, with those fields of an account that these measurements fill."""

    actor: UUID
    occurred_on: date
    command_id: UUID
    reason: str

    @property
    def account(self) -> Account:
        return Account(actor=self.actor, occurred_on=self.occurred_on, command_id=self.command_id, reason=self.reason)

    def ours(self) -> Event:
        raise NotImplementedError


@dataclass(frozen=True)
class Established(Accountable):
    name: str
    code: str
    parent: UUID | None
    level: Level
    setting: Setting

    def ours(self) -> OrganisationEstablished:
        return OrganisationEstablished(
            name=self.name, code=self.code, parent=self.parent, level=self.level, setting=self.setting
        )


@dataclass(frozen=True)
class Taken(Accountable):
    scheme: Scheme
    code: str
    organisation: UUID
    valid_from: date


@dataclass(frozen=True)
class Admitted(Accountable):
    full: int
    probationary: int

    def ours(self) -> MemberAdmitted:
        return MemberAdmitted(full=self.full, probationary=self.probationary)


class DateAsISO(Transcoding):
    type = date
    name = "date_iso"

    def encode(self, obj: date) -> str:
        return obj.isoformat()

    def decode(self, data: str) -> date:
        return date.fromisoformat(data)


def environment(dsn: str, threads: int = 4) -> dict[str, str]:
    """How the library is told where its tables are; it gets a connection for each thread."""
    given = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": given["dbname"],
        "POSTGRES_HOST": given.get("host", "localhost"),
        "POSTGRES_PORT": given.get("port", "5432"),
        "POSTGRES_USER": given["user"],
        "POSTGRES_PASSWORD": given.get("password", "-"),
        "POSTGRES_POOL_SIZE": str(threads),
    }


class Stock(Application[UUID]):
    """The library's application on its own tables."""

    name = "stock"

    def register_transcodings(self, transcoder: JSONTranscoder) -> None:
        super().register_transcodings(transcoder)
        transcoder.register(DateAsISO())

    def admit(self, id: UUID, command_id: UUID) -> None:
        """Load, decide, append one event."""
        unit: Organisation = self.repository.get(id, projector_func=organisation)
        decided = unit.admit(full=1)
        self.save(
            Admitted(id, unit.version + 1, now(), PERSON, DAY, command_id, "", decided.full, decided.probationary)
        )


def organisation(unit: Organisation | None, history: Iterable[Accountable]) -> Organisation | None:
    """Replay an organisation of ours from the library's events."""
    for past in history:
        unit = (unit or Organisation(past.originator_id)).after(past.account, past.ours())
    return unit


def batches(events: Iterable[T], size: int = 500) -> Iterator[list[T]]:
    iterator = iter(events)
    while batch := list(islice(iterator, size)):
        yield batch


def now() -> datetime:
    return datetime.now(UTC)


def founded(units: Iterable[Unit]) -> Iterator[Accountable]:
    """Decide what our import decides, and yield it as the library's events; parents come before children."""
    known: dict[str, Organisation] = {}
    for unit in units:
        id = organisation_id(unit.code)
        by = account(uuid5(id, "found"))
        accountable = (by.actor, by.occurred_on, by.command_id, by.reason)
        parent = known[unit.parent_code].as_neighbour if unit.parent_code else None
        state = Organisation(id)
        event = state.establish(unit.name, unit.level, parent=parent, code=unit.code, setting=unit.setting)
        register = Code(code_id("division", unit.code))
        taken = register.take("division", unit.code, id, by.occurred_on)
        if unit.level != "village":
            known[unit.code] = state.after(by, event)
        yield Established(id, 1, now(), *accountable, event.name, event.code, event.parent, event.level, event.setting)
        yield Taken(register.id, 1, now(), *accountable, taken.scheme, taken.code, taken.organisation, taken.valid_from)
