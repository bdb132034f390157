"""Spans of time as people write them."""

import re
from typing import Final

_SPAN: Final = re.compile(r"([1-9][0-9]{0,6})([dhms])")
_SECONDS: Final = {"d": 86_400, "h": 3600, "m": 60, "s": 1}


def seconds(text: str) -> int:
    """Read ``7d``, ``36h``, ``90m`` or ``30s``; raise ValueError for what is none."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!a} is no span of time: 7d, 36h, 90m and 30s are days, hours, minutes and seconds")
    return int(found[1]) * _SECONDS[found[2]]
