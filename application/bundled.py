"""A log as a bundle has it: its events from the first on, without a database."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import BinaryIO
from uuid import UUID

from application.log import Entry
from domain.bundle import Contents
from domain.event import Refused


class BundledLog:
    """The events of a bundle that holds its log from the beginning; the file stays open meanwhile.

    Whoever is to believe them verifies the bundle before.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Raise Refused for what is no bundle, or does not begin with the log."""
        try:
            self._contents = Contents.of(file)
        except ValueError as error:
            raise Refused("it is no bundle: {why}", field="bundle", why=error) from None
        self.origin = self._contents.manifest.origin
        positions = self._contents.manifest.positions
        first, self.head = next(iter(positions), (1, 0))
        if first != 1 or len(positions) > 1:
            raise Refused(
                "a view is folded from the log's beginning: make the bundle with --all, or --from 1", field="bundle"
            )
        self._next: Iterator[Entry] = iter(())
        self._at = -1

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """Return so many of the events after a position. Going on from where it ended last costs nothing.

        Raise Refused where the file is damaged.
        """
        if after != self._at:
            self._next = islice(self._events(), after, None)
        found = list(islice(self._next, limit))
        self._at = after + len(found)
        return found

    def stream(self, id: UUID) -> list[Entry]:
        """Return the events of one record."""
        return [entry for entry in self._events() if entry.originator_id == id]

    def position_at(self, instant: datetime) -> int:
        """Return the last position that was recorded by an instant; raise Refused for one after the last event."""
        found = 0
        for entry in self._events():
            if entry.recorded_at > instant:
                return found
            found = entry.id
        raise Refused("the bundle ends before {moment}", field="until", moment=instant.isoformat())

    def _events(self) -> Iterator[Entry]:
        try:
            for leaf, state in self._contents.events():
                yield Entry(leaf.stream, leaf.version, leaf.topic, state or b"", leaf.position, leaf.recorded_at)
        except ValueError as error:
            raise Refused("it is no bundle: {why}", field="bundle", why=error) from None
