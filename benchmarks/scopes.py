"""The omissions board of a county, held against a reader's scope by the database, beside the same page unrestricted.

The one who reads unrestricted is the owner of the rows, whom no policy concerns. Times in milliseconds.
"""

from collections.abc import Iterator
from contextlib import closing
from functools import partial

from application.database import Role
from benchmarks.ledger import COUNTY, keep
from benchmarks.measure import Comparison
from benchmarks.moments import LIMIT, take_turns
from benchmarks.nation import nation
from benchmarks.server import Server
from domain.authority import WHOLE, Scope
from domain.organisation import organisation_id
from interface.app import Installation, all_views
from projections.board import Board
from projections.query import Views

# As many as the other measurements of the board have, and a year of twenty duties a month.
COUNTS = (8000, 48_000)


def run(server: Server) -> Iterator[Comparison]:
    for count in COUNTS:
        with server.installation() as at, closing(at.database.reads(Role.projector)) as owner:
            keep(at, count)
            at.fold_now()
            # As the server does by itself within a minute: both sides are planned with the same knowledge.
            with at.database.connect(Role.owner) as connection:
                connection.execute("VACUUM ANALYZE")
            yield from _measured(at, Board(Views(at.database.schema, owner, all_views())), count)


def _measured(at: Installation, free: Board, count: int) -> Iterator[Comparison]:
    county = organisation_id(next(unit.code for unit in nation(COUNTY) if unit.level == "county"))
    for reader, scope in {"of the county": Scope(frozenset((county,))), "of the whole record": WHOLE}.items():
        held = Board(at.views.within(scope))
        assert held.omissions(county) == free.omissions(county)
        ours, others = take_turns(
            partial(held.omissions, county, limit=LIMIT), partial(free.omissions, county, limit=LIMIT)
        )
        yield Comparison(
            f"omissions board of a county, {count:,} obligations, to a reader {reader}",
            "the same page without row-level security",
            "ms",
            ours,
            others,
            at_most=1.2,
        )
