"""Keys are changed while the log is written and sealed: nothing is refused, and what is retired is of no use."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from application.access import person_id
from application.keys import LOG, WRITER, Signer, Unusable, load
from application.log import Appended
from application.seal import Sealer, Unaccountable, Unwilling
from domain.event import Refused
from domain.group import signed
from tests.faults.house import House, next_key
from tests.faults.load import submission
from tests.faults.log import ORIGIN, leaves, recorder
from tests.faults.tamper import FORGED, tamper


def test_a_log_passes_from_one_key_to_the_next_and_both_sign_meanwhile(house: House) -> None:
    old = load(house.keys, LOG).key
    house.record(300)
    house.seals()
    assert house.signers() == [old]
    new = next_key(house, "log")
    house.record()
    house.seals()
    assert house.signers() == [old], "a key that was made speaks for nothing yet"
    house.adds("log", new)
    house.seals()
    assert house.signers() == [old, new]
    house.retires(old)
    house.seals()
    assert house.signers() == [old, new], "its last signature seals what retires it"
    house.record()
    house.seals()
    assert house.signers() == [new]
    (house.keys / "log.key").unlink()
    house.record()
    house.new_sealer().seal()
    assert house.signers() == [new]


def test_keys_that_came_and_went_at_once_sign_together(house: House) -> None:
    """A sealer that was away for long still seals each change under the keys before it."""
    old, new = load(house.keys, LOG).key, next_key(house, "log")
    house.adds("log", new)
    house.seals()
    house.record()
    house.retires(old)
    house.record()
    house.seals()
    assert house.signers() == [old, new]


def test_the_old_key_is_kept_until_the_new_one_has_sealed(house: House) -> None:
    old = load(house.keys, LOG).key
    house.record()
    house.seals()
    house.adds("log", next_key(house, "log"))
    with pytest.raises(Refused, match="no other key has signed a checkpoint yet"):
        house.retires(old)


def test_a_key_that_the_sealer_has_not_is_not_sealed(house: House) -> None:
    """Whoever writes cannot make himself the sealer."""
    house.record()
    house.seals()
    stranger = Signer.of(ORIGIN, bytes([9]) * 32).key
    position = house.adds("log", stranger)
    with pytest.raises(Unaccountable, match="is not here: bring it if it is yours") as refused:
        house.seals()
    assert (refused.value.index, refused.value.kind) == (position - 1, "key")
    assert house.sealed.checkpoint().size == 1


def test_a_key_whose_file_comes_later_signs_as_soon_as_it_is_there(house: House) -> None:
    new = next_key(house, "log")
    house.adds("log", new)
    house.seals()
    kept = (house.keys / "log-2.key").rename(house.keys.parent / "away")
    sealer = house.new_sealer()
    house.record()
    sealer.seal()
    assert new not in house.signers()
    kept.rename(house.keys / "log-2.key")
    sealer.seal()
    assert new in house.signers()
    assert len(house.sealed.note().signatures) == 2


def test_a_sealer_without_a_key_in_force_ends(house: House) -> None:
    house.record()
    house.seals()
    stranger = Signer.of(ORIGIN, bytes([9]) * 32)
    sealer = Sealer(house.at.database, lambda: [stranger], house.folder, house.sealed, lambda: datetime.now(UTC))
    with pytest.raises(Unwilling, match="no key is here that speaks for the log"):
        sealer.seal()
    assert house.signers() == [load(house.keys, LOG).key]


def test_a_writer_goes_on_under_the_next_key_once_its_own_is_retired(house: House) -> None:
    """Another process retires it; nothing that is submitted is refused or waits."""
    old = load(house.keys, WRITER).key
    with recorder(house.at.database) as running:
        assert isinstance(running.append(submission(events=2)), Appended)
        new = next_key(house, "writer")
        house.adds("writer", new)
        assert isinstance(running.append(submission(events=2)), Appended)
        house.retires(old)
        for _ in range(2):
            assert isinstance(running.append(submission(events=2)), Appended)
    assert house.writers()[0] == old.id
    assert house.writers()[-2:] == [new.id, new.id]
    house.seals()
    assert house.sealed.checkpoint().size == house.at.head()


def test_a_writer_that_begins_takes_the_newest_key_in_force(house: House) -> None:
    new = next_key(house, "writer")
    house.record()
    house.adds("writer", new)
    with recorder(house.at.database) as another:
        another.append(submission())
    assert house.writers()[-1] == new.id


def test_a_writer_that_has_the_retired_key_alone_is_told_so(house: House, tmp_path: Path) -> None:
    old, new = load(house.keys, WRITER).key, next_key(house, "writer")
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "writer.key").write_bytes((house.keys / "writer.key").read_bytes())
    (alone / "writer.key").chmod(0o600)
    with recorder(replace(house.at.database, keys=alone)) as behind:
        assert isinstance(behind.append(submission()), Appended)
        house.adds("writer", new)
        house.retires(old)
        head = house.at.head()
        for _ in range(2):
            with pytest.raises(Unusable, match=f"no key of {alone} speaks for the log {ORIGIN} now"):
                behind.append(submission())
        assert house.at.head() == head


def test_a_group_under_a_retired_key_is_not_sealed(house: House) -> None:
    """Who still holds it, and the database, writes past the fence; the sealer finds it."""
    old, new = load(house.keys, WRITER), next_key(house, "writer")
    house.adds("writer", new)
    house.retires(old.key)
    house.seals()
    head = house.at.head()
    tamper(house.at.database, FORGED.format(position=head + 1, at="clock_timestamp()"))
    leaf = leaves(house.at.database)[head]
    group = [head + 1, leaf, old.key.id, old.sign(signed(ORIGIN, head + 1, [leaf]))]
    tamper(house.at.database, "INSERT INTO event_groups VALUES (%s, %s, %s, %s)", given=group)
    with pytest.raises(Unaccountable, match="is signed with no writer's key") as refused:
        house.seals()
    assert (refused.value.index, refused.value.kind) == (head, "key")


def test_adding_is_on_record_with_its_reason(house: House) -> None:
    position = house.adds("log", next_key(house, "log"))
    [first, second] = house.at.records.recorder.select_notifications(position - 1, 2)
    for entry in (first, second):
        told = house.at.records.recorded(entry)
        assert (told.account.actor, told.account.reason) == (person_id("安吉"), "三年一换")
