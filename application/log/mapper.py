"""Events as the JSON bytes that are stored, hashed and never rewritten."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any, ClassVar
from uuid import UUID

from eventsourcing.persistence import Mapper, Notification, StoredEvent
from pydantic import ConfigDict, TypeAdapter
from pydantic_core import PydanticSerializationError
from typing_extensions import TypedDict

from domain.event import Account, Event, Recorded, Refused
from domain.topics import TOPICS

# NUL as JSON writes it: an escape that is not itself escaped.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


@dataclass(frozen=True)
class Entry(Notification):
    """A stored event with what the log gave it. ``id`` is its position."""

    COLUMNS: ClassVar = "originator_id, originator_version, topic, state, position, recorded_at"

    recorded_at: datetime


class RecordMapper(Mapper[UUID]):
    """``state`` is ``{"account":…,"event":…}``: the account without its defaults, the event whole."""

    def to_stored_event(self, domain_event: Recorded) -> StoredEvent:  # type: ignore[override]  # events are ours
        """Raise Refused for a text that holds NUL, which the tables of views cannot, or half a character."""
        try:
            account = domain_event.account.model_dump_json(exclude_defaults=True)
            event = domain_event.event.model_dump_json()
        except PydanticSerializationError:
            raise _unfit(domain_event) from None
        state = f'{{"account":{account},"event":{event}}}'
        if r"\u0000" in state and _NUL.search(state):
            raise _unfit(domain_event)
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=domain_event.event.TOPIC,
            state=state.encode(),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Recorded:
        """Raise KeyError for a topic that no release knew, ValidationError for a state that does not fit it."""
        stored = _stored(TOPICS[stored_event.topic]).validate_json(stored_event.state)
        assert isinstance(stored_event.originator_id, UUID)
        entry = stored_event if isinstance(stored_event, Entry) else None
        return Recorded(
            stored_event.originator_id,
            stored_event.originator_version,
            stored["event"].upcast(),
            stored["account"],
            entry.id if entry else 0,
            entry.recorded_at if entry else None,
        )


def _unfit(past: Recorded) -> Refused:
    """Say which field holds a character that cannot be kept."""
    for fact in (past.event, past.account):
        for name, value in fact.model_dump().items():
            for character in chain.from_iterable(_texts(value)):
                if character == "\0" or "\ud800" <= character <= "\udfff":
                    return unspeakable(character, name)
    raise AssertionError("every text can be kept")


def unspeakable(character: str, field: str = "") -> Refused:
    """The refusal of NUL, which the tables of views cannot hold, and of half a character, which no encoding can."""
    return Refused(
        "remove the character {character}: no record can hold it", field=field, character=f"U+{ord(character):04X}"
    )


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            yield from _texts(tuple(value.values()))
        case list() | tuple():
            for each in value:
                yield from _texts(each)
        case _:
            pass


@cache
def _stored(kind: type[Event]) -> TypeAdapter[Any]:
    stored = TypedDict("stored", {"account": Account, "event": kind})  # type: ignore[valid-type]  # noqa: UP013  # by kind
    stored.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[attr-defined]
    return TypeAdapter(stored)
