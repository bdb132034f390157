"""Poison: an event that a view cannot take stops that view alone, in the open, until a decision on record."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

import pytest

from domain.event import Recorded, Refused
from interface.app import Installation, all_views
from projections.ledger import LedgerView, ObligationRow
from projections.organisation import OrganisationRow, OrganisationView
from projections.query import Behind
from projections.scope import OPEN
from projections.view import Row, Rows, View
from tests.projections.engines import check_rows, check_versions, engine, eventually, fold, inject, reading, running
from tests.projections.histories import OBLIGATIONS, STANDARD, UNITS

VILLAGE = UNITS[4]
EVERY = {view.name for view in all_views()}


def next_version(at: Installation, stream: UUID) -> int:
    return len(at.records.recorder.select_events(stream)) + 1


def renamed(at: Installation, name: object) -> int:
    event = {"name_before": "", "name": name}
    return inject(at.database, "organisation.OrganisationRenamed", event, VILLAGE, next_version(at, VILLAGE))


def admitted(at: Installation) -> int:
    event = {"full": 2**70, "probationary": 0}
    return inject(at.database, "organisation.MemberAdmitted", event, VILLAGE, next_version(at, VILLAGE))


def unheard(at: Installation) -> int:
    return inject(at.database, "organisation.AnthemChosen", {}, VILLAGE, next_version(at, VILLAGE))


def raised(at: Installation, case: str, version: int) -> int:
    event = {"standard": str(STANDARD), "standard_version": version, "title": "", "area": "", "case": case}
    return inject(at.database, "ledger.ObligationRaised", event, UUID(int=77), 1)


def of_no_version(at: Installation) -> int:
    return raised(at, "three", 99)


def too_long_for_an_index(at: Installation) -> int:
    return raised(at, "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(5000)), 1)


POISON: dict[str, tuple[Callable[[Installation], int], set[str], str]] = {
    "state that is no event": (lambda at: renamed(at, 7), {"organisation"}, "string"),
    "an event that this program does not know": (unheard, {"organisation"}, "organisation.AnthemChosen"),
    "a version that was never published": (of_no_version, {"conformance"}, "no FlowRow"),
    "a text with NUL": (lambda at: renamed(at, "a\0b"), {"organisation"}, "0x00"),
    "a number of more than 64 bits": (admitted, {"organisation"}, "OverflowError"),
    "a text too long for an index": (too_long_for_an_index, {"ledger", "conformance"}, "index row"),
}


@pytest.mark.parametrize("batch", [1, 2000])
@pytest.mark.parametrize("kind", POISON)
def test_an_event_that_a_view_cannot_take_stops_only_that_view(played: Installation, kind: str, batch: int) -> None:
    spoil, views, words = POISON[kind]
    position = spoil(played)
    played.organisations.rename(played.act("ann", "", "personnel"), UNITS[3], "after the poison")
    assert engine(played, batch=batch).catch_up()
    found = {each.name: each for each in played.views.standings()}
    assert {name for name, each in found.items() if each.stopped_at} == views
    assert {name for name, each in found.items() if each.position == played.head()} == EVERY - views
    for name in views:
        assert (found[name].position, found[name].stopped_at) == (position - 1, position)
        assert words in (found[name].error or "")
    check_rows(reading(played, [v for v in all_views() if v.name in views]), position - 1,
               fold(played, [v for v in all_views() if v.name in views], position - 1))  # fmt: skip


@pytest.mark.parametrize("kind", POISON)
def test_a_recorded_decision_lets_the_view_go_on_and_a_rebuild_honours_it(played: Installation, kind: str) -> None:
    spoil, views, _ = POISON[kind]
    spoil(played)
    with running(engine(played)):
        eventually(lambda: {each.name for each in played.views.standings() if each.stopped_at} == views)
        for name in views:
            with pytest.raises(Refused, match="say why"):
                played.skip(played.act("ann", "", "operator"), name)
            receipt = played.skip(played.act("ann", "put there by hand", "operator"), name)
            assert [event.topic for event in receipt.events] == ["views.EventSkipped"]
        head = played.head()
        eventually(lambda: {each.position for each in played.views.standings()} == {head})
    for _ in range(2):
        check_rows(reading(played), head, fold(played, all_views(), head))
        check_versions(reading(played))
        played.rebuild(sorted(EVERY))


def test_only_a_stopped_view_can_pass_over_an_event(played: Installation) -> None:
    played.fold_now()
    with pytest.raises(Refused, match="not stopped"):
        played.skip(played.act("ann", "why not", "operator"), "ledger")
    with pytest.raises(Refused, match="no view"):
        played.skip(played.act("ann", "why not", "operator"), "weather")


def test_several_poison_events_are_met_one_by_one(played: Installation) -> None:
    positions = [renamed(played, "a\0b"), renamed(played, 7), admitted(played)]
    for position in positions:
        played.fold_now()
        [standing] = [each for each in played.views.standings() if each.stopped_at]
        assert standing.stopped_at == position
        played.skip(played.act("ann", "put there by hand", "operator"), "organisation")
    played.fold_now()
    assert {each.position for each in played.views.standings()} == {played.head()}


def test_waiting_for_a_stopped_view_ends_at_once(played: Installation) -> None:
    position = renamed(played, 7)
    played.fold_now()
    with pytest.raises(Behind, match=f"stopped at event {position}"):
        played.views.wait("organisation", position, 60)
    played.views.wait("organisation", position - 1, 60)


class Careless(LedgerView):
    """A release of the ledger's view with a slip in its fold."""

    version = LedgerView.version + 1

    def __init__(self, slip: Callable[[ObligationRow], ObligationRow]) -> None:
        self.slip = slip

    def fold(self, past: Recorded, rows: Rows) -> None:
        super().fold(past, rows)
        if past.originator_id == OBLIGATIONS[1]:
            rows.put(self.slip(rows.get(ObligationRow, past.originator_id)))


def fails(_: ObligationRow) -> ObligationRow:
    raise ZeroDivisionError("a slip")


@pytest.mark.parametrize("slip", [lambda row: replace(row, title=None), lambda row: replace(row, due=7), fails])
def test_a_slip_in_a_fold_stops_the_view_that_is_built_and_the_one_before_it_serves_on(
    played: Installation, slip: Callable[[ObligationRow], ObligationRow]
) -> None:
    played.fold_now()
    served = list(reading(played).every(ObligationRow))
    views: list[View] = [OrganisationView(), Careless(slip)]
    engine(played, views).catch_up()
    [building] = [each for each in played.views.standings() if each.building]
    assert building.error and building.stopped_at
    assert list(reading(played, views).every(ObligationRow)) == served
    # The next release is tried at once, whatever the one before stopped at.
    engine(played, [OrganisationView(), LedgerView()]).catch_up()
    assert not any(each.building or each.stopped_at for each in played.views.standings())


def test_what_is_built_and_stopped_can_pass_over_the_event_too(played: Installation) -> None:
    played.fold_now()
    views: list[View] = [Careless(fails)]
    engine(played, views).catch_up()
    while any(each.building for each in played.views.standings()):
        played.skip(played.act("ann", "the first release with this slip", "operator"), "ledger")
        engine(played, views).catch_up()
    assert OBLIGATIONS[1] not in {row.key for row in reading(played, views).every(ObligationRow)}


def test_a_stop_that_had_another_cause_is_tried_again_by_whoever_starts_anew(played: Installation) -> None:
    failing = Careless(fails)
    engine(played, [failing]).catch_up()
    assert any(each.stopped_at for each in played.views.standings())
    failing.slip = lambda row: row
    engine(played, [failing]).catch_up()
    assert not any(each.stopped_at for each in played.views.standings())


@dataclass(frozen=True)
class NameRow(Row):
    SCOPE: ClassVar = OPEN

    name: str


class TwoRows(View):
    """Puts a good row before it fails: nothing of the event stays."""

    name = "names"
    version = 1
    rows = (NameRow, OrganisationRow)
    events = OrganisationView.events

    def fold(self, past: Recorded, rows: Rows) -> None:
        rows.put(NameRow(past.originator_id, past.event.TOPIC))
        if past.originator_id == VILLAGE:
            rows.get(OrganisationRow, past.originator_id)


def test_nothing_stays_of_an_event_that_a_fold_fails_on(played: Installation) -> None:
    engine(played, [TwoRows()]).catch_up()
    assert VILLAGE not in {row.key for row in reading(played, [TwoRows()]).every(NameRow)}
    assert [each.error for each in played.views.standings()] == [f"LookupError: no OrganisationRow {VILLAGE}"]
