"""The log's keys are changed by commands, and an inspector who pinned any of them goes on verifying bundles."""

import io
import shlex
import sys
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from application.database import Database
from application.keys import LOG, WRITER, Signer, create, load, verify
from application.migrate import migrate
from domain.bundle import Report, Trust
from domain.bundle import verify as inspect
from domain.group import writer
from domain.note import Key, encode
from tests.faults.log import ORIGIN
from tests.interface.shell import Shell

CODES = iter(range(100, 1000))
WHY = ("--reason", "三年一换")


@pytest.fixture
def house(shell: Shell, database: Database) -> Shell:
    """An installation with keys of its own, one event of which is sealed."""
    (shell.folder / "var/keys").unlink()
    copytree(database.keys, shell.folder / "var/keys")
    grows(shell)
    shell.prints("seal", "--begin", "--once")
    return shell


def grows(shell: Shell) -> None:
    code = next(CODES)
    shell.write("one.csv", f"code,name,parent_code,level\n{code},第{code}村,,village\n")
    shell.prints("import", "organisations", "one.csv")


def keys_of(shell: Shell) -> dict[str, tuple[str, bool]]:
    """The state of every key, and whether its secret is here."""
    return {each["vkey"]: (each["state"], each["here"]) for each in shell.tells("keys", "list")["keys"]}


def judged(shell: Shell, *pinned: str) -> Report:
    shell.prints("bundle", "--all", "--output", "all.bundle")
    held = (shell.folder / "all.bundle").read_bytes()
    return inspect(io.BytesIO(held), Trust(tuple(map(Key.parse, pinned))), verify)


def test_the_key_that_seals_is_changed_and_every_bundle_is_verified_under_the_first(house: Shell) -> None:
    old = str(load(house.folder / "var/keys", LOG).key)
    assert [state for state, _ in keys_of(house).values()] == ["in force", "in force"]
    new = house.tells("keys", "add", *WHY)["vkey"]
    assert keys_of(house)[new] == keys_of(house)[old] == ("in force", True)
    assert "no other key has signed a checkpoint yet" in house.refuses("keys", "retire", old, *WHY)
    house.prints("seal", "--once")
    assert [judged(house, *pinned).verdict.name for pinned in ([old], [new], [old, new])] == ["VERIFIED"] * 3
    house.prints("keys", "retire", old, *WHY)
    house.prints("seal", "--once")
    (house.folder / "var/keys/log.key").unlink()
    grows(house)
    house.prints("seal", "--once")
    assert keys_of(house)[old] == ("retired", False)
    assert house.tells("keys", "show") == {"origin": ORIGIN, "vkey": new}
    report = judged(house, old)
    assert (report.verdict.name, report.keys) == ("VERIFIED", (new,))
    assert judged(house, new).verdict.name == "VERIFIED"
    third = house.tells("keys", "add", *WHY)["vkey"]
    house.prints("seal", "--once")
    house.prints("keys", "retire", new, *WHY)
    house.prints("seal", "--once")
    (house.folder / "var/keys/log-2.key").unlink()
    grows(house)
    house.prints("seal", "--once")
    for pinned in (old, new, third):
        report = judged(house, pinned)
        assert (report.verdict.name, report.keys) == ("VERIFIED", (third,)), (
            "two links lead from the first to the third"
        )


def test_a_key_of_anybody_elses_is_unknown_whatever_the_bundle_says(house: Shell) -> None:
    house.prints("keys", "add", *WHY)
    house.prints("seal", "--once")
    stranger = str(Signer.of(ORIGIN, bytes([9]) * 32).key)
    assert judged(house, stranger).verdict.name == "UNKNOWN KEY"


def test_the_writers_key_is_changed_and_what_it_signs_is_sealed(house: Shell) -> None:
    old = str(load(house.folder / "var/keys", WRITER).key)
    new = house.tells("keys", "add", "--role", "writer", *WHY)["vkey"]
    grows(house)
    house.prints("keys", "retire", old, *WHY)
    grows(house)
    (house.folder / "var/keys/writer.key").unlink()
    grows(house)
    house.prints("seal", "--once")
    assert keys_of(house)[old] == ("retired", False)
    assert keys_of(house)[new] == ("in force", True)


def test_a_key_that_was_made_elsewhere_is_brought_and_added(house: Shell, tmp_path: Path) -> None:
    """The sealer's host has its own folder, and no way to write to the log."""
    host = Shell(tmp_path, {**house.variables, "TAIZHANG_HOME": "host"})
    copytree(house.folder / "var/keys", tmp_path / "host/keys")
    made = host.tells("keys", "make")["vkey"]
    assert house.tells("keys", "add", "--key", made, *WHY)["vkey"] == made
    ran = house.run("seal", "--once")
    assert ran.returncode == 3
    assert "is not here: bring it if it is yours" in ran.stderr.decode()
    name = "log-2.key"
    (house.folder / "var/keys" / name).write_bytes((tmp_path / "host/keys" / name).read_bytes())
    (house.folder / "var/keys" / name).chmod(0o600)
    house.prints("seal", "--resume", "--once")
    assert judged(house, made).verdict.name == "VERIFIED"


def test_a_key_that_was_made_and_not_yet_added_is_the_next(house: Shell) -> None:
    """As when adding was interrupted."""
    made = house.tells("keys", "make")["vkey"]
    assert keys_of(house)[made] == ("not added", True)
    assert house.tells("keys", "add", *WHY)["vkey"] == made


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "--reason", " "), "reason: say why the key is changed"),
        (("add", "--key", "x", "--reason", "y"), "key: “x” is no verifier key: it is written NAME+ID+BASE64"),
        (("retire", "x", "--reason", "y"), "key: “x” is no verifier key: it is written NAME+ID+BASE64"),
        (("make", "--public", "AAAA"), "public: a public key has 32 bytes, in base64"),
        (("make", "--public", "?"), "public: a public key has 32 bytes, in base64"),
    ],
)
def test_what_cannot_be_done_to_keys_is_refused_with_the_reason(house: Shell, words: Any, said: str) -> None:
    before = keys_of(house)
    assert house.refuses("keys", *words) == said
    assert {key: state for key, state in keys_of(house).items() if state[0] != "not added"} == before


SIGNS = """
import sys
from pathlib import Path
from application.keys import LOG, WRITER, load
from domain.note import encode
[signer] = [each for role in (LOG, WRITER) if str((each := load(Path({vault!r}), role)).key) == sys.argv[-1]]
print(encode(signer.sign(sys.stdin.buffer.read())))
"""


def test_a_log_is_written_and_sealed_with_keys_that_a_command_has(tmp_path: Path, database: Database) -> None:
    migrate(database)  # a copied database has not the template's grants upon itself
    vault, program = tmp_path / "vault", tmp_path / "sign.py"
    program.write_text(SIGNS.format(vault=str(vault)))
    create(vault, LOG, ORIGIN)
    create(vault, WRITER, writer(ORIGIN))
    publics = [encode(load(vault, role).key.public) for role in (LOG, WRITER)]
    variables = {
        "TAIZHANG_DATABASE": database.dsn,
        "TAIZHANG_SIGN_COMMAND": shlex.join([sys.executable, str(program)]),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    shell = Shell(tmp_path, variables)
    made = shell.tells("keys", "create", "--origin", ORIGIN, "--log-public", publics[0], "--writer-public", publics[1])
    assert made == shell.tells("keys", "show") == {"origin": ORIGIN, "vkey": str(load(vault, LOG).key)}
    assert sorted(path.name for path in (tmp_path / "var/keys").iterdir()) == ["log.vkey", "writer.vkey"]
    grows(shell)
    assert "events are sealed" in shell.prints("seal", "--begin", "--once")
    assert judged(shell, made["vkey"]).verdict.name == "VERIFIED"
    program.write_text("raise SystemExit('the token is locked')")
    shell.write("two.csv", "code,name,parent_code,level\n9,九村,,village\n")
    assert "did not sign with" in shell.refuses("import", "organisations", "two.csv")
    assert "the token is locked" in shell.refuses("import", "organisations", "two.csv")
