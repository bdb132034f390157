"""The key history: how, from a pinned key of the log, one comes to trust those that were added later."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from domain.bundle.events import state_read
from domain.bundle.verdict import Fault, tampered
from domain.keychange import ADDED, LOG, Change
from domain.leaf import SALT, Leaf
from domain.merkle import is_included, leaf_hash
from domain.note import Checkpoint, Key, Note, Verify
from domain.proof import Proof


@dataclass(frozen=True, slots=True)
class Link:
    """An event that added a key: its ``.tlog-proof``, its entry, and its salt, length and state as states have them."""

    proof: bytes
    entry: bytes
    state: bytes


def signers(note: Note, keys: Iterable[Key], verify: Verify) -> tuple[Key, ...]:
    """Return which of these keys signed a note; raise ValueError if a line that is one's does not hold."""
    named = {(each.name, each.id) for each in note.signatures}
    own = tuple(key for key in keys if (key.name, key.id) in named)
    for key in own:
        if not note.is_signed_by(key, verify):
            raise ValueError(f"the signature of {key} does not hold")
    return own


def trusted(links: Iterable[Link], pinned: Iterable[Key], origin: str, verify: Verify) -> tuple[Key, ...]:
    """Return the keys that speak for a log: those pinned under its name, and those they added, directly or not.

    A link that none of them signed adds none, but must hold otherwise: of a history whose beginning precedes a pinned
    key, the rest is used.
    """
    keys = tuple(key for key in pinned if key.name == origin)
    for number, link in enumerate(links, 1):
        index = None
        try:
            proof = Proof.parse(link.proof)
            index = proof.index
            added = _added(link, proof, origin)
            if signers(proof.checkpoint, keys, verify) and added is not None and added not in keys:
                keys += (added,)
        except ValueError as fault:
            raise _broken(number, str(fault), index) from None
    return keys


def _added(link: Link, proof: Proof, origin: str) -> Key | None:
    """The log's key that a link's event added, None for a key of another role; raise ValueError if it does not hold."""
    sealed, leaf, salted = Checkpoint.parse(proof.checkpoint.text), Leaf.read(link.entry), state_read(link.state)
    if sealed.origin != origin:
        raise ValueError("its checkpoint is of another log")
    if not is_included(leaf_hash(link.entry), proof.index, sealed.size, proof.hashes, sealed.root):
        raise ValueError("its proof does not lead to its checkpoint's root")
    if leaf.position != proof.index + 1 or leaf.topic != ADDED:
        raise ValueError(f"its entry is not that of an event {ADDED} at this position")
    if salted is None or sha256(f"{origin}/state/v1\n".encode() + salted).hexdigest() != leaf.commitment:
        raise ValueError("its state does not fit the commitment in its entry")
    change = Change.read(leaf.position, leaf.topic, salted[SALT:])
    if change is None or change.role != LOG:
        return None
    if change.key.name != origin:
        raise ValueError("its key is not one that signs this log's checkpoints")
    return change.key


def _broken(number: int, why: str, index: int | None) -> Fault:
    at = "" if index is None else f" (position {index + 1})"
    return tampered("key", f"the key history does not hold at link {number}{at}: {why}", index)
