"""How far a reader sees (数据范围): what belongs to the organisations that their duties reach, and their own."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

Lines = Mapping[UUID, Collection[UUID]]
"""Of organisations, each with all that it stands below, and itself."""


@dataclass(frozen=True, slots=True)
class Scope:
    """``roots``: the organisations that are seen, each with all below it as it stands now; None for the whole record.

    ``reader`` is the person who reads, and sees what is their own besides; None for this program itself.
    """

    roots: frozenset[UUID] | None
    reader: UUID | None = None

    @classmethod
    def of(cls, reader: UUID, places: Collection[UUID | None], narrowed: UUID | None, lines: Lines) -> Self:
        """Return that of a person with duties at some places, None being the whole record.

        A token that is ``narrowed`` to an organisation shows what lies below it alone, and nothing that is one's own.
        """
        own = None if narrowed else reader
        if narrowed and (None in places or any(place in lines[narrowed] for place in places)):
            return cls(frozenset((narrowed,)), own)
        if None in places:
            return cls(None, own)
        highest = (
            place for place in places if place and not any(each in lines[place] for each in places if each != place)
        )
        return cls(frozenset(place for place in highest if narrowed is None or narrowed in lines[place]), own)

    def reaches(self, lineage: Iterable[UUID]) -> bool:
        """Whether what belongs to an organisation is seen, by its lineage; an empty one is that of the whole record."""
        return self.roots is None or not self.roots.isdisjoint(lineage)

    def owns(self, *persons: UUID | None) -> bool:
        """Whether something is the reader's own, as that of one of some persons."""
        return self.reader is not None and self.reader in persons


WHOLE: Final = Scope(None)
"""That of services, and of whoever keeps the machine."""


__all__ = ["WHOLE", "Lines", "Scope"]
