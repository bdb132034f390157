"""The sealer's command: it asks for decisions, ends loudly when it refuses, and is stopped like any process."""

import json
import os
import signal
import subprocess

import pytest

from application.database import Database
from application.keys import LOG, WRITER, load
from application.log import LogRecorder
from application.sealed import Sealed
from tests.application.clusters import until
from tests.faults.load import submission
from tests.faults.log import recorder
from tests.faults.tamper import tamper
from tests.interface.shell import TAIZHANG, Shell
from tests.tlog import Log


@pytest.fixture
def sealed(shell: Shell) -> Sealed:
    return Sealed(shell.folder / "var/sealed")


def record(database: Database, count: int) -> None:
    with recorder(database) as log:
        append(log, count)


def append(log: LogRecorder, count: int) -> None:
    log.append(submission(events=count))


def test_a_log_is_sealed_once_somebody_decided_to_begin(shell: Shell, database: Database, sealed: Sealed) -> None:
    record(database, 3)
    assert "if it never was, decide so with taizhang seal --begin" in shell.refuses("seal", "--once")
    assert shell.prints("seal", "--begin", "--once") == "3 events are sealed\n"
    record(database, 2)
    assert shell.prints("seal", "--once") == "5 events are sealed\n"
    assert "this log is sealed already" in shell.refuses("seal", "--begin", "--once")
    log = Log(lambda path: (sealed.folder / path).read_bytes(), str(load(database.keys, LOG).key))
    assert len(log.check()) == 5
    entry = json.loads(shell.prints("proof", "4", "--json"))["entry"].encode()
    assert log.proved(shell.prints("proof", "4"), entry) == 3
    shell.prints("proof", "4", "--output", "four.tlog-proof")
    assert log.proved((shell.folder / "four.tlog-proof").read_text(), entry) == 3


def test_a_proof_that_cannot_be_given_is_refused_with_the_reason(shell: Shell, database: Database) -> None:
    assert shell.refuses("proof", "1") == "nothing is sealed yet"
    record(database, 3)
    shell.prints("seal", "--begin", "--once")
    assert shell.refuses("proof", "4") == "position 4 is not among the 3 events that are sealed"
    assert shell.refuses("proof", "--from", "4") == "4 is more than the 3 events that are sealed"
    assert shell.refuses("proof", "--from", "3", "--to", "2") == "to: the second size is smaller than the first"
    assert "give a position, or --from a size" in shell.refuses("proof")
    told = shell.tells("proof", "--from", "2")
    assert (told["first"], told["second"], len(told["hashes"])) == (2, 3, 1)


def test_the_writers_key_can_come_from_elsewhere(shell: Shell, database: Database) -> None:
    """A sealer on a host of its own has the log's key alone."""
    keys = shell.folder / "var/keys"
    keys.unlink()
    keys.mkdir()
    (keys / "log.key").write_bytes((database.keys / "log.key").read_bytes())
    (keys / "log.key").chmod(0o600)
    record(database, 3)
    assert "no key var/keys/writer.key" in shell.refuses("seal", "--begin", "--once")
    assert shell.refuses("seal", "--begin", "--once", "--writer", "x").startswith("writer: “x” is no verifier key")
    writer = str(load(database.keys, WRITER).key)
    assert shell.prints("seal", "--begin", "--once", "--writer", writer) == "3 events are sealed\n"


def test_a_refusal_ends_the_sealer_loudly_until_it_is_lifted(shell: Shell, database: Database, sealed: Sealed) -> None:
    record(database, 2)
    shell.prints("seal", "--begin", "--once")
    record(database, 1)
    tamper(database, "CREATE TABLE kept AS SELECT * FROM events", "UPDATE events SET state = '{}' WHERE position = 3")
    for _ in range(2):
        ran = shell.run("seal", "--once")
        assert ran.returncode == 3
        assert "NOT SEALED: the event at position 3 is not the one that its writer signed" in ran.stderr.decode()
        assert "taizhang seal --resume" in ran.stderr.decode()
    tamper(database, "UPDATE events e SET state = k.state FROM kept k WHERE k.position = e.position")
    assert shell.run("seal", "--once").returncode == 3
    lifted = shell.run("seal", "--once", "--resume")
    assert (lifted.returncode, lifted.stdout.decode()) == (0, "3 events are sealed\n")
    assert "lifted: the event at position 3" in lifted.stderr.decode()
    assert sealed.checkpoint().size == 3


def test_a_sealer_follows_the_log_alone_and_stops_when_it_is_told(
    shell: Shell, database: Database, sealed: Sealed
) -> None:
    with (
        recorder(database) as log,
        subprocess.Popen([TAIZHANG, "seal", "--begin"], cwd=shell.folder, env=shell.environment) as running,
    ):
        try:
            until((sealed.folder / "checkpoint").exists)
            for count in (1, 5, 300):
                append(log, count)
                head = log.max_notification_id()
                until(lambda head=head: sealed.checkpoint().size == head)  # type: ignore[misc]
            assert "another sealer works in var/sealer" in shell.refuses("seal", "--once")
            running.send_signal(signal.SIGTERM)
            assert running.wait(10) == 0
        finally:
            running.kill()


def test_a_sealer_killed_at_any_time_goes_on_where_it_was(shell: Shell, database: Database, sealed: Sealed) -> None:
    record(database, 1)
    shell.prints("seal", "--begin", "--once")
    with recorder(database) as log:
        for _ in range(5):
            size = sealed.checkpoint().size
            with subprocess.Popen([TAIZHANG, "seal"], cwd=shell.folder, env=shell.environment) as running:
                append(log, 700)
                until(lambda size=size: sealed.checkpoint().size > size)  # type: ignore[misc]
                append(log, 300)
                os.kill(running.pid, signal.SIGKILL)
        assert shell.prints("seal", "--once") == "5001 events are sealed\n"
    Log(lambda path: (sealed.folder / path).read_bytes(), str(load(database.keys, LOG).key)).check()
