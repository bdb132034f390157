"""Load for a log: commands that can be worked out again from a seed, and a program that writes them until it is killed.

``python -m tests.faults.load write|contend DSN KEYS SEED LANES LIMIT`` writes LIMIT commands in each of LANES threads.
It tells on its standard output of every one that is in the log, as ``lane number``, once it has been acknowledged.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from uuid import UUID, uuid4, uuid5

from eventsourcing.persistence import StoredEvent

from application.database import Database
from application.log import Appended, Command, LogRecorder, Repeated, Stale, Submission

REPOSITORY = Path(__file__).resolve().parents[2]
ENDLESS = 1_000_000
# Streams that everybody who contends writes to.
SHARED = [UUID(int=n) for n in (1, 2, 3)]

# Which command: its lane, and its number there from 0.
Place = tuple[int, int]
Told = Callable[[Place], object]


def command_id(seed: UUID, place: Place) -> UUID:
    return uuid5(seed, "{} {}".format(*place))


def submission(id: UUID | None = None, topic: str = "test.Happened", events: int = 1) -> Submission:
    """One command on a new stream."""
    return happened(id or uuid4(), uuid4(), 0, events, topic)


def happened(id: UUID, stream: UUID, version: int, events: int, topic: str = "test.Happened") -> Submission:
    """One command on top of a stream's version."""
    stored = [
        StoredEvent(stream, version + n, topic, f'{{"id":"{id}","n":{n}}}'.encode()) for n in range(1, events + 1)
    ]
    return Submission([Command(id, stored)], {stream: version})


def planned(seed: UUID, place: Place) -> Submission:
    """The command of a place: one to three events in its lane's stream, on top of those of the commands before it."""
    lane, n = place
    before = n // 3 * 6 + (0, 1, 3)[n % 3]
    return happened(command_id(seed, place), uuid5(seed, f"stream {lane}"), before, n % 3 + 1)


def write(log: LogRecorder, seed: UUID, lane: int, told: Told, limit: int = ENDLESS) -> None:
    """Write the commands of a lane in their order, and tell of each as it is acknowledged."""
    for n in range(limit):
        outcome = log.append(planned(seed, (lane, n)))
        assert isinstance(outcome, Appended | Repeated), outcome
        told((lane, n))


def contend(log: LogRecorder, seed: UUID, lane: int, told: Told, limit: int = ENDLESS) -> None:
    """Write to the shared streams, each command again until nobody else was faster, and tell of each."""
    versions = dict.fromkeys(SHARED, 0)
    for n in range(limit):
        stream = SHARED[(lane + n) % len(SHARED)]
        while True:
            command = happened(command_id(seed, (lane, n)), stream, versions[stream], n % 3 + 1)
            outcome = log.append(command)
            if isinstance(outcome, Appended):
                break
            assert isinstance(outcome, Stale), outcome
            versions |= outcome.versions
        versions[stream] += command.size
        told((lane, n))


@contextmanager
def process(
    database: Database, seed: UUID, lanes: int = 8, limit: int = ENDLESS, kind: Literal["write", "contend"] = "write"
) -> Generator[subprocess.Popen[str]]:
    """A process that writes; it is killed at the end if it still runs."""
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.faults.load",
            kind,
            database.dsn,
            database.keys,
            str(seed),
            str(lanes),
            str(limit),
        ],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def told(running: subprocess.Popen[str], count: int = ENDLESS) -> list[Place]:
    """Read the next acknowledgements, as many as are wanted or as come before its end."""
    assert running.stdout
    places: list[Place] = []
    while len(places) < count and (line := running.stdout.readline()):
        lane, n = line.split()
        places.append((int(lane), int(n)))
    return places


def main(kind: str, dsn: str, keys: str, seed: str, lanes: str, limit: str) -> None:
    log = LogRecorder(Database(dsn, Path(keys)))

    def tell(place: Place) -> None:
        # One write to a pipe is whole, or not at all.
        os.write(1, "{} {}\n".format(*place).encode())

    work = {"write": write, "contend": contend}[kind]
    for lane in range(int(lanes)):
        threading.Thread(target=work, args=(log, UUID(seed), lane, tell, int(limit))).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
