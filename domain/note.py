"""Signed notes, checkpoints and cosignatures: C2SP signed-note, tlog-checkpoint and tlog-cosignature.

Signing and the arithmetic of Ed25519 (RFC 8032) are handed in: ``Verify`` tells whether a public key (32 bytes) made
a signature (64 bytes) of a message.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Self

from domain.merkle import HASH

Verify = Callable[[bytes, bytes, bytes], bool]

ED25519: Final = 1
"""The type of a plain signature of the text."""

COSIGNATURE: Final = 4
"""The type of a witness's signature of the text and the time."""

LARGEST: Final = 1 << 20
"""Bytes of a note at most."""

MOST: Final = 100
"""Signatures of a note at most."""

_DASH = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NAME = re.compile(r"[^\s+\x00-\x1f]+")
_KEY = re.compile(r"([^\s+\x00-\x1f]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Key:
    """A public key under a name: what a verifier trusts. ``kind`` is the type of its signatures."""

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature names it."""
        return sha256(b"%b\n%c%b" % (self.name.encode(), self.kind, self.public)).digest()[:4]

    def __str__(self) -> str:
        """The key as a line of text (vkey): name, id in hexadecimal, type and key in base64."""
        return f"{self.name}+{self.id.hex()}+{encode(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read such a line; raise ValueError if it is none, or of a type that is not known here."""
        found = _KEY.fullmatch(text)
        held = decode(found[3]) if found else b""
        if found is None or len(held) != 33 or held[0] not in (ED25519, COSIGNATURE):
            raise ValueError("a verifier key is written NAME+ID+BASE64, of type 1 or 4")
        key = cls(found[1], held[1:], held[0])
        if str(key) != text:
            raise ValueError("a verifier key's id does not fit its name and key")
        return key


@dataclass(frozen=True, slots=True)
class Signature:
    """One line below a note's text: whose, and the signature as it is."""

    name: str
    id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {encode(self.id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a line feed, and signatures below it."""

    text: str
    signatures: tuple[Signature, ...] = ()

    def __bytes__(self) -> bytes:
        return f"{self.text}\n{''.join(map(str, self.signatures))}".encode()

    @classmethod
    def parse(cls, given: bytes) -> Self:
        """Read a note; raise ValueError for what is none, to the byte."""
        if len(given) > LARGEST:
            raise ValueError("the note is too long")
        whole = given.decode()
        if _CONTROL.search(whole):
            raise ValueError("the note has control characters")
        text, gap, below = whole.rpartition("\n\n")
        *lines, rest = below.split("\n")
        if not gap or not 1 <= len(lines) <= MOST or rest:
            raise ValueError("the note has no text, a blank line and signatures below, as it should")
        return cls(f"{text}\n", tuple(map(_signature, lines)))

    def with_signature(self, key: Key, signature: bytes) -> Self:
        return replace(self, signatures=(*self.signatures, Signature(key.name, key.id, signature)))

    def is_signed_by(self, key: Key, verify: Verify) -> bool:
        """Whether a key of type 1 signed it: at least one line is that key's, and each that is holds."""
        own = [each.signature for each in self.signatures if (each.name, each.id) == (key.name, key.id)]
        return bool(own) and all(len(each) == 64 and verify(key.public, self.text.encode(), each) for each in own)

    def cosigned_at(self, key: Key, verify: Verify) -> int | None:
        """When a witness, a key of type 4, cosigned it last, in seconds since 1970; None unless all its lines hold."""
        own = [each.signature for each in self.signatures if (each.name, each.id) == (key.name, key.id)]
        times = [int.from_bytes(each[:8]) for each in own]
        held = (
            len(each) == 72 and verify(key.public, cosigned(self.text, at), each[8:])
            for each, at in zip(own, times, strict=True)
        )
        return max(times) if own and all(held) else None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's tree at one size. ``origin`` is the log's name; ours have no lines besides these three."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{encode(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a note's text; raise ValueError for one that is no checkpoint, or has more lines."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not _NAME.fullmatch(lines[0]) or not _SIZE.fullmatch(lines[1]):
            raise ValueError("a checkpoint is an origin, a size and a root, in three lines")
        root = decode(lines[2])
        if len(root) != HASH:
            raise ValueError(f"a root has {HASH} bytes")
        return cls(lines[0], int(lines[1]), root)


def cosigned(text: str, at: int) -> bytes:
    """What a witness signs of a checkpoint's text at a time, in seconds since 1970."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    held = decode(encoded)
    if not line.startswith(_DASH) or not _NAME.fullmatch(name) or len(held) < 5:
        raise ValueError("a signature is written — NAME BASE64")
    return Signature(name, held[:4], held[4:])


def encode(given: bytes) -> str:
    """Write base64 (RFC 4648 §4)."""
    return b64encode(given).decode()


def decode(text: str) -> bytes:
    """Read base64 as ``encode`` writes it; raise ValueError if it could be written otherwise."""
    try:
        found = b64decode(text, validate=True)
    except Error:
        raise ValueError("it is not base64") from None
    if encode(found) != text:
        raise ValueError("it is not base64 as it is written")
    return found
