"""Measuring: rates of work from many threads, two sides in alternating rounds, and what came of them."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

ROUNDS = 5


@dataclass(frozen=True)
class Comparison:
    """One row: figures of each round in ``unit``, ours and (but for absolute limits) the yardstick's.

    The ratio is that of the medians. ``at_least`` or ``at_most`` is the target: for the ratio, or for our figure
    where there is no yardstick.
    """

    what: str
    yardstick: str
    unit: str
    ours: Sequence[float]
    others: Sequence[float] = ()
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return median(self.ours) / median(self.others) if self.others else None

    @property
    def spread(self) -> tuple[float, float] | None:
        """The lowest and the highest ratio of two neighbouring rounds."""
        if not self.others:
            return None
        ratios = [ours / other for ours, other in zip(self.ours, self.others, strict=True)]
        return min(ratios), max(ratios)

    @property
    def reached(self) -> bool:
        value = median(self.ours) if self.ratio is None else self.ratio
        return value >= (self.at_least or 0) and value <= (self.at_most or float("inf"))


Measure = Callable[[], float]


def alternate(ours: Measure, yardstick: Measure, rounds: int = ROUNDS) -> tuple[list[float], list[float]]:
    """Measure both sides in turn: what disturbs the machine for a while disturbs both."""
    pairs = [(ours(), yardstick()) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def rate(work: Callable[[], int]) -> float:
    """Return what a piece of work did in a second."""
    begun = perf_counter()
    done = work()
    return done / (perf_counter() - begun)


def hammer(threads: int, seconds: float, call: Callable[[int, int], object]) -> float:
    """Return the calls a second of so many threads at once; each makes ``call(thread, n)`` with a growing n."""
    ready = threading.Barrier(threads + 1)
    stop = threading.Event()
    done = [0] * threads
    failed: list[BaseException] = []

    def run(thread: int) -> None:
        ready.wait()
        try:
            while not stop.is_set():
                call(thread, done[thread])
                done[thread] += 1
        except BaseException as error:  # noqa: BLE001  # raised anew in the thread that waits
            failed.append(error)
            stop.set()

    workers = [threading.Thread(target=run, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    ready.wait()
    begun = perf_counter()
    stop.wait(seconds)
    stop.set()
    for worker in workers:
        worker.join()
    if failed:
        raise failed[0]
    return sum(done) / (perf_counter() - begun)
