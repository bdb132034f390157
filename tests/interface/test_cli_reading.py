"""What an auditor reads through the command line: views now and then, their replay, histories; and what is refused."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from application.keys import Signer
from domain.standard import bpmn
from tests.application.clusters import folder, state
from tests.domain.flows import drawn
from tests.interface.shell import Shell

VIEWS = ("authority", "organisation", "standard", "ledger", "conformance")
COUNTY = "code,name,parent_code,level\n330523,安吉县,,county\n330523101,梅溪镇,330523,township\n"
CASES = "case,step,at,by\n1,receive,2026-03-01 09:00,李明\n1,issue,2026-03-02 10:00,李明\n2,receive,2026-03-03,王芳\n"


@pytest.fixture
def kept(shell: Shell) -> Shell:
    """A shell whose log holds two organisations, a standard and two cases."""
    shell.tells("import", "organisations", shell.write("county.csv", COUNTY))
    drawing = shell.write("flow.bpmn", bpmn.write(drawn("s receive check issue e"), "permits", "Permits"))
    words = ("--code", "permits", "--title", "许可", "--area", "效能监察", "--separate", "receive:issue")
    shell.tells("import", "standard", drawing, *words)
    columns = (f"--{name}={name}" for name in ("case", "step", "at", "by"))
    shell.tells("import", "cases", shell.write("cases.csv", CASES), "--standard", "permits", *columns)
    return shell


def test_a_replay_prints_what_the_view_answers_now_and_halfway(kept: Shell) -> None:
    head = kept.tells("views")["views"][0]["position"]
    now = {view: kept.prints("views", "rows", view) for view in VIEWS}
    for view in VIEWS:
        assert kept.prints("replay", "--view", view) == now[view]
        for position in (0, head // 2, head):
            then = kept.prints("views", "rows", view, "--known-at", str(position))
            assert kept.prints("replay", "--view", view, "--until", str(position)) == then
            assert (then == now[view]) == (position == head or (view == "organisation" and position > 0)), position
    assert [line.split()[0] for line in now["conformance"].splitlines()] == ["flow", "case", "case"]
    assert kept.tells("replay", "--view", "ledger") == kept.tells("views", "rows", "ledger")
    assert kept.prints("replay", "--view", "ledger", "--until", "2026-01-01T00:00:00Z") == ""
    this_moment = datetime.now(UTC).isoformat()
    assert kept.prints("views", "rows", "conformance", "--known-at", this_moment) == now["conformance"]


def test_a_replay_from_a_bundle_prints_what_the_view_answers_and_needs_no_database(kept: Shell) -> None:
    kept.prints("seal", "--begin", "--once")
    kept.prints("bundle", "--all", "--output", "all.bundle")
    kept.prints("bundle", "--from", "1", "--to", "9", "--output", "nine.bundle")
    kept.prints("bundle", "--record", "330523101", "--output", "one.bundle")
    vkey = kept.tells("keys", "show")["vkey"]
    head = kept.tells("views")["views"][0]["position"]
    alone = Shell(
        kept.folder, {"TAIZHANG_HOME": "nowhere", "TAIZHANG_DATABASE": "postgresql://nobody@127.0.0.1:1/none"}
    )
    for view in VIEWS:
        for position in (0, head // 2, head):
            asked = ("--view", view, "--bundle", "all.bundle", "--key", vkey, "--until", str(position))
            assert alone.prints("replay", *asked) == kept.prints("views", "rows", view, "--known-at", str(position))
        assert alone.prints("replay", "--view", view, "--bundle", "all.bundle") == kept.prints("views", "rows", view)
    words = ("replay", "--view", "organisation", "--bundle")
    assert alone.prints(*words, "nine.bundle") == kept.prints("views", "rows", "organisation", "--known-at", "9")
    assert "was not verified: give a key" in alone.run(*words, "nine.bundle").stderr.decode()
    assert alone.prints(*words, "all.bundle", "--until", "2026-01-01T00:00:00Z") == ""
    for said, more in (
        ("bundle: a view is folded from the log's beginning", ["one.bundle"]),
        ("until: the log ends at position 9", ["nine.bundle", "--until", "10"]),
        ("until: the bundle ends before", ["nine.bundle", "--until", datetime.now(UTC).isoformat()]),
        ("bundle: it is no bundle: ", ["county.csv"]),
        ("bundle: UNKNOWN KEY: ", ["all.bundle", "--key", str(Signer.of("test.example/record", bytes(32)).key)]),
        ("key: “x” is no verifier key", ["all.bundle", "--key", "x"]),
    ):
        assert said in alone.refuses(*words, *more)
    held = (kept.folder / "all.bundle").read_bytes()
    kept.write("bad.bundle", held.replace("梅溪镇".encode(), "梅溪乡".encode()))
    assert "TAMPERED: position" in alone.refuses(*words, "bad.bundle", "--key", vkey)


def test_a_view_rebuilt_answers_as_before(kept: Shell) -> None:
    before = {view: kept.prints("views", "rows", view) for view in VIEWS}
    kept.prints("views", "rebuild", "conformance")
    kept.prints("views", "rebuild")
    assert {view: kept.prints("views", "rows", view) for view in VIEWS} == before
    assert [view["state"] for view in kept.tells("views")["views"]] == ["following"] * len(VIEWS)


def test_a_record_tells_its_history_as_a_story_and_raw(kept: Shell) -> None:
    story = kept.prints("history", "330523101")
    assert "梅溪镇" in story
    assert "importer" in story
    told = kept.tells("history", "330523101")
    assert [event["topic"] for event in told["events"]] == ["organisation.OrganisationEstablished"]
    by_id = kept.tells("history", told["id"])
    assert by_id == told


def test_conformance_is_told_for_people_and_programs(kept: Shell) -> None:
    told = kept.tells("conformance", "permits")
    none = {"cases": 0, "by_step": {}}
    assert told == {
        "cases": 2,
        "steps": 3,
        "faultless": 0,
        "omitted": {"cases": 2, "by_step": {"check": 2, "issue": 1}},
        "out_of_order": none,
        "without_predecessor": {"cases": 1, "by_step": {"check → issue": 1}},
        "repeated": none,
        "additional": none,
        "duty_conflict": {"cases": 1, "by_step": {"receive → issue": 1}},
    }
    assert "2 cases, 3 steps, 0 cases without a fault" in kept.prints("conformance", "permits")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("conformance other", "other"),
        ("conformance permits --known-at yesterday", "known_at: “yesterday” is neither a position nor a time"),
        ("conformance permits --known-at 2999-01-01", "still to come"),
        ("conformance permits --known-at 99999999999999999999", "known_at: "),
        ("conformance permits --known-at -1", "known_at: "),
        ("replay --view no", "no view"),
        ("replay --view ledger --until later", "until: “later”"),
        ("views rows no", "no view"),
        ("views rebuild no", "no view"),
        ("history no-such-thing", "no-such-thing"),
        ("token create --person Ann --role queen", "role: “queen” is no duty"),
        ("token create --person Ann --role filer --organisation 99", "99"),
        ("token revoke 123", "id: "),
        ("serve --host no.such.host.invalid", "no.such.host.invalid"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(shell: Shell, words: str, said: str) -> None:
    if words.startswith("conformance permits"):
        drawing = shell.write("flow.bpmn", bpmn.write(drawn("s receive e"), "permits", "Permits"))
        shell.tells("import", "standard", drawing, "--code", "permits", "--title", "许可", "--area", "效能监察")
    assert said in shell.refuses(*words.split())


def test_migrating_twice_does_nothing_the_second_time_and_tokens_are_printed_once(shell: Shell) -> None:
    assert shell.tells("migrate") == {"applied": [], "sealed": True, "altered": []}
    assert shell.tells("migrate") == {"applied": [], "sealed": False, "altered": []}
    token = shell.tells("token", "create", "--person", "王芳", "--role", "auditor")["token"]
    [listed] = shell.tells("token", "list")["tokens"]
    assert token not in json.dumps(listed)
    assert shell.tells("token", "revoke", listed["id"])["tokens"][0]["revoked_at"]


def test_where_no_service_runs_the_embedded_database_runs_for_the_time_of_a_command() -> None:
    with folder() as made:
        alone = Shell(made, {"TAIZHANG_HOME": "kept"})
        assert alone.tells("import", "organisations", alone.write("county.csv", COUNTY))["recorded"] == 2
        assert state(made / "kept") == "shut down"
        assert alone.tells("import", "organisations", "county.csv")["repeated"] == 2


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://nobody:secret@127.0.0.1:1/none", "127.0.0.1"),
        ("postgresql://nobody:a@secret@127.0.0.1:1/none", "%40"),
        ("nobody:secret", "no connection string"),
    ],
)
def test_a_server_that_is_away_is_told_without_its_password(tmp_path: Path, address: str, said: str) -> None:
    words = Shell(tmp_path, {"TAIZHANG_DATABASE": address}).refuses("views")
    assert said in words
    assert "secret" not in words
