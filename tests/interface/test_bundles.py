"""Bundles as they are given out, by the command and over HTTP, and what an inspector's verifier says of them."""

import io
import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from application.database import Database
from application.keys import LOG, load, verify
from application.seal import Sealer
from application.sealed import Sealed, Unsealed
from domain.bundle import Report, Trust
from domain.bundle import verify as inspect
from domain.note import Checkpoint, Note
from interface.app import Installation
from interface.pyz import build
from tests.faults.load import happened, submission
from tests.faults.tamper import tamper
from tests.interface.callers import Person
from tests.interface.shell import Shell


def judged(given: bytes, database: Database, kept: Note | None = None) -> Report:
    return inspect(io.BytesIO(given), Trust((load(database.keys, LOG).key,), kept=kept), verify)


@pytest.fixture
def streams(installation: Installation, sealer: Sealer) -> list[UUID]:
    """Three records whose events lie among each other, over several tiles, and one that is not sealed."""
    recorder, ids = installation.records.recorder, [uuid4() for _ in range(4)]
    for n in range(3):
        recorder.append(submission(events=200))
        for id in ids[:3]:
            recorder.append(happened(uuid4(), id, 2 * n, 2))
    sealer.seal()
    recorder.append(happened(uuid4(), ids[3], 0, 1))
    return ids


def test_a_records_bundle_has_its_sealed_events_and_is_verified(
    installation: Installation, ann: Person, streams: list[UUID]
) -> None:
    for id in streams[:3]:
        answer = ann.get(f"/records/{id}/bundle")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{id}.bundle"'
        report = judged(answer.content, installation.database)
        assert (report.verdict.name, report.manifest and report.manifest.count) == ("VERIFIED", 6)


@pytest.mark.usefixtures("streams")
@pytest.mark.parametrize(
    ("asked", "count"),
    [({}, 618), ({"from": 1, "to": 618}, 618), ({"from": 256, "to": 257}, 2), ({"from": 9, "to": 9}, 1)],
)
def test_a_range_or_everything_is_given_and_verified(
    installation: Installation, ann: Person, asked: dict[str, int], count: int
) -> None:
    answer = ann.get("/log/bundle", params=asked)
    assert answer.status_code == 200
    report = judged(answer.content, installation.database)
    assert (report.verdict.name, report.manifest and report.manifest.count) == ("VERIFIED", count)


def test_it_is_proved_that_the_log_goes_on_from_what_an_inspector_kept(
    installation: Installation, streams: list[UUID], ann: Person, sealer: Sealer
) -> None:
    kept = Note.parse(ann.client.get("/checkpoint").content)
    installation.records.recorder.append(submission(events=5))
    sealer.seal()
    for address, asked in ((f"/records/{streams[0]}/bundle", {}), ("/log/bundle", {"from": 3, "to": 3})):
        without = judged(ann.get(address, params=asked).content, installation.database, kept)
        assert (without.verdict.name, without.verdict.kind) == ("INCOMPLETE", "consistency")
        report = judged(ann.get(address, params=asked | {"since": 618}).content, installation.database, kept)
        assert (report.verdict.name, report.continues) == ("VERIFIED", 618)
    for asked in ({}, {"since": 618}):
        assert judged(ann.get("/log/bundle", params=asked).content, installation.database, kept).continues == 618


def test_what_cannot_be_given_is_refused_by_name(streams: list[UUID], ann: Person) -> None:
    def refused(**asked: int) -> tuple[int, str]:
        answer = ann.get("/log/bundle", params={name.rstrip("_"): value for name, value in asked.items()})
        return answer.status_code, answer.json()["field"]

    assert refused(from_=1) == (422, "to")
    assert refused(to=1) == (422, "from")
    assert refused(from_=5, to=4) == (422, "to")
    assert refused(from_=5, to=619) == (422, "to")
    assert refused(since=619) == (422, "since")
    assert ann.get(f"/records/{UUID(int=5)}/bundle").status_code == 404
    late = ann.get(f"/records/{streams[3]}/bundle")
    assert (late.status_code, late.headers["Retry-After"]) == (503, "1")


@pytest.mark.usefixtures("streams")
@pytest.mark.parametrize(
    ("statement", "kind", "index"),
    [
        ("UPDATE events SET state = '{}' WHERE position = 300", "state", 299),
        ("UPDATE events SET salt = sha256('') WHERE position = 300", "state", 299),
    ],
)
def test_what_was_edited_in_the_database_is_found_by_the_inspector(
    installation: Installation, ann: Person, statement: str, kind: str, index: int
) -> None:
    tamper(installation.database, statement)
    report = judged(ann.get("/log/bundle", params={"from": 290, "to": 310}).content, installation.database)
    assert (report.verdict.name, report.verdict.kind, report.verdict.index) == ("TAMPERED", kind, index)


@pytest.mark.usefixtures("streams")
def test_what_is_gone_from_the_database_is_said_to_be(installation: Installation) -> None:
    tamper(installation.database, "DELETE FROM events WHERE position = 300")
    with pytest.raises(Unsealed, match="position 300 is sealed, and no longer in the database"):
        installation.bundles.of_range(io.BytesIO(), 299, 301)


@pytest.fixture
def sealed_shell(shell: Shell) -> Shell:
    shell.write("county.csv", "code,name,parent_code,level\n33,浙江省,,province\n3305,湖州市,33,prefecture\n")
    shell.prints("import", "organisations", "county.csv")
    shell.prints("seal", "--begin", "--once")
    return shell


def test_an_inspector_verifies_a_record_with_one_file_on_a_bare_python(sealed_shell: Shell, tmp_path: Path) -> None:
    assert "events of test.example/record are in one.bundle" in sealed_shell.prints(
        "bundle", "--record", "3305", "--output", "one.bundle"
    )
    vkey = sealed_shell.tells("keys", "show")["vkey"]
    build(tmp_path / "verify.pyz")

    def inspects(name: str) -> tuple[int, dict[str, object]]:
        words = [sys.executable, "-I", "-S", tmp_path / "verify.pyz", tmp_path / name, "--key", vkey, "--json"]
        ran = subprocess.run(words, capture_output=True, check=False)
        return ran.returncode, json.loads(ran.stdout)

    status, told = inspects("one.bundle")
    assert (status, told["verdict"]) == (0, "VERIFIED")
    held = (tmp_path / "one.bundle").read_bytes()
    place = held.index("湖州市".encode())
    (tmp_path / "changed.bundle").write_bytes(held[:place] + bytes([held[place] ^ 1]) + held[place + 1 :])
    status, told = inspects("changed.bundle")
    assert (status, told["verdict"], told["kind"]) == (1, "TAMPERED", "state")
    entry = sealed_shell.tells("history", "3305")["events"][0]
    assert told["position"] == entry["position"]


def test_an_inspector_comes_again_with_what_he_kept(sealed_shell: Shell) -> None:
    key = ("--key", sealed_shell.tells("keys", "show")["vkey"])
    sealed = Sealed(sealed_shell.folder / "var/sealed")
    kept = sealed.note()
    sealed_shell.write("kept", bytes(kept))
    sealed_shell.write("more.csv", "code,name,parent_code,level\n330523,安吉县,3305,county\n")
    sealed_shell.prints("import", "organisations", "more.csv")
    sealed_shell.prints("seal", "--once")
    before, size = Checkpoint.parse(kept.text).size, sealed.checkpoint().size
    sealed_shell.prints("bundle", "--record", "3305", "--since", str(before), "--output", "one.bundle")
    assert f"goes on      from the {before} events" in sealed_shell.prints(
        "verify-bundle", "one.bundle", *key, "--since", "kept"
    )
    for beyond in (size + 1, 0):
        said = sealed_shell.refuses("bundle", "--all", "--since", str(beyond), "--output", "x.bundle")
        assert said == f"since: {size} events are sealed"


def test_the_command_writes_a_whole_file_or_none(sealed_shell: Shell) -> None:
    sealed_shell.prints("bundle", "--all", "--output", "all.bundle")
    sealed_shell.prints("bundle", "--from", "2", "--to", "3", "--output", "some.bundle")
    assert "are not among them" in sealed_shell.refuses(
        "bundle", "--from", "2", "--to", "99", "--output", "none.bundle"
    )
    for words in (["--all", "--record", "33"], ["--from", "1"], ["--to", "1"], []):
        assert "give one of --record" in sealed_shell.refuses("bundle", *words, "--output", "none.bundle")
    names = {path.name for path in sealed_shell.folder.iterdir() if path.is_file()}
    assert names == {"county.csv", "all.bundle", "some.bundle"}
    vkey = sealed_shell.tells("keys", "show")["vkey"]
    assert sealed_shell.prints("verify-bundle", "all.bundle", "--key", vkey).startswith("VERIFIED")
