"""Views compared with the log, several at once: each in a process of its own."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from multiprocessing import active_children, get_context
from multiprocessing.sharedctypes import Synchronized

from application.database import Database, Role
from application.process import serve_parent
from interface.app import Installation
from projections.comparison import Comparison, Different, Pending

Outcome = Different | Pending | None
"""What comparing a view came to; None where it keeps what the log gives."""

# Events to fold from which on further processes are worth beginning.
WORTH = 20_000
# Seconds between looks at how far all have come.
PAUSE = 0.2


def compared(
    at: Installation, names: Sequence[str], advance: Callable[[int], None], processes: int
) -> Generator[Outcome]:
    """Yield what each view came to, in order; ``advance`` is told of so many more events that were folded."""
    if processes == 1 or sum(map(at.views.position, names)) < WORTH:
        for name in names:
            yield _compare(at, name, advance)
        return
    context = get_context("spawn")
    folded = context.Value("q", 0)
    pool = ProcessPoolExecutor(min(processes, len(names)), context, initializer=_open, initargs=(at.database, folded))
    with pool:
        try:
            for comparing in [pool.submit(_compare_here, name) for name in names]:
                while not wait([comparing], PAUSE).done:
                    advance(_taken(folded))
                advance(_taken(folded))
                yield comparing.result()
        except BaseException:
            # Nobody waits any more for what the others come to.
            for each in active_children():
                each.terminate()
            raise


def _compare(at: Installation, name: str, advance: Callable[[int], None]) -> Outcome:
    with at.database.connect(Role.reader) as connection:
        try:
            Comparison(at.views.views[name], at.pages, connection, at.database.schema).compare(advance)
        except (Different, Pending) as outcome:
            return outcome
    return None


def _taken(folded: "Synchronized[int]") -> int:
    """Return how many events were folded since the last time."""
    with folded.get_lock():
        count, folded.value = folded.value, 0
    return count


_opened: list[tuple[Installation, "Synchronized[int]"]] = []
"""What a process of the pool compares with."""


def _open(database: Database, folded: "Synchronized[int]") -> None:
    serve_parent()
    _opened.append((Installation(database), folded))


def _compare_here(name: str) -> Outcome:
    [(at, folded)] = _opened

    def advance(count: int) -> None:
        with folded.get_lock():
            folded.value += count

    return _compare(at, name, advance)
