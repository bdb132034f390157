"""Replay: the whole log as domain events, in events a second, beside the library's subscription with its mapper."""

from collections.abc import Iterator
from contextlib import ExitStack

from eventsourcing.projection import ApplicationSubscription

from application.bulk import record_all
from application.records import Records
from benchmarks.measure import Comparison, alternate, rate
from benchmarks.nation import fail, founding, nation
from benchmarks.server import Server
from benchmarks.stock import Stock, batches, environment, founded

UNITS = 10_000
PAGE = 2000


def run(server: Server) -> Iterator[Comparison]:
    with ExitStack() as opened:
        installation = opened.enter_context(server.installation())
        record_all(installation.records, map(founding, nation(UNITS)), fail)
        stock = opened.enter_context(Stock(environment(opened.enter_context(server.database()))))
        for events in batches(founded(nation(UNITS))):
            stock.save(*events)
        measured, others = alternate(
            lambda: rate(lambda: replay(installation.records)), lambda: rate(lambda: subscribe(stock))
        )
        yield Comparison(
            "replay of the log into domain events",
            "the library's subscription with its mapper",
            "events/s",
            measured,
            others,
            at_least=1.5,
        )


def replay(records: Records) -> int:
    after = 0
    while entries := records.recorder.select_notifications(after, PAGE, inclusive_of_start=False):
        for entry in entries:
            records.recorded(entry)
        after = entries[-1].id
    return after


def subscribe(stock: Stock) -> int:
    last, count = stock.recorder.max_notification_id(), 0
    with ApplicationSubscription(stock) as events:
        for _, tracking in events:
            count += 1
            if tracking.notification_id == last:
                break
    return count
