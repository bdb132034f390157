"""What one command, or several together, load, decide and record."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from uuid import UUID

from eventsourcing.persistence import Mapper, StoredEvent

from application.log import Appended, Command, Submission
from application.log.mapper import unspeakable
from application.records.kinds import AnotherKind, of_kind
from application.records.receipt import Receipt
from domain.authority import Limits
from domain.event import Account, Aggregate, Event, Recorded, Verdict
from domain.redaction import Redactions

A = TypeVar("A", bound=Aggregate)

# A record as it was loaded, and what was decided on it.
Change = tuple[Aggregate, Event | Sequence[Event]]


class Conflict(Exception):
    """A record is not at the version that the command was made for; ``version`` is the current one."""

    def __init__(self, id: UUID, version: int) -> None:
        super().__init__(f"the record {id} is at version {version} now")
        self.id = id
        self.version = version


@dataclass(frozen=True, slots=True)
class Act:
    """One command of one person: who answers for it, and what it was made for.

    ``digest`` is the SHA-256 of the request, where a repeated request is to be told from another
    under the same command id; ``expected`` the version at which the caller saw the record; ``limits``
    what the token by which they came narrows their mandates to.
    """

    account: Account
    digest: bytes | None = None
    expected: int | None = None
    limits: Limits = field(default_factory=Limits)


class Loading(Protocol):
    """Where a work loads records from, and how it writes what is recorded."""

    @property
    def mapper(self) -> Mapper[UUID]: ...

    def load(self, kind: type[A], id: UUID, *, fresh: bool = False) -> A: ...

    def load_many(self, kind: type[A], ids: Sequence[UUID]) -> list[A]: ...

    def removals(self) -> Redactions: ...


class Work:
    """What commands load, and the events they record on top of it; nothing is in the log before it is submitted.

    Every stream that is loaded is relied on: if one has moved on by the time of the commit, nothing
    is recorded. Several commands may follow each other in one work: each sees what the former recorded.
    """

    def __init__(self, records: Loading, before: Mapping[UUID, Aggregate] | None = None) -> None:
        """``before``: states that a work still on its way to the log leads to, on which this one builds."""
        self._records = records
        self._before = before or {}
        self.states: dict[UUID, Aggregate] = {}
        self.read: dict[UUID, int] = {}
        self._removals = records.removals()
        self._commands: list[Command] = []
        # What the gate let pass in this work, of matters that no record decides: it rests on states that stay as read.
        self.passed: dict[object, tuple[Verdict, UUID | None]] = {}

    def load(self, kind: type[A], id: UUID, expected: int | None = None) -> A:
        """Return an aggregate, in its initial state if it has no events; raise Conflict if not at ``expected``.

        A record of another kind is none of those that are asked for: whoever names it learns no more of it than that.
        """
        try:
            state = of_kind(self._load(kind, id, expected), kind)
        except AnotherKind:
            state = kind(id)
        if expected is not None and state.version != expected:
            raise Conflict(id, state.version)
        return state

    def _load(self, kind: type[A], id: UUID, expected: int | None) -> Aggregate:
        state = self.states.get(id)
        if state is None:
            state = self._before.get(id) or self._records.load(kind, id)
            if expected is not None and state.version != expected:
                state = self._records.load(kind, id, fresh=True)
            self.states[id] = state
            self.read[id] = state.version
        return state

    def create(self, kind: type[A], id: UUID) -> A:
        """Return a new aggregate under an identifier just made: not looked up, but the commit relies on its absence."""
        state = self.states[id] = kind(id)
        self.read[id] = 0
        return state

    def prefetch(self, kind: type[Aggregate], ids: Iterable[UUID]) -> None:
        """Load many aggregates of one kind in one query."""
        wanted = [id for id in dict.fromkeys(ids) if id not in self.states and id not in self._before]
        for state in self._records.load_many(kind, wanted):
            self.states[state.id] = state
            self.read[state.id] = state.version

    def attempt(self, run: Callable[["Work"], None]) -> None:
        """Load, decide and record as ``run`` says; raise Refused for a text that no identifier can be made of."""
        try:
            run(self)
        except UnicodeEncodeError as error:
            raise unspeakable(error.object[error.start]) from None

    def record(self, account: Account, *changes: Change, digest: bytes | None = None) -> None:
        """Add one command: for each aggregate, as loaded here, the events that it decided.

        Raise Refused for a text that cannot be kept.
        """
        store = self._records.mapper.to_stored_event
        stored: list[StoredEvent] = []
        states: dict[UUID, Aggregate] = {}
        for aggregate, decided in changes:
            events = (decided,) if isinstance(decided, Event) else decided
            known = states.get(aggregate.id) or self.states.get(aggregate.id)
            if known is None:
                raise AnotherKind(aggregate.id)
            assert known.version == aggregate.version, "decided on another state than was loaded"
            stored += [
                store(Recorded(aggregate.id, aggregate.version + n, event, account))
                for n, event in enumerate(events, 1)
            ]
            states[aggregate.id] = aggregate.after(account, *events)
        if stored:
            self.states.update(states)
            self._commands.append(Command(account.command_id, stored, digest))

    @property
    def removes(self) -> bool:
        """Whether it concerns what is removed from the log."""
        return self._removals.id in self.read

    @property
    def commands(self) -> int:
        """How many commands record anything."""
        return len(self._commands)

    @property
    def size(self) -> int:
        """How many events are to be recorded."""
        return sum(len(command.events) for command in self._commands)

    def submission(self) -> Submission:
        """What the log is given: it relies, besides, on nothing having been removed from what was loaded."""
        return Submission(self._commands, {self._removals.id: self._removals.version, **self.read})

    def receipt(self, appended: Appended) -> Receipt:
        """Return the receipt of the last command, once the work is appended."""
        command = self._commands[-1]
        position = appended.first + self.size - len(command.events)
        return Receipt.of(command.id, appended.recorded_at, enumerate(command.events, position), appended.groups)
