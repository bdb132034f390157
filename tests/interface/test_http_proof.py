"""The log as public tools read it, and proofs of what is in it."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from application.cosignatures import Answer
from application.keys import LOG, load
from application.seal import Sealer
from application.seal.witnessed import Standing
from application.sealed import Refusal
from domain.merkle import is_consistent
from domain.note import decode
from interface.app import Installation
from tests.faults.load import submission
from tests.interface.callers import Person
from tests.tlog import Log, leaf

DOCUMENT = Path(__file__).parents[2] / "docs/verification.md"
UNASKED: dict[str, object] = {"witnessed": None, "witnesses": [], "timestamp": None}


@pytest.fixture
def log(installation: Installation, client: TestClient) -> Log:
    """The log as somebody sees it who has its key from elsewhere."""

    def fetch(path: str) -> bytes:
        answer = client.get(f"/{path}")
        assert answer.status_code == 200, path
        return answer.content

    return Log(fetch, str(load(installation.database.keys, LOG).key))


def test_a_client_that_knows_the_specifications_alone_reads_a_log_of_a_hundred_thousand_events(
    installation: Installation, sealer: Sealer, log: Log
) -> None:
    recorder = installation.records.recorder
    for _ in range(25):
        recorder.append(submission(events=4000))
    recorder.append(submission(events=77))
    sealer.seal()
    entries = [json.loads(entry) for entry in log.check()]
    assert [entry["p"] for entry in entries] == list(range(1, 100_078))
    stored = recorder.select_notifications(100_000, 1)[0]
    found = entries[99_999]
    assert (found["id"], found["ver"], found["t"]) == (str(stored.originator_id), 4000, stored.topic)


def test_a_log_that_is_read_while_it_grows_is_whole_at_each_size(
    installation: Installation, sealer: Sealer, log: Log
) -> None:
    for size in (1, 255, 1, 300, 3):
        installation.records.recorder.append(submission(events=size))
        sealer.seal()
        log.check()


@pytest.mark.usefixtures("papers", "village")
def test_what_is_told_to_check_with_openssl_alone_finds_the_logs_signature(
    client: TestClient, sealer: Sealer, installation: Installation, tmp_path: Path
) -> None:
    """The commands are those of docs/verification.md."""
    [commands] = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    sealer.seal()
    checkpoint = client.get("/checkpoint").content
    environment = {"PATH": os.environ["PATH"], "KEY": str(load(installation.database.keys, LOG).key)}

    def says(given: bytes) -> str:
        (tmp_path / "checkpoint").write_bytes(given)
        ran = subprocess.run(
            ["/bin/sh", "-c", commands], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        return ran.stdout.strip()

    assert says(checkpoint) == "Signature Verified Successfully"
    size = str(sealer.size).encode()
    assert says(checkpoint.replace(b"\n%b\n" % size, b"\n1%b\n" % size)) == "Signature Verification Failure"


@pytest.mark.usefixtures("village")
def test_every_event_is_proved_to_whoever_has_the_key(ann: Person, sealer: Sealer, log: Log) -> None:
    sealer.seal()
    head = ann.saw("/health")["head"]
    for position in range(1, head + 1):
        told = ann.saw(f"/events/{position}/proof")
        assert log.proved(told["tlog_proof"], told["entry"].encode()) == position - 1
        assert decode(told["leaf"]) == leaf(told["entry"].encode())
        assert told["size"] == head
        assert told["tlog_proof"].endswith(told["checkpoint"])


@pytest.mark.usefixtures("village")
def test_an_event_is_proved_once_it_is_sealed(ann: Person, sealer: Sealer) -> None:
    answer = ann.get("/events/1/proof")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["detail"] == "the event at position 1 is not sealed yet"
    sealer.seal()
    assert ann.get("/events/1/proof").status_code == 200


@pytest.mark.usefixtures("village")
def test_what_the_log_has_not_is_not_proved(ann: Person, sealer: Sealer) -> None:
    sealer.seal()
    head = ann.saw("/health")["head"]
    for position in (0, head + 1, 2**40):
        assert ann.get(f"/events/{position}/proof").status_code == 404
    for position in ("-1", "x", "1.5"):
        assert ann.get(f"/events/{position}/proof").status_code == 422


@pytest.mark.usefixtures("village")
def test_one_size_is_proved_to_begin_another(installation: Installation, ann: Person, sealer: Sealer) -> None:
    sealer.seal()
    sizes = [installation.sealed.checkpoint()]
    for size in (1, 300):
        installation.records.recorder.append(submission(events=size))
        sealer.seal()
        sizes.append(installation.sealed.checkpoint())
    for first in sizes:
        for second in sizes[sizes.index(first) :]:
            told = ann.saw("/consistency", params={"first": first.size, "second": second.size})
            assert (decode(told["first_root"]), decode(told["second_root"])) == (first.root, second.root)
            hashes = [decode(each) for each in told["hashes"]]
            assert is_consistent(first.size, second.size, first.root, second.root, hashes)
        assert ann.saw("/consistency", params={"first": first.size})["second"] == sizes[-1].size


@pytest.mark.usefixtures("village")
def test_sizes_that_there_are_not_are_refused_by_name(ann: Person, sealer: Sealer) -> None:
    def refused(**sizes: int) -> tuple[str, str]:
        answer = ann.get("/consistency", params=sizes)
        assert answer.status_code == 422
        return answer.json()["field"], answer.json()["detail"]

    assert refused(first=1) == ("first", "0 events are sealed")
    sealer.seal()
    head = ann.saw("/health")["head"]
    assert refused(first=head + 1) == ("first", f"{head} events are sealed")
    assert refused(first=1, second=head + 1) == ("second", f"{head} events are sealed")
    assert refused(first=2, second=1) == ("second", "the second size is smaller than the first")
    assert refused(first=0)[0] == "query.first"


@pytest.mark.usefixtures("village")
def test_tiles_are_kept_for_ever_and_the_checkpoint_is_asked_for_each_time(client: TestClient, sealer: Sealer) -> None:
    assert client.get("/checkpoint").status_code == 404
    sealer.seal()
    checkpoint = client.get("/checkpoint")
    assert checkpoint.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert checkpoint.headers["Cache-Control"] == "no-cache"
    size = int(checkpoint.text.split("\n")[1])
    tile = client.get(f"/tile/0/000.p/{size}")
    assert (tile.headers["Content-Type"], len(tile.content)) == ("application/octet-stream", 32 * size)
    assert "immutable" in tile.headers["Cache-Control"]
    assert client.head(f"/tile/0/000.p/{size}").headers["Content-Length"] == str(32 * size)


@pytest.mark.usefixtures("village")
@pytest.mark.parametrize(
    "path",
    [
        *("0/000", "0/001", "0/000.p/200", "0/000.p/0", "0/000.p/256", "64/000", "entries/000", "x", "", "0/0"),
        *("..%2f..%2fsealer/state.json", "0/x001/x234/067", "0/%30%30%30", "0/000.p/1/"),
    ],
)
def test_there_is_no_other_tile(client: TestClient, sealer: Sealer, path: str) -> None:
    sealer.seal()
    answer = client.get(f"/tile/{path}")
    assert answer.status_code in (401, 404)
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.usefixtures("village")
def test_a_sealer_that_refuses_is_told_of_by_health(client: TestClient, ann: Person, sealer: Sealer) -> None:
    ann.saw("/organisations")
    assert client.get("/api/health").json()["sealed"]["size"] == 0
    sealer.seal()
    health = client.get("/api/health").json()
    assert health["sealed"] == {"size": health["head"], "lag_events": 0, "refused": None, **UNASKED}
    sealer._sealed.refuse(Refusal(3, "event", "the event at position 4 is not the one that its writer signed"))
    health = client.get("/api/health").json()
    assert (health["status"], health["sealed"]["refused"]) == (
        "impaired",
        "the event at position 4 is not the one that its writer signed",
    )


def test_a_receipt_has_the_leaves_that_are_proved_a_moment_later(ann: Person, sealer: Sealer, log: Log) -> None:
    body = {"name": "昌硕街道", "level": "township", "code": "330523110", "occurred_on": "2026-01-01"}
    receipt = ann.did("/organisations", body, headers={"Idempotency-Key": "one"})
    sealer.seal()
    assert len(receipt["events"]) == 2
    for event in receipt["events"]:
        told = ann.saw(event["proof"].removeprefix("/api"))
        assert told["leaf"] == event["leaf"]
        assert log.proved(told["tlog_proof"], told["entry"].encode()) == event["position"] - 1
    assert ann.did("/organisations", body, headers={"Idempotency-Key": "one"}) == receipt


@pytest.mark.usefixtures("village")
def test_witnesses_that_are_away_are_told_of_by_health(
    installation: Installation, client: TestClient, sealer: Sealer
) -> None:
    sealer.seal()
    away = Answer("county", trouble="county cannot be reached: refused")
    installation.sealed.tell(Standing(met=False, answers=(away, Answer("province", at=1_790_000_000))))
    health = client.get("/api/health").json()
    assert health["status"] == "impaired"
    assert health["sealed"]["witnessed"] is False
    assert health["sealed"]["witnesses"] == [
        {"name": "county", "at": None, "trouble": "county cannot be reached: refused"},
        {"name": "province", "at": 1_790_000_000, "trouble": ""},
    ]
