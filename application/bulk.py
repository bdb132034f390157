"""Many commands in one go: appended in chunks, each decided while the one before it is committed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from uuid import UUID

from application.log import Appended, Outcome, Unavailable
from application.records import Records, Work
from domain.event import Aggregate, Refused

# Commands of one chunk: one commit.
CHUNK = 1000
# How often a chunk is decided anew because somebody else wrote what it read.
ATTEMPTS = 10

Stream = tuple[type[Aggregate], UUID]


@dataclass(frozen=True, slots=True)
class Item:
    """One command: it reads these records, and ``run`` decides and records in the work it is given.

    ``founds`` are those that it reads expecting not to find them: they are looked up only once that
    has proved wrong. ``label`` tells the caller which line of its input this was.
    """

    command_id: UUID
    reads: Sequence[Stream]
    run: Callable[[Work], None]
    label: int = 0
    founds: Sequence[Stream] = ()


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
            chunk = _decide(records, chunk.items)
            outcome = records.append(chunk.work)
        for item, refusal in chunk.refusals:
            refused(item, refusal)
        total += chunk.tally(outcome.first + chunk.work.size - 1 if chunk.work.size else 0)
        progress(len(chunk.items))
        return stood

    fresh = True
    with ThreadPoolExecutor(1, "taizhang bulk") as executor:
        for batch in _batches(items):
            # Decided while the chunk before it is on its way to the log; as if all were new, until something was not.
            before = flying[0].work.states if flying else {}
            chunk = (_presume(records, batch, before) if fresh else None) or _decide(records, batch, before)
            if flying and not land(flying[0], flying[1].result()):
                fresh = False
                chunk = _decide(records, batch)
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


def _presume(records: Records, items: list[Item], before: Mapping[UUID, Aggregate]) -> _Chunk | None:
    """Decide as if no command were in the log, nor a stream founded: the commit finds out. None if one is refused."""
    if not any(item.founds for item in items):
        return None
    work = Work(records, before)
    for item in items:
        for kind, id in item.founds:
            if id not in work.states and id not in before:
                work.create(kind, id)
    _prefetch(work, (stream for item in items for stream in item.reads))
    return None if _run(work, items) else _Chunk(items, work, [])


def _decide(records: Records, items: list[Item], before: Mapping[UUID, Aggregate] = MappingProxyType({})) -> _Chunk:
    """Decide what is not in the log already."""
    known = records.recorder.recordings([item.command_id for item in items])
    fresh = [item for item in items if item.command_id not in known]
    work = Work(records, before)
    _prefetch(work, (stream for item in fresh for stream in (*item.reads, *item.founds)))
    refusals = _run(work, fresh)
    # Somebody may have recorded a command since it was looked up: what it is refused for may be its own doing.
    known = records.recorder.recordings([item.command_id for item, _ in refusals]) if refusals else {}
    return _Chunk(items, work, [each for each in refusals if each[0].command_id not in known])


def _run(work: Work, items: Iterable[Item]) -> list[tuple[Item, Refused]]:
    """Run each command, one that is given twice once; return those refused."""
    done: set[UUID] = set()
    refusals: list[tuple[Item, Refused]] = []
    for item in items:
        if item.command_id in done:
            continue
        try:
            work.attempt(item.run)
        except Refused as refusal:
            refusals.append((item, refusal))
        else:
            done.add(item.command_id)
    return refusals


def _prefetch(work: Work, streams: Iterable[Stream]) -> None:
    reads: dict[type[Aggregate], list[UUID]] = {}
    for kind, id in streams:
        reads.setdefault(kind, []).append(id)
    for kind, ids in reads.items():
        work.prefetch(kind, ids)


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, CHUNK)):
        yield batch
