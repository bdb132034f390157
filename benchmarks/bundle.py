"""Bundles: events written and verified in a second, offline, in one process, and how many leaves are proved at once."""

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from uuid import uuid4

from application.keys import Signer
from benchmarks.measure import ROUNDS, Comparison, rate
from benchmarks.server import Server
from domain.bundle import Held, Manifest, Trust, write
from domain.leaf import SALT, Leaf, commitment
from domain.merkle import multiroot, root_of
from domain.note import Checkpoint, Note
from interface.verifier import judged

EVENTS = 200_000
RECORDS = 20_000
GROUP = 3  # events that are recorded at one time
STATE = 500  # bytes
LEAVES = 1_000_000
SIGNER = Signer.of("records.anji.example/log", os.urandom(32))
BEGUN = datetime(2026, 3, 1, tzinfo=UTC)


def run(server: Server) -> Iterator[Comparison]:  # noqa: ARG001  # as every measurement is called
    held, leaves = recorded(EVENTS)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "all.bundle"
        yield Comparison(
            f"writing a bundle, states of {STATE} bytes",
            "",
            "events/s",
            [rate(lambda: written(file, held, leaves)) for _ in range(ROUNDS)],
        )
        yield Comparison(
            "verifying it offline, in one process",
            "",
            "events/s",
            [rate(lambda: verified(file)) for _ in range(ROUNDS)],
            at_least=250_000,
        )
    many = [os.urandom(32) for _ in range(LEAVES)]
    yield Comparison(
        "a million leaves led to their root",
        "",
        "s",
        [seconds(many) for _ in range(ROUNDS)],
        at_most=1.0,
    )


def recorded(count: int) -> tuple[list[Held], list[bytes]]:
    """So many events of the records in turn, and their leaves."""
    ids = [uuid4() for _ in range(RECORDS)]
    held: list[Held] = []
    leaves: list[bytes] = []
    for n in range(count):
        salt, state = os.urandom(SALT), os.urandom(STATE // 2).hex().encode()
        leaf = Leaf(
            n + 1,
            ids[n % RECORDS],
            n // RECORDS + 1,
            "organisation.MemberAdmitted",
            BEGUN + timedelta(seconds=n // GROUP),
            commitment(SIGNER.key.name, salt, state),
        )
        held.append((leaf.entry(), salt, state))
        leaves.append(leaf.hash())
    return held, leaves


def written(path: Path, held: list[Held], leaves: list[bytes]) -> int:
    """Write a bundle of all; return how many events it has."""
    count = len(held)
    note = SIGNER.sign_note(Note(Checkpoint(SIGNER.key.name, count, root_of(leaves)).text))
    manifest = Manifest("all", SIGNER.key.name, count, ((1, count),))
    with path.open("w+b") as file, tempfile.TemporaryFile() as scratch:
        write(file, scratch, manifest, bytes(note), leaves, [], held)
    return count


def verified(file: Path) -> int:
    """Verify a bundle with the inspector's program; return how many events it has."""
    report = judged(file, Trust((SIGNER.key,)))
    assert report.verdict.name == "VERIFIED", report.verdict
    assert report.manifest
    return report.manifest.count


def seconds(leaves: list[bytes]) -> float:
    begun = perf_counter()
    assert multiroot([(0, len(leaves))], leaves, len(leaves), [])
    return perf_counter() - begun
