"""A client of transparency logs, written from the C2SP texts alone: it knows nothing of this program.

signed-note, tlog-checkpoint, tlog-tiles and tlog-proof at c2sp.org; hashes as in RFC 6962 §2.1.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Fetch = Callable[[str], bytes]


def leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    while len(hashes) > 1:
        paired = [node(hashes[n], hashes[n + 1]) for n in range(0, len(hashes) - 1, 2)]
        hashes = paired + hashes[len(hashes) & ~1 :]
    return hashes[0]


def number(n: int) -> str:
    """An index in groups of three digits, all but the last after an x."""
    groups = [f"{n % 1000:03}"]
    while n >= 1000:
        n //= 1000
        groups.insert(0, f"x{n % 1000:03}")
    return "/".join(groups)


class Log:
    def __init__(self, fetch: Fetch, vkey: str) -> None:
        self.fetch = fetch
        self.name, key_id, key = vkey.split("+", 2)
        held = base64.b64decode(key)
        assert held[0] == 1, "an Ed25519 key"
        assert hashlib.sha256(f"{self.name}\n".encode() + held).digest()[:4].hex() == key_id
        self.key_id, self.key = bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(held[1:])

    def opened(self, note: str) -> tuple[int, bytes]:
        """Verify a signed checkpoint; return the tree's size and root."""
        text, signatures = note.split("\n\n")
        for line in signatures.splitlines():
            _, name, signature = line.split(" ")
            held = base64.b64decode(signature)
            if name == self.name and held[:4] == self.key_id:
                self.key.verify(held[4:], f"{text}\n".encode())
                break
        else:
            raise AssertionError("no signature of the log")
        origin, size, root = text.split("\n")
        assert origin == self.name
        return int(size), base64.b64decode(root)

    def check(self) -> list[bytes]:
        """Read the whole log: every entry, and every tile of the tree over them; return the entries."""
        size, root = self.opened(self.fetch("checkpoint").decode())
        entries = list(self.entries(size))
        row, level = [leaf(entry) for entry in entries], 0
        assert tree(row) == root
        while row:
            for index in range(-(-len(row) // 256)):
                wanted = row[256 * index : 256 * (index + 1)]
                assert self.fetch(path(str(level), index, len(wanted))) == b"".join(wanted)
            row, level = [tree(row[n : n + 256]) for n in range(0, len(row) - 255, 256)], level + 1
        return entries

    def entries(self, size: int) -> Iterator[bytes]:
        for index in range(-(-size // 256)):
            width = min(256, size - 256 * index)
            held, count = self.fetch(path("entries", index, width)), 0
            while held:
                length = int.from_bytes(held[:2], "big")
                assert len(held) >= 2 + length
                yield held[2 : 2 + length]
                held, count = held[2 + length :], count + 1
            assert count == width

    def proved(self, proof: str, entry: bytes) -> int:
        """Verify a tlog-proof of an entry (RFC 9162 §2.1.3.2); return its index."""
        head, note = proof.split("\n\n", 1)
        first, index_line, *hashes = head.split("\n")
        assert first == "c2sp.org/tlog-proof@v1"
        size, root = self.opened(note)
        index = int(index_line.removeprefix("index "))
        fn, sn, r = index, size - 1, leaf(entry)
        for each in map(base64.b64decode, hashes):
            assert sn
            if fn & 1 or fn == sn:
                r = node(each, r)
                while not fn & 1 and fn:
                    fn, sn = fn >> 1, sn >> 1
            else:
                r = node(r, each)
            fn, sn = fn >> 1, sn >> 1
        assert not sn
        assert r == root
        return index


def path(level: str, index: int, width: int) -> str:
    return f"tile/{level}/{number(index)}" + (f".p/{width}" if width < 256 else "")
