"""Verifying follows what the log's own events say of its keys, from those that are trusted, and no others."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from application.keys import LOG, WRITER, Signer, load, load_all
from application.verify import Finding, Report, Verifier, log
from domain.keyring import Role
from domain.note import Checkpoint, Key, Note
from domain.tile import WIDTH
from tests.faults.house import House, next_key
from tests.faults.tamper import tamper

EDITED = "UPDATE events SET state = convert_to(replace(convert_from(state, 'UTF8'), '{old}', '{new}'), 'UTF8')"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "BLOCK", WIDTH)


def verified(house: House, keys: Sequence[Key], writers: Sequence[Key], kept: Path | None = None) -> Report:
    return Verifier(house.at.database, house.sealed, keys, writers, kept).verify(resume=kept is not None)


def changed(house: House, role: Role, *, sealing: bool = True) -> tuple[Key, Key]:
    """Change a key of a log of several tiles; return the old one and the new one."""
    old = load(house.keys, role).key
    house.record(300)
    house.seals()
    new = next_key(house, role)
    house.adds(role, new)
    house.record(3)
    house.seals()
    house.retires(old)
    house.record(300)
    if sealing:
        house.seals()
    return old, new


@pytest.mark.parametrize("role", [LOG, WRITER])
def test_a_log_whose_keys_were_changed_is_verified_under_any_of_them(house: House, role: Role) -> None:
    old, new = changed(house, role)
    log_key, writer = load(house.keys, LOG).key, load(house.keys, WRITER).key
    for pinned in ([old], [new], [old, new]):
        keys, writers = (pinned, [writer]) if role == LOG else ([log_key], pinned)
        report = verified(house, keys, writers)
        assert (report.verdict, report.sealed, report.finding) == ("VERIFIED", report.events, None)


def test_nobody_elses_key_is_one_of_the_logs(house: House) -> None:
    changed(house, LOG)
    stranger = Signer.of(house.at.keyrings.origin, bytes([9]) * 32).key
    finding = verified(house, [stranger], [load(house.keys, WRITER).key]).finding
    assert finding is not None
    assert finding.kind == "checkpoint"


def test_a_checkpoint_that_a_retired_key_signed_later_is_none(house: House) -> None:
    """Whoever kept the old key publishes a checkpoint of the same tree, or of a longer one, under it alone."""
    old, new = changed(house, LOG)
    signer = next(each for each in load_all(house.keys, LOG) if each.key == old)
    house.record(2)
    house.seals()
    newest = house.sealed.checkpoint()
    forged = signer.sign_note(Note(Checkpoint(newest.origin, newest.size, newest.root).text))
    house.sealed.publish(forged, datetime.now(UTC))
    finding = verified(house, [new], [load(house.keys, WRITER).key]).finding
    assert finding is not None
    assert (finding.index, finding.kind) == (None, "history")


def test_a_group_that_a_retired_key_signed_later_is_named(house: House) -> None:
    old, _ = changed(house, WRITER)
    signer = load(house.keys, WRITER)
    assert signer.key == old
    last = house.at.head()
    tamper(house.at.database, f"UPDATE event_groups SET key_id = '\\x{old.id.hex()}' WHERE first = {last - 299}")
    finding = verified(house, [load(house.keys, LOG).key], [old]).finding
    assert finding == Finding(last - 300, "key", f"the group at position {last - 299} is signed with no writer's key")


def test_an_adding_that_was_put_into_the_log_by_hand_is_found(house: House) -> None:
    """With the writer's key taken, and not yet sealed: the key that it adds seals nothing that is believed."""
    house.record(300)
    house.seals()
    stranger = Signer.of(house.at.keyrings.origin, bytes([9]) * 32)
    house.adds("log", stranger.key)
    keys, writers = [load(house.keys, LOG).key], [load(house.keys, WRITER).key]
    assert verified(house, keys, writers).finding is None, "it is a recorded event, and speaks for nothing yet"
    newest = house.sealed.checkpoint()
    house.sealed.publish(stranger.sign_note(Note(newest.text)), datetime.now(UTC))
    finding = verified(house, keys, writers).finding
    assert finding is not None
    assert finding.kind == "checkpoint"


def test_an_adding_that_was_edited_long_ago_is_found_also_by_whoever_goes_on(house: House, tmp_path: Path) -> None:
    _, new = changed(house, WRITER)
    keys, writers, kept = [load(house.keys, LOG).key], [load(house.keys, WRITER).key], tmp_path / "verified.json"
    assert verified(house, keys, writers, kept).finding is None
    other = Signer.of(new.name, bytes([9]) * 32).key
    tamper(house.at.database, f"{EDITED.format(old=new, new=other)} WHERE position = 304")
    finding = verified(house, keys, writers, kept).finding
    assert finding is not None
    assert (finding.index, finding.kind) in {(303, "event"), (306, "key"), (305, "key")}
