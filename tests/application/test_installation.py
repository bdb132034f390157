"""A deployment migrates a log and seals what guards it, both or neither, and never what somebody altered unseen."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from application import migrate
from application.access import person_id
from application.clock import Clock
from application.database import Database, Role
from application.installation import PROGRAM, Installations, deploy
from application.keys import Unusable
from application.migrate import Migration, Unmigrated, check_migrated, migrations
from application.records import Records
from domain.event import Account, Refused
from domain.installation import CatalogueSealed, InstallationRecord, LogVerified, installation_id
from tests.application.services import Calendar
from tests.application.test_migrate import EVERY, change
from tests.faults.log import ORIGIN
from tests.spec import account

DISABLED = "ALTER TABLE events DISABLE TRIGGER events_are_append_only"
NAMED = "the trigger events_are_append_only on the table events fires is now: never: it is disabled, and was: always"
NEXT = Migration(len(EVERY) + 1, "next", "CREATE TABLE more (one int)")
RESULT = LogVerified(verdict="VERIFIED", head=0, size=0, root="", full=True)


@pytest.fixture
def clock(calendar: Calendar) -> Clock:
    return Clock(now=calendar.now)


@pytest.fixture
def deployed(empty: Database, clock: Clock) -> Database:
    deploy(empty, clock)
    return empty


@pytest.fixture
def outdated(deployed: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A log, now that the program ships one migration more."""
    shipped = [*migrations(), NEXT]
    monkeypatch.setattr(migrate, "migrations", lambda: iter(shipped))
    return deployed


def record(database: Database) -> InstallationRecord:
    with Records(database) as records:
        return records.load(InstallationRecord, installation_id(ORIGIN))


def sealed(database: Database) -> CatalogueSealed:
    found = record(database).sealed
    assert found is not None
    return found


def test_a_new_log_begins_with_what_guards_it(empty: Database, clock: Clock, calendar: Calendar) -> None:
    done = deploy(empty, clock)
    assert (done.applied, done.sealed, done.altered) == (EVERY, True, [])
    assert sealed(empty).migration == len(EVERY)
    with Records(empty) as records:
        [entry] = records.recorder.select_notifications(1, 9)
        account = records.recorded(entry).account
    assert (account.actor, account.occurred_on) == (person_id(PROGRAM), calendar.day)


def test_a_second_deployment_finds_nothing_to_do(deployed: Database, clock: Clock) -> None:
    done = deploy(deployed, clock)
    assert (done.applied, done.sealed, done.altered) == ([], False, [])
    assert record(deployed).version == 1


def test_what_a_new_migration_makes_of_it_is_sealed(outdated: Database, clock: Clock) -> None:
    done = deploy(outdated, clock)
    assert (done.applied, done.sealed, done.altered) == ([f"{NEXT.number:04} next"], True, [])
    assert sealed(outdated).migration == NEXT.number
    assert sealed(outdated).parts["the table more"] == "a table, stored as heap"


def test_a_log_from_before_is_sealed_as_it_is(log: Database, clock: Clock) -> None:
    assert deploy(log, clock).sealed
    assert record(log).version == 1


def test_what_somebody_altered_is_told_at_every_deployment_and_never_sealed(deployed: Database, clock: Clock) -> None:
    before = sealed(deployed)
    change(deployed, DISABLED)
    for _ in range(2):
        done = deploy(deployed, clock)
        assert (done.applied, done.sealed, done.altered) == ([], False, [NAMED])
    assert sealed(deployed) == before


def test_what_somebody_altered_is_not_migrated(outdated: Database, clock: Clock) -> None:
    change(outdated, DISABLED)
    with pytest.raises(Refused, match=NAMED):
        deploy(outdated, clock)
    with pytest.raises(Unmigrated, match="lacks 1 migrations"):
        check_migrated(outdated)
    assert record(outdated).version == 1


def test_somebody_accepts_what_was_altered_on_record_with_the_reason(deployed: Database, clock: Clock) -> None:
    change(deployed, DISABLED)
    done = deploy(deployed, clock, accept="the vendor repairs the table", person="Ann")
    assert (done.sealed, done.altered) == (True, [])
    with Records(deployed) as records:
        [_, entry] = records.recorder.select_notifications(1, 9)
        account = records.recorded(entry).account
    assert (account.actor, account.reason) == (person_id("Ann"), "the vendor repairs the table")
    assert deploy(deployed, clock).altered == []
    change(deployed, "ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_append_only")
    assert len(deploy(deployed, clock).altered) == 1, "it is altered again, as it was at first"


def test_a_deployment_that_is_interrupted_leaves_nothing_unsealed(
    outdated: Database, clock: Clock, tmp_path: Path
) -> None:
    """Whoever alters something meanwhile finds no moment at which it is migrated and not sealed."""
    without_key = Database(outdated.dsn, tmp_path)
    with pytest.raises(Unusable, match="there is no key"):
        deploy(without_key, clock)
    with pytest.raises(Unmigrated, match="lacks 1 migrations"):
        check_migrated(outdated)
    assert deploy(outdated, clock).sealed


def test_a_deployment_beside_a_service_that_writes(outdated: Database, clock: Clock) -> None:
    """The writer that foretells its place is not in the way, nor is the deployment in its."""
    with Records(outdated) as records, Records(outdated) as others:
        for n, each in enumerate((records, others, records), 2):
            service = Installations(each, outdated.reads(Role.reader, 1))
            result = RESULT.model_copy(update={"head": n})
            assert service.conclude(act(), result) is not None
            service.reads.close()
            if n == 3:
                assert deploy(outdated, clock).sealed


def act() -> Account:
    return account(command_id=uuid4(), occurred_at=datetime(2026, 3, 1, tzinfo=UTC))


def test_a_result_that_says_nothing_new_is_not_recorded(deployed: Database) -> None:
    reads = deployed.reads(Role.reader, 1)
    with Records(deployed) as records:
        service = Installations(records, reads)
        first = service.conclude(act(), RESULT.model_copy(update={"head": 1}))
        assert first is not None
        assert first.position == 2
        assert service.conclude(act(), RESULT.model_copy(update={"head": 2})) is None
        assert service.conclude(act(), RESULT.model_copy(update={"head": 1})) is not None
    reads.close()
