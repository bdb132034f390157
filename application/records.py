"""The one event store: every context decides on what it loads here, and records here, in one total order."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar, get_type_hints
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import StoredEvent

from application.database import Database
from application.log import Appended, Command, Entry, LogRecorder, Outcome, Recording, Repeated, Stale, Submission
from application.log.mapper import recorded, unspeakable
from domain.event import Account, Aggregate, Event, Recorded, Refused, replace
from domain.redaction import Redactions, redactions_id

A = TypeVar("A", bound=Aggregate)

# A record as it was loaded, and what was decided on it.
Change = tuple[Aggregate, Event | Sequence[Event]]

# Aggregates kept at their last known version.
CACHED = 20_000
# How often a decision is taken anew because a stream that it read had moved on.
ATTEMPTS = 32


class Conflict(Exception):
    """A record is not at the version that the command was made for; ``version`` is the current one."""

    def __init__(self, id: UUID, version: int) -> None:
        super().__init__(f"the record {id} is at version {version} now")
        self.id = id
        self.version = version


class Reused(Refused):
    """A command id stands for another command already."""

    def __init__(self) -> None:
        super().__init__("this command id was used for another command; choose a new one", field="Idempotency-Key")


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
    """What a command recorded (回执). ``position`` is that of its last event."""

    command_id: UUID
    recorded_at: datetime
    events: tuple[ReceiptEvent, ...]

    @property
    def position(self) -> int:
        return self.events[-1].position


@dataclass(frozen=True, slots=True)
class Act:
    """One command of one person: who answers for it, and what it was made for.

    ``digest`` is the SHA-256 of the request, where a repeated request is to be told from another
    under the same command id; ``expected`` the version at which the caller saw the record.
    """

    account: Account
    digest: bytes | None = None
    expected: int | None = None


class Work:
    """What commands load, and the events they record on top of it; nothing is in the log before it is submitted.

    Every stream that is loaded is relied on: if one has moved on by the time of the commit, nothing
    is recorded. Several commands may follow each other in one work: each sees what the former recorded.
    """

    def __init__(self, records: "Records", before: Mapping[UUID, Aggregate] | None = None) -> None:
        """``before``: states that a work still on its way to the log leads to, on which this one builds."""
        self._records = records
        self._before = before or {}
        self.states: dict[UUID, Aggregate] = {}
        self.read: dict[UUID, int] = {}
        self._removals = records.removals()
        self._commands: list[Command] = []

    def load(self, kind: type[A], id: UUID, expected: int | None = None) -> A:
        """Return an aggregate, in its initial state if it has no events; raise Conflict if not at ``expected``."""
        state = self.states.get(id)
        if state is None:
            state = self._before.get(id) or self._records.load(kind, id)
            if expected is not None and state.version != expected:
                state = self._records.load(kind, id, fresh=True)
            self.states[id] = state
            self.read[id] = state.version
        state = _of_kind(state, kind)
        if expected is not None and state.version != expected:
            raise Conflict(id, state.version)
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
            known = states.get(aggregate.id) or self.states[aggregate.id]
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
        leaves = appended.leaves[self.size - len(command.events) :]
        return Receipt(
            command.id,
            appended.recorded_at,
            tuple(
                ReceiptEvent(position + n, each.originator_id, each.originator_version, each.topic, leaf)  # type: ignore[arg-type]
                for n, (each, leaf) in enumerate(zip(command.events, leaves, strict=True))
            ),
        )


class Records(Application[UUID]):
    """The event store. Thread-safe; several processes may open the same log."""

    name = "records"
    log_section_size = 1000
    recorder: LogRecorder

    def __init__(self, database: Database) -> None:
        self.database = database
        self._cache: OrderedDict[UUID, Aggregate] = OrderedDict()
        self._removals: Redactions | None = None
        self._cache_lock = threading.Lock()
        super().__init__(
            {
                "PERSISTENCE_MODULE": "application.log",
                "MAPPER_TOPIC": "application.log.mapper:RecordMapper",
                "LOG_DSN": database.dsn,
                "LOG_KEYS": str(database.keys),
                "LOG_SCHEMA": database.schema,
                "LOG_PATIENCE": str(database.patience),
                "LOG_SIGN_COMMAND": database.sign_command,
            }
        )

    def load(self, kind: type[A], id: UUID, *, fresh: bool = False) -> A:
        """Return an aggregate at its last known version, or with ``fresh`` at its last stored one.

        Without ``fresh`` it may lag behind another process: the commit finds that out.
        """
        with self._cache_lock:
            known = self._cache.get(id)
            if known is not None:
                self._cache.move_to_end(id)
        since = _of_kind(known, kind) if known is not None else None
        if since is not None and not fresh:
            return since
        state = self._replay(kind, since, self.recorder.select_events(id, gt=since.version if since else None))
        if state is None:
            return kind(id)
        self.keep([state])
        return state

    def load_at(self, kind: type[A], id: UUID, position: int) -> A:
        """Return an aggregate as it was once a position was recorded."""
        history = (entry for entry in self.recorder.select_events(id) if entry.id <= position)
        return self._replay(kind, None, history) or kind(id)

    def load_many(self, kind: type[A], ids: Sequence[UUID]) -> list[A]:
        """Return aggregates at their last known version, those not at hand in one query."""
        with self._cache_lock:
            known = {id: state for id in ids if (state := self._cache.get(id)) is not None}
        missing = [id for id in ids if id not in known]
        if missing:
            histories: dict[UUID | str, list[Entry]] = {}
            for entry in self.recorder.select_streams(missing):
                histories.setdefault(entry.originator_id, []).append(entry)
            for id in missing:
                known[id] = self._replay(kind, None, histories.get(id, ())) or kind(id)
        return [_of_kind(known[id], kind) for id in ids]

    def removals(self) -> Redactions:
        """Return which payloads are not in the states at hand, and are not read any more."""
        known = self._removals
        if known is None:
            with self._cache_lock:
                id = redactions_id(self.recorder.origin())
                read = [recorded(entry) for entry in self.recorder.select_events(id)]
                known = self._removals = Redactions.replay(None, read) or Redactions(id)
        return known

    def _renew(self) -> None:
        """Drop all states, since something was removed that they may hold."""
        with self._cache_lock:
            self._cache.clear()
            self._removals = None

    def _replay(self, kind: type[A], state: A | None, history: Iterable[Entry]) -> A | None:
        """Replay a stream; refuse one that began as a record of another kind.

        What was removed, or is to be, changes nothing any more: a record is what is left of it.
        """
        removed = self.removals().removed
        for entry in history:
            if entry.removed or entry.id in removed:
                state = replace(state or kind(_id(entry)), version=entry.originator_version)
                continue
            past = recorded(entry)
            if state is None and not isinstance(past.event, _events_of(kind)):
                raise _another_kind(past.originator_id)
            state = kind.replay(state, (past,))
        return state

    def rests_on(self, id: UUID, without: Collection[int]) -> int | None:
        """Return the first position of a record whose event cannot be replayed without those at some positions."""
        entries = self.recorder.select_events(id)
        read = [recorded(entry) for entry in entries if not entry.removed]
        state = next(kind(id) for kind in Aggregate.__subclasses__() if isinstance(read[0].event, _events_of(kind)))
        for past in read:
            if past.position not in without:
                try:
                    state = state.evolve(past.event, past.account)
                except Exception:  # noqa: BLE001  # whatever it is, it would come again with every command
                    return past.position
        return None

    def recorded(self, entry: Entry) -> Recorded:
        """Return the event that an entry of the log holds; raise ValueError if this program cannot read it."""
        return recorded(entry)

    def keep(self, states: Iterable[Aggregate]) -> None:
        """Keep states at hand, the newest of each, as many as fit."""
        with self._cache_lock:
            for state in states:
                known = self._cache.setdefault(state.id, state) if state.version else state
                if known.version < state.version:
                    self._cache[state.id] = state
                    self._cache.move_to_end(state.id)
            while len(self._cache) > CACHED:
                self._cache.popitem(last=False)

    def decide(self, act: Act, kind: type[A], id: UUID, decide: Callable[[A], Event | Sequence[Event]]) -> Receipt:
        """Run a command that concerns one record: load it, decide, record."""

        def work(work: Work) -> None:
            state = work.load(kind, id, act.expected)
            work.record(act.account, (state, decide(state)), digest=act.digest)

        return self.transact(act, work)

    def transact(self, act: Act, run: Callable[[Work], None]) -> Receipt:
        """Run one command: ``run`` loads, decides and records, again if what it read had moved on, also to refuse.

        A command id that is in the log already returns the first receipt, whatever the record has
        become since; raise Reused if it stands there with another digest. Raise Conflict if the
        streams keep moving, or if the version that the caller expects is not the current one.
        """
        command_id, digest = act.account.command_id, act.digest
        attempt = 0
        while True:
            attempt += 1
            work = Work(self)
            try:
                work.attempt(run)
                if not work.size:
                    raise Refused("the command changes nothing")  # noqa: TRY301  # told like any refusal
            except (Refused, Conflict):
                if receipt := self.receipt(command_id, digest):
                    return receipt
                if attempt < ATTEMPTS and self.moved_on(work):
                    continue
                raise
            outcome = self.append(work)
            if isinstance(outcome, Appended):
                return work.receipt(outcome)
            if isinstance(outcome, Repeated):
                receipt = self.receipt(command_id, digest)
                assert receipt is not None
                return receipt
            if attempt == ATTEMPTS:
                id, version = next(iter(outcome.versions.items()))
                raise Conflict(id, version)

    def append(self, work: Work) -> Outcome:
        """Append a work's commands together, and keep the states they led to; forget states that proved stale.

        A work that recorded nothing stands too, if what it read is as it was.
        """
        if not work.size:
            moved = self.moved_on(work)
            return Stale(moved) if moved else Appended(0, datetime.now(UTC))
        outcome = self.recorder.append(work.submission())
        if isinstance(outcome, Appended):
            self.keep(work.states.values())
        elif isinstance(outcome, Stale):
            self.forget(outcome.versions)
        if work.removes or (isinstance(outcome, Stale) and self.removals().id in outcome.versions):
            self._renew()
        return outcome

    def moved_on(self, work: Work) -> dict[UUID, int]:
        """Return those streams that are not at the version that a work read, with the version they are at."""
        versions = self.recorder.versions(list(work.read)) if work.read else {}
        moved = {id: versions.get(id, 0) for id, version in work.read.items() if versions.get(id, 0) != version}
        self.forget(moved)
        return moved

    def forget(self, ids: Iterable[UUID]) -> None:
        """Drop states that are known to be stale."""
        with self._cache_lock:
            for id in ids:
                self._cache.pop(id, None)

    def receipt(self, command_id: UUID, digest: bytes | None = None) -> Receipt | None:
        """Return the receipt of a command that is in the log; raise Reused if it was another command."""
        recording = self.recorder.recordings([command_id]).get(command_id)
        if recording is None:
            return None
        if digest is not None and recording.digest is not None and digest != recording.digest:
            raise Reused
        return self._receipt(command_id, recording)

    def _receipt(self, command_id: UUID, recording: Recording) -> Receipt:
        entries = self.recorder.select_notifications(recording.first, recording.size)
        leaves = self.recorder.leaves(recording.first, recording.size)
        events = (
            ReceiptEvent(e.id, _id(e), e.originator_version, e.topic, leaf)
            for e, leaf in zip(entries, leaves, strict=True)
        )
        return Receipt(command_id, recording.recorded_at, tuple(events))

    def close(self) -> None:
        super().close()
        self.recorder.close()


def _of_kind(state: Aggregate, kind: type[A]) -> A:
    if not isinstance(state, kind):
        raise _another_kind(state.id)
    return state


def _id(entry: Entry) -> UUID:
    assert isinstance(entry.originator_id, UUID), "every stream of ours is named by one"
    return entry.originator_id


@cache
def _events_of(kind: type[Aggregate]) -> Any:
    """What an aggregate evolves by, as its ``evolve`` says: one event class, or a union of them."""
    return get_type_hints(kind.evolve)["event"]


def _another_kind(id: UUID) -> Refused:
    return Refused("{id} is a record of another kind", field="id", id=id)
