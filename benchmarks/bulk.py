"""Bulk import: organisations founded through the domain's decisions, two events each, in events a second.

Ours by ``record_all``, beside the library's application taking the same decisions and saving 500 events at a time,
and beside its bare recorder inserting events made ready before, 500 at a time, without a decision.
"""

from collections.abc import Iterator
from contextlib import ExitStack

from application.bulk import record_all
from benchmarks.measure import Comparison, alternate, rate
from benchmarks.nation import fail, founding, nation
from benchmarks.server import Server
from benchmarks.stock import Stock, batches, environment, founded

UNITS = 10_000


def run(server: Server) -> Iterator[Comparison]:
    def ours() -> float:
        with server.installation() as installation:
            return rate(lambda: record_all(installation.records, map(founding, nation(UNITS)), fail).position)

    def theirs() -> float:
        with ExitStack() as opened:
            stock = opened.enter_context(Stock(environment(opened.enter_context(server.database()))))
            return rate(lambda: sum(len(stock.save(*events)) for events in batches(founded(nation(UNITS)))))

    def bare() -> float:
        with ExitStack() as opened:
            stock = opened.enter_context(Stock(environment(opened.enter_context(server.database()))))
            ready = [stock.mapper.to_stored_event(event) for event in founded(nation(UNITS))]
            return rate(lambda: sum(len(stock.recorder.insert_events(events) or ()) for events in batches(ready)))

    what = "bulk import of organisations through the domain's decisions"
    measured, others = alternate(ours, theirs)
    yield Comparison(
        what, "the library's application deciding the same, batches of 500", "events/s", measured, others, at_least=3.5
    )
    measured, others = alternate(ours, bare)
    yield Comparison(
        "the same", "the library's bare recorder, batches of 500, nothing decided", "events/s", measured, others
    )
