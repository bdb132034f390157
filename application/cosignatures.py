"""Cosignatures for a checkpoint, from the witnesses of a policy: the client of C2SP tlog-witness.

A witness is another party's machine: it may be slow, away, or hostile. None can hold up another, or whoever asks, for
longer than the patience that is had with all; what does not verify is left out.
"""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Thread
from typing import Final
from urllib.parse import quote, urlsplit

from application.keys import verify
from domain.cosign import Request, head
from domain.note import Note, Signature
from domain.policy import Witness

PATIENCE: Final = 10.0
"""Seconds that witnesses have to answer in."""

Proofs = Callable[[int], Sequence[bytes]]
"""Gives the hashes that lead from a smaller size, above 0, to that of the checkpoint (RFC 6962 §2.1.2).

It is asked by several threads at once; what it raises is raised by whoever collects.
"""

# Bytes of an answer at most.
_LARGEST = 1 << 16
_SIZE_TYPE = "text/x.tlog.size"
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")
_SCHEMES = {"http": HTTPConnection, "https": HTTPSConnection}
_PATH = "/%:@!$&'()*+,;=~"
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


class _Trouble(Exception):
    """A witness did not cosign; the sentence goes on after its name."""

    def __init__(self, sentence: str, *, contradicts: bool = False) -> None:
        super().__init__(sentence)
        self.contradicts = contradicts


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    kind: str
    body: bytes

    @property
    def names_a_size(self) -> bool:
        return (self.status, self.kind) == (409, _SIZE_TYPE)


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
        self._busy = future = Future[Signature]()

        def run() -> None:
            try:
                future.set_result(self._ask(checkpoint, proofs))
            except BaseException as error:  # noqa: BLE001  # is raised again where the outcome is asked for
                future.set_exception(error)

        Thread(target=run, name=f"taizhang asks {self._witness.name}", daemon=True).start()
        return future

    def outcome(self, future: Future[Signature] | None) -> tuple[Signature | None, Answer]:
        name = self._witness.name
        if future is None:
            return None, Answer(name, trouble=f"{name} has not answered the request before")
        try:
            if not future.done():
                raise self._late()
            line = future.result()
        except _Trouble as trouble:
            return None, Answer(name, trouble=f"{name} {trouble}", contradicts=trouble.contradicts)
        return line, Answer(name, at=_time(line))

    def _ask(self, checkpoint: Note, proofs: Proofs) -> Signature:
        """Ask from the size that it saw last; where it names another, once more from there."""
        size = head(checkpoint.text).size
        old = self._size if self._size <= size else 0
        reply = self._post(_request(old, size, checkpoint, proofs))
        if reply.names_a_size:
            old = _size(reply.body)
            if old > size:
                raise _Trouble(f"has seen {old} leaves of this log, and these are {size}", contradicts=True)
            reply = self._post(_request(old, size, checkpoint, proofs))
        line = self._taken(reply, old, checkpoint.text)
        self._size = size
        return line

    def _taken(self, reply: _Reply, old: int, text: str) -> Signature:
        if reply.status == 200:
            return _cosignature(reply.body, text, self._witness)
        # The size that it was asked from is no news: then it is the root that it does not agree with.
        if reply.names_a_size and not old == _size(reply.body) == head(text).size:
            raise _Trouble("names one size after another")
        if reply.status == 409:
            raise _Trouble("has seen another root of a log of this size", contradicts=True)
        if reply.status == 422:
            raise _Trouble(f"does not find that this log begins with the {old} leaves it saw", contradicts=True)
        raise _Trouble(_MEANING.get(reply.status, f"answered with status {reply.status}"))

    def _late(self) -> _Trouble:
        return _Trouble(f"did not answer within {self._patience:g} seconds")

    def _post(self, body: bytes) -> _Reply:
        connection, path = _connect(self._witness.url, self._patience)
        try:
            connection.request("POST", f"{path}/add-checkpoint", body, {"Content-Type": "text/plain; charset=utf-8"})
            with connection.getresponse() as answer:
                content = answer.read(_LARGEST + 1)
        except TimeoutError:
            raise self._late() from None
        except (OSError, HTTPException, UnicodeError) as error:
            raise _Trouble(f"cannot be reached: {str(error) or type(error).__name__}") from None
        finally:
            connection.close()
        if len(content) > _LARGEST:
            raise _Trouble(f"answered with more than {_LARGEST} bytes")
        return _Reply(answer.status, answer.headers.get_content_type(), content)


def _request(old: int, size: int, checkpoint: Note, proofs: Proofs) -> bytes:
    hashes = () if old in (0, size) else tuple(proofs(old))
    return bytes(Request(old, hashes, checkpoint))


def _connect(url: str, patience: float) -> tuple[HTTPConnection, str]:
    """Return the connection to a submission prefix, and its path; a redirect is not followed: the policy decides."""
    if not url:
        raise _Trouble("has no address in the policy")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _Trouble(f"has no good address: {url}") from None
    if not host or parts.scheme not in _SCHEMES or parts.username or parts.query or parts.fragment:
        raise _Trouble(f"has no http or https address: {url}")
    return _SCHEMES[parts.scheme](host, port, timeout=patience), quote(parts.path.rstrip("/"), safe=_PATH)


def _size(body: bytes) -> int:
    found = _SIZE.fullmatch(body)
    if found is None:
        raise _Trouble("names no size where it should")
    return int(found[1])


def _cosignature(body: bytes, text: str, witness: Witness) -> Signature:
    """Return the witness's newest line for a text, of which each must hold; lines of others are passed over."""
    try:
        note = Note.parse(f"{text}\n".encode() + body)
    except ValueError:
        raise _Trouble("answered with what are no signatures") from None
    at = note.cosigned_at(witness.key, verify)
    if note.text != text or at is None or not 0 < at < 1 << 63:
        raise _Trouble("answered without a cosignature that holds")
    own = (each for each in note.signatures if (each.name, each.id) == (witness.key.name, witness.key.id))
    return max(own, key=_time)


def _time(line: Signature) -> int:
    return int.from_bytes(line.signature[:8])
