"""Processes that share a log: one acts for it and the others stand by; whatever serves HTTP does nothing else."""

import json
import re
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from application.access import person_id
from application.database import Database
from application.sealed import Sealed, Unsealed
from domain.installation import LogVerified
from interface.app import Installation
from interface.cli.clockwork import CLOCK
from tests.application.clusters import run, until
from tests.application.test_lease import ENDED
from tests.faults.tamper import tamper
from tests.interface.callers import Person
from tests.interface.shell import TAIZHANG, Shell

Start = Callable[..., "Process"]


class Process:
    """A command that runs until it is told to stop; what it says goes to a file."""

    def __init__(self, shell: Shell, name: str, *words: str) -> None:
        self.said = shell.folder / name
        with self.said.open("wb") as said:
            self.running = subprocess.Popen(
                [TAIZHANG, *words], cwd=shell.folder, env=shell.environment, stdout=said, stderr=said
            )

    def says(self, text: str) -> None:
        """Wait until it has said something."""
        until(lambda: text in self.said.read_text(), 30)

    def ends(self, told: int) -> int:
        self.running.send_signal(told)
        return self.running.wait(30)


@pytest.fixture
def start(shell: Shell) -> Iterator[Start]:
    started: list[Process] = []

    def begin(*words: str, **variables: str) -> Process:
        made = replace(shell, variables={**shell.variables, **variables})
        started.append(Process(made, f"said-{len(started)}", *words))
        return started[-1]

    yield begin
    for each in started:
        each.running.kill()
        each.running.wait()


@pytest.fixture
def sealed(shell: Shell) -> Sealed:
    return Sealed(shell.folder / "var/sealed")


def size(sealed: Sealed) -> int:
    try:
        return sealed.checkpoint().size
    except Unsealed:
        return 0


def told(at: Installation, topic: str) -> list[UUID]:
    """The records with an event of a topic, all of them the clock's."""
    entries = [entry for entry in at.records.recorder.select_notifications(1, 10_000) if entry.topic == topic]
    assert {at.records.recorded(entry).account.actor for entry in entries} <= {person_id(CLOCK)}
    return [entry.originator_id for entry in entries]  # type: ignore[misc]  # ours are UUIDs


def results(at: Installation) -> list[LogVerified]:
    entries = at.records.recorder.select_notifications(1, 10_000, topics=[LogVerified.TOPIC])
    pasts = [at.records.recorded(entry) for entry in entries]
    assert {past.account.actor for past in pasts} <= {person_id(CLOCK)}
    return [past.event for past in pasts if isinstance(past.event, LogVerified)]


@pytest.mark.usefixtures("village")
def test_another_takes_over_when_the_one_that_acts_is_killed(
    installation: Installation, ann: Person, permits: UUID, start: Start, sealed: Sealed
) -> None:
    def overdue(case: str) -> None:
        ann.did(f"/standards/{permits}/cases", {"case": case, "due": "2026-01-31"})

    def omitted() -> list[UUID]:
        return told(installation, "ledger.OmissionDetected")

    overdue("1")
    first = start("work")
    until(lambda: len(omitted()) == 1, 30)
    until(lambda: size(sealed) == installation.head(), 30)
    second = start("work")
    second.says("another process acts for this log; this one stands by")
    overdue("2")
    overdue("3")
    assert first.ends(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: len(omitted()) == 3, 30)
    until(lambda: size(sealed) == installation.head(), 30)
    assert len(set(omitted())) == 3, "each is recorded once"
    assert second.ends(signal.SIGTERM) == 0
    installation.fold_now()
    assert installation.ledger.detect_omissions(person_id(CLOCK)).recorded == 0


def test_one_that_loses_the_database_acts_no_more_until_it_may_again(
    installation: Installation, database: Database, ann: Person, start: Start, sealed: Sealed
) -> None:
    ann.did("/organisations", {"name": "安吉县", "level": "county"})
    work = start("work")
    until(lambda: size(sealed) == installation.head(), 30)
    assert run(database.dsn, ENDED)
    work.says("the database was lost sight of: another process may act for this log now")
    ann.did("/organisations", {"name": "长兴县", "level": "county"})
    until(lambda: size(sealed) == installation.head(), 30)


@contextmanager
def verifying(start: Start, **variables: str) -> Generator[Process]:
    work = start("work", **{"TAIZHANG_VERIFY_EVERY": "1s", **variables})
    yield work
    assert work.ends(signal.SIGTERM) == 0


def verified_anew(shell: Shell, times: int) -> None:
    """Wait until the log was verified so many times more."""
    kept, seen = shell.folder / "var/verified.json", set[int]()

    def more() -> bool:
        if kept.exists():
            seen.add(kept.stat().st_mtime_ns)
        return len(seen) > times

    until(more, 60)


def test_what_is_new_is_verified_on_a_schedule_and_told_once(
    installation: Installation, shell: Shell, ann: Person, start: Start
) -> None:
    ann.did("/organisations", {"name": "安吉县", "level": "county"})
    with verifying(start):
        until(lambda: len(results(installation)) == 1, 60)
        verified_anew(shell, 2)
        [first] = results(installation)
        assert (first.verdict, first.full) == ("VERIFIED", True)
        ann.did("/organisations", {"name": "长兴县", "level": "county"})
        head = installation.head()
        until(lambda: results(installation)[-1].head >= head, 60)
    last = results(installation)[-1]
    assert (last.verdict, last.full) == ("VERIFIED", False)
    assert ann.client.get("/api/health").json()["verified"]["verdict"] == "VERIFIED"


def test_what_a_full_verification_finds_is_told_once_and_by_health_until_another_lifts_it(
    installation: Installation, database: Database, shell: Shell, ann: Person, start: Start
) -> None:
    ann.did("/organisations", {"name": "安吉县", "level": "county"})
    shell.prints("seal", "--begin", "--once")
    tamper(database, "CREATE TABLE public.kept AS SELECT * FROM events", "UPDATE events SET state = '{}'")
    with verifying(start, TAIZHANG_VERIFY_FULLY_EVERY="1s") as work:
        work.says("TAMPERED (event): the event at position 1 is not the one that its writer signed")
        until(lambda: work.said.read_text().count("TAMPERED (event)") >= 2, 60)
        [found] = results(installation)
        assert (found.verdict, found.kind, found.position, found.full) == ("TAMPERED", "event", 1, True)
        health = ann.client.get("/api/health").json()
        assert (health["status"], health["verified"]["verdict"]) == ("impaired", "TAMPERED")
        assert (health["verified"]["kind"], health["verified"]["position"]) == ("event", 1)
        tamper(database, "UPDATE events e SET state = k.state FROM public.kept k WHERE k.position = e.position")
        until(lambda: results(installation)[-1].verdict == "VERIFIED", 60)
    assert ann.client.get("/api/health").json()["verified"]["verdict"] == "VERIFIED"


def test_a_host_without_the_logs_key_says_so(shell: Shell, database: Database, start: Start) -> None:
    keys = shell.folder / "var/keys"
    keys.unlink()
    keys.mkdir()
    (keys / "writer.key").write_bytes((database.keys / "writer.key").read_bytes())
    (keys / "writer.key").chmod(0o600)
    work = start("work")
    work.says("the log is not verified from here, where its keys are not")
    assert work.ends(signal.SIGTERM) == 0


def test_http_is_served_by_processes_that_do_nothing_else(ann: Person, start: Start, sealed: Sealed) -> None:
    both = [start("web", "--port", "0") for _ in range(2)]
    for each in both:
        each.says("/api/openapi.json")
        address = re.search(r"http://[0-9.:]+", each.said.read_text())
        assert address
        request = urllib.request.Request(f"{address[0]}/api/me", headers={"Authorization": f"Bearer {ann.token}"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # an address of our own
            assert json.loads(answer.read())["name"] == "Ann"
    assert not sealed.folder.exists()
    assert [each.ends(signal.SIGINT) for each in both] == [0, 0]


@pytest.mark.parametrize("name", ["TAIZHANG_VERIFY_EVERY", "TAIZHANG_VERIFY_FULLY_EVERY"])
def test_a_span_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    shell = Shell(tmp_path, {name: "often"})
    assert shell.refuses("work") == f"{name}: “often” is no span of time such as 7d, 36h or 90m"
