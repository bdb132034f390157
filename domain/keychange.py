"""What the log itself says of its keys: the events that add one, and that retire one, as they are stored.

A log's own events say which keys speak for it, and from which position on: the sealer, the writers and whoever verifies
follow them. Here is what all of these share, so that it needs the standard library alone.
"""

import json
from dataclasses import dataclass
from typing import Final

from domain.note import ED25519, Key

ADDED: Final = "keyring.KeyAdded"
"""The topic of an event that adds a key."""

RETIRED: Final = "keyring.KeyRetired"
"""The topic of an event that retires a key."""

LOG: Final = "log"
"""The role of a key that signs checkpoints, under the log's own name."""

WRITER: Final = "writer"
"""The role of a key with which a service signs every group that it commits."""


@dataclass(frozen=True, slots=True)
class Change:
    """A key that is added at a position of the log, or retired."""

    position: int
    added: bool
    role: str
    key: Key

    @classmethod
    def read(cls, position: int, topic: str, state: bytes) -> "Change | None":
        """Read a stored event; None for one of another topic. Raise ValueError if its state names no key."""
        if topic not in (ADDED, RETIRED):
            return None
        try:
            event = json.loads(state)["event"]
            role, vkey = event["role"], event["vkey"]
        except (ValueError, TypeError, LookupError, RecursionError):
            raise ValueError("its state names no key") from None
        key = Key.parse(str(vkey))
        if key.kind != ED25519:
            raise ValueError("its key signs as a witness does")
        return cls(position, topic == ADDED, str(role), key)
