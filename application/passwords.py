"""Passwords: which are taken, and their argon2id hashes (RFC 9106)."""

import secrets
import threading
from functools import cached_property
from typing import Final

from pwdlib import PasswordHash

from domain.event import Refused

SHORTEST: Final = 12
LONGEST: Final = 200
# Different characters at least: enough to tell a password from a held key.
DIFFERENT: Final = 5
# Characters of a password or code of ours, none of which is mistaken for another.
LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
# A hash takes a third of a second of a core and 64 MB: more at once would only keep each other waiting.
AT_ONCE: Final = 2


class Passwords:
    """Hashes and verifies, a few at a time."""

    def __init__(self, hasher: PasswordHash | None = None) -> None:
        self._hasher = hasher or PasswordHash.recommended()
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def hash(self, password: str) -> str:
        with self._turns:
            return self._hasher.hash(password)

    def verify(self, password: str, hash: str | None) -> bool:
        """Whether a password is the one of a hash; without one it is not, which takes as long."""
        with self._turns:
            # Looked up in either case: what is verified where there is no account takes as long.
            nobody = self._nobody
            return self._hasher.verify(password[:LONGEST], hash or nobody) and hash is not None

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe())


def check(password: str, login: str, field: str) -> None:
    """Refuse a password that is easily guessed; ``field`` is where it was given."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Refused(
            "a password has {shortest} to {longest} characters", field=field, shortest=SHORTEST, longest=LONGEST
        )
    if len(set(password)) < DIFFERENT or login.casefold() in password.casefold():
        raise Refused("this password is easily guessed: choose another", field=field)


def generate(groups: int = 4) -> str:
    """Return a password of ours, 20 bits a group."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(groups))


__all__ = ["Passwords", "check", "generate"]
