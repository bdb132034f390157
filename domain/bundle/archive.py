"""The zip that a bundle is: its bytes follow from its files' names and contents alone, and it is read as it is written.

Every file is stored as it is, with ZIP64 sizes (APPNOTE.TXT 4.3.7, 4.5.3) and the date 1980-01-01, one right behind the
other. The comment is a SHA-256 digest of all bytes before it. So nothing can hide in a header, between files or behind
the end; and a bit that changes by itself, or by somebody who does not write the archive anew, is found anywhere.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from struct import Struct
from typing import BinaryIO, Final
from zlib import crc32

from domain.bundle.verdict import Fault, incomplete, tampered

BLOCK: Final = 1 << 18
"""Bytes that are held at once."""

_WHOLE = (
    1 << 22
)  # likewise, where they are only hashed: a thread that does so waits for the interpreter's lock each time

COMMENT: Final = "taizhang-bundle/v1 sha256:%s\n"

_DATE, _VERSION, _FULL = 0x21, 45, 0xFFFFFFFF
_LOCAL = Struct("<4s5H3L2H")
_LOCAL_SIZES = Struct("<2H2Q")
_CENTRAL = Struct("<4s6H3L5H2L")
_CENTRAL_SIZES = Struct("<2H3Q")
_END = Struct("<4sQ2H2L4Q4sLQL4s4H2LH")
_BEGINS = _LOCAL.pack(b"PK\3\4", _VERSION, 0, 0, 0, _DATE, 0, 0, 0, 0, 0)[:14]
_DIRECTORY = b"PK\1\2"
_LENGTH = len(COMMENT % sha256().hexdigest())
_ENDS = re.compile(rb"taizhang-bundle/v1 sha256:[0-9a-f]{64}\n")
_LONGEST_NAME = 100
_FROM_END = 2  # whence a place in a file is counted


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive: where its content begins there, its number of bytes, and their CRC-32, as declared."""

    name: str
    place: int
    length: int
    crc: int

    @property
    def header(self) -> bytes:
        """What stands before the content."""
        name = self.name.encode("ascii")
        fixed = (b"PK\3\4", _VERSION, 0, 0, 0, _DATE, self.crc, _FULL, _FULL, len(name), _LOCAL_SIZES.size)
        return _LOCAL.pack(*fixed) + name + _LOCAL_SIZES.pack(1, 16, self.length, self.length)

    @property
    def entry(self) -> bytes:
        """What the central directory says of it."""
        name = self.name.encode("ascii")
        fixed = (_DIRECTORY, _VERSION, _VERSION, 0, 0, 0, _DATE, self.crc, _FULL, _FULL, len(name))
        sizes = _CENTRAL_SIZES.pack(1, 24, self.length, self.length, self.place - len(self.header))
        return _CENTRAL.pack(*fixed, len(sizes), 0, 0, 0, 0, _FULL) + name + sizes


@dataclass(slots=True)
class Archive:
    """An archive that is written: to a file that is empty, and can be read and wound back. ``close`` ends it."""

    file: BinaryIO
    members: list[Member] = field(default_factory=list[Member])
    end: int = 0

    def add(self, name: str, content: Iterable[bytes]) -> None:
        header = len(Member(name, 0, 0, 0).header)
        self.file.seek(self.end + header)
        length = crc = 0
        for block in content:
            self.file.write(block)
            length, crc = length + len(block), crc32(block, crc)
        member = Member(name, self.end + header, length, crc)
        self.file.seek(self.end)
        self.file.write(member.header)
        self.members.append(member)
        self.end = member.place + length

    def close(self) -> None:
        self.file.seek(self.end)
        self.file.write(_ending(self.members, self.end))
        digest, end = sha256(), self.file.tell()
        for block in _blocks(self.file, 0, end):
            digest.update(block)
        self.file.write((COMMENT % digest.hexdigest()).encode())


@dataclass(frozen=True, slots=True)
class Opened:
    """An archive that is read: its members, where they end, and what stands from there on."""

    file: BinaryIO
    members: dict[str, Member]
    end: int
    rest: bytes

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield a member's content, so many bytes at a time."""
        return _blocks(self.file, self.members[name].place, self.members[name].length)

    def read(self, name: str, most: int) -> bytes:
        """Return a member's content; raise ValueError if it has more than so many bytes."""
        if self.members[name].length > most:
            raise ValueError(f"it has more than {most} bytes")
        return b"".join(self.blocks(name))

    def flaw(self, file: BinaryIO) -> str:
        """Read the archive once more, and say which of its bytes are not as they were written; empty if all are.

        ``file`` is the same, perhaps opened a second time, so that this goes on beside other reading.
        """
        members = list(self.members.values())
        ending = _ending(members, self.end)
        if not self.rest.startswith(ending):
            return "the archive's directory is not that of its files"
        return _flaw(file, members, self.end + len(ending), self.rest[len(ending) :])


def opened(file: BinaryIO, order: Callable[[str], int | None]) -> Opened:
    """Read an archive whose members stand in an order, which gives each name its rank; end with what is none.

    What is one, but has other bytes somewhere than it would be written with, has a flaw.
    """
    length = file.seek(0, _FROM_END)
    members: dict[str, Member] = {}
    end, last = 0, -1
    while member := _member(file, end, length):
        rank = order(member.name)
        if rank is None or rank <= last:
            raise tampered("file", f"the archive has a file {member.name!a} where a bundle has none")
        members[member.name] = member
        end, last = member.place + member.length, rank
    file.seek(end)
    ending = _ending(list(members.values()), end)
    rest = file.read(len(ending) + _LENGTH + 1)
    if len(rest) < len(ending) + _LENGTH:
        raise _cut(file)
    return Opened(file, members, end, rest)


def _member(file: BinaryIO, place: int, length: int) -> Member | None:
    """Read the header of the member that begins at a place in a file of some length; None if the directory does."""
    file.seek(place)
    head = file.read(_LOCAL.size)
    if place and head.startswith(_DIRECTORY):
        return None
    if not head.startswith(_BEGINS[: len(head)]):
        raise tampered("file", f"at byte {place} of the file there is nothing that a bundle has")
    if len(head) < _LOCAL.size:
        raise _cut(file)
    *_, crc, _, _, named, more = _LOCAL.unpack(head)
    head += file.read(min(named, _LONGEST_NAME) + _LOCAL_SIZES.size)
    if named > _LONGEST_NAME or more != _LOCAL_SIZES.size or not head[_LOCAL.size :][:named].isascii():
        raise tampered("file", f"at byte {place} of the file there is no file as a bundle has them")
    if len(head) < _LOCAL.size + named + more:
        raise _cut(file)
    *_, held = _LOCAL_SIZES.unpack(head[-more:])
    member = Member(head[_LOCAL.size : -more].decode(), place + len(head), held, crc)
    if member.header != head:
        raise tampered("file", f"the file {member.name!a} in the archive has a header that a bundle has not")
    if held > length - member.place:
        raise _cut(file)
    return member


def _flaw(file: BinaryIO, members: list[Member], end: int, comment: bytes) -> str:
    """What the checksums of the members and the digest of all that stands before the end say; empty if they fit."""
    digest, place, flaw = sha256(), 0, ""
    for member in members:
        for block in _blocks(file, place, member.place - place):
            digest.update(block)
        crc = 0
        for block in _blocks(file, member.place, member.length, _WHOLE):
            digest.update(block)
            crc = crc32(block, crc)
        if crc != member.crc:
            flaw = flaw or f"the file {member.name} in the archive does not have its checksum"
        place = member.place + member.length
    for block in _blocks(file, place, end - place):
        digest.update(block)
    if comment != (COMMENT % digest.hexdigest()).encode():
        return flaw or "the archive does not have its digest, or goes on behind it"
    return flaw


def _cut(file: BinaryIO) -> Fault:
    """The fault of a file that ends too early: within, if its end is there."""
    length = file.seek(0, _FROM_END)
    file.seek(max(0, length - _LENGTH))
    if _ENDS.fullmatch(file.read(_LENGTH)):
        return tampered("file", "a part of the file is missing before its end")
    return incomplete("file", "the file is cut short" if length else "the file is empty")


def _blocks(file: BinaryIO, place: int, length: int, size: int = BLOCK) -> Iterator[bytes]:
    """Yield what stands from a place on, so many bytes at a time, whatever else is read meanwhile."""
    end = place + length
    while place < end:
        file.seek(place)
        block = file.read(min(size, end - place))
        if not block:
            raise incomplete("file", "the file became shorter while it was read")
        place += len(block)
        yield block


def _ending(members: list[Member], start: int) -> bytes:
    """What stands behind the members: the central directory, and its ends (APPNOTE.TXT 4.3.12 to 4.3.16)."""
    directory = b"".join(member.entry for member in members)
    size, end = len(directory), start + len(directory)
    number = len(members)
    return directory + _END.pack(
        b"PK\6\6", 44, _VERSION, _VERSION, 0, 0, number, number, size, start,
        b"PK\6\7", 0, end, 1,
        b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, _FULL, _FULL, _LENGTH,
    )  # fmt: skip
