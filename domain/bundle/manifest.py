"""What a bundle says of itself: ``bundle.json``, canonical JSON with sorted keys, without blanks, in ASCII."""

import json
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Final, Literal, Self, cast
from uuid import UUID

LARGEST: Final = 2**53 - 1
"""The largest position: what any JSON reader holds exactly."""

LONGEST: Final = 1 << 26
"""Bytes of a manifest at most: some four million ranges."""

_MEMBERS: Final = {"count", "kind", "origin", "positions", "size", "v"}
_MORE: Final = {"record": {"record"}, "range": {"from", "to"}, "all": set[str]()}
_ANY: Final = {"covering", "since"}


@dataclass(frozen=True)
class Manifest:
    """What is in a bundle of the log ``origin``, sealed by its checkpoint of ``size`` leaves.

    ``positions`` are ranges from a first to a last position, ascending, with a gap between each two. They hold one
    record's events, or those ``asked`` for from a first to a last, or all; and besides, ``covering``, those at other
    positions that cover the removal of payloads. Where it is proved that the tree of an earlier size is the beginning
    of this one, that is ``since``. Raise ValueError where these do not agree.
    """

    kind: Literal["record", "range", "all"]
    origin: str
    size: int
    positions: tuple[tuple[int, int], ...]
    record: UUID | None = None
    asked: tuple[int, int] | None = None
    covering: tuple[int, ...] = ()
    since: int | None = None

    def __post_init__(self) -> None:
        if fault := self._fault():
            raise ValueError(fault)

    @property
    def count(self) -> int:
        return sum(last - first + 1 for first, last in self.positions)

    @cached_property
    def runs(self) -> list[tuple[int, int]]:
        """The leaves of its positions, as half-open ranges of indexes."""
        return [(first - 1, last) for first, last in self.positions]

    def __bytes__(self) -> bytes:
        said: dict[str, Any] = {
            "count": self.count, "kind": self.kind, "origin": self.origin, "positions": self.positions,
            "size": self.size, "v": 1,
        }  # fmt: skip
        if self.record is not None:
            said["record"] = str(self.record)
        if self.asked is not None:
            said["from"], said["to"] = self.asked
        if self.covering:
            said["covering"] = self.covering
        if self.since is not None:
            said["since"] = self.since
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode("ascii")

    @classmethod
    def parse(cls, given: bytes) -> Self:
        """Read a manifest; raise ValueError unless it is, to the byte, one that is written here."""
        said = _object(given)
        kind = said.get("kind")
        if said.get("v") != 1 or not isinstance(kind, str) or kind not in _MORE:
            raise ValueError("it is none, or of another version")
        if {*said} - _ANY != _MEMBERS | _MORE[kind] or not isinstance(said["origin"], str):
            raise ValueError("it has other members than one of its kind")
        try:
            positions = tuple((first, last) for first, last in said["positions"])
            record = UUID(said["record"]) if "record" in said else None
            covering = tuple(said.get("covering", ()))
        except (TypeError, AttributeError, ValueError):
            raise ValueError("it has positions or a record that are none") from None
        asked = (said["from"], said["to"]) if "from" in said else None
        manifest = cls(
            said["kind"], said["origin"], said["size"], positions, record, asked, covering, said.get("since")
        )
        if bytes(manifest) != given:
            raise ValueError("it is not canonical, or its count is not that of its positions")
        return manifest

    def _fault(self) -> str:
        bounds = [bound for held in self.positions for bound in held]
        numbers = [self.size, *bounds, *self.covering, *(self.asked or ()), self.since or 0]
        if any(type(number) is not int for number in numbers):
            return "a position or the size is no integer"
        if not 0 <= self.size <= LARGEST:
            return "the size is not from 0 to 2**53 - 1"
        if self.since is not None and not 1 <= self.since <= self.size:
            return "the size since which it is proved is not from 1 to that of the log"
        if not (self.origin.isprintable() and self.origin) or " " in self.origin or "+" in self.origin:
            return "the origin is no name of a log"
        if any(first > last for first, last in self.positions):
            return "a range of positions ends before it begins"
        if any(after - before < 2 for (_, before), (after, _) in pairwise(self.positions)):
            return "the ranges of positions do not ascend with a gap between each two"
        if bounds and not 1 <= bounds[0] <= bounds[-1] <= self.size:
            return "a position is not from 1 to the size of the log"
        if any(one >= other for one, other in pairwise(self.covering)):
            return "the covering positions do not ascend"
        if not all(map(self._holds, self.covering)):
            return "a covering position is not among those held"
        return self._other_positions()

    def _other_positions(self) -> str:
        """What is wrong with the positions for a bundle of its kind; empty if nothing is."""
        covering = len(self.covering)
        if (self.record is not None) != (self.kind == "record") or (self.asked is not None) != (self.kind == "range"):
            return "it does not say which record or which range it holds, or says one that it should not"
        if self.kind == "all":
            held = self.positions == (((1, self.size),) if self.size else ()) and not covering
            return "" if held else "its positions are not all"
        if self.kind == "record":
            return "" if self.count > covering else "it holds no event of its record"
        assert self.asked is not None
        first, last = self.asked
        if not 1 <= first <= last or any(first <= position <= last for position in self.covering):
            return "its range is none, or has covering positions, which are others"
        whole = self._holds(first) and self._range_of(first)[1] >= last and self.count == last - first + 1 + covering
        return "" if whole else "its positions are not those of its range"

    def _holds(self, position: int) -> bool:
        return bool(self.positions) and self._range_of(position)[0] <= position <= self._range_of(position)[1]

    def _range_of(self, position: int) -> tuple[int, int]:
        """The last range that begins at or before a position, or else the first."""
        place = bisect_right(self.positions, position, key=lambda held: held[0])
        return self.positions[max(0, place - 1)]


def _object(given: bytes) -> dict[str, Any]:
    try:
        said = json.loads(given)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    return cast(dict[str, Any], said) if isinstance(said, dict) else {}
