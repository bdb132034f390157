"""A witness of others' logs (见证): what it last cosigned of each, in files, and cosignatures of what follows it.

Its memory is a folder, with one for each log, named by the hash of the log's origin: ``checkpoint`` is the last that it
cosigned, as it is published, and ``refused/`` the evidence against the log. ``cosigned`` lists the logs of which it
ever cosigned anything: the loss of one ``checkpoint`` is not taken for a log that is new. Whoever loses that folder or
puts an old copy of it back must retire the key as well: without its memory a witness would vouch for another past.
"""

import logging
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from application.files import alone, append, put, settle
from application.keys import WITNESS, Signer, for_witness, has, verify
from domain.cosign import Kind, NotCosigned, Request, decide, head, nothing, origin_hash
from domain.note import ED25519, Checkpoint, Key, Note, Signature

KEPT: Final = 100
"""Refused checkpoints of a kind that are kept of one log at most: nobody fills the disk with them."""

ANEW: Final = "or begin anew as another witness, with a key and a folder of its own"
"""What is left to a witness whose memory is lost."""

_CHECKPOINT = "checkpoint"
_COSIGNED = "cosigned"
_LISTING = threading.Lock()
_log = logging.getLogger(__name__)


class Unfit(Exception):
    """The witness cannot begin; the sentence says why, and what to do."""


class Unable(Exception):
    """The witness cannot cosign just now, though nothing speaks against the checkpoint."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was cosigned last of a log, and when, in seconds since 1970; 0 before the first."""

    head: Checkpoint
    at: int = 0
    note: Note | None = None


class Evidence:
    """The refused checkpoints of one log, each in a folder of its own beside the one that had been seen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def count(self, kind: Kind) -> int:
        return sum(1 for _ in self._folder.glob(f"{kind}-*/{_CHECKPOINT}"))

    def keep(self, kind: Kind, refused: Note, seen: Note | None) -> Path | None:
        """Keep a refused checkpoint; return where, None if it is there already or if there are as many as are kept."""
        folder = self._folder / f"{kind}-{sha256(refused.text.encode()).hexdigest()}"
        if (folder / _CHECKPOINT).exists() or self.count(kind) >= KEPT:
            return None
        if seen:
            put(folder / "seen", bytes(seen))
        put(folder / _CHECKPOINT, bytes(refused))
        for each in (folder, self._folder, self._folder.parent):
            settle(each)
        return folder


class Watched:
    """One log that is watched: one request at a time is decided, and kept on the disk before it is answered."""

    def __init__(self, folder: Path, origin: str, keys: Iterable[Key], signer: Signer) -> None:
        """Go on from what was cosigned last; raise Unfit if that cannot be read."""
        self.origin = origin
        self.evidence = Evidence(folder / "refused")
        self._keys = tuple(keys)
        self._signer = signer
        self._path = folder / _CHECKPOINT
        self._lock = threading.Lock()
        folder.mkdir(exist_ok=True)
        self.seen = _read(self._path, origin, signer.key)
        if self.seen.note:
            self._list()
        elif origin in _cosigned(folder.parent):
            raise Unfit(f"there is no {self._path}, though {origin} was cosigned before: bring it, {ANEW}")

    def cosign(self, request: Request, now: Callable[[], datetime]) -> Signature:
        with self._lock:
            try:
                note = decide(request, self._keys, self.seen.head, verify)
            except NotCosigned as refusal:
                self._keep_evidence(refusal)
                raise
            at = self._time(now())
            line = self._signer.cosign(note.text, at)
            cosigned = replace(note, signatures=(*note.signatures, line))
            self._keep(cosigned)
            self.seen = Seen(head(note.text), at, cosigned)
            return line

    def _time(self, now: datetime) -> int:
        """A cosignature says what is newest as of its time, so none is dated before the last: a clock is waited for."""
        at = int(now.timestamp())
        if at < max(self.seen.at, 1):
            last = datetime.fromtimestamp(self.seen.at, UTC).isoformat()
            raise Unable(f"it is {now.isoformat()} by the clock here, and the log was cosigned at {last}")
        return at

    def _keep(self, note: Note) -> None:
        try:
            put(self._path, bytes(note))
            settle(self._path.parent)
            self._list()
        except OSError as error:
            _log.error("%s cannot be written, and nothing is cosigned: %s", self._path, error.strerror)
            raise Unable("what is cosigned cannot be kept here") from None

    def _list(self) -> None:
        """Note, before anything is answered, that this log was cosigned."""
        memory = self._path.parents[1]
        with _LISTING:
            if self.origin not in _cosigned(memory):
                append(memory / _COSIGNED, self.origin.encode())
                settle(memory)

    def _keep_evidence(self, refusal: NotCosigned) -> None:
        if refusal.evidence is None:
            return
        try:
            kept = self.evidence.keep(refusal.kind, refusal.evidence, self.seen.note)
        except OSError as error:
            _log.critical("%s; and that cannot be kept: %s", refusal, error.strerror)
            return
        if kept:
            told = "TWO HISTORIES OF ONE LOG: " if refusal.kind is Kind.forked else "NOT COSIGNED: "
            _log.critical("%s%s. The evidence is in %s", told, refusal, kept)
            if self.evidence.count(refusal.kind) >= KEPT:
                full = "%s is full: until it is moved elsewhere, nothing more that is %s is kept or told of"
                _log.critical(full, kept.parent, refusal.kind)


class Witness:
    """Watches logs, each by the keys under its name; ``signer`` has the key of type 4 that cosigns."""

    def __init__(self, folder: Path, signer: Signer, logs: Iterable[Key], now: Callable[[], datetime]) -> None:
        """Go on from what was cosigned last; raise Unfit for what cannot be read, or is no log's key."""
        self.key = signer.key
        self._now = now
        keys: dict[str, list[Key]] = {}
        for each in logs:
            if each.kind != ED25519:
                raise Unfit(f"the key {each} is no log's: a log's is of type {ED25519}")
            keys.setdefault(each.name, []).append(each)
        self.watched = {
            name: Watched(folder / origin_hash(name), name, trusted, signer) for name, trusted in keys.items()
        }
        self._by_hash = {origin_hash(name): each for name, each in self.watched.items()}
        settle(folder)

    def cosign(self, given: bytes) -> Signature:
        """Answer a request (C2SP tlog-witness add-checkpoint); raise NotCosigned or Unable.

        Once this returns, what was cosigned is on the disk, and nothing that contradicts it ever will be.
        """
        request = Request.parse(given)
        watched = self.watched.get(request.origin)
        if watched is None:
            raise NotCosigned(Kind.unknown, "this witness does not watch that log")
        return watched.cosign(request, self._now)

    def last(self, origin: str) -> Note | None:
        """Return what was cosigned last of the log with this origin hash; None if nothing was."""
        watched = self._by_hash.get(origin)
        return watched.seen.note if watched else None


@contextmanager
def witnessing(
    folder: Path,
    keys: Path,
    name: str,
    logs: Iterable[Key],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sign_command: str = "",
) -> Generator[Witness]:
    """Open the witness whose key lies in ``keys`` and whose memory in ``folder``; a name makes both where no key is.

    Raise Unfit if its memory is gone or damaged, or another process uses it; Unusable for the key.
    """
    if name and not has(keys, WITNESS):
        folder.mkdir(parents=True, exist_ok=True)
        settle(folder.parent)
    signer = for_witness(keys, name, sign_command)
    if not folder.is_dir():
        raise Unfit(f"there is no {folder}, where {signer.key.name} keeps what it saw: bring it, {ANEW}")
    with alone(folder) as only:
        if not only:
            raise Unfit(f"another witness works in {folder}")
        yield Witness(folder, signer, logs, now)


def _cosigned(memory: Path) -> list[str]:
    """The logs of which anything was ever cosigned."""
    try:
        return (memory / _COSIGNED).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []


def _read(path: Path, origin: str, key: Key) -> Seen:
    """Read what was cosigned last of a log; raise Unfit unless it is exactly what this witness wrote."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Seen(nothing(origin))
    try:
        note = Note.parse(content)
        seen = Seen(head(note.text), note.cosigned_at(key, verify) or 0, note)
    except ValueError:
        raise _damaged(path, key) from None
    if not seen.at or seen.head.origin != origin or bytes(note) != content:
        raise _damaged(path, key)
    return seen


def _damaged(path: Path, key: Key) -> Unfit:
    return Unfit(f"{path} is damaged, or not of the witness {key}: bring a whole copy of it, {ANEW}")
