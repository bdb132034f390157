"""The event store: what it loads it keeps at hand, and what it records stands or falls with what was read."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from eventsourcing.application import Application

from application.database import Database
from application.log import Appended, Entry, LogRecorder, Outcome, Recording, Repeated, Stale
from application.log.mapper import recorded
from application.records.kinds import breaking, of_kind, replayed
from application.records.receipt import Receipt
from application.records.work import Act, Conflict, Work
from domain.event import Aggregate, Event, Recorded, Refused
from domain.redaction import Redactions, redactions_id

A = TypeVar("A", bound=Aggregate)

# Aggregates kept at their last known version.
CACHED = 20_000
# How often a decision is taken anew because a stream that it read had moved on.
ATTEMPTS = 32


class Reused(Refused):
    """A command id stands for another command already."""

    def __init__(self) -> None:
        super().__init__("this command id was used for another command; choose a new one", field="Idempotency-Key")


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
        since = of_kind(known, kind) if known is not None else None
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
        return [of_kind(known[id], kind) for id in ids]

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
        return replayed(kind, state, history, self.removals().removed)

    def rests_on(self, id: UUID, without: Collection[int]) -> int | None:
        """Return the first position of a record whose event cannot be replayed without those at some positions."""
        return breaking(id, self.recorder.select_events(id), without)

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
        groups = self.recorder.groups(recording.first, recording.size)
        events = ((entry.id, entry) for entry in entries)
        return Receipt.of(command_id, recording.recorded_at, events, groups)

    def close(self) -> None:
        super().close()
        self.recorder.close()
