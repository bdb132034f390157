"""What health tells of the log's installation: whether its database guards it, and what verifying found."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from application.database import Role
from application.installation import deploy
from domain.installation import LogVerified
from interface.app import Installation
from interface.http import health
from tests.spec import account

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
FOUND = LogVerified(
    verdict="TAMPERED", head=9, size=9, root="", full=True, kind="view", sentence="the view ledger has other rows"
)
LIFTED = LogVerified(verdict="VERIFIED", head=12, size=12, root="", full=True)


def test_a_database_that_does_not_guard_the_log_is_told_of_by_health(
    installation: Installation, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "AGAIN", 0)
    assert deploy(installation.database, installation.clock).sealed
    told = client.get("/api/health").json()
    assert (told["status"], told["guarded"], told["verified"]) == ("well", True, None)
    with installation.database.connect(Role.owner) as connection:
        connection.execute("ALTER TABLE events DISABLE TRIGGER events_are_append_only")
    told = client.get("/api/health").json()
    assert (told["status"], told["guarded"]) == ("impaired", False)


def test_what_verifying_found_is_told_and_nothing_that_is_in_the_record(
    installation: Installation, client: TestClient
) -> None:
    act = account(command_id=uuid4(), occurred_at=AT)
    assert client.get("/api/health").json()["verified"] is None
    assert installation.installations.conclude(act, FOUND) is not None
    answer = client.get("/api/health")
    assert answer.json()["status"] == "impaired"
    assert answer.json()["verified"] == {
        "verdict": "TAMPERED",
        "at": "2026-03-01T12:00:00Z",
        "full": True,
        "head": 9,
        "kind": "view",
        "position": None,
    }
    assert FOUND.sentence not in answer.text
    assert installation.installations.conclude(account(command_id=uuid4(), occurred_at=AT), LIFTED) is not None
    assert client.get("/api/health").json()["status"] == "well"
