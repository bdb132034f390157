"""What is sealed (封存), as plain files in a folder that any server can serve: C2SP tlog-tiles, and what went before.

``checkpoint`` is the newest; ``tile/…`` the tree and its entries; ``history.jsonl`` has every checkpoint that was
published, with the time, one in a line; ``refused.json`` is there while the sealer refuses to go on, and says why;
``witnesses.json`` tells what witnesses answered last. ``timestamps/SIZE`` has a ``checkpoint`` as it was when an
authority stamped it, and the token, ``timestamp.tsr``; ``timestamping.json`` tells what came of asking last.
"""

import json
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import SEEK_END
from pathlib import Path
from shutil import rmtree
from typing import Any, BinaryIO, Final

from application.files import append, put, put_together, settle
from domain.bundle.layout import CHECKPOINT, TIMESTAMP
from domain.merkle import HASH
from domain.note import Checkpoint, Note
from domain.tile import ENTRIES, WIDTH, Tile, bundle, unbundle

SEALED: Final = "sealed"
"""The folder's name, beside that of the keys."""

STAMPS: Final = "timestamps"


class Unsealed(Exception):
    """What is asked for is not sealed, or not yet."""


class Unstamped(Unsealed):
    """No stamped checkpoint covers what is asked for; the newest is of ``size`` events, 0 if there is none."""

    def __init__(self, size: int) -> None:
        super().__init__(
            f"no stamped checkpoint covers these events; the newest is of {size} events: taizhang timestamp"
        )
        self.size = size


@dataclass(frozen=True, slots=True)
class Stamp:
    """A checkpoint as it was published, and a token over its bytes (RFC 3161)."""

    checkpoint: bytes
    token: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the sealer cannot account for: the leaf's index where it lies in one, its kind, and a sentence."""

    index: int | None
    kind: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Sealed:
    folder: Path

    def note(self) -> Note:
        """Return the newest checkpoint; raise Unsealed before the first."""
        try:
            return Note.parse((self.folder / "checkpoint").read_bytes())
        except FileNotFoundError:
            raise Unsealed("nothing is sealed yet") from None

    def checkpoint(self) -> Checkpoint:
        """Return what the newest checkpoint says; raise Unsealed before the first."""
        return Checkpoint.parse(self.note().text)

    def tile(self, tile: Tile) -> bytes:
        """Return a tile's content, also of one that has become wider since; raise Unsealed if there is none."""
        for width in (tile.width, WIDTH):
            try:
                held = (self.folder / Tile(tile.level, tile.number, width).path).read_bytes()
            except FileNotFoundError:
                continue
            if width == tile.width:
                return held
            return bundle(unbundle(held)[: tile.width]) if tile.level == ENTRIES else held[: HASH * tile.width]
        raise Unsealed(f"there is no {tile.path}")

    def refusal(self) -> Refusal | None:
        """Why the sealer does not go on, if it does not."""
        try:
            told: Any = json.loads((self.folder / "refused.json").read_bytes())
        except FileNotFoundError:
            return None
        return Refusal(told["index"], told["kind"], told["sentence"])

    def history(self) -> Iterator[str]:
        """Yield every checkpoint that was published, a line of JSON each."""
        try:
            with (self.folder / "history.jsonl").open(encoding="utf-8") as history:
                yield from history
        except FileNotFoundError:
            return

    def covering(self, size: int) -> Note:
        """Return the first checkpoint that was published of so many events or more; raise Unsealed if there is none."""
        try:
            with (self.folder / "history.jsonl").open("rb") as history:
                place = bisect_left(range(history.seek(0, SEEK_END)), size, key=lambda at: _size_after(history, at))
                line = _line_after(history, place)
        except FileNotFoundError:
            line = b""
        if not line:
            raise Unsealed(f"no checkpoint of {size} events or more was published")
        return _note(line)

    def write(self, tiles: list[tuple[Tile, bytes]]) -> None:
        """Write tiles; once this returns they are on the disk, and partial ones that have become full are gone."""
        folders: set[Path] = set()
        for tile, content in tiles:
            path = self.folder / tile.path
            put(path, content)
            folders.update((path.parent, path.parent.parent))
        for folder in folders:
            settle(folder)
        for tile, _ in tiles:
            if tile.width == WIDTH:
                rmtree(self.folder / f"{tile.path}.p", ignore_errors=True)

    def publish(self, note: Note, at: datetime) -> None:
        """Put up the newest checkpoint."""
        self.folder.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"at": at.isoformat(), "checkpoint": bytes(note).decode()}, ensure_ascii=False)
        append(self.folder / "history.jsonl", line.encode())
        put(self.folder / "checkpoint", bytes(note))
        settle(self.folder)

    def tell(self, standing: Any) -> None:
        """Put up what witnesses answered."""
        put(self.folder / "witnesses.json", json.dumps(asdict(standing), ensure_ascii=False).encode())

    def witnesses(self) -> dict[str, Any]:
        """What witnesses answered last: whether they were enough (``met``), and of each (``answers``) what came of it.

        Null and nothing where none are asked.
        """
        try:
            told: dict[str, Any] = json.loads((self.folder / "witnesses.json").read_bytes())
        except FileNotFoundError:
            return {"met": None, "answers": []}
        return told

    def stamped(self) -> int:
        """How many events the newest stamped checkpoint is of, 0 if there is none."""
        folder = self.folder / STAMPS
        sizes = (int(each.name) for each in folder.iterdir() if each.name.isdecimal()) if folder.is_dir() else ()
        return max(sizes, default=0)

    def stamp(self, size: int) -> Stamp | None:
        """Return the token over the checkpoint of a size, and that, if there is one."""
        folder = self.folder / STAMPS / str(size)
        try:
            return Stamp((folder / CHECKPOINT).read_bytes(), (folder / TIMESTAMP).read_bytes())
        except FileNotFoundError:
            return None

    def stamped_at(self, size: int) -> datetime:
        """When a token was kept, by the clock here."""
        return datetime.fromtimestamp((self.folder / STAMPS / str(size)).stat().st_mtime, UTC)

    def keep(self, size: int, stamp: Stamp) -> Stamp:
        """Keep a token for ever, unless one over a checkpoint of this size is there; return the one that is."""
        with suppress(FileExistsError):
            put_together(self.folder / STAMPS / str(size), {CHECKPOINT: stamp.checkpoint, TIMESTAMP: stamp.token})
        return self.stamp(size) or stamp

    def tell_stamping(self, standing: Any) -> None:
        """Put up what came of asking for a token, or take it down (None)."""
        path = self.folder / "timestamping.json"
        if standing is None:
            path.unlink(missing_ok=True)
        else:
            put(path, json.dumps(asdict(standing), ensure_ascii=False).encode())

    def stamping(self) -> dict[str, Any] | None:
        """What came of asking for a token last, as ``timestamps.Standing``; None where no authority is asked."""
        try:
            told: dict[str, Any] = json.loads((self.folder / "timestamping.json").read_bytes())
        except FileNotFoundError:
            return None
        return told

    def refuse(self, refusal: Refusal | None) -> None:
        """Put up a refusal, or take it down."""
        if refusal is None:
            (self.folder / "refused.json").unlink(missing_ok=True)
        else:
            put(self.folder / "refused.json", json.dumps(asdict(refusal), ensure_ascii=False).encode())


def _line_after(history: BinaryIO, place: int) -> bytes:
    """The first line that begins at a place of the file, or after it; none at its end."""
    if place:
        history.seek(place - 1)
        history.readline()
    else:
        history.seek(0)
    return history.readline()


def _size_after(history: BinaryIO, place: int) -> int:
    line = _line_after(history, place)
    return Checkpoint.parse(_note(line).text).size if line else 1 << 63


def _note(line: bytes) -> Note:
    return Note.parse(str(json.loads(line)["checkpoint"]).encode())
