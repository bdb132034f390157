"""Events as the JSON bytes that are stored, hashed and never rewritten."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

from eventsourcing.persistence import Mapper, Notification, StoredEvent
from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from domain.event import Account, Event, Recorded
from domain.topics import TOPICS


@dataclass(frozen=True)
class Entry(Notification):
    """A stored event with what the log gave it. ``id`` is its position."""

    COLUMNS: ClassVar = "originator_id, originator_version, topic, state, position, recorded_at"

    recorded_at: datetime


class RecordMapper(Mapper[UUID]):
    """``state`` is ``{"account":…,"event":…}``: the account without its defaults, the event whole."""

    def to_stored_event(self, domain_event: Recorded) -> StoredEvent:  # type: ignore[override]  # events are ours
        account = domain_event.account.model_dump_json(exclude_defaults=True)
        event = domain_event.event.model_dump_json()
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=domain_event.event.TOPIC,
            state=f'{{"account":{account},"event":{event}}}'.encode(),
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


@cache
def _stored(kind: type[Event]) -> TypeAdapter[Any]:
    stored = TypedDict("stored", {"account": Account, "event": kind})  # type: ignore[valid-type]  # noqa: UP013  # by kind
    stored.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[attr-defined]
    return TypeAdapter(stored)
