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

from domain.event import Account, Event, Fact, Recorded, Refused
from domain.topics import TOPICS

# NUL as JSON writes it: an escape that is not itself escaped.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


@dataclass(frozen=True)
class Entry(Notification):
    """A stored event with what the log gave it. ``id`` is its position; a payload that was removed is empty."""

    COLUMNS: ClassVar = "originator_id, originator_version, topic, coalesce(state, ''), position, recorded_at"

    recorded_at: datetime

    @property
    def removed(self) -> bool:
        """Whether the payload was removed."""
        return not self.state


def recorded(entry: StoredEvent) -> Recorded:
    """Return the event that an entry of a log holds; raise ValueError if this program cannot read it, or it is gone."""
    if not entry.state:
        raise ValueError("the payload was removed")
    kind = TOPICS.get(entry.topic)
    if kind is None:
        raise ValueError(f"no release of this program knows the topic {entry.topic}")
    stored = _stored(kind).validate_json(entry.state)
    assert isinstance(entry.originator_id, UUID)
    given = entry if isinstance(entry, Entry) else None
    return Recorded(
        entry.originator_id,
        entry.originator_version,
        stored["event"].upcast(),
        stored["account"],
        given.id if given else 0,
        given.recorded_at if given else None,
    )


class RecordMapper(Mapper[UUID]):
    """``state`` is ``{"account":…,"event":…}``: the account without its defaults, the event whole."""

    _last_account: tuple[Account, bytes] | None = None

    def to_stored_event(self, domain_event: Recorded) -> StoredEvent:  # type: ignore[override]  # events are ours
        """Raise Refused for a text that holds NUL, which the tables of views cannot, or half a character."""
        account, event = domain_event.account, domain_event.event
        try:
            # The events of a command share its account, and mostly follow each other.
            last = self._last_account
            if last is None or last[0] is not account:
                last = self._last_account = account, _to_json(account, exclude_defaults=True)
            state = b'{"account":%b,"event":%b}' % (last[1], _to_json(event))
        except PydanticSerializationError:
            raise _unfit(domain_event) from None
        if rb"\u0000" in state and _NUL.search(state):
            raise _unfit(domain_event)
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=event.TOPIC,
            state=state,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Recorded:
        """Raise ValueError for what this program cannot read."""
        return recorded(stored_event)


def _to_json(fact: Fact, *, exclude_defaults: bool = False) -> bytes:
    """As ``model_dump_json`` does it, without the way through text."""
    return fact.__pydantic_serializer__.to_json(fact, exclude_defaults=exclude_defaults)


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
