"""Keys are made once, kept from others, and never overwritten; what is damaged or was open to others is not used."""

import os
import shlex
import stat
import sys
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from application.keys import (
    LOG,
    WITNESS,
    WRITER,
    Signer,
    Unusable,
    create,
    create_for_log,
    create_next,
    for_witness,
    load,
    load_all,
    verify,
)
from domain import ed25519
from domain.note import COSIGNATURE, Checkpoint, Key, Note

ORIGIN = "records.anji.example/log"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_key_is_made_kept_and_read_again(tmp_path: Path) -> None:
    made = create(tmp_path / "keys", LOG, ORIGIN)
    kept = load(tmp_path / "keys", LOG)
    assert kept.key == made.key
    assert made.key.name == ORIGIN
    for check in (verify, ed25519.verify):
        assert check(kept.key.public, b"message", made.sign(b"message"))
        assert not check(kept.key.public, b"massage", made.sign(b"message"))
    assert (mode(tmp_path / "keys"), mode(tmp_path / "keys" / "log.key")) == (0o700, 0o600)
    assert files(tmp_path / "keys") == ["log.key"]


def test_two_keys_are_never_the_same(tmp_path: Path) -> None:
    assert create(tmp_path, LOG, ORIGIN).key.public != create(tmp_path, WRITER, ORIGIN).key.public


def test_a_checkpoint_is_signed_under_the_logs_name(tmp_path: Path) -> None:
    signer = create(tmp_path, LOG, ORIGIN)
    note = signer.sign_note(Note(Checkpoint(ORIGIN, 0, bytes(32)).text))
    assert Note.parse(bytes(note)).is_signed_by(Key.parse(str(signer.key)), verify)
    assert bytes(note).decode().startswith(f"{ORIGIN}\n0\nAAAA")


def test_a_key_is_never_overwritten_whoever_races(tmp_path: Path) -> None:
    def attempt(n: int) -> str:
        try:
            return str(create(tmp_path, LOG, f"log{n}").key)
        except Unusable as refusal:
            assert "is a key already" in str(refusal)  # noqa: PT017  # the others succeed
            return ""

    with ThreadPoolExecutor(8) as threads:
        made = [line for line in threads.map(attempt, range(8)) if line]
    assert made == [str(load(tmp_path, LOG).key)]
    assert files(tmp_path) == ["log.key"]


def test_what_shows_a_signer_does_not_show_its_secret(tmp_path: Path) -> None:
    signer = create(tmp_path, LOG, ORIGIN)
    assert "secret" not in repr(signer).lower()
    assert repr(signer) == f"Signer(key={signer.key!r})"


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\0b", "x" * 201])
def test_a_name_has_no_blanks_and_no_plus(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unusable, match="a key's name"):
        create(tmp_path, LOG, name)
    assert not files(tmp_path)


def test_a_key_that_others_could_read_is_not_used(tmp_path: Path) -> None:
    create(tmp_path, LOG, ORIGIN)
    for bits in (0o640, 0o604, 0o620, 0o601):
        (tmp_path / "log.key").chmod(bits)
        with pytest.raises(Unusable, match="can be read by others: chmod 600"):
            load(tmp_path, LOG)
    (tmp_path / "log.key").chmod(0o400)
    assert load(tmp_path, LOG)


def test_a_key_that_is_not_there_is_made_by_a_command(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="taizhang keys create"):
        load(tmp_path / "nowhere", LOG)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe",
        b"PRIVATE+KEY+x+00000000+AQ==\n",
        b"PRIVATE+KEY+x+00000000+A\n",
        b"PRIVATE+KEY+x+00000000+" + b64encode(bytes([1]) * 33) + b"\n",
        b"PRIVATE+KEY+x+00000000+" + b64encode(bytes([9]) * 33) + b"\n",
        b"x" * 5000,
    ],
)
def test_what_is_damaged_is_not_used_and_not_shown(tmp_path: Path, line: bytes) -> None:
    create(tmp_path, LOG, ORIGIN)
    (tmp_path / "log.key").write_bytes(line)
    with pytest.raises(Unusable, match=r"holds no key|is damaged") as refused:
        load(tmp_path, LOG)
    assert b64encode(bytes([1]) * 33).decode() not in str(refused.value)


def test_a_changed_secret_is_noticed(tmp_path: Path) -> None:
    create(tmp_path, LOG, ORIGIN)
    path = tmp_path / "log.key"
    *head, _ = path.read_text().split("+", 4)
    path.write_text("+".join([*head, b64encode(bytes([1]) + bytes(32)).decode()]) + "\n")
    with pytest.raises(Unusable, match="is damaged"):
        load(tmp_path, LOG)


def test_what_is_no_file_holds_no_key(tmp_path: Path) -> None:
    (tmp_path / "log.key").mkdir()
    os.mkfifo(tmp_path / "writer.key", 0o600)
    for role in (LOG, WRITER):
        with pytest.raises(Unusable, match="no file"):
            load(tmp_path, role)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(Unusable, match="cannot be written"):
        create(tmp_path / "keys", LOG, ORIGIN)


def test_a_log_has_two_keys_made_together(tmp_path: Path) -> None:
    made = create_for_log(tmp_path, ORIGIN)
    assert (made.key.name, load(tmp_path, LOG).key) == (ORIGIN, made.key)
    assert load(tmp_path, WRITER).key.name == f"{ORIGIN}/writer"
    for origin in (ORIGIN, "another.example/log"):
        with pytest.raises(Unusable, match="has the keys of a log already"):
            create_for_log(tmp_path, origin)
    assert load(tmp_path, LOG).key == made.key


def test_a_log_whose_making_was_interrupted_gets_the_key_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("application.keys.files.settle", die)
        with pytest.raises(KeyboardInterrupt):
            create_for_log(tmp_path, ORIGIN)
    writer = load(tmp_path, WRITER).key
    with pytest.raises(Unusable, match="has the keys of a log already"):
        create_for_log(tmp_path, "another.example/log")
    assert create_for_log(tmp_path, ORIGIN).key == load(tmp_path, LOG).key
    assert load(tmp_path, WRITER).key == writer


def test_a_witnesss_key_cosigns_under_its_own_name_and_type(tmp_path: Path) -> None:
    made = for_witness(tmp_path, "witness.example/w1")
    kept = for_witness(tmp_path)
    assert kept.key == made.key == Key("witness.example/w1", made.key.public, COSIGNATURE)
    assert Key.parse(str(kept.key)) == kept.key
    text = Checkpoint(ORIGIN, 0, bytes(32)).text
    for check in (verify, ed25519.verify):
        note = Note(text, (kept.cosign(text, 1_679_315_147),))
        assert Note.parse(bytes(note)).cosigned_at(kept.key, check) == 1_679_315_147
    assert files(tmp_path) == ["witness.key"]
    assert mode(tmp_path / "witness.key") == 0o600


def test_a_witnesss_key_is_made_only_under_a_name_and_then_kept(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="make one with taizhang witness --name NAME"):
        for_witness(tmp_path)
    made = for_witness(tmp_path, "w1")
    assert for_witness(tmp_path, "w1").key == made.key
    with pytest.raises(Unusable, match=r"witness\.key is the key of w1, not of w2"):
        for_witness(tmp_path, "w2")


def test_a_key_of_one_type_does_not_do_the_work_of_another(tmp_path: Path) -> None:
    create(tmp_path, LOG, ORIGIN)
    for_witness(tmp_path, ORIGIN)
    with pytest.raises(AssertionError, match="of its type"):
        load(tmp_path, LOG).cosign("", 1)
    log, witness = tmp_path / "log.key", tmp_path / "witness.key"
    log.rename(tmp_path / "aside.key")
    witness.rename(log)
    (tmp_path / "aside.key").rename(witness)
    for role in (LOG, WITNESS):
        with pytest.raises(Unusable, match="holds no key"):
            load(tmp_path, role)


def test_keys_of_a_role_are_read_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    made = [create(tmp_path, LOG, ORIGIN).key, *(create_next(tmp_path, LOG, ORIGIN).key for _ in range(11))]
    assert (tmp_path / "log-12.key").exists()
    (tmp_path / "log-03.key").write_text("no key of ours is called so")
    assert [each.key for each in load_all(tmp_path, LOG)] == made
    (tmp_path / "log.key").unlink()
    assert load(tmp_path, LOG).key == made[1]
    assert create_next(tmp_path, LOG, ORIGIN).key == load_all(tmp_path, LOG)[-1].key


SIGNS = """
import sys
from pathlib import Path
from application.keys import load
from domain.note import encode
signer = load(Path({folder!r}), {role!r})
assert str(signer.key) == sys.argv[-1], sys.argv
sys.stdout.write(encode(signer.sign(sys.stdin.buffer.read())) + "\\n")
"""


def by_command(tmp_path: Path, program: str = SIGNS, role: str = LOG) -> Signer:
    """A key whose secret a command has, in a folder where it is not."""
    vault = tmp_path / "vault"
    made = create(vault, role, ORIGIN)
    (tmp_path / "sign.py").write_text(program.format(folder=str(vault), role=role))
    create(tmp_path / "keys", role, ORIGIN, made.key.public)
    assert files(tmp_path / "keys") == [f"{role}.vkey"]
    return load(tmp_path / "keys", role, shlex.join([sys.executable, str(tmp_path / "sign.py")]))


@pytest.fixture
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


@pytest.mark.usefixtures("_here")
def test_a_command_signs_for_a_key_whose_secret_is_elsewhere(tmp_path: Path) -> None:
    signer = by_command(tmp_path)
    message = bytes(range(256)) * 300
    assert verify(signer.key.public, message, signer.sign(message))


@pytest.mark.usefixtures("_here")
def test_a_command_cosigns_for_a_witness(tmp_path: Path) -> None:
    signer = by_command(tmp_path, role=WITNESS)
    text = Checkpoint(ORIGIN, 0, bytes(32)).text
    assert Note(text, (signer.cosign(text, 7),)).cosigned_at(signer.key, verify) == 7


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit('the token is locked')", "the token is locked"),
        ("import sys; sys.exit(9)", "it ended with status 9"),
        ("print('AAAA')", "is no signature of that key"),
        ("print('题')", "is no signature of that key"),
        ("print('A' * 86 + '==')", "is no signature of that key"),
        ("", "is no signature of that key"),
    ],
)
def test_a_command_that_does_not_sign_is_told_of(tmp_path: Path, program: str, said: str) -> None:
    signer = by_command(tmp_path, program)
    with pytest.raises(Unusable, match=f"TAIZHANG_SIGN_COMMAND did not sign with {ORIGIN}.*{said}"):
        signer.sign(b"message")


def test_a_command_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.keys.signer.PATIENCE", 0.2)
    with pytest.raises(Unusable, match="timed out"):
        by_command(tmp_path, "import time; time.sleep(60)").sign(b"message")


def test_without_a_command_its_key_is_known_and_does_not_sign(tmp_path: Path) -> None:
    key = by_command(tmp_path).key
    signer = load(tmp_path / "keys", LOG)
    assert signer.key == key
    with pytest.raises(Unusable, match="set TAIZHANG_SIGN_COMMAND"):
        signer.sign(b"message")
    with pytest.raises(Unusable, match="No such file"):
        load(tmp_path / "keys", LOG, str(tmp_path / "no such command")).sign(b"message")


@pytest.mark.parametrize("line", ["", "x", "题", f"{ORIGIN}+00000000+AQ==", str(Key(ORIGIN, bytes(32), COSIGNATURE))])
def test_what_is_no_public_key_of_the_role_is_not_used(tmp_path: Path, line: str) -> None:
    (tmp_path / "log.vkey").write_text(line)
    with pytest.raises(Unusable, match=r"holds no public key|of another role"):
        load(tmp_path, LOG)
