"""What guards a log is sealed when it is known to be right; what verifying found is put on record once."""

from datetime import UTC, datetime

import pytest

from domain.event import Account, Event, Refused
from domain.installation import CatalogueSealed, InstallationRecord, LogVerified, differences
from tests.spec import account, given

FIRES = "the trigger events_are_append_only on the table events fires"
SEALED = CatalogueSealed(migration=5, catalogue="aa", parts={FIRES: "always", "the table events": "a table"})
ALTERED = CatalogueSealed(migration=5, catalogue="bb", parts={FIRES: "never", "the table events": "a table"})
MIGRATED = CatalogueSealed(migration=6, catalogue="cc", parts={**SEALED.parts, "the table more": "a table"})
NOON, ONE = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 1, 13, tzinfo=UTC)
VERIFIED = LogVerified(verdict="VERIFIED", head=9, size=9, root="", full=False)
FULL = VERIFIED.model_copy(update={"full": True})
EDITED = LogVerified(
    verdict="TAMPERED", head=9, size=9, root="", full=True, kind="event", position=3, sentence="3 of 9 is another"
)


def at(time: datetime, event: Event) -> tuple[Event, Account]:
    return event, account(occurred_at=time)


def test_the_first_deployment_is_sealed_as_it_is() -> None:
    assert InstallationRecord(account().actor).seal(SEALED, ALTERED, account()) == (SEALED,)


def test_what_is_as_it_was_sealed_is_not_sealed_again() -> None:
    assert given(InstallationRecord, SEALED).seal(SEALED, SEALED, account()) == ()
    assert given(InstallationRecord, SEALED).seal(SEALED, SEALED, account(reason="wanted")) == ()


def test_what_migrations_made_is_sealed() -> None:
    assert given(InstallationRecord, SEALED).seal(MIGRATED, SEALED, account()) == (MIGRATED,)


def test_what_somebody_altered_is_never_sealed_without_a_reason() -> None:
    record = given(InstallationRecord, SEALED)
    assert record.seal(ALTERED, ALTERED, account(reason=" ")) == ()
    assert record.altered(ALTERED) == [f"{FIRES} is now: never, and was: always"]
    assert record.seal(ALTERED, ALTERED, account(reason="a trial")) == (ALTERED,)
    assert given(InstallationRecord, SEALED, ALTERED).altered(ALTERED) == []


def test_what_somebody_altered_is_not_migrated() -> None:
    record = given(InstallationRecord, SEALED)
    with pytest.raises(Refused, match=f"{FIRES} is now: never, and was: always"):
        record.seal(MIGRATED, ALTERED, account())
    assert record.seal(MIGRATED, ALTERED, account(reason="a trial")) == (MIGRATED,)


def test_a_difference_that_no_name_shows_is_told_all_the_same() -> None:
    assert given(InstallationRecord, SEALED).altered(SEALED.model_copy(update={"catalogue": "dd"})) != []


def test_what_is_new_and_what_is_gone_is_named() -> None:
    assert [*differences({"a": "1", "b": "2"}, {"b": "2", "c": "3"})] == ["a is gone, which was: 1", "c is new: 3"]


def test_that_a_log_is_verified_is_told_where_something_is_new() -> None:
    assert given(InstallationRecord).conclude(VERIFIED, new=True) == (VERIFIED,)
    known = given(InstallationRecord, at(NOON, VERIFIED))
    assert known.conclude(VERIFIED, new=True) == (VERIFIED,)
    assert known.conclude(VERIFIED, new=False) == ()
    assert known.conclude(FULL, new=False) == (FULL,)
    assert given(InstallationRecord, at(NOON, FULL)).conclude(VERIFIED, new=False) == ()


def test_a_finding_is_told_once_until_a_full_verification_lifts_it() -> None:
    known = given(InstallationRecord, at(NOON, VERIFIED), at(ONE, EDITED))
    again = EDITED.model_copy(update={"head": 10, "sentence": "3 of 10 is another"})
    another = EDITED.model_copy(update={"position": 4})
    assert known.tampered == (EDITED,)
    assert known.conclude(again, new=True) == ()
    assert known.conclude(another, new=True) == (another,)
    assert known.conclude(VERIFIED, new=True) == ()
    assert known.conclude(FULL, new=True) == (FULL,)
    lifted = given(InstallationRecord, at(NOON, EDITED), at(ONE, FULL))
    assert lifted.tampered == ()
    assert lifted.conclude(EDITED, new=True) == (EDITED,)


def test_findings_of_no_position_are_told_apart_by_their_sentence() -> None:
    one = EDITED.model_copy(update={"kind": "catalogue", "position": None, "sentence": "the trigger is disabled"})
    other = one.model_copy(update={"sentence": "the trigger is gone"})
    known = given(InstallationRecord, at(NOON, one))
    assert known.conclude(one, new=True) == ()
    assert known.conclude(other, new=True) == (other,)


def test_the_times_of_verifications_are_known() -> None:
    known = given(InstallationRecord, at(NOON, FULL), at(ONE, VERIFIED))
    assert (known.full_at, known.verified_at, known.verified) == (NOON, ONE, VERIFIED)
