"""The whole installation verified by one command: what is wrong is named, and the exit status says so."""

import json
from typing import Any

import pytest

from application.database import Database, Role
from application.keys import LOG, WRITER, create, load
from domain.organisation import organisation_id
from interface.app import Installation
from tests.application.test_installation import DISABLED, NAMED
from tests.faults.log import ORIGIN
from tests.faults.tamper import tamper
from tests.interface.shell import Shell
from tests.projections.engines import forget

EDITED = "UPDATE events SET state = convert_to(replace(convert_from(state, 'UTF8'), '湖州', '杭州'), 'UTF8')"
COPIED = """
INSERT INTO organisation SELECT (jsonb_populate_record(o, '{"key": "00000000-0000-0000-0000-000000000001"}')).*
FROM organisation o WHERE name = '湖州市'
"""
COUNTY = "code,name,parent_code,level\n33,浙江省,,province\n3305,湖州市,33,prefecture\n330523,安吉县,3305,county\n"


@pytest.fixture
def county(shell: Shell) -> Shell:
    """A small log, sealed, with its views folded."""
    shell.write("county.csv", COUNTY)
    shell.prints("import", "organisations", "county.csv")
    shell.prints("views", "rows", "organisation")
    shell.prints("seal", "--begin", "--once")
    return shell


def found(shell: Shell, *words: str) -> Any:
    """Verify what is not as it was; return what is told of it."""
    ran = shell.run("verify", "--json", *words)
    assert ran.returncode == 1, ran.stderr.decode()
    told = json.loads(ran.stdout)
    assert told["verdict"] == "TAMPERED"
    return told


def test_an_installation_that_nobody_touched_is_verified(county: Shell) -> None:
    told = county.tells("verify")
    assert (told["verdict"], told["origin"], told["checkpoints"]) == ("VERIFIED", ORIGIN, 1)
    assert told["events"] == told["sealed"] > 3
    assert (told["views"], told["pending"]) == (["authority", "organisation", "standard", "ledger", "conformance"], [])
    lines = county.prints("verify", "--processes", "1", "--no-views").splitlines()
    assert lines[0] == f"VERIFIED: {told['events']} events of {ORIGIN}"


def test_an_event_that_was_edited_is_named(county: Shell, database: Database) -> None:
    tamper(database, EDITED)
    told = found(county)
    assert told["kind"] == "event"
    assert told["position"] == told["index"] + 1
    assert found(county, "--processes", "1") == told
    said = county.run("verify").stdout.decode().splitlines()[0]
    assert said.startswith(f"TAMPERED (event): the event at position {told['position']} is not the one")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE organisation SET name = '杭州市' WHERE name = '湖州市'",
        "DELETE FROM organisation WHERE name = '湖州市'",
        COPIED,
        "UPDATE organisation SET name = '杭州市' WHERE name = '吴兴市'",
        "UPDATE views SET position = position - 2 WHERE name = 'organisation'",
        "UPDATE views SET position = position + 2 WHERE name = 'organisation'",
    ],
)
def test_a_view_that_was_changed_is_named(county: Shell, database: Database, statement: str) -> None:
    with Installation(database) as at:
        for name in ("吴兴市", "湖州市"):
            at.organisations.rename(at.act("ann", "by decree", "personnel"), organisation_id("3305"), name)
    county.prints("views", "rows", "organisation")
    county.prints("seal", "--once")
    with database.connect(Role.owner) as connection:
        connection.execute("SET search_path = record_organisation, record")
        assert connection.execute(statement.encode()).rowcount > 0
    told = found(county)
    assert told["kind"] == "view"
    assert told["sentence"].startswith("the view organisation ")
    assert county.tells("verify", "--no-views")["verdict"] == "VERIFIED"


def test_views_that_are_to_be_built_are_said_not_to_have_been_compared(county: Shell, database: Database) -> None:
    forget(database)
    told = county.tells("verify")
    assert (told["views"], told["pending"]) == ([], ["authority", "organisation", "standard", "ledger", "conformance"])
    last = county.prints("verify").splitlines()[-1]
    assert last.startswith("views being built, not compared: authority, organisation, ")


def test_the_keys_to_trust_can_be_given(county: Shell, database: Database) -> None:
    ours = [str(load(database.keys, role).key) for role in (LOG, WRITER)]
    assert county.tells("verify", "--key", ours[0], "--writer", ours[1])["verdict"] == "VERIFIED"
    stranger = str(create(county.folder / "elsewhere", "stranger", ORIGIN).key)
    assert found(county, "--key", stranger)["kind"] == "checkpoint"
    assert found(county, "--key", ours[0], "--writer", stranger)["kind"] == "key"
    assert "is no verifier key" in county.refuses("verify", "--key", "x")


@pytest.fixture
def guarded(county: Shell) -> Shell:
    """What guards the log is sealed."""
    assert county.prints("migrate") == "the catalogue is sealed\n"
    county.prints("seal", "--once")
    assert county.prints("migrate") == "nothing to do\n"
    return county


def superuser(database: Database, *statements: str) -> None:
    with database.connect(Role.owner) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_a_fence_that_was_taken_down_is_named(guarded: Shell, database: Database) -> None:
    told = guarded.tells("verify", "--no-views")
    assert (told["guarded"], told["altered"]) == (told["events"], [])
    superuser(database, DISABLED)
    told = found(guarded)
    assert (told["kind"], told["position"], told["altered"]) == ("catalogue", None, [NAMED])
    assert found(guarded, "--resume") == {**told, "since": told["events"]}
    superuser(database, "ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_append_only")
    assert guarded.tells("verify")["verdict"] == "VERIFIED"


def test_a_fence_that_is_up_again_is_no_matter_but_what_was_edited_meanwhile_is(
    guarded: Shell, database: Database
) -> None:
    superuser(
        database,
        "DROP TRIGGER events_are_not_rewritten ON events",
        EDITED,
        "CREATE TRIGGER events_are_not_rewritten BEFORE UPDATE ON events"
        " FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()",
        "ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_not_rewritten",
    )
    told = found(guarded)
    assert (told["kind"], told["altered"]) == ("event", [])


def test_an_administrator_accepts_what_was_altered_for_a_reason(guarded: Shell, database: Database) -> None:
    superuser(database, DISABLED)
    ran = guarded.run("migrate")
    assert (ran.returncode, ran.stdout.decode()) == (0, "nothing to do\n")
    assert f"ALTERED since it was sealed: {NAMED}" in ran.stderr.decode()
    assert guarded.refuses("migrate", "--accept-catalogue", " ") == "accept-catalogue: say why it is accepted"
    reason = ("--accept-catalogue", "the vendor repairs the table", "--person", "Ann")
    assert guarded.tells("migrate", *reason) == {"applied": [], "sealed": True, "altered": []}
    guarded.prints("seal", "--once")
    assert guarded.tells("verify")["verdict"] == "VERIFIED"


def test_a_verification_goes_on_where_the_last_one_ended(county: Shell) -> None:
    first = county.tells("verify", "--resume")
    assert (first["since"], first["verdict"]) == (0, "VERIFIED")
    assert county.tells("verify", "--resume")["since"] == first["sealed"]
    assert county.tells("verify")["since"] == 0
    lines = county.prints("verify", "--resume", "--no-views").splitlines()
    assert lines[2] == f"{first['sealed']} of them were verified before, and not read again"
    (county.folder / "var/verified.json").write_text("{")
    assert "var/verified.json is damaged: verify everything" in county.refuses("verify", "--resume")
    assert county.tells("verify")["verdict"] == "VERIFIED"
