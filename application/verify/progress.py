"""How far a log was verified, in a file of its own: where a verification goes on, also one that was interrupted."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from application.files import put, settle
from domain.merkle import HASH, Frontier


class Unresumable(Exception):
    """A verification cannot go on where another stopped; the sentence says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The tree of the checkpoint that was verified last, and which line of the history that is; 0 for none.

    ``rows``: so many events were found to be those of the tiles, the last of them by a verification that may not have
    ended. ``at`` is when it was written.
    """

    origin: str
    frontier: Frontier = field(default_factory=Frontier)
    line: int = 0
    rows: int = 0
    at: str = ""

    @property
    def size(self) -> int:
        return self.frontier.size

    def keep(self, path: Path) -> None:
        """Write it; once this returns it is on the disk."""
        told = {
            "v": 1,
            "origin": self.origin,
            "size": self.size,
            "root": self.frontier.root.hex(),
            "frontier": [each.hex() for each in self.frontier.hashes],
            "line": self.line,
            "rows": self.rows,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "program": version("taizhang"),
        }
        put(path, json.dumps(told, ensure_ascii=False, indent=1).encode())
        settle(path.parent)

    @classmethod
    def read(cls, path: Path, origin: str) -> Self:
        """Read it, one from the beginning where there is none; raise Unresumable if it is damaged, or another log's."""
        try:
            found = cls._of(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return cls(origin)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Unresumable(f"{path} is damaged: verify everything, without --resume") from None
        if found.origin != origin:
            raise Unresumable(
                f"{path} is of the log {found.origin}, not of {origin}: verify everything, without --resume"
            )
        return found

    @classmethod
    def _of(cls, told: Any) -> Self:
        hashes = tuple(bytes.fromhex(each) for each in told["frontier"])
        size, line, rows = int(told["size"]), int(told["line"]), int(told["rows"])
        if told["v"] != 1 or not 0 <= size <= rows or (size > 0) != (line > 0) or line < 0:
            raise ValueError
        if len(hashes) != size.bit_count() or any(len(each) != HASH for each in hashes):
            raise ValueError
        frontier = Frontier(size, hashes)
        if frontier.root.hex() != told["root"]:
            raise ValueError
        return cls(str(told["origin"]), frontier, line, rows, str(told["at"]))
