"""The line of an organisation: what it answers to, up to the root, as it stands now."""

from uuid import UUID

from application.records import Work
from domain.organisation import Organisation


def lineage(work: Work, id: UUID | None) -> tuple[UUID, ...]:
    """Return an organisation and all above it, up to the root; each is relied on. None has no line."""
    chain: list[UUID] = []
    while id is not None and id not in chain:
        chain.append(id)
        id = work.load(Organisation, id).parent
    return tuple(chain)


__all__ = ["lineage"]
