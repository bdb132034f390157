"""A token is kept only where an authority that is trusted signed it, over these very bytes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from rfc3161_client import decode_timestamp_response

from application.timestamps import Authority, Roots, Unobtained
from tests.application.clusters import until
from tests.faults.answering import Reply, answering
from tests.faults.authority import TYPE, Papers, stamping

MESSAGE = b"test.example/record\n3\nAAAA\n\n"
Answer = Callable[[bytes], Reply]


@pytest.fixture
def roots(papers: Papers) -> Roots:
    return Roots.read(papers.pem("root"))


class Stand:
    """Where an authority listens that answers as it is told to."""

    def __init__(self, stack: ExitStack, roots: Roots) -> None:
        self._stack = stack
        self._roots = roots
        self.queries: list[bytes] = []

    def authority(self, answer: Answer, patience: float = 20) -> Authority:
        def behaviour(_: str, query: bytes) -> Reply:
            self.queries.append(query)
            return answer(query)

        return Authority(self._stack.enter_context(answering(behaviour)), self._roots, patience)

    def refused(self, answer: Answer) -> str:
        """Ask for a token that is not had, and return the reason, without the address."""
        with pytest.raises(Unobtained) as trouble:
            self.authority(answer).stamp(MESSAGE)
        _, _, reason = str(trouble.value).partition(" ")
        return reason


@pytest.fixture
def stand(roots: Roots) -> Iterator[Stand]:
    with ExitStack() as stack:
        yield Stand(stack, roots)


def granted(token: bytes) -> Answer:
    return lambda _: (200, TYPE, token)


def seconds(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def test_a_token_is_over_the_messages_digest_with_a_nonce_and_the_certificate(papers: Papers, roots: Roots) -> None:
    before = int(time.time())
    with stamping(papers) as url:
        first, second = (Authority(url, roots).stamp(MESSAGE) for _ in range(2))
    for token in (first, second):
        assert before <= roots.judge(token, MESSAGE) <= time.time()
        held = decode_timestamp_response(token)
        assert held.tst_info.message_imprint.message == sha256(MESSAGE).digest()
        assert len(held.signed_data.certificates) == 1
    nonces = {decode_timestamp_response(token).tst_info.nonce for token in (first, second)}
    assert len(nonces) == 2
    assert None not in nonces


def test_openssl_finds_the_same_token_good(papers: Papers, roots: Roots) -> None:
    with stamping(papers) as url:
        token = Authority(url, roots).stamp(MESSAGE)
    (papers.folder / "token.tsr").write_bytes(token)
    (papers.folder / "message").write_bytes(MESSAGE)
    papers.openssl("ts", "-verify", "-in", "token.tsr", "-data", "message", "-CAfile", "root.pem")


def test_a_token_with_another_nonce_or_none_is_an_old_one_and_refused(stand: Stand, papers: Papers) -> None:
    for words in (("-sha256",), ("-sha256", "-no_nonce")):
        old = papers.reply(papers.query(MESSAGE, *words))
        assert stand.refused(granted(old)) == "gave no token that holds: the nonce is not the one that was sent"


def test_a_token_over_something_else_is_refused(stand: Stand, papers: Papers) -> None:
    other = papers.reply(papers.query(b"another message"))
    assert stand.refused(granted(other)) == "gave no token that holds: the messageImprint is of something else"
    weak = papers.reply(papers.query(MESSAGE, "-sha1"))
    assert stand.refused(granted(weak)) == "gave no token that holds: the messageImprint is no SHA-256 digest"


def test_what_the_authority_does_not_grant_is_refused_with_its_reason(stand: Stand, papers: Papers) -> None:
    reason = stand.refused(lambda _: (200, TYPE, papers.reply(b"no query")))
    assert reason == "gave no token that holds: the status is REJECTION; Bad request format or system error."


def test_a_token_that_leads_to_another_root_is_refused(stand: Stand, papers: Papers) -> None:
    reason = stand.refused(lambda query: (200, TYPE, papers.reply(query, "foreign")))
    assert reason.startswith("gave no token that holds: the signature or its certificates do not hold: unable to get")


@pytest.mark.parametrize("signer", ["plain", "soft"])
def test_a_certificate_that_is_not_for_time_stamping_alone_is_refused(
    stand: Stand, papers: Papers, signer: str
) -> None:
    reason = stand.refused(lambda query: (200, TYPE, papers.signed(papers.reply(query), signer)))
    assert reason.endswith("certificates do not hold: unsuitable certificate purpose")


def test_a_certificate_is_judged_at_the_tokens_time_and_not_at_todays(papers: Papers, roots: Roots) -> None:
    reply = papers.reply(papers.query(MESSAGE))
    assert roots.judge(papers.signed(reply, "old", "20200601000000Z"), MESSAGE) == seconds(2020, 6, 1)
    for at, reason in (("20210601000000Z", "expired"), ("20190601000000Z", "not yet valid"), ("", "expired")):
        with pytest.raises(ValueError, match=f"certificates do not hold: certificate (has|is) {reason}"):
            roots.judge(papers.signed(reply, "old", at), MESSAGE)


def test_a_time_that_is_altered_does_not_hold(papers: Papers, roots: Roots) -> None:
    token = papers.reply(papers.query(MESSAGE))
    year = f"{datetime.now(UTC):%Y}".encode()
    altered = token.replace(b"\x18\x0f" + year, b"\x18\x0f2020", 1)
    assert roots.judge(token, MESSAGE)
    assert decode_timestamp_response(altered).tst_info.gen_time.year == 2020
    with pytest.raises(ValueError, match="the signature or its certificates do not hold"):
        roots.judge(altered, MESSAGE)


def test_whatever_is_no_response_is_refused_in_a_sentence(papers: Papers, roots: Roots) -> None:
    token = papers.reply(papers.query(MESSAGE))
    for given in (b"", b"garbage", token[:-1], token + b"\0", bytes.fromhex("30053003020100")):
        with pytest.raises(ValueError, match="it is no time-stamp response"):
            roots.judge(given, MESSAGE)


def test_a_token_that_is_altered_anywhere_says_nothing_or_what_it_said(papers: Papers, roots: Roots) -> None:
    token = papers.reply(papers.query(MESSAGE))

    def said(given: bytes) -> int | str:
        try:
            return roots.judge(given, MESSAGE)
        except ValueError as fault:
            return str(fault)

    for change in (1, 128):
        found = [
            said(token[:place] + bytes([token[place] ^ change]) + token[place + 1 :]) for place in range(len(token))
        ]
        assert {each for each in found if isinstance(each, int)} <= {said(token)}
        assert sum(isinstance(each, str) for each in found) > 0.9 * len(token)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((200, TYPE, b"garbage"), "gave no token that holds: it is no time-stamp response"),
        ((200, TYPE, bytes((1 << 16) + 1)), "answered with more than 65536 bytes"),
        ((200, {"Content-Type": "text/html"}, b"welcome"), "answered with text/html, not application/timestamp-reply"),
        ((500, TYPE, b""), "answered with status 500"),
        ((301, {"Location": "http://127.0.0.1:1/"}, b""), "answered with status 301"),
    ],
)
def test_an_answer_without_a_token_is_refused(stand: Stand, reply: Reply, reason: str) -> None:
    assert stand.refused(lambda _: reply) == reason


def test_an_authority_that_is_away_is_told_of(roots: Roots) -> None:
    with pytest.raises(Unobtained, match=r"^http://127\.0\.0\.1:1/tsa cannot be reached: "):
        Authority("http://127.0.0.1:1/tsa", roots).stamp(MESSAGE)


def test_an_authority_that_does_not_answer_is_waited_for_no_longer_than_is_said(stand: Stand, papers: Papers) -> None:
    go_on = threading.Event()

    def slow(query: bytes) -> Reply:
        go_on.wait()
        return 200, TYPE, papers.reply(query)

    authority = stand.authority(slow, patience=1)
    try:
        with pytest.raises(Unobtained, match="did not answer within 1 seconds"):
            authority.stamp(MESSAGE)
    finally:
        go_on.set()

    def answers() -> bool:
        try:
            return bool(authority.stamp(MESSAGE))
        except Unobtained as trouble:
            assert "has not answered the request before" in str(trouble)  # noqa: PT017  # until it has, and then no more
            return False

    until(answers)


def test_roots_are_certificates_in_pem_one_or_more(papers: Papers) -> None:
    both = Roots.read(papers.pem("stranger") + papers.pem("root"))
    for signer in ("good", "foreign"):
        assert both.judge(papers.reply(papers.query(MESSAGE), signer), MESSAGE)
    for given in (b"", b"garbage", (papers.folder / "root.key").read_bytes()):
        with pytest.raises(ValueError, match="it holds no certificates in PEM"):
            Roots.read(given)
