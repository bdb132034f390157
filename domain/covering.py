"""Which payloads an event says were removed: for whoever meets one that is gone, and asks by what right."""

import json
from typing import Final, cast

COVERING: Final = "redaction.PayloadRemoved"
"""The topic of an event that says which payloads were removed lawfully."""


def covered(state: bytes) -> list[int]:
    """Return the positions in such an event's state; none where it is not as it should be."""
    try:
        positions = json.loads(state)["event"]["positions"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return []
    found = cast(list[object], positions) if isinstance(positions, list) else []
    return [each for each in found if type(each) is int]
