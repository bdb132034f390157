"""Keys that sign (签名密钥), each in a file that its owner alone can read; the one place that makes signatures.

A file holds one line, as golang.org/x/mod/sumdb/note writes a signer: ``PRIVATE+KEY+NAME+ID+BASE64``, the base64 of
the type of its signatures and the 32 bytes of an Ed25519 secret.
"""

import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_IMODE, S_ISREG
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from application.files import settle
from domain.group import writer
from domain.note import COSIGNATURE, ED25519, Key, Note, Signature, cosigned, decode, encode

LOG: Final = "log"
"""The key that seals checkpoints, under the log's own name."""

WRITER: Final = "writer"
"""The key with which the service signs every group that it commits."""

WITNESS: Final = "witness"
"""The key with which a witness cosigns the checkpoints of others, the one whose signatures are of type 4."""

_LINE = re.compile(r"PRIVATE\+KEY\+([^\s+]{1,200})\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)\n?")
_NAME = re.compile(r"[^\s+\x00-\x20\x7f]{1,200}")
_LARGEST = 1000


class Unusable(Exception):
    """A key cannot be used, or made; the sentence says which and why, and never what is in it."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs. What it is made of is shown nowhere."""

    key: Key
    _secret: Ed25519PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 64 bytes (RFC 8032)."""
        return self._secret.sign(message)

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
        return cls(Key(name, made.public_key().public_bytes_raw(), kind), made)


def create(folder: Path, role: str, name: str) -> Signer:
    """Make a key and keep it in ``folder/role.key``; raise Unusable if there is one: it is never overwritten.

    Once this returns, the key is on the disk; whoever is interrupted finds either the whole key or none.
    """
    if not _NAME.fullmatch(name):
        raise Unusable("a key's name has up to 200 characters, without blanks and plus signs")
    path = _path(folder, role)
    secret = os.urandom(32)
    signer = Signer.of(name, secret, _kind(role))
    line = f"PRIVATE+KEY+{name}+{signer.key.id.hex()}+{encode(bytes([signer.key.kind]) + secret)}\n"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It is readable by its owner alone from the first, and takes its name only once it is whole.
        opened, draft = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(opened, "wb") as file:
                file.write(line.encode())
                file.flush()
                os.fsync(opened)
            _name(draft, path)
        finally:
            Path(draft).unlink()
        settle(folder)
    except OSError as error:
        raise Unusable(f"{path} cannot be written: {error.strerror}") from error
    return signer


def create_for_log(folder: Path, origin: str) -> Signer:
    """Make the writer's key and then the log's, whose name is the log's; return the latter.

    Where it was interrupted between the two, the same again makes the one that is missing.
    """
    name = writer(origin)
    if not _path(folder, WRITER).exists():
        create(folder, WRITER, name)
    elif _path(folder, LOG).exists() or load(folder, WRITER).key.name != name:
        raise Unusable(f"{folder} has the keys of a log already; what they signed is verified with them for ever")
    return create(folder, LOG, origin)


def for_log(folder: Path, origin: str = "") -> Signer:
    """Return the writer's key; where a folder has no keys, make them, for a log of this name or one by chance."""
    if not _path(folder, WRITER).exists():
        if _path(folder, LOG).exists():
            raise Unusable(f"{folder} has a log's key and no writer's: bring {WRITER}.key there, from where it is")
        create_for_log(folder, origin or f"taizhang.local/{os.urandom(6).hex()}")
    return load(folder, WRITER)


def for_witness(folder: Path, name: str = "") -> Signer:
    """Return the witness's key, of this name if one is given; then it is made where there is none."""
    if name and not _path(folder, WITNESS).exists():
        return create(folder, WITNESS, name)
    found = load(folder, WITNESS)
    if name and found.key.name != name:
        raise Unusable(f"{_path(folder, WITNESS)} is the key of {found.key.name}, not of {name}")
    return found


def load(folder: Path, role: str) -> Signer:
    """Read a key; raise Unusable if there is none, if others could have read it, or if it is damaged."""
    path = _path(folder, role)
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            found = os.fstat(opened).st_mode
            if not S_ISREG(found):
                raise Unusable(f"{path} is no file")
            if S_IMODE(found) & 0o077:
                raise Unusable(f"{path} can be read by others: chmod 600 it, and if they may have, make another key")
            line = os.read(opened, _LARGEST).decode()
        finally:
            os.close(opened)
    except FileNotFoundError:
        made = "one with taizhang witness --name NAME" if role == WITNESS else "a new log's with taizhang keys create"
        raise Unusable(f"there is no key {path}: bring it from where it is kept, or make {made}") from None
    except UnicodeDecodeError:
        raise Unusable(f"{path} holds no key") from None
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}") from error
    return _read(line, path, _kind(role))


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a public key (32 bytes) made the signature (64 bytes) of a message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _read(line: str, path: Path, kind: int) -> Signer:
    found = _LINE.fullmatch(line)
    try:
        held = decode(found[3]) if found else b""
    except ValueError:
        held = b""
    if found is None or len(held) != 33 or held[0] != kind:
        raise Unusable(f"{path} holds no key")
    signer = Signer.of(found[1], held[1:], kind)
    if signer.key.id.hex() != found[2]:
        raise Unusable(f"{path} is damaged: its id does not fit its key")
    return signer


def _kind(role: str) -> int:
    return COSIGNATURE if role == WITNESS else ED25519


def _path(folder: Path, role: str) -> Path:
    return folder / f"{role}.key"


def _name(draft: str, path: Path) -> None:
    """Give what is whole its name, which nothing has yet."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise Unusable(f"{path} is a key already; what it signed is verified with it for ever") from None


__all__ = [
    "LOG",
    "WITNESS",
    "WRITER",
    "Signer",
    "Unusable",
    "create",
    "create_for_log",
    "for_log",
    "for_witness",
    "load",
    "verify",
]
