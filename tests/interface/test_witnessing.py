"""A log, its policy and its witnesses together, over real HTTP: one history is cosigned by a quorum, and no second."""

import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import pytest

from application.cosignatures import Collected, Cosigners
from application.keys import verify
from application.witness import witnessing
from domain import ed25519
from domain.cosign import origin_hash
from domain.note import Note
from domain.policy import Policy
from tests.domain.test_cosign import FORK, LEAVES, proof, tree
from tests.domain.test_note import ORIGIN, SECRET, key, signed
from tests.faults.parties import served

NAMES = ("county", "province", "auditor")


@pytest.fixture
def urls(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Three parties' witnesses, and where they are reached."""
    with ExitStack() as stack:
        opened = {
            name: stack.enter_context(
                witnessing(tmp_path / name / "witness", tmp_path / name / "keys", f"{name}.example", [key(SECRET)])
            )
            for name in NAMES
        }
        yield {f"{name} {each.key}": stack.enter_context(served(each)) for name, each in opened.items()}


@pytest.fixture
def policy(urls: dict[str, str]) -> Policy:
    """The log's own policy, with two of three witnesses for a quorum."""
    lines = [f"witness {named} {url}\n" for named, url in urls.items()]
    return Policy.parse(f"log {key(SECRET)}\n{''.join(lines)}group two 2 {' '.join(NAMES)}\nquorum two\n")


def shows(cosigners: Cosigners, size: int, leaves: list[bytes] = LEAVES) -> Collected:
    def proofs(old: int) -> Sequence[bytes]:
        return proof(old, size, leaves)

    return cosigners.collect(signed(Note(tree(size, leaves).text)), proofs)


def test_a_log_that_only_grows_is_cosigned_by_all(policy: Policy) -> None:
    cosigners = Cosigners(policy.witnesses)
    for size in (0, 1, 7, 7, 18):
        collected = shows(cosigners, size)
        assert [each.trouble for each in collected.answers] == ["", "", ""]
        for check in (verify, ed25519.verify):
            assert policy.is_met_by(Note.parse(bytes(collected.note)), check)
            assert policy.cosigned_at(collected.note, check) == {each.name: each.at for each in collected.answers}


def test_whoever_asks_without_knowing_what_was_seen_learns_it(policy: Policy) -> None:
    shows(Cosigners(policy.witnesses), 5)
    assert policy.is_met_by(shows(Cosigners(policy.witnesses), 18).note, verify)


def test_no_two_histories_of_a_log_are_both_cosigned_by_a_quorum(policy: Policy) -> None:
    """Whatever the log shows to whom: of two trees of one size one quorum at most is had."""
    one, two = Cosigners(policy.witnesses[:1]), Cosigners(policy.witnesses[1:])
    shows(one, 9)
    assert policy.is_met_by(shows(two, 9, FORK).note, verify)
    collected = shows(Cosigners(policy.witnesses), 9)
    assert not policy.is_met_by(collected.note, verify)
    assert [each.contradicts for each in collected.answers] == [False, True, True]
    grown = shows(Cosigners(policy.witnesses), 18)
    assert list(policy.cosigned_at(grown.note, verify)) == ["county"]
    assert grown.answers[1].trouble == "province does not find that this log begins with the 9 leaves it saw"


def test_a_log_that_goes_back_is_told_how_far_it_had_come(policy: Policy) -> None:
    shows(Cosigners(policy.witnesses), 18)
    collected = shows(Cosigners(policy.witnesses), 9)
    assert collected.answers[0].trouble == "county has seen 18 leaves of this log, and these are 9"
    assert all(each.contradicts for each in collected.answers)
    assert not policy.is_met_by(collected.note, verify)


def test_an_inspector_finds_with_a_witness_that_a_log_shows_the_past(policy: Policy, urls: dict[str, str]) -> None:
    old = shows(Cosigners(policy.witnesses), 9).note
    shows(Cosigners(policy.witnesses), 18)
    assert policy.is_met_by(old, verify), "nothing in what the log shows says that it is not the newest"
    address = f"{next(iter(urls.values()))}/{origin_hash(ORIGIN)}/checkpoint"
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310  # an address of our own
        seen = Note.parse(answer.read())
    assert seen.text == tree(18).text
    assert seen.is_signed_by(policy.logs[0].key, verify)
    assert seen.cosigned_at(policy.witnesses[0].key, verify)


def test_requests_on_one_connection_are_answered_one_after_another(urls: dict[str, str]) -> None:
    address = next(iter(urls.values())).removeprefix("http://")
    connection = HTTPConnection(address, timeout=30)
    connection.connect()
    first = connection.sock
    for _ in range(3):
        connection.request("GET", "/health")
        assert connection.getresponse().read()
    assert connection.sock is first
    connection.close()
