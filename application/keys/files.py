"""Keys in a folder, each in a file of its own: ``log.key``, and ``log-2.key`` for the one that is made after it.

A file that its owner alone can read holds one line, as golang.org/x/mod/sumdb/note writes a signer:
``PRIVATE+KEY+NAME+ID+BASE64``, the base64 of the type of its signatures and the 32 bytes of an Ed25519 secret. Of a key
that a command signs with, there is ``log.vkey`` instead, with the public key.
"""

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from stat import S_IMODE, S_ISREG
from types import MappingProxyType
from typing import Final

from application.files import settle
from application.keys.signer import Signer, Unusable
from domain.group import writer
from domain.keychange import LOG, WRITER
from domain.note import COSIGNATURE, ED25519, Key, decode, encode

WITNESS: Final = "witness"
"""The role of the key with which a witness cosigns the checkpoints of others, whose signatures are of type 4."""

PUBLIC: Final = 32
"""Bytes of a public key."""

NONE: Final[Mapping[str, bytes]] = MappingProxyType({})

_LINE = re.compile(r"PRIVATE\+KEY\+([^\s+]{1,200})\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)\n?")
_NAME = re.compile(r"[^\s+\x00-\x20\x7f]{1,200}")
_NUMBER = re.compile(r"(?:-([2-9]|[1-9][0-9]{1,8}))?\.v?key")
_LARGEST = 1000


def create(folder: Path, role: str, name: str, public: bytes = b"") -> Signer:
    """Make the first key of a role and keep it in ``folder/role.key``, if there is none: it is never overwritten.

    Of a key that a command signs with, ``public`` is given and kept instead. Once this returns, it is on the disk;
    whoever is interrupted finds either the whole file or none.
    """
    return _create(folder / role, role, name, public)


def create_next(folder: Path, role: str, name: str, public: bytes = b"") -> Signer:
    """Make one more key of a role, which has some, in the same way."""
    number = 1 + max(number for number, _ in _files(folder, role))
    return _create(folder / f"{role}-{number}", role, name, public)


def _create(path: Path, role: str, name: str, public: bytes) -> Signer:
    if not _NAME.fullmatch(name):
        raise Unusable("a key's name has up to 200 characters, without blanks and plus signs")
    kind = _kind(role)
    if public:
        key = Key(name, public, kind)
        _keep(path.with_suffix(".vkey"), f"{key}\n", 0o644)
        return Signer.by("", key)
    secret = os.urandom(PUBLIC)
    signer = Signer.of(name, secret, kind)
    line = f"PRIVATE+KEY+{name}+{signer.key.id.hex()}+{encode(bytes([kind]) + secret)}\n"
    _keep(path.with_suffix(".key"), line, 0o600)
    return signer


def create_for_log(folder: Path, origin: str, publics: Mapping[str, bytes] = NONE) -> Signer:
    """Make the writer's key and then the log's, whose name is the log's; return the latter.

    Where it was interrupted between the two, the same again makes the one that is missing. ``publics`` are the public
    keys, by role, of those that a command signs with.
    """
    name = writer(origin)
    if not has(folder, WRITER):
        create(folder, WRITER, name, publics.get(WRITER, b""))
    elif has(folder, LOG) or load(folder, WRITER).key.name != name:
        raise Unusable(f"{folder} has the keys of a log already; what they signed is verified with them for ever")
    return create(folder, LOG, origin, publics.get(LOG, b""))


def for_log(folder: Path, origin: str = "", command: str = "") -> Signer:
    """Return the writer's key; where a folder has no keys, make them, for a log of this name or one by chance."""
    if not has(folder, WRITER):
        if has(folder, LOG):
            raise Unusable(f"{folder} has a log's key and no writer's: bring {WRITER}.key there, from where it is")
        create_for_log(folder, origin or f"taizhang.local/{os.urandom(6).hex()}")
    return load(folder, WRITER, command)


def for_witness(folder: Path, name: str = "", command: str = "") -> Signer:
    """Return the witness's key, of this name if one is given; then it is made where there is none."""
    if name and not has(folder, WITNESS):
        return create(folder, WITNESS, name)
    found = load(folder, WITNESS, command)
    if name and found.key.name != name:
        raise Unusable(f"{folder / WITNESS}.key is the key of {found.key.name}, not of {name}")
    return found


def has(folder: Path, role: str) -> bool:
    """Whether there is a key of a role."""
    return bool(_files(folder, role))


def load(folder: Path, role: str, command: str = "") -> Signer:
    """Return the first key of a role; raise Unusable as ``load_all`` does."""
    return load_all(folder, role, command)[0]


def load_all(folder: Path, role: str, command: str = "") -> list[Signer]:
    """Return every key of a role, in the order in which they were made; ``command`` signs for those it has.

    Raise Unusable if there is none, and for one that others could have read, or that is damaged.
    """
    found = [
        _of_command(path, _kind(role), command) if path.suffix == ".vkey" else _of_file(path, _kind(role))
        for _, path in _files(folder, role)
    ]
    if not found:
        made = "one with taizhang witness --name NAME" if role == WITNESS else "a new log's with taizhang keys create"
        raise Unusable(f"there is no key {folder / role}.key: bring it from where it is kept, or make {made}")
    return found


def _files(folder: Path, role: str) -> list[tuple[int, Path]]:
    """The files of a role's keys, each with its number."""
    try:
        there = sorted(folder.glob(f"{role}*key"))
    except OSError as error:
        raise Unusable(f"{folder} cannot be read: {error.strerror}") from error
    found = ((_NUMBER.fullmatch(path.name.removeprefix(role)), path) for path in there)
    return sorted((int(number[1] or 1), path) for number, path in found if number)


def _of_file(path: Path, kind: int) -> Signer:
    line = _read(path, private=True)
    found = _LINE.fullmatch(line)
    try:
        held = decode(found[3]) if found else b""
    except ValueError:
        held = b""
    if found is None or len(held) != 1 + PUBLIC or held[0] != kind:
        raise Unusable(f"{path} holds no key")
    signer = Signer.of(found[1], held[1:], kind)
    if signer.key.id.hex() != found[2]:
        raise Unusable(f"{path} is damaged: its id does not fit its key")
    return signer


def _of_command(path: Path, kind: int, command: str) -> Signer:
    try:
        key = Key.parse(_read(path, private=False).removesuffix("\n"))
    except ValueError as error:
        raise Unusable(f"{path} holds no public key: {error}") from None
    if key.kind != kind:
        raise Unusable(f"{path} holds the public key of another role")
    return Signer.by(command, key)


def _read(path: Path, *, private: bool) -> str:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            found = os.fstat(opened).st_mode
            if not S_ISREG(found):
                raise Unusable(f"{path} is no file")
            if private and S_IMODE(found) & 0o077:
                raise Unusable(f"{path} can be read by others: chmod 600 it, and if they may have, make another key")
            return os.read(opened, _LARGEST).decode()
        finally:
            os.close(opened)
    except UnicodeDecodeError:
        raise Unusable(f"{path} holds no key") from None
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}") from error


def _keep(path: Path, line: str, mode: int) -> None:
    """Write a file that nothing has the name of yet."""
    folder = path.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It is readable by its owner alone from the first, and takes its name only once it is whole.
        opened, draft = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(opened, "wb") as file:
                file.write(line.encode())
                file.flush()
                os.fchmod(opened, mode)
                os.fsync(opened)
            _name(draft, path)
        finally:
            Path(draft).unlink()
        settle(folder)
    except OSError as error:
        raise Unusable(f"{path} cannot be written: {error.strerror}") from error


def _name(draft: str, path: Path) -> None:
    """Give what is whole its name, which nothing has yet."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise Unusable(f"{path} is a key already; what it signed is verified with it for ever") from None


def _kind(role: str) -> int:
    return COSIGNATURE if role == WITNESS else ED25519
