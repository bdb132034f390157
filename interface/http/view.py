"""The views themselves over HTTP: where each stands, its rows, what changed between two moments, and passing over."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from fastapi import Response
from pydantic import Field, TypeAdapter

from application.records import Act, Receipt
from domain.event import Refused
from domain.views import SKIP
from interface.app import Installation
from interface.http.command import command
from interface.http.gate import Caller
from interface.http.present import router
from interface.http.problem import Unknown
from interface.http.reading import JSON, USUAL, AskedPage, Listing, Seen, Text, listing, plain_moment, query
from projections.query import Change
from projections.tables import table
from projections.view import Row

routes = router("/views", "views")

R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class ViewStanding:
    """Where a view stands. ``lag_seconds``: for how long the first event not folded has been in the log.

    ``state``: it follows the log, is being built beside the one that serves, or is stopped by the
    event at ``stopped_at``.
    """

    name: str
    version: int
    state: Literal["following", "building", "stopped"]
    position: int
    lag_events: int
    lag_seconds: float
    updated_at: datetime
    stopped_at: int | None
    error: str | None
    kinds: list[str]


def standings(at: Installation) -> list[ViewStanding]:
    """Say where every view stands; health and the listing of views share it."""
    found = at.views.standings()
    head = at.head()
    waiting = {each.position: _age(at, each.position + 1) for each in found if each.position < head}
    return [
        ViewStanding(
            each.name,
            each.version,
            "stopped" if each.stopped_at is not None else "building" if each.building else "following",
            each.position,
            max(head - each.position, 0),
            waiting.get(each.position, 0.0),
            each.updated_at,
            each.stopped_at,
            each.error,
            [table(kind).name for kind in at.views.views[each.name].rows] if each.name in at.views.views else [],
        )
        for each in found
    ]


def _age(at: Installation, position: int) -> float:
    [entry] = at.records.recorder.select_notifications(position, 1)
    return max((datetime.now(UTC) - entry.recorded_at).total_seconds(), 0.0)


@dataclass(frozen=True)
class Views:
    head: int
    items: list[ViewStanding]


@query(routes, "", (), Views)
def list_views(who: Caller) -> Views:
    """Say where every view stands, and how far behind the log it is."""
    items = standings(who.at)
    return Views(max([who.at.head(), *(each.position for each in items)]), items)


class AskedRows(AskedPage):
    kind: Text | None = Field(None, description="Which rows, where the view has several kinds; else the first.")


@query(routes, "/{name}/rows", ("{name}",), Listing[Row], found=False)
def list_rows(who: Caller, asked: AskedRows, moment: int, name: str) -> Response:
    """List the rows of a view, by their identifier."""
    kind = _kind(who.at, name, asked.kind)
    page = who.views.page(kind, (), moment, limit=asked.limit, cursor=asked.cursor)
    return _written(Listing[kind], listing(page))  # type: ignore[valid-type]  # known when it is asked for


@dataclass(frozen=True)
class Comparison(Generic[R]):
    """Rows that are not the same at two positions; ``next`` is the cursor of the next page if there is one."""

    since: int
    until: int
    next: UUID | None
    items: list[Change[R]]


class AskedChanges(Seen):
    since: Text = Field(description="The earlier moment, a position or a time.")
    until: Text | None = Field(None, description="The later one; else what the view has folded by now.")
    kind: Text | None = Field(None, description="Which rows, where the view has several kinds; else the first.")
    limit: int = Field(100, ge=1, le=1000, description="Rows looked at, of those touched meanwhile.")
    cursor: UUID | None = Field(None, description="`next` of the page before; give `until` with it.")


@query(routes, "/{name}/changes", ("{name}",), Comparison[Row], found=False)
def list_changes(who: Caller, asked: AskedChanges, name: str) -> Response:
    """Compare a view at two moments: rows that are not the same, before and after."""
    at = who.at
    kind = _kind(at, name, asked.kind)
    since = at.known_at(plain_moment(asked.since), "since")
    until = at.known_at(plain_moment(asked.until), "until") if asked.until is not None else at.views.position(name)
    if since > until:
        raise Refused("since is later than until", field="since")
    at.views.wait(name, until, USUAL)
    found = who.views.changes(kind, since, until, limit=asked.limit, after=asked.cursor)
    return _written(Comparison[kind], Comparison(since, until, found.next, found.rows))  # type: ignore[valid-type]


@command(routes, "/{name}/skip", SKIP)
def skip_event(at: Installation, act: Act, name: str) -> Receipt:
    """Let a stopped view pass over the event that stopped it; the event itself stays as it is."""
    if name not in at.views.views:
        raise Unknown("there is no view {view}", view=name)
    return at.skip(act, name)


def _kind(at: Installation, name: str, kind: str | None) -> type[Row]:
    kinds = {table(each).name: each for each in at.views.views[name].rows}
    if kind is None:
        return next(iter(kinds.values()))
    if kind not in kinds:
        raise Refused("the view has rows of these kinds: {kinds}", field="kind", kinds=", ".join(kinds))
    return kinds[kind]


@cache
def _adapter(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)


def _written(answer: Any, result: Any) -> Response:
    return Response(_adapter(answer).dump_json(result, by_alias=True), media_type=JSON)
