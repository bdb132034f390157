"""Readers see the rows of what their duties reach, and whoever forgets to say how far that is sees nothing."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from application.database import Role
from application.records import Act
from domain.authority import WHOLE, Limits, Person, Scope
from domain.event import Account
from interface.app import Installation, all_views
from projections.board import Board
from projections.organisation import OrganisationRow
from projections.registry import schema_of
from projections.scope import OPEN
from projections.tables import table
from projections.view import Row
from tests.projections.histories import UNITS, Play

KINDS = [pytest.param(view.name, kind, id=kind.__name__) for view in all_views() for kind in view.rows]
SOMEBODY = UUID(int=500)
# Each stands below the one before it; those below ROOT, beside each other.
TOP, _, _, ROOT, UNDER, BESIDE = UNITS


def below(at: Installation, root: UUID) -> set[UUID]:
    """An organisation and all below it, found one by one."""
    rows = list(at.whole.every(OrganisationRow))
    found = {root}
    while more := {row.key for row in rows if row.parent in found} - found:
        found |= more
    return found


@pytest.mark.parametrize(("view", "kind"), KINDS)
def test_a_query_that_forgets_its_scope_returns_nothing(kept: Installation, view: str, kind: type[Row]) -> None:
    assert list(kept.views.every(kind)) == []
    name = sql.Identifier(schema_of(kept.database.schema, view), table(kind).name)
    with kept.database.connect(Role.reader) as connection:
        counting = sql.SQL("SELECT count(*) FROM {}").format(name)
        assert connection.execute(counting).fetchone() == (0,)
        connection.execute("SET row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(counting)
    with kept.database.connect(Role.owner) as connection:
        whole = connection.execute(counting).fetchone()
        assert connection.execute(
            "SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass", (name.as_string(connection),)
        ).fetchone() == (True,)
    assert whole == (len([*versions(kept, kind)]),)


def versions(at: Installation, kind: type[Row]) -> Iterable[object]:
    name = kind.__name__.removesuffix("Row")
    return at.whole.fetch((kind,), f"SELECT key FROM {{{name}}}", {})


def test_a_connection_tells_a_query_nothing_of_the_one_before(kept: Installation) -> None:
    for _ in range(20):
        assert list(kept.whole.every(OrganisationRow))
        assert not list(kept.views.every(OrganisationRow))


def test_the_one_who_reads_cannot_take_the_policies_away(kept: Installation) -> None:
    place = sql.Identifier(schema_of(kept.database.schema, "organisation"), "organisation")
    with kept.database.connect(Role.reader) as connection:
        [(passes, owns)] = connection.execute(
            "SELECT rolbypassrls OR rolsuper, pg_has_role(current_user, 'taizhang_projector', 'USAGE')"
            " FROM pg_roles WHERE rolname = current_user"
        )
        assert (passes, owns) == (False, False)
        for change in ("ALTER TABLE {} DISABLE ROW LEVEL SECURITY", "DROP POLICY scope ON {}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(sql.SQL(change).format(place))


@pytest.mark.parametrize(("view", "kind"), KINDS)
def test_a_scope_shows_what_belongs_to_its_organisations_and_all_below_them(
    kept: Installation, view: str, kind: type[Row]
) -> None:
    reached, all_rows = below(kept, ROOT), list(kept.whole.every(kind))
    seen = list(kept.views.within(Scope(frozenset((ROOT,)))).every(kind))
    match kind.SCOPE:
        case "*":
            assert seen == all_rows, view
        case None:
            assert seen == []
        case column:
            assert seen == [row for row in all_rows if getattr(row, column) in reached]


def test_what_stands_below_today_is_what_is_seen_even_of_the_past(kept: Installation) -> None:
    before, scoped = kept.head(), kept.views.within(Scope(frozenset((ROOT,))))
    assert scoped.one(OrganisationRow, TOP) is None
    assert scoped.one(OrganisationRow, UNDER)
    kept.organisations.move(Play(kept).act(0), UNDER, TOP)
    kept.fold_now()
    assert scoped.one(OrganisationRow, UNDER) is None
    assert scoped.one(OrganisationRow, UNDER, before) is None
    assert kept.whole.one(OrganisationRow, UNDER, before)


def test_a_scope_of_nothing_shows_what_is_open_alone(kept: Installation) -> None:
    nothing = kept.views.within(Scope(frozenset()))
    for view in all_views():
        for kind in view.rows:
            assert bool(list(nothing.every(kind))) == (kind.SCOPE == OPEN and bool(list(kept.whole.every(kind))))


def test_what_is_a_persons_own_is_seen_wherever_they_are(kept: Installation) -> None:
    kinds = [kind for view in all_views() for kind in view.rows if kind.OWN]
    assert kinds
    for kind in kinds:
        for row in kept.whole.every(kind):
            for column in kind.OWN:
                own = kept.views.within(Scope(frozenset(), getattr(row, column)))
                assert own.one(kind, row.key) == row
            assert kept.views.within(Scope(frozenset(), uuid4())).one(kind, row.key) is None


def test_the_board_begins_where_a_scope_does(kept: Installation) -> None:
    board = Board(kept.views.within(Scope(frozenset((ROOT,)))))
    lines = board.omissions(None).rows
    assert {line.organisation for line in lines} == {ROOT}
    assert sum(line.total for line in lines) == sum(line.total for line in kept.board.omissions(ROOT).rows) > 0
    assert board.omissions(TOP).rows == []
    assert {line.organisation for line in kept.board.omissions(None).rows} == {TOP}


def entrust(at: Installation, organisation: UUID | None, duty: str = "filer") -> None:
    at.people.entrust(SOMEBODY, duty, organisation)  # type: ignore[arg-type]  # a duty
    at.fold_now()


def reach(at: Installation, limits: Limits | None = None) -> AbstractSet[UUID] | None:
    return at.mandates.reach(SOMEBODY, at.gate.moment().day, limits or Limits()).roots


def test_a_person_sees_as_far_as_their_duties_reach(kept: Installation) -> None:
    assert reach(kept) == frozenset()
    entrust(kept, UNDER)
    assert reach(kept) == {UNDER}
    assert reach(kept, Limits(organisation=BESIDE)) == frozenset()
    entrust(kept, ROOT, "verifier")
    assert reach(kept) == {ROOT}, "what lies below another is seen with it"
    assert reach(kept, Limits(duty="filer")) == {UNDER}
    assert reach(kept, Limits(duty="decider")) == frozenset()
    assert reach(kept, Limits(organisation=BESIDE)) == {BESIDE}
    assert reach(kept, Limits(organisation=TOP)) == {ROOT}, "a token narrows, and widens nothing"
    assert reach(kept, Limits(organisation=UUID(int=9))) == frozenset()
    entrust(kept, None, "auditor")
    assert reach(kept) is None
    assert reach(kept, Limits(organisation=BESIDE)) == {BESIDE}


def test_a_token_for_an_organisation_shows_nothing_of_ones_own_elsewhere(kept: Installation) -> None:
    day = kept.gate.moment().day
    assert kept.mandates.reach(SOMEBODY, day, Limits()).reader == SOMEBODY
    assert kept.mandates.reach(SOMEBODY, day, Limits(organisation=ROOT)).reader is None


def test_what_is_lent_is_seen_for_as_long_as_it_is_lent(kept: Installation) -> None:
    lender, day = UUID(int=501), kept.clock.today()
    kept.people.entrust(lender, "filer", ROOT)
    kept.people.ensure([SOMEBODY])
    [held] = kept.records.load(Person, lender).appointments
    act = Act(Account(actor=lender, occurred_on=day, command_id=uuid4()))
    kept.people.delegate(act, held.id, SOMEBODY, day, day)
    kept.fold_now()
    assert reach(kept) == {ROOT}
    assert kept.mandates.reach(SOMEBODY, day + timedelta(days=1), Limits()).roots == frozenset()


def test_nobody_who_is_suspended_sees_anything(kept: Installation) -> None:
    entrust(kept, None)
    assert reach(kept) is None
    kept.people.suspend(Play(kept).act(1), SOMEBODY, None)
    kept.fold_now()
    assert reach(kept) == frozenset()
    assert kept.mandates.suspended(SOMEBODY, kept.clock.today())


def test_the_whole_is_the_scope_of_services_alone() -> None:
    assert Scope(None) == WHOLE
    assert WHOLE.reader is None
