"""The log's keys on the command line: made once, and what is public of them shown."""

from pathlib import Path

import pytest

from domain.note import Key
from tests.interface.shell import Shell

ORIGIN = "records.anji.example/log"


@pytest.fixture
def alone(tmp_path: Path) -> Shell:
    """A shell where no database runs, nor is started: keys need none."""
    return Shell(tmp_path, {"TAIZHANG_HOME": "kept", "TAIZHANG_DATABASE": "postgresql://nobody@127.0.0.1:1/none"})


def test_the_logs_key_is_made_and_shown(alone: Shell) -> None:
    made = alone.tells("keys", "create", "--origin", ORIGIN)
    assert made == alone.tells("keys", "show")
    assert made["origin"] == ORIGIN
    assert Key.parse(made["vkey"]).name == ORIGIN
    assert alone.prints("keys", "show") == f"{made['vkey']}\n"
    folder = alone.folder / "kept" / "keys"
    assert sorted(path.name for path in folder.iterdir()) == ["log.key", "writer.key"]
    secret = (folder / "log.key").read_text().split("+", 4)[4].strip()
    assert secret not in alone.prints("keys", "show")
    assert "has the keys of a log already" in alone.refuses("keys", "create", "--origin", "other.example/log")
    assert alone.tells("keys", "show") == made


def test_without_keys_it_is_said_how_to_make_them(alone: Shell) -> None:
    assert "taizhang keys create" in alone.refuses("keys", "show")
    assert "without blanks" in alone.refuses("keys", "create", "--origin", "a b")
