"""The witness over HTTP: each answer as C2SP tlog-witness has it, to the status, the type and the byte."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from application.keys import verify
from application.witness import Witness, witnessing
from domain.cosign import LARGEST, Request, origin_hash
from domain.note import Key, Note
from interface.http.witness import create_witness
from tests.domain.test_cosign import EXAMPLE, FORK, asks, proof, tree
from tests.domain.test_note import ORIGIN, OTHER, SECRET, key, signed

PATH = f"/{origin_hash(ORIGIN)}/checkpoint"
TEXT = "text/plain; charset=utf-8"
CLOCK = {"now": 1_700_000_000}


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    def now() -> datetime:
        return datetime.fromtimestamp(CLOCK["now"], UTC)

    with witnessing(tmp_path / "witness", tmp_path / "keys", "witness.example/w1", [key(SECRET)], now) as opened:
        yield opened


@pytest.fixture
def client(witness: Witness) -> Iterator[TestClient]:
    with TestClient(create_witness(witness), raise_server_exceptions=False) as client:
        yield client


def body(old: int, size: int) -> bytes:
    return bytes(asks(old, tree(size), proof(old, size)))


def refused(client: TestClient, given: bytes | list[bytes], status: int, kind: str = TEXT) -> str:
    answer = client.post("/add-checkpoint", content=given)
    assert (answer.status_code, answer.headers["content-type"]) == (status, kind), answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.endswith("\n")
    return answer.text.removesuffix("\n")


def test_a_consistent_checkpoint_is_answered_with_a_cosignature_of_it(client: TestClient, witness: Witness) -> None:
    for old, size in ((0, 3), (3, 18), (18, 18)):
        answer = client.post("/add-checkpoint", content=body(old, size))
        assert (answer.status_code, answer.headers["content-type"]) == (200, TEXT)
        assert answer.text.startswith("— witness.example/w1 ")
        assert answer.text.count("\n") == 1
        note = Note.parse(f"{tree(size).text}\n{answer.text}".encode())
        assert note.cosigned_at(witness.key, verify) == CLOCK["now"]


def test_a_proof_from_another_size_is_answered_with_the_size_that_was_seen(client: TestClient) -> None:
    assert refused(client, body(3, 9), 409, "text/x.tlog.size") == "0"
    client.post("/add-checkpoint", content=body(0, 3))
    assert refused(client, body(0, 9), 409, "text/x.tlog.size") == "3"
    fork = bytes(asks(1, tree(3, FORK[3:]), proof(1, 3, FORK[3:])))
    assert refused(client, fork, 409, "text/x.tlog.size") == "3"


def test_another_root_of_the_size_that_was_seen_is_a_conflict_that_no_size_resolves(client: TestClient) -> None:
    client.post("/add-checkpoint", content=body(0, 9))
    assert refused(client, bytes(asks(9, tree(9, FORK), ())), 409).startswith(
        f"the log {ORIGIN} of 9 leaves has the root"
    )


def test_a_proof_that_does_not_hold_is_unprocessable(client: TestClient) -> None:
    client.post("/add-checkpoint", content=body(0, 9))
    assert "is not proved" in refused(client, bytes(asks(9, tree(12, FORK), proof(9, 12, FORK))), 422)
    assert "needs no proof" in refused(client, bytes(asks(9, tree(9), proof(9, 12))), 422)


def test_an_unknown_log_is_not_found_and_an_untrusted_signature_is_forbidden(client: TestClient) -> None:
    assert refused(client, EXAMPLE, 404) == "this witness does not watch that log"
    spaced = Note(f"go.sum database tree\n{tree(3).text.partition(chr(10))[2]}")
    assert refused(client, bytes(Request(0, (), signed(spaced, OTHER))), 404)
    assert refused(client, bytes(Request(0, (), signed(Note(tree(3).text), OTHER))), 403)


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"\n",
        b"old 0\n",
        b"old 0\n\n",
        body(0, 3).replace(b"\n", b"\r\n"),
        body(0, 3) + b"\n",
        body(0, 3) + b"more\n",
        body(0, 3)[:-1],
        b"more\n" + body(0, 3),
        body(3, 9).replace(b"=\n", b"\n", 1),
        body(0, 3).replace(b"old 0", b"old 00"),
        b"old 4\n" + body(0, 3).partition(b"\n")[2],
        b"\xff" * 100,
    ],
)
def test_what_cannot_be_read_is_a_bad_request(client: TestClient, given: bytes) -> None:
    refused(client, given, 400)
    assert client.get(PATH).status_code == 404


@pytest.mark.parametrize("given", [b"x" * (LARGEST + 1), [b"x" * LARGEST, b"x"]])
def test_a_body_that_is_longer_than_any_request_is_refused(client: TestClient, given: bytes | list[bytes]) -> None:
    assert refused(client, given, 413) == f"the request is longer than {LARGEST} bytes"


def test_a_witness_whose_clock_is_behind_says_that_it_cannot_just_now(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/add-checkpoint", content=body(0, 3))
    monkeypatch.setitem(CLOCK, "now", CLOCK["now"] - 60)
    answer = client.post("/add-checkpoint", content=body(3, 9))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.text.startswith("nothing is cosigned just now: it is 2023-11-14T22:12:20+00:00 by the clock here")


def test_what_was_cosigned_last_is_read_by_anybody(client: TestClient, witness: Witness) -> None:
    assert client.get(PATH).status_code == 404
    for old, size in ((0, 3), (3, 12)):
        line = client.post("/add-checkpoint", content=body(old, size)).text
        answer = client.get(PATH)
        assert (answer.status_code, answer.headers["content-type"]) == (200, TEXT)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.content == bytes(signed(Note(tree(size).text))) + line.encode()
    note = Note.parse(client.get(PATH).content)
    assert note.is_signed_by(key(SECRET), verify)
    assert note.cosigned_at(witness.key, verify)
    assert client.get(f"/{origin_hash('another.example/log')}/checkpoint").status_code == 404
    assert client.get(PATH.upper().replace("CHECKPOINT", "checkpoint")).status_code == 404
    head = client.head(PATH)
    assert (head.status_code, head.content) == (200, b"")


def test_health_says_what_it_has_seen_of_each_log_and_what_speaks_against_it(client: TestClient) -> None:
    asked = client.get("/health").json()
    assert Key.parse(asked["vkey"]).name == asked["name"] == "witness.example/w1"
    nothing = {"origin": ORIGIN, "origin_hash": origin_hash(ORIGIN), "size": 0, "cosigned_at": None}
    assert asked["logs"] == [{**nothing, "forked": 0, "unproven": 0}]
    client.post("/add-checkpoint", content=body(0, 9))
    refused(client, bytes(asks(9, tree(9, FORK), ())), 409)
    for size in (12, 13):
        refused(client, bytes(asks(9, tree(size, FORK), proof(9, size, FORK))), 422)
    seen = {**nothing, "size": 9, "cosigned_at": CLOCK["now"]}
    assert client.get("/health").json()["logs"] == [{**seen, "forked": 1, "unproven": 2}]


def test_only_a_post_asks_for_a_cosignature_and_nothing_else_is_there(client: TestClient) -> None:
    assert client.get("/add-checkpoint").status_code == 405
    for path in ("/", "/docs", "/openapi.json", "/api/health", PATH + "/", "/checkpoint"):
        assert client.get(path).status_code == 404
