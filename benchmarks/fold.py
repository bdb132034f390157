"""Folding the ledger into its view, in events a second: three events for each obligation, every row version kept.

Ours is one view (obligations) beside the library's ProjectionRunner, whose projection keeps the same row versions
under the same indexes. Besides, all of our views at once, which the yardstick does not do.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from time import perf_counter

import psycopg
from eventsourcing.projection import ProjectionRunner

from application.database import Role
from benchmarks.ledger import keep
from benchmarks.measure import Comparison, alternate
from benchmarks.runner import Board, Obligations, kept
from benchmarks.server import Server
from benchmarks.stock import Stock, batches, environment
from interface.app import Installation, all_views
from interface.cli.comparing import compared
from projections.engine import Engine
from projections.ledger import LedgerView
from projections.view import View

# Obligations: ours, and of the yardstick, which is much slower.
COUNT, FEW = 6000, 400


def run(server: Server) -> Iterator[Comparison]:
    with ExitStack() as opened:
        installation = opened.enter_context(server.installation())
        keep(installation, COUNT)
        dsn = opened.enter_context(server.database())
        stock = opened.enter_context(Stock(environment(dsn)))
        for events in batches(kept(FEW)):
            stock.save(*events)

        def theirs() -> float:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("DROP TABLE IF EXISTS obligation, board_tracking")
            with ProjectionRunner(
                application_class=Stock, projection_class=Board, view_class=Obligations, env=environment(dsn)
            ) as runner:
                runner.wait(1, timeout=60)
                begun = perf_counter()
                runner.wait(3 * FEW, timeout=600)
                took = perf_counter() - begun
            with psycopg.connect(dsn) as connection:
                counts = connection.execute("SELECT count(*), count(DISTINCT key) FROM obligation").fetchone()
            assert counts == (3 * FEW, FEW), "each event made a version"
            return (3 * FEW - 1) / took

        measured, others = alternate(lambda: 3 * COUNT / fold(installation, [LedgerView()]), theirs, 3)
        yield Comparison(
            "fold into the view of obligations, row versions kept",
            "the library's ProjectionRunner, the same row versions",
            "events/s",
            measured,
            others,
            at_least=35,
        )
        yield Comparison(
            f"the same into all {len(all_views())} views, counted once",
            "",
            "events/s",
            [installation.head() / fold(installation, all_views()) for _ in range(3)],
        )
        yield Comparison(
            f"every row version of all {len(all_views())} views verified, one process, counted once",
            "",
            "events/s",
            [installation.head() / verify(installation) for _ in range(3)],
        )


def verify(installation: Installation) -> float:
    """Compare every version that the views keep with what the log gives; return the seconds it took."""
    begun = perf_counter()
    outcomes = compared(installation, list(installation.views.views), lambda _: None, processes=1)
    assert not any(outcomes), "nobody touched the views"
    return perf_counter() - begun


def fold(installation: Installation, views: list[View]) -> float:
    """Fold the whole log into views that are empty; return the seconds it took."""
    database = installation.database
    with database.connect(Role.projector) as connection:
        connection.execute("DELETE FROM views")
    engine = Engine(database.schema, views, installation.pages, partial(database.connect, Role.projector))
    begun = perf_counter()
    assert engine.catch_up()
    return perf_counter() - begun
