"""The witness as a process: it is told apart from others by its key, stops when told, and survives being killed."""

import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest

from application.keys import verify
from domain.cosign import LARGEST, origin_hash
from domain.merkle import consistency, leaf_hash, root_of
from domain.note import Checkpoint, Key, Note
from tests.application.clusters import until
from tests.domain.test_cosign import FORK, asks, proof, tree
from tests.domain.test_note import ORIGIN, SECRET, key
from tests.domain.trees import subtrees
from tests.interface.shell import TAIZHANG, Shell

NAME = "witness.example/w1"
LOG = ("--log", str(key(SECRET)))
ADDRESS = re.compile(r"Taizhang 见证 is at (http://127\.0\.0\.1:\d+)\n")
PATH = f"/{origin_hash(ORIGIN)}/checkpoint"


class Process:
    """A witness that runs; ``words`` go before its command line."""

    def __init__(self, shell: Shell, *words: str) -> None:
        self.running = subprocess.Popen(
            [*words, str(TAIZHANG), "witness", *LOG, "--name", NAME, "--port", "0"],
            cwd=shell.folder,
            env=shell.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.running.stdout
        self.vkey = self.running.stdout.readline().rstrip()
        found = ADDRESS.fullmatch(self.running.stdout.readline())
        assert found
        self.address = found[1]

    def answers(self, given: bytes) -> tuple[int, str]:
        """Ask for a cosignature, and return the status and the body of the answer."""
        try:
            with urllib.request.urlopen(f"{self.address}/add-checkpoint", given, timeout=30) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    def last(self) -> Note:
        with urllib.request.urlopen(f"{self.address}{PATH}", timeout=30) as answer:  # noqa: S310
            return Note.parse(answer.read())

    @property
    def answers_at_all(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", urlsplit(self.address).port or 0), 5).close()
        except ConnectionRefusedError:
            return False
        return True

    def close(self) -> str:
        """Kill it; return what it said on standard error."""
        self.running.kill()
        _, said = self.running.communicate(timeout=30)
        return str(said)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path, {"TAIZHANG_HOME": str(tmp_path / "home"), "TAIZHANG_DATABASE": "postgresql://127.0.0.1:1/x"})


@pytest.fixture
def start(shell: Shell) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def begin(*words: str) -> Process:
        started.append(Process(shell, *words))
        return started[-1]

    yield begin
    for each in started:
        each.close()


def body(old: int, size: int) -> bytes:
    return bytes(asks(old, tree(size), proof(old, size)))


def test_a_witness_needs_no_database_and_goes_on_after_either_signal(
    start: Callable[..., Process], shell: Shell
) -> None:
    first = start()
    status, line = first.answers(body(0, 3))
    assert status == 200
    assert Note.parse(f"{tree(3).text}\n{line}".encode()).cosigned_at(Key.parse(first.vkey), verify)
    first.running.send_signal(signal.SIGINT)
    assert first.running.wait(30) == 0
    second = start()
    assert second.vkey == first.vkey == shell.prints("keys", "show", "--role", "witness").rstrip()
    assert second.answers(body(0, 9)) == (409, "3\n")
    assert second.answers(body(3, 9))[0] == 200
    second.running.send_signal(signal.SIGTERM)
    assert second.running.wait(30) == 0
    assert not second.close()


def test_a_witness_whose_parent_is_killed_stops(start: Callable[..., Process]) -> None:
    parent = [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])"]
    witness = start(*parent)
    assert witness.answers_at_all
    witness.running.kill()
    until(lambda: not witness.answers_at_all)


def test_a_second_witness_in_the_same_place_is_refused(start: Callable[..., Process], shell: Shell) -> None:
    first = start()
    assert "another witness works in" in shell.refuses("witness", *LOG, "--port", "0")
    assert first.answers(body(0, 3))[0] == 200
    taken = str(urlsplit(first.address).port)
    assert f"cannot listen at 127.0.0.1 port {taken}" in shell.refuses("witness", *LOG, "--port", taken)


def test_what_a_witness_lacks_is_said_in_a_sentence(shell: Shell) -> None:
    assert "make one with taizhang witness --name NAME" in shell.refuses("witness", *LOG)
    assert "--log x: a verifier key is written" in shell.refuses("witness", "--log", "x", "--name", NAME)
    assert "without blanks" in shell.refuses("witness", *LOG, "--name", "a b", "--port", "0")
    assert "taizhang witness --name NAME" in shell.refuses("keys", "show", "--role", "witness")
    assert shell.run("witness").returncode == 2
    assert not (shell.folder / "home" / "keys").exists()


def test_a_key_is_shown_by_its_role(shell: Shell) -> None:
    made = shell.tells("keys", "create", "--origin", ORIGIN)
    assert shell.tells("keys", "show", "--role", "log") == shell.tells("keys", "show") == made
    assert shell.tells("keys", "show", "--role", "writer")["name"] == f"{ORIGIN}/writer"


def test_two_histories_are_told_on_standard_error(start: Callable[..., Process]) -> None:
    witness = start()
    witness.answers(body(0, 9))
    for _ in range(3):
        assert witness.answers(bytes(asks(9, tree(9, FORK), ())))[0] == 409
    said = witness.close()
    assert said.startswith("TWO HISTORIES OF ONE LOG: ")
    assert said.count("\n") == 1


def test_an_endless_body_is_answered_before_its_end_and_a_request_broken_off_is_nothing_to_report(
    start: Callable[..., Process],
) -> None:
    witness = start()
    port = urlsplit(witness.address).port
    begun = b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 1000000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 30) as endless:
        endless.sendall(begun + b"x" * (LARGEST + 1))
        assert endless.recv(100).startswith(b"HTTP/1.1 413 ")
    with socket.create_connection(("127.0.0.1", port), 30) as broken:
        broken.sendall(begun + body(0, 3))
    until(lambda: witness.answers(body(0, 3))[0] == 200)
    witness.running.send_signal(signal.SIGTERM)
    assert witness.running.wait(30) == 0
    assert not witness.close()


LEAVES = [leaf_hash(b"leaf %d" % n) for n in range(2000)]
OTHERS = [leaf_hash(b"another"), *LEAVES[1:]]


def grown(old: int, size: int, leaves: list[bytes] = LEAVES) -> bytes:
    hashes = consistency(old, size, subtrees(leaves[:size])) if 0 < old < size else []
    return bytes(asks(old, Checkpoint(ORIGIN, size, root_of(leaves[:size])), tuple(hashes)))


class Load:
    """A log that several clients show to a witness, each a leaf larger than the last that it heard of."""

    def __init__(self, witness: Process) -> None:
        self.told = 0
        """The largest size that the witness answered it had cosigned."""
        self._witness = witness
        self._lock = threading.Lock()

    def run(self) -> None:
        """Ask until the witness is no longer there."""
        old = 0
        with suppress(OSError, HTTPException):
            while True:
                status, said = self._witness.answers(grown(old, old + 1))
                if status == 409:
                    old = int(said)
                    continue
                assert status == 200, said
                old += 1
                with self._lock:
                    self.told = max(self.told, old)


def killed_under_load(witness: Process) -> int:
    """Show a witness a log that grows, and kill it meanwhile; return the largest size that it answered it cosigned."""
    load = Load(witness)
    begun = Checkpoint.parse(witness.last().text).size
    with ThreadPoolExecutor(3) as threads:
        clients = [threads.submit(load.run) for _ in range(3)]
        until(lambda: load.told > begun + 25, 60)
        witness.running.kill()
        for each in clients:
            each.result(30)
    return load.told


def test_a_witness_that_is_killed_under_load_never_contradicts_what_it_answered(start: Callable[..., Process]) -> None:
    witness = start()
    assert witness.answers(grown(0, 1))[0] == 200
    for _ in range(3):
        told = killed_under_load(witness)
        witness = start()
        seen = Checkpoint.parse(witness.last().text)
        assert seen.size >= told
        assert seen.root == root_of(LEAVES[: seen.size])
        for size in (told, seen.size):
            assert witness.answers(grown(size, size, OTHERS))[0] == 409
        assert witness.answers(grown(seen.size, seen.size + 1, OTHERS))[0] == 422
        assert witness.answers(grown(0, seen.size + 1, OTHERS)) == (409, f"{seen.size}\n")
        assert witness.answers(grown(seen.size, seen.size + 1))[0] == 200
