"""The verifier that an inspector runs: one file, on a bare Python, with a status and words that a person can act on."""

import ast
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from application.keys import Signer
from domain.note import COSIGNATURE, Note, cosigned
from interface import pyz
from interface.verifier import ELSEWHERE
from tests.domain.bundles import LOG, ORIGIN, STRANGER, VILLAGE, Log, story
from tests.interface.shell import Shell

WITNESS = Signer.of("w.example/witness", bytes([20]) * 32, COSIGNATURE)
PINNED = ("--key", str(LOG.key))
POLICY = f"witness W {WITNESS.key}\nquorum W\n"
BARE = Path("/usr/bin/python3")


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dist") / "deeper" / "taizhang-verify.pyz"
    pyz.build(path)
    return path


def interpreter() -> str:
    """A Python that has no packages of ours, where the system has one that is new enough."""
    asked = [str(BARE), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    usable = BARE.exists() and subprocess.run(asked, check=False).returncode == 0
    return str(BARE if usable else sys.executable)


class Inspector:
    """Runs the one file in a folder, without the site's packages and apart from the environment."""

    def __init__(self, verifier: Path, folder: Path) -> None:
        self.command = [interpreter(), "-I", "-S", str(verifier)]
        self.folder = folder

    def run(self, *words: str) -> tuple[int, str, str]:
        ran = subprocess.run(
            [*self.command, *words], cwd=self.folder, capture_output=True, check=False, env={"LC_ALL": "C"}, timeout=60
        )
        return ran.returncode, ran.stdout.decode(), ran.stderr.decode()

    def tells(self, *words: str) -> tuple[int, Any]:
        status, out, err = self.run(*words, "--json")
        assert not err, err
        return status, json.loads(out)

    def write(self, name: str, content: bytes | str) -> None:
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def inspector(verifier: Path, tmp_path: Path) -> Inspector:
    return Inspector(verifier, tmp_path)


def removed() -> Log:
    log = story()
    log.remove(3)
    return log


def witnessed(log: Log, at: int) -> bytes:
    note = log.checkpoint()
    signature = WITNESS.sign(cosigned(note.text, at))
    return log.bundle(checkpoint=note.with_signature(WITNESS.key, at.to_bytes(8) + signature))


def test_it_is_the_same_file_wherever_it_is_built_and_holds_what_it_needs_alone(verifier: Path, tmp_path: Path) -> None:
    pyz.build(tmp_path / "again.pyz")
    assert (tmp_path / "again.pyz").read_bytes() == verifier.read_bytes()
    held = pyz.contents()
    outside = set[str]()
    for name, content in held.items():
        if name.endswith(".py"):
            for node in ast.walk(ast.parse(content)):
                if isinstance(node, ast.Import):
                    outside |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    outside.add(str(node.module))
    ours = {name for name in outside if name.split(".")[0] in {"domain", "interface"}}
    assert {name.split(".")[0] for name in outside - ours} <= sys.stdlib_module_names
    files = {f"{name.replace('.', '/')}{end}" for name in ours for end in (".py", "/__init__.py")}
    packages = {"domain/__init__.py", "interface/__init__.py"}
    assert held.keys() == (files & held.keys()) | packages | {"LICENSE", "__main__.py"}
    assert {"domain/bundle/verify.py", "interface/verifier.py"} < held.keys()


def test_what_holds_is_said_in_words(inspector: Inspector) -> None:
    inspector.write("all.bundle", story().bundle())
    status, out, err = inspector.run("all.bundle", *PINNED)
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "VERIFIED: 8 events held here are as the log sealed them",
        f"origin       {ORIGIN}",
        "size         8",
        "count        8",
        "positions    1-8",
        f"signed by    {LOG.key}",
    ]


def test_what_was_removed_lawfully_is_listed(inspector: Inspector) -> None:
    log = removed()
    inspector.write("one.bundle", log.bundle([1, 3, 5, 7, 9], record=VILLAGE, covering=(9,), timestamp=b"token"))
    status, out, _ = inspector.run("one.bundle", *PINNED)
    assert status == 0
    assert out.splitlines()[0].startswith(
        "REDACTED: 5 events held here are as the log sealed them; payloads were removed"
    )
    assert out.splitlines()[4:] == [
        "positions    1, 3, 5, 7, 9",
        f"record       {VILLAGE}",
        f"signed by    {LOG.key}",
        "redacted     3, covered by 9",
        f"timestamp    there is one, and it was not judged: {ELSEWHERE}",
    ]
    status, told = inspector.tells("one.bundle", *PINNED)
    assert (status, told["redacted"]) == (0, [{"position": 3, "covered_by": 9}])


def test_many_ranges_are_told_in_part(inspector: Inspector) -> None:
    inspector.write("one.bundle", story(60).bundle(range(1, 61, 2), record=VILLAGE))
    _, out, _ = inspector.run("one.bundle", *PINNED)
    assert "positions    1, 3, 5," in out
    assert "39 and 10 ranges more\n" in out


def test_what_does_not_hold_has_status_1_and_names_the_place(inspector: Inspector) -> None:
    log = story()
    log.removed = {4}
    inspector.write("bad.bundle", log.bundle())
    status, out, err = inspector.run("bad.bundle", *PINNED)
    assert (status, err) == (1, "")
    assert out.startswith("TAMPERED: position 4: the payload is removed, and no later event here covers that\n")
    assert inspector.tells("bad.bundle", *PINNED) == (
        1,
        {
            "verdict": "TAMPERED",
            "index": 3,
            "position": 4,
            "kind": "redaction",
            "detail": "position 4: the payload is removed, and no later event here covers that",
            "origin": ORIGIN,
            "size": 8,
            "count": 8,
            "positions": [[1, 8]],
            "record": None,
            "keys": [str(LOG.key)],
            "cosignatures": {},
            "redacted": [],
            "since": None,
            "timestamped": False,
            "timestamped_at": None,
        },
    )
    status, told = inspector.tells("bad.bundle", "--key", str(STRANGER.key))
    assert (status, told["verdict"], told["keys"]) == (1, "UNKNOWN KEY", [])


def test_what_was_kept_is_gone_on_from(inspector: Inspector) -> None:
    log = story()
    inspector.write("kept", bytes(log.checkpoint(size=3)))
    inspector.write("one.bundle", log.bundle([3, 4], asked=(3, 4), since=3))
    status, out, err = inspector.run("one.bundle", *PINNED, "--since", "kept")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "goes on      from the 3 events of the checkpoint that you kept"
    status, told = inspector.tells("one.bundle", *PINNED, "--since", "kept")
    assert (status, told["since"]) == (0, 3)
    inspector.write("kept", bytes(story(9).checkpoint(size=9)))
    status, told = inspector.tells("one.bundle", *PINNED, "--since", "kept")
    assert (status, told["verdict"], told["since"]) == (1, "STALE", None)


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (None, "taizhang: kept: No such file or directory\n"),
        (b"", "taizhang: kept is no checkpoint: "),
        (b"\xff", "taizhang: kept is no checkpoint: "),
        (bytes(LOG.sign_note(Note("a letter\n"))), "taizhang: kept is no checkpoint: "),
    ],
)
def test_what_was_kept_is_a_checkpoint(inspector: Inspector, kept: bytes | None, said: str) -> None:
    inspector.write("all.bundle", story().bundle())
    if kept is not None:
        inspector.write("kept", kept)
    status, out, err = inspector.run("all.bundle", *PINNED, "--since", "kept")
    assert (status, out) == (2, "")
    assert err.startswith(said)
    assert err.count("\n") == 1


@pytest.mark.parametrize("given", [b"", b"hello", b"PK\3\4", story().bundle()[:-1], story().bundle() + b"\0"])
def test_any_file_has_a_verdict(inspector: Inspector, given: bytes) -> None:
    inspector.write("any", given)
    status, told = inspector.tells("any", *PINNED)
    assert (status, told["kind"]) == (1, "file")


def test_a_policy_says_who_must_have_cosigned_and_how_lately(inspector: Inspector) -> None:
    hour = 3600
    at = int(time.time()) - hour
    inspector.write("policy", f"log {LOG.key}\n{POLICY}")
    inspector.write("new.bundle", witnessed(story(), at))
    inspector.write("bare.bundle", story().bundle())
    given = ("--policy", "policy")
    status, out, err = inspector.run("new.bundle", *given, "--fresh", "90m")
    assert (status, err) == (0, "")
    assert f"cosigned by  W at {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(at))}" in out.splitlines()
    for span, expected in (("2h", "VERIFIED"), ("1d", "VERIFIED"), ("59m", "STALE")):
        assert inspector.tells("new.bundle", *given, "--fresh", span)[1]["verdict"] == expected
    status, told = inspector.tells("bare.bundle", *given)
    assert (status, told["verdict"], told["kind"]) == (1, "INCOMPLETE", "quorum")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.bundle", *PINNED], "none.bundle: No such file"),
        ([".", *PINNED], ".: Is a directory"),
        (["good.bundle"], "no key is trusted"),
        (["good.bundle", "--key", "x"], "NAME+ID+BASE64"),
        (["good.bundle", "--key", str(WITNESS.key)], "witnesses are in a policy"),
        (["good.bundle", *PINNED, "--policy", "none"], "none: No such file"),
        (["good.bundle", *PINNED, "--policy", "good.bundle"], "line"),
        (["good.bundle", *PINNED, "--fresh", "7d"], "give the policy that names them"),
        (["good.bundle", *PINNED, "--policy", "policy", "--fresh", "7w"], "no span of time"),
        (["good.bundle", *PINNED, "--policy", "policy", "--fresh", "0d"], "no span of time"),
        (
            ["good.bundle", *PINNED, "--timestamp-roots", "roots.pem"],
            "cannot judge a time-stamp: taizhang verify-bundle",
        ),
        (["good.bundle", *PINNED, "--unknown"], "unrecognized arguments"),
        ([], "required: FILE"),
    ],
)
def test_wrong_usage_has_status_2_and_says_what_to_do(inspector: Inspector, words: list[str], said: str) -> None:
    inspector.write("good.bundle", story().bundle())
    inspector.write("policy", POLICY)
    status, out, err = inspector.run(*words)
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_the_command_line_does_the_same(inspector: Inspector) -> None:
    shell = Shell(inspector.folder, {"TAIZHANG_DATABASE": "postgresql://nobody@127.0.0.1:1/none"})
    log = story()
    log.removed = {4}
    for name, bundle in (("good.bundle", story().bundle()), ("bad.bundle", log.bundle())):
        inspector.write(name, bundle)
        for words in ((name, *PINNED), (name, *PINNED, "--json"), (name,), ("none", *PINNED)):
            ran = shell.run("verify-bundle", *words)
            assert (ran.returncode, ran.stdout.decode(), ran.stderr.decode()) == inspector.run(*words)


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_whoever_has_read_enough_hears_of_nothing_and_the_status_is_the_verdicts(
    inspector: Inspector, more: list[str]
) -> None:
    """As head does: it reads a line, and closes the pipe."""
    (inspector.folder / "whole.bundle").write_bytes(story().bundle())
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(
            [*inspector.command, "whole.bundle", *PINNED, *more],
            cwd=inspector.folder,
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, b"")
