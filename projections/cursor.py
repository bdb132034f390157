"""Cursors of pages: where the last row stood, and the position at which the whole listing is read."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from domain.event import Refused


def encode(position: int, values: Sequence[Any]) -> str:
    """Return a cursor for a row at these values of the order's columns."""
    plain = [value if isinstance(value, int | str) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps([position, *plain]).encode()).decode().rstrip("=")


def decode(cursor: str, types: Sequence[type[int] | type[str]]) -> tuple[int, list[Any]]:
    """Return the position and the values; refuse what ``encode`` did not make for an order of these types."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        found = None
    if (
        not isinstance(found, list)
        or [type(each) for each in found] != [int, *types]
        or not all(0 <= each < 2**63 if isinstance(each, int) else "\0" not in each for each in found)
    ):
        raise unknown()
    position, *values = found
    return position, values


def unknown() -> Refused:
    """The refusal of a cursor that no page gave."""
    return Refused("the cursor is not one that a page of this listing gave", field="cursor")
