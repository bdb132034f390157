"""Replay in memory: what it makes of the log up to a moment is what the view answers for that moment."""

import json

import pytest

from interface.app import Installation, all_views
from projections.ledger import LedgerView, ObligationRow
from projections.organisation import OrganisationRow, OrganisationView
from projections.replay import Stopped, as_json, replay
from tests.projections.engines import inject
from tests.projections.histories import UNITS


def test_replay_equals_the_view_at_every_moment(played: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.replay.BATCH", 7)
    played.fold_now()
    head = played.head()
    for until in (0, 1, 6, 7, 8, head // 2, head):
        for view in all_views():
            done: list[int] = []
            memory = replay(view, played.pages, until, done.append)
            assert sum(done) == until
            for kind in view.rows:
                assert list(memory.of(kind)) == list(played.whole.every(kind, until))


def test_replay_stops_where_the_view_stops_and_passes_over_what_a_decision_lets_it(played: Installation) -> None:
    version = len(played.records.recorder.select_events(UNITS[4])) + 1
    position = inject(played.database, "organisation.OrganisationRenamed", {"name": 7}, UNITS[4], version)
    with pytest.raises(Stopped, match=f"organisation cannot fold the event at position {position}"):
        replay(OrganisationView(), played.pages, played.head())
    assert replay(LedgerView(), played.pages, played.head()).live
    played.fold_now()
    played.skip(played.act("ann", "put there by hand", "operator"), "organisation")
    played.fold_now()
    rows = list(replay(OrganisationView(), played.pages, played.head()).of(OrganisationRow))
    assert rows == list(played.whole.every(OrganisationRow, played.head()))


def test_a_row_leaves_the_program_as_json_under_its_identifier(played: Installation) -> None:
    row = next(replay(LedgerView(), played.pages, played.head()).of(ObligationRow))
    written = json.loads(as_json(row))
    assert written["id"] == str(row.key)
    assert written["organisation"] == str(row.organisation)
    assert written["due"] == (row.due.isoformat() if row.due else None)
