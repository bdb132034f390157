"""Spans of time as people write them."""

import re
from typing import Final

_SPAN: Final = re.compile(r"([1-9][0-9]{0,6})([dhm])")
_SECONDS: Final = {"d": 86_400, "h": 3600, "m": 60}


def seconds(text: str) -> int:
    """Read ``7d``, ``36h`` or ``90m``; raise ValueError for what is none."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!a} is no span of time: 7d, 36h and 90m are days, hours and minutes")
    return int(found[1]) * _SECONDS[found[2]]
