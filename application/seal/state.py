"""What the sealer remembers from one checkpoint to the next, in a file of its own, outside the database."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from application.files import put, settle
from application.seal.refusal import Unwilling
from domain.keychange import WRITER, Change
from domain.merkle import Frontier
from domain.note import Checkpoint, Key, Note


@dataclass(frozen=True, slots=True)
class State:
    """How far a log is sealed: its tree, the last leaf in it, and the checkpoint that was signed.

    ``writers`` are the keys whose groups are taken, ``seals`` those that sign checkpoints, and ``leaving`` those that
    were retired since the last one: they sign once more, what retires them. ``known`` is up to when the log was known:
    whatever came since was dated later.
    """

    origin: str
    writers: tuple[Key, ...]
    seals: tuple[Key, ...]
    leaving: tuple[Key, ...]
    frontier: Frontier
    leaf: bytes
    note: bytes
    known: datetime | None = None

    @property
    def size(self) -> int:
        return self.frontier.size

    @property
    def is_signed(self) -> bool:
        """Whether the checkpoint is of the whole tree."""
        return Checkpoint.parse(Note.parse(self.note).text).size == self.size

    def after(self, change: Change) -> Self:
        """Return it with the keys that a change leaves."""
        if change.role == WRITER:
            return replace(self, writers=_changed(self.writers, change))
        gone = () if change.added else (change.key,)
        return replace(self, seals=_changed(self.seals, change), leaving=(*self.leaving, *gone))

    def keep(self, path: Path) -> None:
        """Write it; once this returns it is on the disk."""
        told = {
            "v": 3,
            "origin": self.origin,
            "writers": [str(key) for key in self.writers],
            "seals": [str(key) for key in self.seals],
            "leaving": [str(key) for key in self.leaving],
            "size": self.size,
            "frontier": [each.hex() for each in self.frontier.hashes],
            "leaf": self.leaf.hex(),
            "checkpoint": self.note.decode(),
            "known": self.known and self.known.isoformat(),
        }
        put(path, json.dumps(told, ensure_ascii=False, indent=1).encode(), mode=0o600)
        settle(path.parent)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read it, None if there is none; raise Unwilling if it is damaged: it is never guessed at."""
        try:
            told: Any = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            raise _damaged(path) from None
        try:
            return cls._of(told)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _damaged(path) from None

    @classmethod
    def _of(cls, told: Any) -> Self:
        size, hashes = int(told["size"]), tuple(bytes.fromhex(each) for each in told["frontier"])
        checkpoint = str(told["checkpoint"]).encode()
        state = cls(
            str(told["origin"]),
            _keys(told["writers"]),
            _keys(told.get("seals", ())),
            _keys(told.get("leaving", ())),
            Frontier(size, hashes),
            bytes.fromhex(told["leaf"]),
            checkpoint,
            datetime.fromisoformat(known).astimezone(UTC) if (known := told.get("known")) else None,
        )
        if told["v"] not in (1, 2, 3) or len(hashes) != size.bit_count() or any(len(each) != 32 for each in hashes):
            raise ValueError
        if Checkpoint.parse(Note.parse(checkpoint).text) != Checkpoint(state.origin, size, state.frontier.root):
            raise ValueError
        return state


def _keys(given: Iterable[str]) -> tuple[Key, ...]:
    return tuple(map(Key.parse, given))


def _changed(keys: tuple[Key, ...], change: Change) -> tuple[Key, ...]:
    others = tuple(key for key in keys if key != change.key)
    return (*others, change.key) if change.added else others


def _damaged(path: Path) -> Unwilling:
    return Unwilling(
        f"the sealer's state {path} is damaged: bring a whole copy of it; made anew it could vouch for another past"
    )
