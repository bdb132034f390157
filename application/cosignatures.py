"""Cosignatures for a checkpoint, from the witnesses of a policy: the client of C2SP tlog-witness.

A witness is another party's machine: it may be slow, away, or hostile. None can hold up another, or whoever asks, for
longer than the patience that is had with all; what does not verify is left out.
"""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace

from application.asking import PATIENCE, Address, Reply, Unanswered, aside, late
from application.keys import verify
from domain.cosign import Request, head
from domain.note import Note, Signature
from domain.policy import Witness

Proofs = Callable[[int], Sequence[bytes]]
"""Gives the hashes that lead from a smaller size, above 0, to that of the checkpoint (RFC 6962 §2.1.2).

It is asked by several threads at once; what it raises is raised by whoever collects.
"""

_SIZE_TYPE = "text/x.tlog.size"
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")
_TEXT = "text/plain; charset=utf-8"
_MEANING = {
    400: "cannot read the request",
    403: "does not trust the key that signed the checkpoint",
    404: "does not watch this log",
    503: "cannot cosign just now",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking a witness, by its name in the policy: when it cosigned, or a sentence on what kept it.

    It ``contradicts`` where it has seen more of the log than there is now, or another history: a matter for people.
    """

    name: str
    at: int | None = None
    trouble: str = ""
    contradicts: bool = False


@dataclass(frozen=True, slots=True)
class Collected:
    """The checkpoint with the cosignatures that were given, and what came of asking each witness, in their order."""

    note: Note
    answers: tuple[Answer, ...]


class Cosigners:
    """Witnesses that are asked for cosignatures, all at once; each is remembered by the size that it saw last.

    One that is still busy with the request before is left alone, so that none ever ties up more than one thread.
    """

    def __init__(self, witnesses: Sequence[Witness], patience: float = PATIENCE) -> None:
        self._asked = [_Asked(each, patience) for each in witnesses]
        self._patience = patience

    def collect(self, checkpoint: Note, proofs: Proofs) -> Collected:
        """Ask each witness to cosign a checkpoint that the log signed; return what there is when patience ends."""
        under_way = [each.begin(checkpoint, proofs) for each in self._asked]
        wait([each for each in under_way if each], self._patience)
        note, answers = checkpoint, list[Answer]()
        for asked, future in zip(self._asked, under_way, strict=True):
            line, answer = asked.outcome(future)
            answers.append(answer)
            if line:
                others = (each for each in note.signatures if (each.name, each.id) != (line.name, line.id))
                note = replace(note, signatures=(*others, line))
        return Collected(note, tuple(answers))


class _Contradiction(Unanswered):
    """A witness has seen more of the log than there is now, or another history."""


class _Asked:
    """One witness, and the size at which it is known to have cosigned the log last."""

    def __init__(self, witness: Witness, patience: float) -> None:
        self._witness = witness
        self._patience = patience
        self._size = 0
        self._busy: Future[Signature] | None = None

    def begin(self, checkpoint: Note, proofs: Proofs) -> Future[Signature] | None:
        """Ask it in a thread of its own, which keeps no process from ending; None while it is busy."""
        if self._busy and not self._busy.done():
            return None
        self._busy = aside(lambda: self._ask(checkpoint, proofs), f"taizhang asks {self._witness.name}")
        return self._busy

    def outcome(self, future: Future[Signature] | None) -> tuple[Signature | None, Answer]:
        name = self._witness.name
        if future is None:
            return None, Answer(name, trouble=f"{name} has not answered the request before")
        try:
            if not future.done():
                raise late(self._patience)
            line = future.result()
        except Unanswered as trouble:
            return None, Answer(name, trouble=f"{name} {trouble}", contradicts=isinstance(trouble, _Contradiction))
        return line, Answer(name, at=_time(line))

    def _ask(self, checkpoint: Note, proofs: Proofs) -> Signature:
        """Ask from the size that it saw last; where it names another, once more from there."""
        size = head(checkpoint.text).size
        old = self._size if self._size <= size else 0
        reply = self._post(_request(old, size, checkpoint, proofs))
        if _names_a_size(reply):
            old = _size(reply.body)
            if old > size:
                raise _Contradiction(f"has seen {old} leaves of this log, and these are {size}")
            reply = self._post(_request(old, size, checkpoint, proofs))
        line = self._taken(reply, old, checkpoint.text)
        self._size = size
        return line

    def _taken(self, reply: Reply, old: int, text: str) -> Signature:
        if reply.status == 200:
            return _cosignature(reply.body, text, self._witness)
        # The size that it was asked from is no news: then it is the root that it does not agree with.
        if _names_a_size(reply) and not old == _size(reply.body) == head(text).size:
            raise Unanswered("names one size after another")
        if reply.status == 409:
            raise _Contradiction("has seen another root of a log of this size")
        if reply.status == 422:
            raise _Contradiction(f"does not find that this log begins with the {old} leaves it saw")
        raise Unanswered(_MEANING.get(reply.status, f"answered with status {reply.status}"))

    def _post(self, body: bytes) -> Reply:
        if not self._witness.url:
            raise Unanswered("has no address in the policy")
        return Address.parse(self._witness.url).below("/add-checkpoint").post(body, _TEXT, self._patience)


def _request(old: int, size: int, checkpoint: Note, proofs: Proofs) -> bytes:
    hashes = () if old in (0, size) else tuple(proofs(old))
    return bytes(Request(old, hashes, checkpoint))


def _names_a_size(reply: Reply) -> bool:
    return (reply.status, reply.kind) == (409, _SIZE_TYPE)


def _size(body: bytes) -> int:
    found = _SIZE.fullmatch(body)
    if found is None:
        raise Unanswered("names no size where it should")
    return int(found[1])


def _cosignature(body: bytes, text: str, witness: Witness) -> Signature:
    """Return the witness's newest line for a text, of which each must hold; lines of others are passed over."""
    try:
        note = Note.parse(f"{text}\n".encode() + body)
    except ValueError:
        raise Unanswered("answered with what are no signatures") from None
    at = note.cosigned_at(witness.key, verify)
    if note.text != text or at is None or not 0 < at < 1 << 63:
        raise Unanswered("answered without a cosignature that holds")
    own = (each for each in note.signatures if (each.name, each.id) == (witness.key.name, witness.key.id))
    return max(own, key=_time)


def _time(line: Signature) -> int:
    return int.from_bytes(line.signature[:8])
