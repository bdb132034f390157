"""The files in a bundle, and their order."""

import re
from typing import Final

MANIFEST: Final = "bundle.json"
CHECKPOINT: Final = "checkpoint"
LEAVES: Final = "leaves"
PROOF: Final = "proof"
ENTRIES: Final = "entries"
STATES: Final = "states"
CONSISTENCY: Final = "consistency"
TIMESTAMP: Final = "timestamp.tsr"

NEEDED: Final = (MANIFEST, CHECKPOINT, LEAVES, PROOF, ENTRIES, STATES)
"""What every bundle has."""

ASKED: Final = (CONSISTENCY, TIMESTAMP)
"""What a bundle has where it was asked for, behind all else."""

MOST_LINKS: Final = 9999
"""Links of a key history at most."""

_PARTS = ("tlog-proof", "entry", "state")
_LINK = re.compile(rf"keys/([0-9]{{4}})\.({'|'.join(_PARTS)})")


def link_names(number: int) -> tuple[str, str, str]:
    """Return the names of a link's proof, entry and state; raise ValueError for a number not from 1 to 9999."""
    if not 1 <= number <= MOST_LINKS:
        raise ValueError(f"a key history has up to {MOST_LINKS} links")
    proof, entry, state = (f"keys/{number:04}.{part}" for part in _PARTS)
    return proof, entry, state


def rank(name: str) -> int | None:
    """Return the place of a file among all that a bundle can have; None for one that it has not."""
    if name in NEEDED:
        return NEEDED.index(name)
    if name in ASKED:
        return len(NEEDED) + (MOST_LINKS + 1) * len(_PARTS) + ASKED.index(name)
    found = _LINK.fullmatch(name)
    return len(NEEDED) + int(found[1]) * len(_PARTS) + _PARTS.index(found[2]) if found and int(found[1]) else None
