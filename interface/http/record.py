"""Records as they were made: a record's history as a story and as raw events, and the log itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import Field

from domain.event import Recorded, Refused
from interface.app import Installation
from interface.catalogue import language_of, translate
from interface.http import story
from interface.http.gate import Caller
from interface.http.present import router
from interface.http.reading import Asked, Listing, Position, query

routes = router("", "records")


@dataclass(frozen=True)
class Named:
    """A person or organisation; the name is null where it is not known here."""

    id: UUID
    name: str | None


@dataclass(frozen=True)
class Changed:
    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Happening:
    """One event of a record: what it says, who answers for it, what it changed; and as it is stored.

    ``term`` is the Chinese term for what happened. ``account`` and ``event`` are the stored ones, empty where the
    payload was removed lawfully.
    """

    position: int
    version: int
    event_id: str
    topic: str
    term: str
    sentence: str
    recorded_at: datetime
    by: Named | None
    on_behalf_of: Named | None
    organisation: Named | None
    changes: list[Changed]
    account: dict[str, Any]
    event: dict[str, Any]


class AskedHistory(Asked):
    limit: int = Field(100, ge=1, le=1000)
    cursor: int | None = Field(None, ge=1, lt=2**31, description="`next` of the page before.")


@query(routes, "/records/{id}/history", (), Listing[Happening], found=False)
def show_history(who: Caller, asked: AskedHistory, moment: int, id: UUID) -> Listing[Happening] | None:
    """Tell everything that happened to a record, from the beginning; any kind of record has a history."""
    at, limit = who.at, asked.limit
    if not who.sees(id):
        return None
    known_at = min(moment, at.head())
    found = at.records.recorder.select_events(id, gt=asked.cursor or 0, limit=limit + 1)
    entries = [entry for entry in found if entry.id <= known_at]
    if not entries and not (asked.cursor and at.records.recorder.select_events(id, limit=1)):
        return None
    items = tell(at, entries[:limit], partial(translate, language_of(who.request)))
    return Listing(known_at, str(entries[limit - 1].originator_version) if len(entries) > limit else None, items)


def tell(at: Installation, entries: Sequence[Any], say: story.Say) -> list[Happening]:
    """Tell what entries of the log mean, with the names of those they speak of."""
    read = [_read(at, entry) for entry in entries]
    names = _names(at, [past for past in read if past])
    covered = _covered(at, entries)
    return [_told(entry, past, names, say, covered) for entry, past in zip(entries, read, strict=True)]


def _covered(at: Installation, entries: Sequence[Any]) -> Mapping[int, int]:
    """Which decisions cover the payloads that were removed, if any of these was."""
    return at.redaction.covered() if any(entry.removed for entry in entries) else {}


def _stored(entry: Any) -> dict[str, Any]:
    return {"account": {}, "event": {}} if entry.removed else json.loads(entry.state)


def _read(at: Installation, entry: Any) -> Recorded | None:
    try:
        return at.records.recorded(entry)
    except ValueError:
        return None


def _names(at: Installation, pasts: Sequence[Recorded]) -> dict[UUID, str]:
    """Find the names of the people and organisations that events speak of."""
    ids = story.people(past.event for past in pasts)
    for past in pasts:
        account = past.account
        ids |= {id for id in (account.actor, account.on_behalf_of, account.organisation) if id}
    return at.names(ids)


def _told(
    entry: Any, past: Recorded | None, names: dict[UUID, str], say: story.Say, covered: Mapping[int, int]
) -> Happening:
    stored = _stored(entry)
    unread = (
        say("what was recorded here was removed by the decision at position {position}", position=covered.get(entry.id))
        if entry.removed
        else say("this program cannot read the event")
    )
    account = past.account if past else None

    def named(id: UUID | None) -> Named | None:
        return Named(id, names.get(id)) if id else None

    return Happening(
        entry.id,
        entry.originator_version,
        f"{entry.originator_id}:{entry.originator_version}",
        entry.topic,
        story.term(type(past.event)) if past else "",
        story.sentence(past.event, names, say) if past else unread,
        entry.recorded_at,
        named(account.actor) if account else None,
        named(account.on_behalf_of) if account else None,
        named(account.organisation) if account else None,
        [Changed(*change) for change in story.changes(past.event)] if past else [],
        stored["account"],
        stored["event"],
    )


@dataclass(frozen=True)
class LogEvent:
    """One event of the log, as it is stored; ``covered_by`` is the position of the decision that its payload go."""

    position: int
    event_id: str
    id: UUID
    version: int
    topic: str
    recorded_at: datetime
    account: dict[str, Any]
    event: dict[str, Any]
    covered_by: int | None


class AskedLog(Asked):
    after: Position = Field(0, description="The position after which to begin.")
    limit: int = Field(100, ge=1, le=1000)


@query(routes, "/log", (), Listing[LogEvent])
def show_log(who: Caller, asked: AskedLog, moment: int) -> Listing[LogEvent]:
    """List the log's events by position, from after one on; `next` is the `after` of the next page.

    A log that ends before `after` is not the one that was read up to there: it is refused.
    """
    who.must_reach_all()
    at, head = who.at, who.at.head()
    if asked.after > head:
        raise Refused("the log ends at position {head}", field="after", head=head)
    known_at = min(moment, head)
    entries = at.records.recorder.select_notifications(asked.after, asked.limit + 1, known_at, inclusive_of_start=False)
    items, covered = [], _covered(at, entries)
    for entry in entries[: asked.limit]:
        stored = _stored(entry)
        id, version = entry.originator_id, entry.originator_version
        items.append(
            LogEvent(
                entry.id,
                f"{id}:{version}",
                id,  # type: ignore[arg-type]  # ours are UUIDs
                version,
                entry.topic,
                entry.recorded_at,
                stored["account"],
                stored["event"],
                covered.get(entry.id) if entry.removed else None,
            )
        )
    return Listing(known_at, str(items[-1].position) if len(entries) > asked.limit else None, items)
