"""Third-party time, from the command that obtains it to the inspector who checks it, with ours or with OpenSSL."""

import io
import json
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from application.database import Database
from application.keys import LOG, load, verify
from application.seal import Sealer
from application.sealed import Sealed
from application.timestamps import Authority, Roots, Timestamps
from domain.bundle import Trust
from domain.bundle import verify as inspect
from domain.note import Note
from interface.app import Installation
from tests.application.clusters import until
from tests.domain.bundles import archived, files
from tests.domain.test_cosign import tree
from tests.domain.test_note import signed
from tests.faults.authority import Papers, stamping
from tests.faults.load import happened, submission
from tests.faults.log import recorder
from tests.interface.callers import Person
from tests.interface.shell import TAIZHANG, Shell

AWAY = "http://127.0.0.1:1/tsa"


@pytest.fixture
def authority(papers: Papers) -> Iterator[str]:
    with stamping(papers) as url:
        yield url


@pytest.fixture
def stamped(shell: Shell, papers: Papers, authority: str) -> Shell:
    """A sealed log of a few organisations, and an authority that it may ask."""
    shell.write("county.csv", "code,name,parent_code,level\n33,浙江省,,province\n3305,湖州市,33,prefecture\n")
    shell.prints("import", "organisations", "county.csv")
    shell.prints("seal", "--begin", "--once")
    asked = {"TAIZHANG_TIMESTAMP": authority, "TAIZHANG_TIMESTAMP_ROOTS": str(papers.path("root"))}
    return replace(shell, variables={**shell.variables, **asked})


def pinned(shell: Shell) -> str:
    return str(load(shell.folder / "var/keys", LOG).key)


def told(shell: Shell, *words: str) -> tuple[int, Any]:
    ran = shell.run("verify-bundle", *words, "--key", pinned(shell), "--json")
    return ran.returncode, json.loads(ran.stdout)


def test_a_stamped_bundle_says_when_its_checkpoint_was_there(stamped: Shell, papers: Papers) -> None:
    found = stamped.tells("timestamp")
    size = found["size"]
    assert found["authority"] == stamped.variables["TAIZHANG_TIMESTAMP"]
    since = datetime.now(UTC) - datetime.fromisoformat(found["timestamped_at"])
    assert timedelta() <= since < timedelta(minutes=5)
    assert stamped.prints("timestamp") == f"the checkpoint of {size} events is stamped: {found['timestamped_at']}\n"
    stamped.prints("bundle", "--record", "3305", "--timestamped", "--output", "one.bundle")
    roots = ("--timestamp-roots", str(papers.path("root")))
    status, report = told(stamped, "one.bundle", *roots)
    assert (status, report["verdict"], report["timestamped_at"]) == (0, "VERIFIED", found["timestamped_at"])
    shown = stamped.prints("verify-bundle", "one.bundle", *roots, "--key", pinned(stamped))
    assert shown.endswith(f"timestamped  {found['timestamped_at']}\n")
    status, report = told(stamped, "one.bundle")
    assert (status, report["timestamped"], report["timestamped_at"]) == (0, True, None)


def test_an_inspector_checks_the_token_with_openssl_alone(stamped: Shell, papers: Papers) -> None:
    at = datetime.fromisoformat(stamped.tells("timestamp")["timestamped_at"])
    stamped.prints("bundle", "--all", "--timestamped", "--output", "all.bundle")
    with zipfile.ZipFile(stamped.folder / "all.bundle") as archive:
        archive.extractall(stamped.folder / "opened", ["checkpoint", "timestamp.tsr"])

    def checked(root: str, *words: str) -> bool:
        asked = ["openssl", "ts", "-verify", "-data", "checkpoint", "-in", "timestamp.tsr"]
        asked += ["-CAfile", str(papers.path(root)), *words]
        ran = subprocess.run(asked, cwd=stamped.folder / "opened", capture_output=True, check=False)
        assert f"Verification: {'FAILED' if ran.returncode else 'OK'}" in (ran.stdout + ran.stderr).decode()
        return ran.returncode == 0

    assert checked("root")
    assert checked("root", "-attime", str(int(at.timestamp())))
    assert not checked("root", "-attime", "0")
    assert not checked("stranger")
    with (stamped.folder / "opened/checkpoint").open("a") as checkpoint:
        checkpoint.write("\n")
    assert not checked("root")


def test_a_token_that_was_swapped_or_altered_in_a_bundle_is_tampering(stamped: Shell, papers: Papers) -> None:
    roots = ("--timestamp-roots", str(papers.path("root")))
    stamped.prints("timestamp")
    stamped.prints("bundle", "--all", "--timestamped", "--output", "old.bundle")
    stamped.write("more.csv", "code,name,parent_code,level\n330523,安吉县,3305,county\n")
    stamped.prints("import", "organisations", "more.csv")
    stamped.prints("seal", "--once")
    stamped.prints("timestamp")
    stamped.prints("bundle", "--all", "--timestamped", "--output", "new.bundle")
    old, new = (files((stamped.folder / name).read_bytes()) for name in ("old.bundle", "new.bundle"))
    year = f"{datetime.now(UTC):%Y}".encode()
    altered = new["timestamp.tsr"].replace(b"\x18\x0f" + year, b"\x18\x0f2020")
    strange = papers.reply(papers.query(new["checkpoint"]), "foreign")
    for token, reason in (
        (old["timestamp.tsr"], "the time-stamp does not hold: the messageImprint is of something else"),
        (altered, "the time-stamp does not hold: the signature or its certificates do not hold"),
        (strange, "the time-stamp does not hold: the signature or its certificates do not hold: unable to get"),
        (b"garbage", "the time-stamp does not hold: it is no time-stamp response"),
    ):
        stamped.write("bad.bundle", archived({**new, "timestamp.tsr": token}))
        status, report = told(stamped, "bad.bundle", *roots)
        assert (status, report["verdict"], report["kind"]) == (1, "TAMPERED", "timestamp")
        assert report["detail"].startswith(reason)
        assert report["timestamped_at"] is None
        assert told(stamped, "bad.bundle")[0] == 0, "without roots it is not judged"


def test_where_roots_are_given_there_must_be_a_token(stamped: Shell, papers: Papers) -> None:
    stamped.prints("bundle", "--all", "--output", "all.bundle")
    status, report = told(stamped, "all.bundle", "--timestamp-roots", str(papers.path("root")))
    assert (status, report["verdict"], report["kind"]) == (1, "INCOMPLETE", "timestamp")
    stamped.write("none.pem", "garbage")
    for name, reason in (("none.pem", "it holds no certificates in PEM"), ("gone.pem", "No such file or directory")):
        ran = stamped.run("verify-bundle", "all.bundle", "--key", "x", "--timestamp-roots", name)
        assert (ran.returncode, ran.stderr.decode()) == (2, f"taizhang: {name}: {reason}\n")


def test_what_no_stamped_checkpoint_covers_is_refused(stamped: Shell, shell: Shell) -> None:
    def refused(*words: str) -> str:
        return stamped.refuses("bundle", *words, "--timestamped", "--output", "none.bundle")

    assert refused("--all").startswith("no stamped checkpoint covers these events; the newest is of 0 events: taizhang")
    size = stamped.tells("timestamp")["size"]
    stamped.write("more.csv", "code,name,parent_code,level\n330523,安吉县,3305,county\n")
    stamped.prints("import", "organisations", "more.csv")
    shell.prints("seal", "--once")
    for words in (("--record", "330523"), ("--from", "1", "--to", str(size + 1))):
        assert refused(*words).startswith(f"no stamped checkpoint covers these events; the newest is of {size} events")
    assert stamped.tells("bundle", "--all", "--timestamped", "--output", "all.bundle")["size"] == size
    assert stamped.tells("bundle", "--record", "3305", "--timestamped", "--output", "one.bundle")["size"] == size


def test_what_keeps_a_token_away_is_said_by_name(tmp_path: Path, papers: Papers) -> None:
    sealed = Sealed(tmp_path / "var/sealed")
    sealed.publish(signed(Note(tree(3).text)), datetime.now(UTC))
    (tmp_path / "none.pem").write_bytes(b"garbage")
    asked = {"TAIZHANG_TIMESTAMP": AWAY, "TAIZHANG_TIMESTAMP_ROOTS": str(papers.path("root"))}
    for given, said in (
        ({}, f"{AWAY} cannot be reached"),
        ({"TAIZHANG_TIMESTAMP": ""}, "TAIZHANG_TIMESTAMP: name a time-stamping authority"),
        ({"TAIZHANG_TIMESTAMP": "ftp://a.example/"}, "TAIZHANG_TIMESTAMP: “ftp://a.example/” is no http or https"),
        ({"TAIZHANG_TIMESTAMP_ROOTS": ""}, "TAIZHANG_TIMESTAMP_ROOTS: name the file with the certificates"),
        ({"TAIZHANG_TIMESTAMP_ROOTS": "gone.pem"}, "gone.pem: No such file or directory"),
        ({"TAIZHANG_TIMESTAMP_ROOTS": "none.pem"}, "TAIZHANG_TIMESTAMP_ROOTS: none.pem holds no certificates in PEM"),
        ({"TAIZHANG_TIMESTAMP_EVERY": "1w"}, "TAIZHANG_TIMESTAMP_EVERY: “1w” is no span of time such as 7d"),
    ):
        assert Shell(tmp_path, {**asked, **given}).refuses("timestamp").startswith(said)
    assert sealed.stamped() == 0


def test_a_sealer_has_what_it_sealed_stamped_and_seals_on_while_the_authority_is_away(
    stamped: Shell, database: Database
) -> None:
    sealed = Sealed(stamped.folder / "var/sealed")
    stamped.prints("seal", "--once")
    first = sealed.checkpoint().size
    assert sealed.stamped() == first
    away = replace(stamped, variables={**stamped.variables, "TAIZHANG_TIMESTAMP": AWAY})
    kept = sealed.folder / "timestamps" / str(first)
    kept.rename(kept.with_name("aside"))

    def trouble() -> str:
        return str((sealed.stamping() or {}).get("trouble"))

    with (
        recorder(database) as log,
        subprocess.Popen([TAIZHANG, "seal"], cwd=away.folder, env=away.environment, stderr=subprocess.PIPE) as running,
    ):
        try:
            until(lambda: trouble().startswith(f"{AWAY} cannot be reached"), 30)
            log.append(submission(events=3))
            until(lambda: sealed.checkpoint().size == first + 3)
        finally:
            running.terminate()
            said = running.communicate(timeout=20)[1].decode()
    assert running.returncode == 0
    assert said.startswith(f"{AWAY} cannot be reached")
    assert "is sealed" not in said
    with subprocess.Popen([TAIZHANG, "seal"], cwd=stamped.folder, env=stamped.environment) as running:
        try:
            until(lambda: sealed.stamped() == first + 3, 30)
            until(lambda: trouble() == "")
        finally:
            running.terminate()
            running.wait(20)


def test_a_sealer_that_is_told_of_no_authority_has_none_in_trouble(stamped: Shell, shell: Shell) -> None:
    away = replace(stamped, variables={**stamped.variables, "TAIZHANG_TIMESTAMP": AWAY})
    assert "cannot be reached" in away.run("seal", "--once").stderr.decode()
    sealed = Sealed(shell.folder / "var/sealed")
    assert sealed.stamping()
    shell.prints("seal", "--once")
    assert sealed.stamping() is None


@pytest.fixture
def stamps(installation: Installation, papers: Papers, authority: str) -> Timestamps:
    return Timestamps(installation.sealed, Authority(authority, Roots.read(papers.pem("root"))))


def test_stamped_bundles_are_given_over_http(
    installation: Installation, ann: Person, sealer: Sealer, stamps: Timestamps
) -> None:
    log, id, late = installation.records.recorder, uuid4(), uuid4()
    size = installation.head() + 300
    log.append(happened(uuid4(), id, 0, 300))
    sealer.seal()
    refused = ann.get(f"/records/{id}/bundle", params={"timestamped": "true"})
    assert (refused.status_code, refused.json()["field"]) == (422, "timestamped")
    assert refused.json()["detail"] == "no stamped checkpoint covers these events; the newest is of 0 events"
    standing = stamps.obtain()
    log.append(happened(uuid4(), late, 0, 300))
    sealer.seal()
    trust = Trust((load(installation.database.keys, LOG).key,), judge=stamps.authority.roots.judge)
    for path, given in (
        (f"/records/{id}/bundle", {}),
        ("/log/bundle", {}),
        ("/log/bundle", {"from": "2", "to": str(size)}),
    ):
        answer = ann.get(path, params={**given, "timestamped": "true"})
        report = inspect(io.BytesIO(answer.content), trust, verify)
        assert (report.verdict.name, report.timestamped_at) == ("VERIFIED", standing.at)
        assert report.manifest
        assert report.manifest.size == size
    for path, given in ((f"/records/{late}/bundle", {}), ("/log/bundle", {"from": "2", "to": str(size + 1)})):
        assert ann.get(path, params={**given, "timestamped": "true"}).json()["field"] == "timestamped"
        plain = inspect(io.BytesIO(ann.get(path, params=given).content), trust, verify)
        assert (plain.verdict.name, plain.verdict.kind) == ("INCOMPLETE", "timestamp")


def test_a_record_that_went_on_since_is_not_given_without_what_came_then(
    installation: Installation, ann: Person, sealer: Sealer, stamps: Timestamps
) -> None:
    log, id = installation.records.recorder, uuid4()
    size = installation.head() + 3
    log.append(happened(uuid4(), id, 0, 3))
    sealer.seal()
    stamps.obtain()
    log.append(happened(uuid4(), id, 3, 1))
    assert ann.get(f"/records/{id}/bundle", params={"timestamped": "true"}).status_code == 200, "it is not sealed yet"
    sealer.seal()
    refused = ann.get(f"/records/{id}/bundle", params={"timestamped": "true"})
    assert refused.json()["detail"] == f"no stamped checkpoint covers these events; the newest is of {size} events"
    stamps.obtain()
    assert ann.get(f"/records/{id}/bundle", params={"timestamped": "true"}).status_code == 200


@pytest.mark.usefixtures("village")
def test_an_authority_that_is_away_is_told_of_by_health(client: TestClient, sealer: Sealer, stamps: Timestamps) -> None:
    sealer.seal()
    standing = stamps.obtain()
    health = client.get("/api/health").json()
    assert health["status"] == "well"
    assert health["sealed"]["timestamp"] == {"size": standing.size, "at": standing.at, "trouble": ""}
    stamps.sealed.tell_stamping(replace(standing, trouble="it cannot be reached"))
    health = client.get("/api/health").json()
    assert health["status"] == "impaired"
    assert health["sealed"]["timestamp"] == {
        "size": standing.size,
        "at": standing.at,
        "trouble": "it cannot be reached",
    }
