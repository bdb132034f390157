"""What makes a signature: a secret that is held here, or a command that has it elsewhere."""

import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.note import COSIGNATURE, ED25519, Key, Note, Signature, cosigned, decode

PATIENCE: Final = 10.0
"""Seconds that a command is given for one signature."""


class Unusable(Exception):
    """A key cannot be used, or made; the sentence says which and why, and never what is in it."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs. What it is made of is shown nowhere."""

    key: Key
    _make: Callable[[bytes], bytes] = field(repr=False, compare=False)

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 64 bytes (RFC 8032); raise Unusable where a command makes none."""
        return self._make(message)

    def sign_note(self, note: Note) -> Note:
        """Return the note with one more signature, of its text."""
        return note.with_signature(self.key, self.sign(note.text.encode()))

    def cosign(self, text: str, at: int) -> Signature:
        """Return a witness's signature of a checkpoint's text at a time, in seconds since 1970."""
        assert self.key.kind == COSIGNATURE, "a key signs what is of its type"
        return Signature(self.key.name, self.key.id, at.to_bytes(8) + self.sign(cosigned(text, at)))

    @classmethod
    def of(cls, name: str, secret: bytes, kind: int = ED25519) -> Self:
        """Return the signer for a secret of 32 bytes, under a name."""
        made = Ed25519PrivateKey.from_private_bytes(secret)
        return cls(Key(name, made.public_key().public_bytes_raw(), kind), made.sign)

    @classmethod
    def by(cls, command: str, key: Key) -> Self:
        """Return the signer whose secret a token or a vault has: a command signs for it.

        It is run with the public key (vkey) as its last argument, reads the message from its standard input, and
        prints the signature in base64, on one line.
        """
        return cls(key, lambda message: _asked(command, key, message))


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a public key (32 bytes) made the signature (64 bytes) of a message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _asked(command: str, key: Key, message: bytes) -> bytes:
    """Have a message signed; what comes back is believed once it holds."""
    if not command:
        raise Unusable(f"{key} is a key that a command signs with: set TAIZHANG_SIGN_COMMAND")
    try:
        # A session of its own: Ctrl-C is for the service, which may have a last group to sign.
        ran = subprocess.run(
            [*shlex.split(command), str(key)],
            input=message,
            capture_output=True,
            timeout=PATIENCE,
            start_new_session=True,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise _silent(key, str(error)) from None
    if ran.returncode:
        raise _silent(key, ran.stderr.decode(errors="replace").strip() or f"it ended with status {ran.returncode}")
    try:
        signature = decode(ran.stdout.decode("ascii").strip())
    except ValueError:
        signature = b""
    if not verify(key.public, message, signature):
        raise _silent(key, "what it printed is no signature of that key, in base64")
    return signature


def _silent(key: Key, why: str) -> Unusable:
    return Unusable(f"TAIZHANG_SIGN_COMMAND did not sign with {key}: {why}")
