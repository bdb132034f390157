"""The sealer and its witnesses, over real HTTP: cosigned checkpoints, outages, and a past that was written anew."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from application.keys import WRITER, load, verify
from application.seal import Sealer, Witnessed, sealer
from application.sealed import Sealed, Unsealed
from application.witness import witnessing
from domain.note import Key
from domain.policy import Policy
from tests.faults.load import submission
from tests.faults.log import recorder
from tests.faults.place import Place
from tests.faults.tamper import tamper
from tests.interface.test_witnessing import served


class Parties:
    """Two witnesses, each on a machine of its own, of whom both must cosign, or one."""

    def __init__(self, folder: Path, log: Key, quorum: str) -> None:
        self.folder = folder
        self.log = log
        self.quorum = quorum
        self.running = ExitStack()

    def start(self) -> Policy:
        lines = [f"log {self.log}"]
        for name in ("county", "province"):
            home = self.folder / name
            witness = self.running.enter_context(
                witnessing(home / "witness", home / "keys", f"{name}.example", [self.log])
            )
            lines.append(f"witness {name} {witness.key} {self.running.enter_context(served(witness))}")
        return Policy.parse("\n".join([*lines, f"group both {self.quorum} county province", "quorum both"]) + "\n")

    def stop(self) -> None:
        self.running.close()
        self.running = ExitStack()


@pytest.fixture
def parties(place: Place, tmp_path: Path) -> Iterator[Parties]:
    made = Parties(tmp_path / "parties", place.signer.key, "all")
    yield made
    made.stop()


def sealing(place: Place, policy: Policy, *, hold: bool = False) -> Sealer:
    return Sealer(
        place.database, lambda: [place.signer], place.folder, place.sealed, place.now, Witnessed(policy, hold)
    )


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
