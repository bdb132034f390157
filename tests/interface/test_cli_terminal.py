"""The command line on any terminal: whatever its encoding, with streams closed, and told words that are no text."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.interface.shell import TAIZHANG, Shell

COUNTY = "code,name,parent_code,level\n330523,安吉县,,county\n"
ALL = ("--case", "case", "--step", "step", "--at", "at", "--by", "by")
NAME_IN_GBK = "安吉.csv".encode("gbk")


def shown(shell: Shell, *words: str | bytes, redirection: str = "", **variables: str) -> tuple[int, bytes, bytes]:
    """Run a command through a POSIX shell; return its exit status and what it wrote to its two streams."""
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", TAIZHANG, *words]
    environment = {**shell.environment, **variables}
    ran = subprocess.run(command, cwd=shell.folder, env=environment, capture_output=True, check=False, timeout=120)
    return ran.returncode, ran.stdout, ran.stderr


def organisations(shell: Shell) -> list[str]:
    return [unit["name"] for unit in shell.tells("views", "rows", "organisation")["rows"]["organisation"]]


@pytest.fixture
def county(shell: Shell) -> Shell:
    shell.tells("import", "organisations", shell.write("county.csv", COUNTY))
    return shell


def test_what_a_terminal_has_no_character_for_is_escaped(county: Shell) -> None:
    for encoding in ("ascii", "latin-1"):
        status, out, err = shown(county, "history", "330523", PYTHONIOENCODING=encoding)
        assert (status, err) == (0, b"")
        assert rb"\u5b89\u5409\u53bf" in out
    _, out, _ = shown(county, "history", "330523", PYTHONIOENCODING="gb18030")
    assert "安吉县" in out.decode("gb18030")
    status, _, err = shown(county, "history", "安吉县", PYTHONIOENCODING="ascii")
    assert status == 1
    assert err.startswith(b"taizhang: ")
    assert err.count(b"\n") == 1


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_command_does_its_work_with_its_streams_closed(shell: Shell, redirection: str) -> None:
    shell.write("county.csv", COUNTY)
    status, out, err = shown(shell, "import", "organisations", "county.csv", "--json", redirection=redirection)
    assert (status, err) == (0, b"")
    assert (json.loads(out)["recorded"] == 1) if out else ">&-" in redirection.split()
    assert organisations(shell) == ["安吉县"]


def test_a_command_that_fails_says_so_by_its_status_though_nobody_listens(county: Shell) -> None:
    assert shown(county, "history", "no such", redirection="2>&-")[0] == 1


def test_a_file_is_read_whatever_bytes_its_name_is_made_of(shell: Shell) -> None:
    Path(os.fsdecode(os.fsencode(shell.folder) + b"/" + NAME_IN_GBK)).write_text(COUNTY, encoding="utf-8")
    status, _, err = shown(shell, "import", "organisations", NAME_IN_GBK, "--json")
    assert (status, err) == (0, b"")
    assert organisations(shell) == ["安吉县"]
    status, _, err = shown(shell, "import", "organisations", b"no " + NAME_IN_GBK)
    assert (status, err) == (1, rb"taizhang: no \udcb0\udcb2\udcbc\udcaa.csv: No such file or directory" + b"\n")


@pytest.mark.parametrize(
    "words",
    [
        ("history", b"\xb0\xb2"),
        ("conformance", b"\xb0\xb2"),
        ("views", "rows", b"\xb0\xb2"),
        ("views", "rows", "organisation", "--known-at", b"\xb0\xb2"),
        ("token", "create", "--person", b"\xb0\xb2", "--role", "auditor"),
        ("import", "cases", "county.csv", "--standard", b"\xb0\xb2", *ALL[2:], "--case", "case"),
        ("import", "cases", "county.csv", "--standard", "x", "--case", b"\xb0\xb2", *ALL[2:]),
    ],
)
def test_a_word_that_is_no_text_is_refused_in_a_sentence(county: Shell, words: tuple[str | bytes, ...]) -> None:
    status, out, err = shown(county, *words)
    assert (status, out) in {(1, b""), (2, b"")}
    assert b"Traceback" not in err
    assert err.strip()
