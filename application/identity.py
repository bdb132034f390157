"""Time-ordered identifiers: UUID version 7 (RFC 9562 §5.7), so that new rows lie side by side in every index."""

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """Return a new identifier: 48 bits of Unix milliseconds, 74 random bits."""
    random = int.from_bytes(os.urandom(10), "big")
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return UUID(int=value)
