"""Which kind of record a stream is, and what becomes of one as its events are replayed."""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar, get_type_hints
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from application.log import Entry
from application.log.mapper import recorded
from domain.event import Aggregate, Refused, replace

A = TypeVar("A", bound=Aggregate)


class AnotherKind(Refused):
    """What an identifier names is a record of another kind than it is taken for."""

    def __init__(self, id: UUID) -> None:
        super().__init__("{id} is a record of another kind", field="id", id=id)


def replayed(kind: type[A], state: A | None, history: Iterable[Entry], removed: Collection[int]) -> A | None:
    """Replay a stream, going on from a state; raise AnotherKind for one that began as a record of one.

    What was removed, or is to be, changes nothing any more: a record is what is left of it.
    """
    for entry in history:
        if entry.removed or entry.id in removed:
            state = replace(state or kind(id_of(entry)), version=entry.originator_version)
            continue
        past = recorded(entry)
        if state is None and not isinstance(past.event, _events_of(kind)):
            raise AnotherKind(past.originator_id)
        state = kind.replay(state, (past,))
    return state


def breaking(id: UUID, entries: Sequence[Entry], without: Collection[int]) -> int | None:
    """Return the first position of a record whose event cannot be replayed without those at some positions."""
    read = [recorded(entry) for entry in entries if not entry.removed]
    state = next(kind(id) for kind in Aggregate.__subclasses__() if isinstance(read[0].event, _events_of(kind)))
    for past in read:
        if past.position not in without:
            try:
                state = state.evolve(past.event, past.account)
            except Exception:  # noqa: BLE001  # whatever it is, it would come again with every command
                return past.position
    return None


def of_kind(state: Aggregate, kind: type[A]) -> A:
    """Return a state that is of a kind; raise AnotherKind for one that is not."""
    if not isinstance(state, kind):
        raise AnotherKind(state.id)
    return state


def id_of(entry: StoredEvent) -> UUID:
    """Return which record an event is of."""
    assert isinstance(entry.originator_id, UUID), "every stream of ours is named by one"
    return entry.originator_id


@cache
def _events_of(kind: type[Aggregate]) -> Any:
    """What an aggregate evolves by, as its ``evolve`` says: one event class, or a union of them."""
    return get_type_hints(kind.evolve)["event"]
