"""What the tests of the services share: installations whose day can be turned on, and commands that meet at the log."""

from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from unittest.mock import patch
from uuid import UUID, uuid4

from application.authority import People
from application.clock import Clock
from application.database import Database, Role
from application.gate import Gate
from application.log.append import Appender
from application.records import Act, Records
from application.sealed import Sealed
from domain.action import Duty
from domain.authority import Person
from domain.event import Account, Recorded, Refused
from interface.app import Installation
from tests.application.clusters import until
from tests.faults.log import appending
from tests.spec import ANN, BO, CAI, DAI

A = TypeVar("A")

TODAY = date(2026, 3, 1)

# Who may do everything in these tests, but pass on their own work; two events put each on record.
PEOPLE = (ANN, BO, CAI, DAI)
BEGUN = 2 * len(PEOPLE)


@dataclass
class Calendar:
    """The day it is, for everybody who shares it."""

    day: date = TODAY

    def now(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 4, tzinfo=UTC)

    def turn(self, day: date) -> None:
        assert day > self.day, "days do not come back"
        self.day = day

    @property
    def tomorrow(self) -> date:
        return self.day + timedelta(days=1)

    def act(self, who: UUID = ANN, expected: int | None = None, **more: object) -> Act:
        """What a person does on this day."""
        given = {"actor": who, "occurred_on": self.day, "command_id": uuid4(), **more}
        return Act(Account.model_validate(given), expected=expected)


@contextmanager
def opened(database: Database, calendar: Calendar, sealed: Sealed | None = None) -> Generator[Installation]:
    with Installation(database, Clock(now=calendar.now), sealed) as at:
        for person in PEOPLE:
            at.people.entrust(person, "administrator")
        yield at


def entrusted(records: Records, clock: Clock | None = None) -> tuple[Gate, UUID]:
    """A gate, and somebody whom it lets do everything."""
    gate = Gate(clock or Clock())
    People(records, gate.clock, Nobody(), gate, Nobody()).entrust(ANN, "administrator")
    return gate, ANN


def lend(at: Installation, one: UUID, to: UUID, duty: Duty, day: date = TODAY) -> None:
    """Let a person hold a duty for the whole record, and lend it to another for a day."""
    at.people.entrust(one, duty)
    held = next(each for each in at.records.load(Person, one, fresh=True).appointments if each.duty == duty)
    account = Account(actor=one, occurred_on=day, command_id=uuid4())
    at.people.delegate(Act(account), held.id, to, day, day)


class Nobody:
    """A board of people without any, and names of nobody."""

    def name(self, id: UUID, name: str) -> None:
        return

    def answering(self, organisation: UUID | None, day: date) -> tuple[UUID, ...]:
        return ()


def meet(database: Database, *commands: Callable[[], A]) -> list[A | str]:
    """Run commands of as many processes so that each has decided before any is recorded, then in the order given.

    Return what each came to; a refusal is its sentence.
    """
    with (
        ThreadPoolExecutor(len(commands)) as threads,
        database.connect(Role.owner) as connection,
        # A time that was foretold grows old in waiting; a turn comes as it was asked for.
        patch.object(Appender, "_attempt", return_value=None),
    ):
        connection.execute("SELECT pg_advisory_lock(hashtextextended('taizhang log ' || current_schema, 0))")
        each: list[Future[A | str]] = []
        for command in commands:
            each.append(threads.submit(_told, command))
            # Those who wait for a lock are served as they came.
            until(lambda: appending(database) == len(each))
        connection.execute("SELECT pg_advisory_unlock_all()")
        return [outcome.result(30) for outcome in each]


def _told(command: Callable[[], A]) -> A | str:
    try:
        return command()
    except Refused as refusal:
        return str(refusal)


def past(at: Installation, since: int = BEGUN) -> list[Recorded]:
    """Every event after a position; else after those that say who is who."""
    return [at.records.recorded(entry) for entry in at.records.recorder.select_notifications(since + 1, 100_000)]


def topics(at: Installation, since: int = BEGUN) -> list[str]:
    """What happened after a position, or since people were registered, in words without their context."""
    return [each.event.TOPIC.partition(".")[2] for each in past(at, since)]
