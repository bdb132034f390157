"""What the proof gives: verification of a log and its sealing, proofs from a log of ten million events.

The latter log has leaves and tiles, which are all that a proof is made of, and no events.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from time import perf_counter, sleep

from application.bulk import record_all
from application.keys import LOG, WRITER, Signer, load
from application.proofs import Proofs
from application.seal import Sealer
from application.sealed import Sealed, Unsealed
from application.verify import Verifier
from benchmarks.commands import THREADS, UNITS, admit, fresh
from benchmarks.http import SERVE, ask, process, request
from benchmarks.measure import ROUNDS, Comparison, hammer, rate
from benchmarks.nation import fail, founding, nation
from benchmarks.server import Server
from domain.leaf import Leaf, commitment
from domain.note import Checkpoint, Note
from domain.organisation import organisation_id
from domain.tile import ENTRIES, WIDTH, Edge, Tile, bundle
from interface.app import Installation

FOUNDED = 100_000
LEAVES = 10_000_000
STEP = 1 << 20
PROVED = 200
SECONDS = 15.0
SEAL = (sys.executable, "-m", "interface", "seal")


def run(server: Server) -> Iterator[Comparison]:
    with server.installation() as installation:
        record_all(installation.records, map(founding, nation(FOUNDED)), fail)
        sealer, events = _sealer(installation), installation.head()
        sealed = rate(lambda: _sealed(sealer))
        keys = installation.database.keys
        verifier = Verifier(installation.database, installation.sealed, [load(keys, LOG).key], [load(keys, WRITER).key])

        def verify() -> int:
            assert verifier.verify().verdict == "VERIFIED"
            return events

        yield Comparison(
            f"full verification of the log, {events:,} events from the database, one process",
            "",
            "events/s",
            [rate(verify) for _ in range(ROUNDS)],
            at_least=120_000,
        )
        yield Comparison("sealing them: hashing anew, tiles and entries on the disk", "", "events/s", [sealed])
    with server.installation() as installation:
        yield _until_sealed(installation)
    with server.installation() as installation:
        yield from _proofs(installation)


def _proofs(installation: Installation) -> Iterator[Comparison]:
    home = installation.database.keys.parent
    proofs = Proofs(_tree(installation.sealed))
    chosen = Random(3).sample(range(1, LEAVES), PROVED)  # noqa: S311  # any will do
    token = installation.token("benchmark", "auditor")
    # The tree is of no log: nothing is to go on with it.
    (home / "keys/log.key").unlink()
    with process(["-c", SERVE], {"TAIZHANG_DATABASE": installation.database.dsn, "TAIZHANG_HOME": str(home)}) as port:
        for what, prove, path in (
            ("inclusion", lambda n: proofs.included(LEAVES - n % 4), "/api/events/{last}/proof"),
            ("consistency", proofs.consistent, "/api/consistency?first={n}"),
        ):
            yield Comparison(
                f"a proof of {what}, {LEAVES:,} events, inside the service",
                "",
                "ms",
                [_milliseconds(prove, chosen) for _ in range(ROUNDS)],
                at_most=1,
            )
            asked = [request("GET", path.format(n=n, last=LEAVES - n % 4), token) for n in chosen]
            yield Comparison(
                f"a proof of {what}, {LEAVES:,} events, over HTTP",
                "",
                "ms",
                [1000 / ask(port, 1, asked) for _ in range(ROUNDS)],
                at_most=5,
            )


def _sealer(installation: Installation) -> Sealer:
    keys = installation.database.keys
    signer, folder = load(keys, LOG), keys.parent / "sealer"
    Sealer.begin(signer, folder, installation.sealed, [load(keys, WRITER).key])
    return Sealer(installation.database, lambda: [signer], folder, installation.sealed, lambda: datetime.now(UTC))


def _sealed(sealer: Sealer) -> int:
    sealer.seal()
    return sealer.size


def _until_sealed(installation: Installation) -> Comparison:
    """From the acknowledgement of a command to a signed checkpoint that has it, under the load of 64 threads."""
    record_all(installation.records, map(founding, nation(UNITS)), fail)
    ids = [organisation_id(unit.code) for unit in nation(UNITS)]
    stop, waits = threading.Event(), list[float]()

    def one(thread: int, n: int) -> None:
        admit(installation, ids[(n * THREADS + thread) % UNITS], fresh())

    def watch() -> None:
        while not stop.is_set():
            head, begun = installation.head(), perf_counter()
            while _size(installation.sealed) < head:
                sleep(0.005)
            waits.append(perf_counter() - begun)

    watchers = [threading.Thread(target=watch) for _ in range(4)]
    home = {"TAIZHANG_HOME": str(installation.database.keys.parent), "TAIZHANG_DATABASE": installation.database.dsn}
    with subprocess.Popen([*SEAL, "--begin"], env={**os.environ, **home}) as sealer:
        while not _size(installation.sealed):
            sleep(0.1)
        for each in watchers:
            each.start()
        hammer(THREADS, SECONDS, one)
        stop.set()
        for each in watchers:
            each.join()
        sealer.terminate()
    return Comparison(
        f"from commit to signed checkpoint under load, 99 of 100, of {len(waits)}",
        "",
        "s",
        [sorted(waits)[len(waits) * 99 // 100]],
        at_most=1.5,
    )


def _size(sealed: Sealed) -> int:
    try:
        return sealed.checkpoint().size
    except Unsealed:
        return 0


def _tree(sealed: Sealed) -> Sealed:
    """Publish a tree of leaves by chance; the last tile's entries are events'."""
    edge, origin = Edge(), "records.anji.example/log"
    last = LEAVES % WIDTH
    entries = [_entry(origin, LEAVES - last + n + 1) for n in range(last)]
    for first in range(0, LEAVES, STEP):
        drawn = os.urandom(32 * min(STEP, LEAVES - first))
        edge, tiles = edge.grown([drawn[n : n + 32] for n in range(0, len(drawn), 32)])
        for tile, content in tiles:
            path = sealed.folder / tile.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    sealed.write([(Tile(ENTRIES, LEAVES // WIDTH, last), bundle(entries))])
    note = Note(Checkpoint(origin, LEAVES, edge.frontier.root).text)
    sealed.publish(Signer.of(origin, os.urandom(32)).sign_note(note), datetime.now(UTC))
    return sealed


def _entry(origin: str, position: int) -> bytes:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return Leaf(position, fresh(), 1, "organisation.MemberAdmitted", at, commitment(origin, bytes(32), b"{}")).entry()


def _milliseconds(prove: Callable[[int], object], chosen: list[int]) -> float:
    begun = perf_counter()
    for each in chosen:
        prove(each)
    return (perf_counter() - begun) * 1000 / len(chosen)
