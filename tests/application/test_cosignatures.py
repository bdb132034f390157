"""Cosignatures are asked of witnesses that may be slow, away or hostile; what they say is kept only where it holds."""

import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from application.cosignatures import Answer, Cosigners
from application.keys import Signer, verify
from domain.cosign import Request
from domain.note import COSIGNATURE, Note, Signature
from domain.policy import Witness
from tests.application.clusters import until
from tests.domain.test_cosign import proof, tree
from tests.domain.test_note import SECRET, key, signed
from tests.faults.answering import Reply, answering

AT = 1_700_000_000
SIZE = {"Content-Type": "text/x.tlog.size"}
SIGNERS = {name: Signer.of(f"{name}.example", bytes([n]) * 32, COSIGNATURE) for n, name in enumerate("AB", 20)}
CHECKPOINT = signed(Note(tree(9).text))

Behaviour = Callable[[Request], Reply]


def line(name: str = "A", text: str = CHECKPOINT.text, at: int = AT) -> bytes:
    return str(SIGNERS[name].cosign(text, at)).encode()


def proofs(old: int) -> Sequence[bytes]:
    return proof(old, 9)


def asking(*witnesses: Witness, patience: float = 20) -> Cosigners:
    return Cosigners(witnesses, patience)


class Place:
    """Where witnesses listen, each of which answers as it is told to."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.requests: list[Request] = []
        self.paths: list[str] = []

    def witness(
        self, behaviour: Behaviour, name: str = "A", path: str = "", tls: ssl.SSLContext | None = None
    ) -> Witness:
        def answer(path: str, body: bytes) -> Reply:
            request = Request.parse(body)
            self.requests.append(request)
            self.paths.append(path)
            return behaviour(request)

        url = self._stack.enter_context(answering(answer, tls))
        return Witness(name, SIGNERS[name].key, f"{url}{path}")

    def answers(self, *replies: Reply) -> Answer:
        """Ask one that gives these replies, one after another, and return what came of it."""
        left = iter(replies)
        collected = asking(self.witness(lambda _: next(left))).collect(CHECKPOINT, proofs)
        [answer] = collected.answers
        assert (collected.note == CHECKPOINT) == (answer.at is None)
        assert next(left, None) is None, "all were asked for"
        return answer


@pytest.fixture
def place() -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(stack)


def test_cosignatures_are_put_below_the_checkpoint_in_the_order_of_the_witnesses(place: Place) -> None:
    first, second = place.witness(lambda _: (200, {}, line("B")), "B"), place.witness(lambda _: (200, {}, line()))
    collected = asking(first, second).collect(CHECKPOINT, proofs)
    assert collected.answers == (Answer("B", AT), Answer("A", AT))
    assert bytes(collected.note) == bytes(CHECKPOINT) + line("B") + line("A")
    assert Note.parse(bytes(collected.note)).is_signed_by(key(SECRET), verify)
    assert [each.proof for each in place.requests] == [(), ()]


def test_a_witness_is_asked_again_from_the_size_that_it_names_and_that_is_remembered(place: Place) -> None:
    def behaviour(request: Request) -> Reply:
        return (200, {}, line()) if request.old else (409, SIZE, b"3\n")

    cosigners = asking(place.witness(behaviour, path="/prefix/"))
    for _ in range(2):
        assert cosigners.collect(CHECKPOINT, proofs).answers == (Answer("A", AT),)
    assert [(each.old, each.proof) for each in place.requests] == [(0, ()), (3, proof(3, 9)), (9, ())]
    assert set(place.paths) == {"/prefix/add-checkpoint"}
    assert all(each.checkpoint == CHECKPOINT for each in place.requests)


def test_a_checkpoint_smaller_than_the_last_is_asked_for_from_the_beginning(place: Place) -> None:
    def behaviour(request: Request) -> Reply:
        return 200, {}, line(text=request.checkpoint.text)

    cosigners = asking(place.witness(behaviour))
    for note in (CHECKPOINT, signed(Note(tree(3).text))):
        assert cosigners.collect(note, proofs).answers == (Answer("A", AT),)
    assert [each.old for each in place.requests] == [0, 0]


def test_a_newer_cosignature_takes_the_place_of_the_one_before(place: Place) -> None:
    times = iter((AT, AT + 60))
    cosigners = asking(place.witness(lambda _: (200, {}, line(at=next(times)))))
    first = cosigners.collect(CHECKPOINT, proofs).note
    second = cosigners.collect(first, proofs).note
    assert bytes(second) == bytes(CHECKPOINT) + line(at=AT + 60)


@pytest.mark.parametrize(
    ("reply", "trouble", "contradicts"),
    [
        ((400, {}, b""), "A cannot read the request", False),
        ((403, {}, b""), "A does not trust the key that signed the checkpoint", False),
        ((404, {}, b""), "A does not watch this log", False),
        ((409, {}, b"9\n"), "A has seen another root of a log of this size", True),
        ((409, SIZE, b"10\n"), "A has seen 10 leaves of this log, and these are 9", True),
        ((409, SIZE, b"nine\n"), "A names no size where it should", False),
        ((409, SIZE, b"\xff"), "A names no size where it should", False),
        ((409, SIZE, b"9" * 30), "A names no size where it should", False),
        ((422, {}, b""), "A does not find that this log begins with the 0 leaves it saw", True),
        ((500, {}, b""), "A answered with status 500", False),
        ((503, {}, b""), "A cannot cosign just now", False),
        ((204, {}, b""), "A answered with status 204", False),
        ((200, {}, b""), "A answered with what are no signatures", False),
        ((200, {}, b"signed\n"), "A answered with what are no signatures", False),
        ((200, {}, line().rstrip()), "A answered with what are no signatures", False),
        ((200, {}, b"\xff\n"), "A answered with what are no signatures", False),
        ((200, {}, line("B")), "A answered without a cosignature that holds", False),
        ((200, {}, line(text="other\n")), "A answered without a cosignature that holds", False),
        ((200, {}, line() + line(text="other\n")), "A answered without a cosignature that holds", False),
        ((200, {}, b"more\n\n" + line(text=f"{CHECKPOINT.text}\nmore\n")), "A answered without a cosignature", False),
        ((200, {}, line(at=0)), "A answered without a cosignature that holds", False),
        ((200, {}, line(at=1 << 63)), "A answered without a cosignature that holds", False),
        ((200, {}, line() * 1000), "A answered with more than 65536 bytes", False),
    ],
)  # fmt: skip
def test_whatever_else_a_witness_answers_is_told_in_a_sentence_and_left_out(
    place: Place, reply: Reply, trouble: str, contradicts: bool
) -> None:
    found = place.answers(reply)
    assert (found.at, found.contradicts) == (None, contradicts)
    assert found.trouble.startswith(trouble)


def test_a_proof_that_the_witness_finds_false_is_a_matter_for_people(place: Place) -> None:
    found = place.answers((409, SIZE, b"3\n"), (422, {}, b""))
    assert found == Answer("A", None, "A does not find that this log begins with the 3 leaves it saw", contradicts=True)
    assert place.answers((409, SIZE, b"9\n"), (409, {}, b"")).contradicts
    assert place.requests[-1].proof == ()


def test_a_witness_that_names_one_size_after_another_is_asked_twice_and_no_more(place: Place) -> None:
    assert place.answers((409, SIZE, b"3\n"), (409, SIZE, b"4\n")).trouble == "A names one size after another"


def test_a_witness_that_names_the_size_it_was_asked_from_has_seen_another_root_of_it(place: Place) -> None:
    found = place.answers((409, SIZE, b"9\n"), (409, SIZE, b"9\n"))
    assert found == Answer("A", None, "A has seen another root of a log of this size", contradicts=True)
    smaller = place.answers((409, SIZE, b"3\n"), (409, SIZE, b"3\n"))
    assert smaller == Answer("A", None, "A names one size after another"), "of smaller trees it says nothing"


def test_lines_of_others_are_passed_over_and_of_its_own_the_newest_is_kept(place: Place) -> None:
    stranger = str(Signature("stranger.example", b"1234", bytes(72))).encode()
    given = line("B") + line(at=AT) + stranger + line(at=AT + 5) + line(at=AT + 2)
    collected = asking(place.witness(lambda _: (200, {}, given))).collect(CHECKPOINT, proofs)
    assert bytes(collected.note) == bytes(CHECKPOINT) + line(at=AT + 5)
    assert collected.answers == (Answer("A", AT + 5),)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(place: Place, status: int) -> None:
    elsewhere = place.witness(lambda _: (200, {}, line()))
    found = place.answers((status, {"Location": f"{elsewhere.url}/add-checkpoint"}, b""))
    assert found.trouble == f"A answered with status {status}"
    assert len(place.requests) == 1


def test_a_witness_that_does_not_answer_holds_up_no_other(place: Place) -> None:
    done = threading.Event()

    def slow(_: Request) -> Reply:
        done.wait()
        return 200, {}, line("A")

    witnesses = [place.witness(slow, "A"), place.witness(lambda _: (200, {}, line("B")), "B")]
    cosigners = asking(*witnesses, patience=2)
    try:
        first = cosigners.collect(CHECKPOINT, proofs)
        assert first.answers == (Answer("A", trouble="A did not answer within 2 seconds"), Answer("B", AT))
        assert bytes(first.note) == bytes(CHECKPOINT) + line("B")
    finally:
        done.set()


def test_a_witness_that_is_still_busy_is_asked_nothing_more(place: Place) -> None:
    go_on = threading.Event()

    def behaviour(request: Request) -> Reply:
        return (200, {}, line()) if request.old else (409, SIZE, b"3\n")

    def slow(old: int) -> Sequence[bytes]:
        go_on.wait()
        return proofs(old)

    cosigners = asking(place.witness(behaviour), patience=1)
    assert cosigners.collect(CHECKPOINT, slow).answers[0].trouble == "A did not answer within 1 seconds"
    assert cosigners.collect(CHECKPOINT, proofs).answers[0].trouble == "A has not answered the request before"
    go_on.set()
    until(lambda: cosigners.collect(CHECKPOINT, proofs).answers[0].at == AT)
    assert [each.old for each in place.requests][:3] == [0, 3, 9]


def test_what_a_proof_raises_is_raised_by_whoever_collects(place: Place) -> None:
    def lost(_: int) -> Sequence[bytes]:
        raise FileNotFoundError("a tile")

    cosigners = asking(place.witness(lambda _: (409, SIZE, b"3\n")))
    with pytest.raises(FileNotFoundError, match="a tile"):
        cosigners.collect(CHECKPOINT, lost)


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        ("", "A has no address in the policy"),
        ("witness.example", "A has no http or https address: witness.example"),
        ("ftp://witness.example/", "A has no http or https address: ftp://witness.example/"),
        ("file:///etc/passwd", "A has no http or https address: file:///etc/passwd"),
        ("http://", "A has no http or https address: http://"),
        ("http://witness.example/?a=b", "A has no http or https address"),
        ("http://witness.example/#a", "A has no http or https address"),
        ("http://me:secret@witness.example/", "A has no http or https address"),
        ("http://witness.example:port/", "A has no good address: http://witness.example:port/"),
        ("http://[::1/", "A has no good address: http://[::1/"),
        (f"http://{'x' * 70}.example/", "A cannot be reached: "),
        ("http://127.0.0.1:1/", "A cannot be reached: "),
        ("https://127.0.0.1:1/", "A cannot be reached: "),
    ],
)
def test_a_witness_at_no_good_address_is_told_in_a_sentence(url: str, trouble: str) -> None:
    collected = asking(Witness("A", SIGNERS["A"].key, url)).collect(CHECKPOINT, proofs)
    [answer] = collected.answers
    assert answer.trouble.startswith(trouble)
    assert (collected.note, answer.contradicts) == (CHECKPOINT, False)


def test_a_path_of_any_characters_is_asked_for_as_it_is_meant(place: Place) -> None:
    asking(place.witness(lambda _: (200, {}, line()), path="/见证 1/%2F")).collect(CHECKPOINT, proofs)
    assert place.paths == ["/%E8%A7%81%E8%AF%81%201/%2F/add-checkpoint"]


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS with a certificate of its own making, and that certificate."""
    secret = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "witness")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, secret.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(secret, None)
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return context, certificate


def test_a_witness_is_reached_by_https_only_under_a_certificate_that_is_trusted(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, certificate = certified(tmp_path)
    witness = place.witness(lambda _: (200, {}, line()), tls=tls)
    [untrusted] = asking(witness).collect(CHECKPOINT, proofs).answers
    assert "CERTIFICATE_VERIFY_FAILED" in untrusted.trouble
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert asking(witness).collect(CHECKPOINT, proofs).answers == (Answer("A", AT),)


def test_without_witnesses_nothing_is_added() -> None:
    assert asking().collect(CHECKPOINT, proofs).note == CHECKPOINT
