"""What a view is: typed rows, and one pure fold that the engine and offline replay both run."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, ClassVar, TypeVar
from uuid import UUID

from pydantic import Field

from domain.event import Event, Recorded, replace


@dataclass(frozen=True)
class Row:
    """One version of one row. The engine stores beside it the positions at which it began and ended.

    A field is a UUID, text, integer (64 bits), truth value, date, instant, a literal of texts, a
    tuple of texts or of UUIDs, or a pydantic model or tuple of them (stored as JSON); or None.
    """

    # Columns by which pages of this row are found, one index each; see ``projections.tables``.
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = ()
    # Who sees a version: those who reach the organisation in this column; None, those who reach the whole record;
    # ``scope.OPEN``, everybody. And wherever they are, the persons in these columns.
    SCOPE: ClassVar[str | None]
    OWN: ClassVar[tuple[str, ...]] = ()

    key: Annotated[UUID, Field(serialization_alias="id")]


R = TypeVar("R", bound=Row)


class Rows(ABC):
    """The live rows that a fold reads and writes."""

    @abstractmethod
    def find(self, kind: type[R], key: UUID) -> R | None: ...

    @abstractmethod
    def put(self, row: Row) -> None: ...

    def get(self, kind: type[R], key: UUID) -> R:
        """Return a row; raise LookupError if there is none."""
        row = self.find(kind, key)
        if row is None:
            raise LookupError(f"no {kind.__name__} {key}")
        return row

    def change(self, kind: type[Row], key: UUID, **changes: Any) -> None:
        self.put(replace(self.get(kind, key), **changes))


class View(ABC):
    """A fold of the log. ``version`` is raised with every change of what the fold makes of the same history."""

    name: ClassVar[str]
    version: ClassVar[int]
    rows: ClassVar[tuple[type[Row], ...]]
    events: ClassVar[tuple[type[Event], ...]]

    @abstractmethod
    def fold(self, past: Recorded, rows: Rows) -> None:
        """Change the rows as one event says. Pure: the same history gives the same rows."""

    def touches(self, past: Recorded) -> Iterable[UUID]:
        """Name the keys of the rows that the fold will look up, so that the engine can fetch them at once.

        Leaving one out costs a query, never correctness.
        """
        return (past.originator_id,)

    @cached_property
    def topics(self) -> frozenset[str]:
        return frozenset(event.TOPIC for event in self.events)

    @cached_property
    def contexts(self) -> frozenset[str]:
        """The first words of the topics: an unknown topic of one of these is an event that the view lacks."""
        return frozenset(topic.partition(".")[0] for topic in self.topics)


@dataclass
class Memory(Rows):
    """Rows in memory, for tests and for replay without a database."""

    live: dict[tuple[type[Row], UUID], Row] = field(default_factory=dict)

    def find(self, kind: type[R], key: UUID) -> R | None:
        row = self.live.get((kind, key))
        assert row is None or isinstance(row, kind)
        return row

    def put(self, row: Row) -> None:
        self.live[type(row), row.key] = row

    def of(self, kind: type[R]) -> Iterator[R]:
        """Yield the rows of one kind by key."""
        for _, row in sorted(
            ((key, row) for (k, key), row in self.live.items() if k is kind), key=lambda pair: pair[0]
        ):
            assert isinstance(row, kind)
            yield row
