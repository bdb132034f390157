"""Many commands in one go: appended in chunks, each decided while the one before it is committed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from application.log import Appended, Outcome, Unavailable
from application.records import Records, Work
from domain.event import Aggregate, Refused

# Commands of one chunk: one commit.
CHUNK = 1000
# How often a chunk is decided anew because somebody else wrote what it read.
ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Item:
    """One command: it reads these records, and ``run`` decides and records in the work it is given.

    ``label`` tells the caller which line of its input this was.
    """

    command_id: UUID
    reads: Sequence[tuple[type[Aggregate], UUID]]
    run: Callable[[Work], None]
    label: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of the items: recorded now, recorded before, refused; and the last position written (0 if none).

    An item that found nothing left to record counts as recorded before.
    """

    recorded: int = 0
    repeated: int = 0
    refused: int = 0
    position: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.recorded + other.recorded,
            self.repeated + other.repeated,
            self.refused + other.refused,
            max(self.position, other.position),
        )


@dataclass(frozen=True, slots=True)
class _Chunk:
    items: list[Item]
    work: Work
    refusals: list[tuple[Item, Refused]]

    def tally(self, position: int) -> Tally:
        recorded, refused = self.work.commands, len(self.refusals)
        return Tally(recorded, len(self.items) - recorded - refused, refused, position)


def record_all(
    records: Records,
    items: Iterable[Item],
    refused: Callable[[Item, Refused], None],
    progress: Callable[[int], None] = lambda _: None,
) -> Tally:
    """Record every item that is not in the log already; tell of each that is refused, and go on.

    Each item is recorded exactly once: run it again after a failure, and only what is missing is
    recorded. Items that read the same record lie side by side, or at least a chunk apart.
    """
    total = Tally()
    flying: tuple[_Chunk, Future[Outcome]] | None = None

    def land(chunk: _Chunk, outcome: Outcome) -> bool:
        """Settle a chunk, anew if it fell; return whether it stood as decided."""
        nonlocal total
        stood = isinstance(outcome, Appended)
        attempts = 0
        while not isinstance(outcome, Appended):
            attempts += 1
            if attempts > ATTEMPTS:
                raise Unavailable("the records that this import concerns keep changing; run it again")
            chunk = _decide(records, chunk.items, {})
            outcome = records.append(chunk.work)
        for item, refusal in chunk.refusals:
            refused(item, refusal)
        total += chunk.tally(outcome.first + chunk.work.size - 1 if chunk.work.size else 0)
        progress(len(chunk.items))
        return stood

    with ThreadPoolExecutor(1, "taizhang bulk") as executor:
        for batch in _batches(items):
            # Decided while the chunk before it is on its way to the log.
            chunk = _decide(records, batch, flying[0].work.states if flying else {})
            if flying and not land(flying[0], flying[1].result()):
                chunk = _decide(records, batch, {})
            flying = chunk, executor.submit(records.append, chunk.work)
        if flying:
            land(flying[0], flying[1].result())
    return total


def check_all(records: Records, items: Iterable[Item], refused: Callable[[Item, Refused], None]) -> None:
    """Decide every item that is not in the log already and tell of each that is refused; record nothing."""
    states: Mapping[UUID, Aggregate] = {}
    for batch in _batches(items):
        chunk = _decide(records, batch, states)
        states = chunk.work.states
        for item, refusal in chunk.refusals:
            refused(item, refusal)


def _decide(records: Records, items: list[Item], before: Mapping[UUID, Aggregate]) -> _Chunk:
    known = records.recorder.recordings([item.command_id for item in items])
    work = Work(records, before)
    reads: dict[type[Aggregate], list[UUID]] = {}
    for item in items:
        if item.command_id not in known:
            for kind, id in item.reads:
                reads.setdefault(kind, []).append(id)
    for kind, ids in reads.items():
        work.prefetch(kind, ids)
    refusals = []
    for item in items:
        if item.command_id not in known:
            try:
                work.attempt(item.run)
            except Refused as refusal:
                refusals.append((item, refusal))
    return _Chunk(items, work, refusals)


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, CHUNK)):
        yield batch
