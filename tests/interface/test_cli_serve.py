"""The service as a process: it starts with its database, finds everything again, and leaves nothing running."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.application.clusters import folder, postmaster, state, until
from tests.interface.shell import TAIZHANG, Shell

ADDRESS = re.compile(r"Taizhang 台账 is at (http://127\.0\.0\.1:\d+)/api/openapi\.json\n")


class Service:
    """A service that runs; ``words`` go before its command line."""

    def __init__(self, home: Path, *words: str, options: tuple[str, ...] = ()) -> None:
        self.home = home
        self.running = subprocess.Popen(
            [*words, str(TAIZHANG), "serve", *options],
            env={**Shell(home, {"TAIZHANG_HOME": str(home)}).environment, "TAIZHANG_PORT": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.running.stdout
        said = self.running.stdout.readline()
        found = ADDRESS.fullmatch(said)
        assert found, said
        self.address = found[1]

    def line(self) -> str:
        assert self.running.stdout
        return self.running.stdout.readline()

    def errors(self) -> str:
        """What it said on standard error, once it has ended."""
        assert self.running.stderr
        return self.running.stderr.read()

    def asks(self, path: str, token: str = "") -> Any:
        request = urllib.request.Request(f"{self.address}{path}")  # noqa: S310  # an address of our own
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())

    def signs_in(self, login: str, password: str) -> int:
        """Sign in, and return the status of the answer."""
        body = json.dumps({"login": login, "password": password}).encode()
        request = urllib.request.Request(f"{self.address}/api/session", body)  # noqa: S310
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)

    @property
    def database_runs(self) -> bool:
        try:
            os.kill(postmaster(self.home), 0)
        except (FileNotFoundError, ProcessLookupError):
            return False
        return True

    def stops(self, told: int) -> int:
        self.running.send_signal(told)
        code = self.running.wait(30)
        assert not self.database_runs
        assert state(self.home) == "shut down"
        return code

    def close(self) -> None:
        if self.running.poll() is None:
            self.running.kill()
            self.running.wait()
        until(lambda: not self.database_runs)
        for stream in (self.running.stdout, self.running.stderr):
            assert stream
            stream.close()


@pytest.fixture
def home() -> Iterator[Path]:
    with folder() as made:
        yield made / "home"


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def begin(*words: str, options: tuple[str, ...] = ()) -> Service:
        started.append(Service(home, *words, options=options))
        return started[-1]

    yield begin
    for each in started:
        each.close()


def test_a_service_finds_everything_again_and_stops_at_either_signal(start: Callable[..., Service]) -> None:
    first = start(options=("--demo",))
    token = first.line().removeprefix("token: ").strip()
    password = first.line().removeprefix("sign in as admin with the password ").split()[0]
    assert first.signs_in("admin", password) == 201
    until(lambda: first.asks("/api/health")["status"] == "well")
    head = first.asks("/api/health")["head"]
    county = first.asks("/api/organisations?limit=1000&level=village", token)
    assert len(county["items"]) == 218
    beside = Shell(first.home, {"TAIZHANG_HOME": str(first.home)})
    assert [view["lag_events"] for view in beside.tells("views")["views"]] == [0] * 5
    assert first.stops(signal.SIGINT) == 0
    second = start(options=("--demo",))
    assert second.line() == f"token: {token}\n"
    assert second.signs_in("admin", password) == 201
    assert second.asks("/api/health")["head"] == head
    assert second.asks("/api/organisations?limit=1000&level=village", token)["items"] == county["items"]
    assert second.stops(signal.SIGTERM) == 0


def test_a_service_whose_parent_is_killed_stops_with_its_database(start: Callable[..., Service]) -> None:
    parent = [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])"]
    service = start(*parent)
    assert service.asks("/api/health")["database"] is True
    assert service.database_runs
    service.running.kill()
    until(lambda: not service.database_runs)
    assert state(service.home) == "shut down"


def test_a_service_that_is_killed_leaves_no_database_running_and_loses_nothing(start: Callable[..., Service]) -> None:
    service = start()
    beside = Shell(service.home, {"TAIZHANG_HOME": str(service.home)})
    beside.write("county.csv", "code,name,parent_code,level\n33,浙江省,,province\n")
    assert beside.tells("import", "organisations", "county.csv")["recorded"] == 1
    service.running.kill()
    until(lambda: not service.database_runs)
    again = start()
    assert again.asks("/api/health")["head"] == 5
    assert again.stops(signal.SIGTERM) == 0


def test_a_port_in_use_is_told_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        shell = Shell(tmp_path, {"TAIZHANG_HOME": "home", "TAIZHANG_PORT": port})
        assert f"cannot listen at 127.0.0.1 port {port}" in shell.refuses("serve")
    assert not (tmp_path / "home").exists()


def sealers(home: Path) -> list[int]:
    """The sealers that run for a home."""
    found: list[int] = []
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (each / "cmdline").read_bytes().split(b"\0")
            if b"seal" in words and f"TAIZHANG_HOME={home}".encode() in (each / "environ").read_bytes().split(b"\0"):
                found.append(int(each.name))
    return found


def test_a_service_has_its_log_sealed_by_a_process_of_its_own(start: Callable[..., Service]) -> None:
    service = start()
    beside = Shell(service.home, {"TAIZHANG_HOME": str(service.home)})
    beside.write("county.csv", "code,name,parent_code,level\n33,浙江省,,province\n")

    def sealed() -> int:
        return int(service.asks("/api/health")["sealed"]["size"])

    assert beside.tells("import", "organisations", "county.csv")["recorded"] == 1
    until(lambda: sealed() == 5)
    [sealer] = sealers(service.home)
    os.kill(sealer, signal.SIGKILL)
    beside.write("more.csv", "code,name,parent_code,level\n3305,湖州市,33,prefecture\n")
    assert beside.tells("import", "organisations", "more.csv")["recorded"] == 1
    until(lambda: sealed() == service.asks("/api/health")["head"] == 7)
    service.running.kill()
    until(lambda: not sealers(service.home))


def test_a_service_whose_sealer_refused_goes_on_and_says_so(start: Callable[..., Service]) -> None:
    service = start()
    beside = Shell(service.home, {"TAIZHANG_HOME": str(service.home)})
    until((service.home / "sealed/checkpoint").exists)
    beside.write("county.csv", "code,name,parent_code,level\n33,浙江省,,province\n")
    (service.home / "sealed/refused.json").write_text('{"index": 3, "kind": "event", "sentence": "it was edited"}')
    until(lambda: not sealers(service.home))
    assert beside.tells("import", "organisations", "county.csv")["recorded"] == 1
    health = service.asks("/api/health")
    assert (health["status"], health["sealed"]["refused"]) == ("impaired", "it was edited")
    assert service.stops(signal.SIGTERM) == 0
    assert "NOT SEALED: it was edited" in service.errors()
