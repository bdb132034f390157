"""The sealer and its witnesses, over real HTTP: cosigned checkpoints, outages, and a past that was written anew."""

from datetime import timedelta
from pathlib import Path

import pytest

from application.keys import WRITER, load, verify
from application.seal import Sealer, sealer
from application.sealed import Sealed, Unsealed
from tests.application.clusters import until
from tests.faults.load import submission
from tests.faults.log import committing, held, recorder
from tests.faults.parties import Parties, sealing
from tests.faults.place import Place
from tests.faults.tamper import tamper
from tests.faults.threads import Threads


def test_every_checkpoint_is_cosigned_by_those_that_the_policy_asks_for(place: Place, parties: Parties) -> None:
    policy = parties.start()
    sealer = sealing(place, policy)
    for size in (1, 300, 5):
        place.record(size)
        sealer.seal()
        place.check()
        assert policy.is_met_by(place.sealed.note(), verify)
        assert sealer.standing.met
        assert not sealer.standing.troubles
    assert place.sealed.witnesses()["met"] is True


def test_while_witnesses_are_away_it_is_published_and_told_and_cosigned_once_they_are_back(
    place: Place, parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = parties.start()
    open_ = sealing(place, policy)
    parties.stop()
    place.record(3)
    open_.seal()
    assert place.sealed.checkpoint().size == 3
    assert not policy.is_met_by(place.sealed.note(), verify)
    assert [trouble.split(" cannot be reached")[0] for trouble in open_.standing.troubles] == ["county", "province"]
    assert place.sealed.witnesses()["met"] is False
    policy = parties.start()
    back = sealing(place, policy)
    back._asked = open_._asked
    back.seal()
    assert not policy.is_met_by(place.sealed.note(), verify), "they are not asked again at once"
    monkeypatch.setattr(sealer, "AGAIN", 0.0)
    back.seal()
    assert policy.is_met_by(place.sealed.note(), verify)
    assert place.sealed.checkpoint().size == 3


def test_a_log_in_which_nothing_happens_is_cosigned_again_in_a_while(
    place: Place, parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = parties.start()
    still = sealing(place, policy)
    place.record(3)
    still.seal()
    first = later = place.sealed.note()
    still.seal()
    assert place.sealed.note() == first
    monkeypatch.setattr(sealer, "STILL", 0.0)
    was = policy.cosigned_at(first, verify)
    now = was
    while not all(now[name] > at for name, at in was.items()):
        still.seal()
        later = place.sealed.note()
        assert later.text == first.text
        now = policy.cosigned_at(later, verify)
    published = list(place.sealed.history())
    parties.stop()
    still.seal()
    assert place.sealed.note() == later, "what was cosigned stays up"
    assert list(place.sealed.history()) == published
    assert not still.standing.met


def test_while_a_commit_waits_nothing_is_cosigned_that_it_would_stand_behind(
    place: Place, parties: Parties, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Witnesses would date it later than what is on its way, and that would seem to be dated back."""
    monkeypatch.setattr(sealer, "STILL", 0.0)
    watching = sealing(place, parties.start())
    place.record(3)
    watching.seal()
    with held(place.database):
        waiting = threads.submit(place.log.append, submission())
        until(lambda: committing(place.database))
        watching.seal()
        asked = watching._asked
        place.ahead = timedelta(minutes=2)
        watching.seal()
        assert watching._asked == asked
    waiting.result(10)
    watching.seal()
    assert place.sealed.checkpoint().size == 4
    assert watching._asked > asked


def test_what_too_few_cosigned_is_held_back_where_that_is_decided(place: Place, parties: Parties) -> None:
    policy = parties.start()
    closed = sealing(place, policy, hold=True)
    place.record(2)
    closed.seal()
    parties.stop()
    place.record(3)
    for _ in range(2):
        closed.seal()
        assert place.sealed.checkpoint().size == 2
    again = sealing(place, parties.start(), hold=True)
    again.seal()
    assert place.sealed.checkpoint().size == 5
    assert again.standing.met


def test_another_past_under_the_logs_own_key_is_cosigned_by_nobody_who_saw_the_first(
    place: Place, parties: Parties, tmp_path: Path
) -> None:
    """The database, the writer's key, the log's key and the sealer's state are in one hand: but not the witnesses."""
    policy = parties.start()
    place.record(300)
    sealing(place, policy).seal()
    tamper(place.database, "TRUNCATE events, event_groups")
    place.folder, place.sealed = tmp_path / "another", Sealed(tmp_path / "rewritten")
    Sealer.begin(place.signer, place.folder, place.sealed, [load(place.database.keys, WRITER).key])
    with recorder(place.database) as log:
        for size in (300, 50):
            log.append(submission(events=size))
            forger = sealing(place, policy, hold=True)
            forger.seal()
            assert forger.standing.contradicted
            assert not forger.standing.met
            with pytest.raises(Unsealed):
                place.sealed.note()
