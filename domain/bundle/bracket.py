"""Between which checkpoints an event stands in the log, and so between which times: it cannot be dated otherwise."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

SLACK: Final = 300
"""Seconds by which clocks may differ, and which an event may have waited for to be sealed, both together."""

_BEGUN = datetime(1970, 1, 1, tzinfo=UTC)
_EVER = b"9999-12-31T23:59:59.999999"


class Part(NamedTuple):
    """Positions that follow each other, from when at the earliest and until when at the latest they were recorded.

    Times are those of entries without their Z: of one length, so that they compare as they are.
    """

    first: int
    last: int
    floor: bytes
    ceiling: bytes


@dataclass(frozen=True, slots=True)
class Bracket:
    """When witnesses enough had cosigned a checkpoint of ``size`` events that was ``kept``, and the one that seals all.

    In seconds since 1970; None where that is not known.
    """

    size: int = 0
    kept: int | None = None
    sealed: int | None = None

    def parts(self, first: int, last: int) -> Iterator[Part]:
        """Cut positions into those that the checkpoint that was kept holds, and those behind it."""
        within = [each for each in (self.kept, self.sealed) if each is not None]
        if first <= self.size:
            yield Part(first, min(last, self.size), b"", _latest(min(within, default=None)))
        if last > self.size:
            yield Part(max(first, self.size + 1), last, _earliest(self.kept), _latest(self.sealed))


def _earliest(at: int | None) -> bytes:
    return b"" if at is None else _written(at - SLACK)


def _latest(at: int | None) -> bytes:
    return _EVER if at is None else _written(at + SLACK)


def _written(at: int) -> bytes:
    """Write seconds since 1970 as entries write times, and those of no year that is written so as the last."""
    try:
        return (_BEGUN + timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%S.000000").encode()
    except OverflowError:
        return _EVER
