"""Signing in by a provider: whoever is sent there comes back in the same browser, once, and within ten minutes."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from application.accounts import BY_ADDRESS, Accounts, Unrecognised, digest_of
from application.database import Reads
from application.provider import Provider, Unvouched
from application.sessions import Found

MINUTES: Final = 10

LINK = """
WITH used AS (
    UPDATE accounts SET code = NULL, code_expires_at = NULL WHERE code = %(code)s AND code_expires_at > now()
    RETURNING person
)
INSERT INTO identities (issuer, subject, person) SELECT %(issuer)s, %(subject)s, person FROM used RETURNING person
"""


@dataclass(frozen=True)
class Vouching:
    accounts: Accounts
    provider: Provider
    reads: Reads

    def begin(self, redirect_uri: str, code: str | None, address: str) -> tuple[str, str]:
        """Return where to send somebody, and a secret for their browser to keep.

        With a code that was given to them, the identity that they come back with is theirs from then on.
        """
        self.accounts.throttle.attempt(BY_ADDRESS, address)
        begun, browser = self.provider.begin(redirect_uri), secrets.token_urlsafe(32)
        self.reads.once("DELETE FROM arrivals WHERE expires_at < now() RETURNING 1")
        self.reads.once(
            "INSERT INTO arrivals (state, browser, nonce, verifier, code, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, now() + make_interval(mins => %s)) RETURNING 1",
            (_digest(begun.state), _digest(browser), begun.nonce, begun.verifier, code and digest_of(code), MINUTES),
        )
        return begun.url, browser

    def finish(self, given: Mapping[str, str], browser: str, redirect_uri: str) -> Found:
        """Begin a session for whoever comes back; raise Unvouched, or Unrecognised where nobody here is known by it."""
        rows = self.reads.once(
            "DELETE FROM arrivals WHERE state = %s AND browser = %s AND expires_at > now()"
            " RETURNING nonce, verifier, code",
            (_digest(given.get("state", "")), _digest(browser)),
        )
        if not rows:
            raise Unvouched("nobody was sent there from this browser with that state")
        [(nonce, verifier, code)] = rows
        subject = self.provider.finish(given, redirect_uri, nonce, verifier)
        known = self.reads.fetch(
            "SELECT person FROM identities WHERE issuer = %s AND subject = %s", (self.provider.issuer, subject)
        )
        if not known and code is not None:
            link = {"code": code, "issuer": self.provider.issuer, "subject": subject}
            known = self.reads.once(LINK, link)
        if not known or not self.accounts.may(known[0][0]):
            raise Unrecognised
        return self.accounts.sessions.begin(known[0][0], self.provider.issuer)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


__all__ = ["MINUTES", "Vouching"]
