"""Accounting for what is new in the log: each event is one that a writer signed, at its place, in its time."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from application.keys import verify
from application.seal.refusal import Unaccountable
from domain.group import Group, signed
from domain.keychange import WRITER, Change
from domain.leaf import Stored, entries
from domain.merkle import leaf_hash
from domain.note import Key

SKEW = timedelta(minutes=1)
"""How far the database's clock and the sealer's may differ."""


@dataclass(frozen=True, slots=True)
class Page:
    """Events from an index on: their entries, their leaves, when they were recorded, and what changes a key."""

    first: int
    entries: Sequence[bytes]
    leaves: Sequence[bytes]
    times: Sequence[datetime]
    changes: Sequence[Change] = ()

    def after(self, count: int) -> "Page":
        """Return it without its first events, none of which changes a key."""
        left = self.entries[count:], self.leaves[count:], self.times[count:]
        return Page(self.first + count, *left, self.changes)


def vouched(
    origin: str, writers: Collection[Key], changes: Iterable[Change], groups: Iterable[Group], size: int
) -> Iterator[bytes]:
    """Yield the leaves that writers signed, from an index on; raise Unaccountable for a group that they did not.

    A group is signed with one of the keys that the events before it leave.
    """
    known, due = {key.id: key for key in writers}, deque(changes)
    for group in groups:
        if group.first != size + 1:
            raise Unaccountable(size, "group", f"position {size + 1} begins no group, as it should")
        while due and due[0].position < group.first:
            _apply(known, due.popleft())
        key, leaves = known.get(group.key_id), group.hashes()
        if key is None:
            raise Unaccountable(size, "key", f"the group at position {group.first} is signed with no writer's key")
        if not verify(key.public, signed(origin, group.first, leaves), group.signature):
            raise Unaccountable(size, "signature", f"the group at position {group.first} was not signed by its writer")
        yield from leaves
        size += len(leaves)


def _apply(known: dict[bytes, Key], change: Change) -> None:
    if change.role != WRITER:
        return
    if change.added:
        known[change.key.id] = change.key
    else:
        known.pop(change.key.id, None)


def hashed(origin: str, rows: Sequence[Stored], first: int, end: int) -> Page:
    """Hash the stored events from one index to another (exclusive).

    Raise Unaccountable where one is gone, can be no event, or is dated before the one before it.
    """
    for index, row in zip(range(first, end), rows, strict=False):
        if row[0] != index + 1:
            raise _gone(index)
    if len(rows) < end - first:
        raise _gone(first + len(rows))
    written: list[bytes] = []
    try:
        written.extend(entries(origin, rows))
    except ValueError as error:
        index = first + len(written)
        raise Unaccountable(index, "entry", f"the event at position {index + 1} can be none: {error}") from None
    times = [row[4] for row in rows]
    for index, (before, at) in enumerate(pairwise(times), first + 1):
        if at < before:
            raise Unaccountable(index, "time", f"the event at position {index + 1} is dated before the one before it")
    return Page(first, written, [leaf_hash(each) for each in written], times)


def agree(page: Page, leaves: Sequence[bytes], whose: str) -> None:
    """Raise Unaccountable for the first event that has not the leaf it should have."""
    for index, (found, known) in enumerate(zip(page.leaves, leaves, strict=True), page.first):
        if found != known:
            raise Unaccountable(index, "event", f"the event at position {index + 1} is not the one that {whose}")


def in_time(page: Page, now: datetime, known: datetime | None) -> None:
    """Raise Unaccountable for new events that are dated later than they can be, or earlier.

    ``known`` is up to when the log was known before, if it was: what is new was dated later.
    """
    last, first = page.times[-1], page.times[0]
    if last > now + SKEW:
        position = page.first + len(page.times)
        here = f"here it is {now.isoformat()} now"
        raise Unaccountable(position - 1, "time", f"{_dated(position, last)}; {here}")
    # A clock that was set back has not looked later than it shows now.
    if known is not None and first < min(known, now) - SKEW:
        position = page.first + 1
        there = f"at {known.isoformat()} by the clock here it was not in the log, nor on its way"
        raise Unaccountable(page.first, "time", f"{_dated(position, first)}; {there}")


def _dated(position: int, at: datetime) -> str:
    return f"the event at position {position} is dated {at.isoformat()}"


def _gone(index: int) -> Unaccountable:
    return Unaccountable(index, "missing", f"the event at position {index + 1} is gone")
