"""Third-party time (RFC 3161): a time-stamping authority signs when it saw a checkpoint; the one place that knows how.

A token is the authority's whole response, as it was sent: what ``openssl ts -verify -in`` reads. It is over the bytes
of a checkpoint as it was published then, with the signatures that it had.
"""

import re
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Self

from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerifierBuilder,
    decode_timestamp_response,
)
from rfc3161_client.verify import SHA256_OID

from application.asking import PATIENCE, Address, Reply, Unanswered, aside, late
from application.sealed import Sealed, Stamp
from domain.note import Checkpoint

# The media types of RFC 3161 §3.4.
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
# What the library below ours found wrong, in what it says of it.
_REASON: Final = re.compile(r'.*(?:Verify error: |reason: ")([^"]+)"')


class Unobtained(Exception):
    """No token was obtained; the sentence says from whom, and why."""


@dataclass(frozen=True, slots=True)
class Roots:
    """The certificates that are trusted: roots, and those between that an authority leaves out of its tokens."""

    certificates: tuple[Certificate, ...]

    @classmethod
    def read(cls, pem: bytes) -> Self:
        """Read one or more certificates in PEM; raise ValueError for what holds none, or something else."""
        try:
            return cls(tuple(load_pem_x509_certificates(pem)))
        except ValueError:
            raise ValueError("it holds no certificates in PEM") from None

    def judge(self, token: bytes, message: bytes, nonce: int | None = None) -> int:
        """Return when a token says that a message existed, in seconds since 1970.

        Raise ValueError, which names the field at fault, unless the authority granted it (§2.4.2), over the message's
        SHA-256 digest, with the ``nonce`` if one was sent, and signed it with a certificate that was for time-stamping
        alone (§2.3) and led to one of these, all of them valid at the token's time.
        """
        response = _granted(token)
        digest = sha256(message).digest()
        if response.tst_info.message_imprint.hash_algorithm.dotted_string != SHA256_OID:
            raise ValueError("the messageImprint is no SHA-256 digest")
        if response.tst_info.message_imprint.message != digest:
            raise ValueError("the messageImprint is of something else")
        if nonce is not None and response.tst_info.nonce != nonce:
            raise ValueError("the nonce is not the one that was sent")
        try:
            VerifierBuilder(roots=list(self.certificates)).build().verify(response, digest)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with certificates that anybody may have put there
            raise ValueError(f"the signature or its certificates do not hold: {_reason(error)}") from None
        return int(response.tst_info.gen_time.timestamp())


class Authority:
    """A time-stamping authority (时间戳机构), asked over HTTP (§3.4)."""

    def __init__(self, url: str, roots: Roots, patience: float = PATIENCE) -> None:
        self.roots = roots
        self._url = url
        self._patience = patience
        self._busy: Future[Reply] | None = None

    def stamp(self, message: bytes) -> bytes:
        """Return a token over a message; raise Unobtained where none is had, or one that does not hold."""
        request = TimestampRequestBuilder(message, HashAlgorithm.SHA256, nonce=True, cert_req=True).build()
        try:
            token = self._asked(request.as_bytes())
        except Unanswered as trouble:
            raise Unobtained(f"{self._url} {trouble}") from None
        try:
            self.roots.judge(token, message, request.nonce)
        except ValueError as fault:
            raise Unobtained(f"{self._url} gave no token that holds: {fault}") from None
        return token

    def _asked(self, request: bytes) -> bytes:
        """Ask it, unless it is still busy with the request before, so that it never ties up more than one thread."""
        if self._busy and not self._busy.done():
            raise Unanswered("has not answered the request before")
        address = Address.parse(self._url)
        self._busy = aside(lambda: address.post(request, _QUERY, self._patience), "taizhang asks for the time")
        wait([self._busy], self._patience)
        if not self._busy.done():
            raise late(self._patience)
        reply = self._busy.result()
        if reply.status != 200:
            raise Unanswered(f"answered with status {reply.status}")
        if reply.kind != _REPLY:
            raise Unanswered(f"answered with {reply.kind}, not {_REPLY}")
        return reply.body


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest token: over how many events, and its time, in seconds since 1970; and what kept a newer one away."""

    size: int | None = None
    at: int | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Timestamps:
    """Tokens over what is sealed, kept beside it with the checkpoint that each is over."""

    sealed: Sealed
    authority: Authority

    def obtain(self) -> Standing:
        """Have the newest checkpoint stamped, unless one of its size is, and put up what came of it.

        Raise Unsealed before the first checkpoint, Unobtained where no token is had, or the one there does not hold.
        """
        note = self.sealed.note()
        size, published = Checkpoint.parse(note.text).size, bytes(note)
        try:
            kept = self.sealed.stamp(size) or self.sealed.keep(size, Stamp(published, self.authority.stamp(published)))
            standing = Standing(size, self._time(kept, size))
        except Unobtained as trouble:
            self.sealed.tell_stamping(replace(self._standing(), trouble=str(trouble)))
            raise
        self.sealed.tell_stamping(standing)
        return standing

    def _time(self, kept: Stamp, size: int) -> int:
        try:
            return self.authority.roots.judge(kept.token, kept.checkpoint)
        except ValueError as fault:
            raise Unobtained(f"the token that is kept over {size} events does not hold: {fault}") from None

    def _standing(self) -> Standing:
        return Standing(**self.sealed.stamping() or {})


def _granted(token: bytes) -> TimeStampResponse:
    """Read a response that has a token, of which the rest is still to be judged."""
    try:
        response = decode_timestamp_response(token)
        status = PKIStatus(response.status)
        if status == PKIStatus.GRANTED and response.tst_info:
            return response
    except ValueError:
        raise ValueError("it is no time-stamp response") from None
    raise ValueError("; ".join([f"the status is {status.name}", *response.status_string]))


def _reason(error: Exception) -> str:
    found = _REASON.match(str(error))
    return found[1] if found else str(error)
