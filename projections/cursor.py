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


def decode(cursor: str, length: int) -> tuple[int, list[Any]]:
    """Return the position and the values; refuse what ``encode`` did not make for an order of this length."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        found = None
    if (
        not isinstance(found, list)
        or len(found) != length + 1
        or not all(isinstance(each, int | str) for each in found)
        or not (isinstance(found[0], int) and 0 <= found[0] < 2**63)
    ):
        raise Refused("the cursor is not one that a page of this listing gave", field="cursor")
    position, *values = found
    return position, values
