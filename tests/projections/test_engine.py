"""The engine: what it stores is, at every position, what the folds make of the log in memory."""

from collections.abc import Callable

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from application.database import Database
from domain.ledger import Obligation
from domain.organisation import Organisation
from domain.standard import PublishedVersion, Standard
from interface.app import Installation, all_views
from projections.ledger import ObligationRow
from projections.organisation import OrganisationRow
from projections.standard import StandardRow, VersionRow
from projections.view import Memory
from tests.projections.engines import check_rows, check_versions, engine, forget, reading
from tests.projections.histories import MOVES, OPENING, Move, play


def check(at: Installation, batch: int) -> None:
    """Fold the log from the beginning in batches of this size, and hold the rows against memory at every position."""
    forget(at.database)
    views = reading(at)
    assert engine(at, batch=batch).catch_up()
    rows, head = Memory(), at.head()
    check_rows(views, 0, rows)
    for past in at.pages.page(0, head):
        for view in all_views():
            if past.topic in view.topics:
                view.fold(past.read(), rows)
        if past.position % 7 == 0 or past.position == head:
            check_rows(views, past.position, rows)
    check_versions(views)
    check_aggregates(at, rows)


def check_aggregates(at: Installation, rows: Memory) -> None:
    """What a view says of a record is what the record itself says, which decides."""
    for unit in rows.of(OrganisationRow):
        known = at.records.load(Organisation, unit.key)
        assert (unit.version, unit.name, unit.level, unit.setting) == (
            known.version, known.name, known.level, known.setting
        )  # fmt: skip
        assert (unit.parent, unit.standing, unit.codes, unit.terms) == (
            known.parent, known.standing, known.codes.held, known.terms.all
        )  # fmt: skip
        assert (unit.full_members, unit.probationary_members) == (known.members.full, known.members.probationary)
        assert (unit.code, unit.uscc) == (known.codes.now("division"), known.codes.now("uscc"))
    for item in rows.of(ObligationRow):
        held = at.records.load(Obligation, item.key)
        assert (item.version, item.outcome, item.late) == (held.version, held.outcome, held.late)
        assert (item.exception, item.waived, item.omission_detected) == (
            held.exception, held.waived, held.omission_detected
        )  # fmt: skip
        assert (item.steps, item.discharged_on) == (len(held.completions), held.discharged_on)
        last = held.entries[-1] if held.entries else None
        assert item.entry == (last.standing if last else "")
        assert (item.summary, item.done_on) == ((last.summary, last.occurred_on) if last else ("", None))
    for standard in rows.of(StandardRow):
        drawn = at.records.load(Standard, standard.key)
        assert (standard.version, standard.standing) == (drawn.version, drawn.standing)
        assert standard.versions == len(drawn.versions)
        assert drawn.versions == tuple(
            PublishedVersion(
                number=version.number, effective_on=version.effective_on, title=version.title, area=version.area,
                authority=version.authority, flow=version.flow, separate=version.separate, duties=version.duties,
                authors=drawn.versions[version.number - 1].authors,
            )
            for version in sorted(rows.of(VersionRow), key=lambda version: version.number)
        )  # fmt: skip


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture),
)
@given(moves=MOVES, batch=st.sampled_from((1, 3, 2000)))
@example(moves=[], batch=1)
@example(moves=[], batch=3)
@example(moves=[], batch=2000)
def test_rows_equal_the_fold_in_memory_at_every_position(
    new_log: Callable[[], Database], moves: list[Move], batch: int
) -> None:
    database = new_log()
    play(database, [*OPENING, *moves])
    with Installation(database) as at:
        check(at, batch)
