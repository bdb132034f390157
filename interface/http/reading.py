"""What all queries share: the moment that is asked for, pages that follow each other, and what a reader has already."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from domain.action import READ
from domain.event import Refused
from interface.http.gate import USUAL, Caller, caller
from interface.http.present import asked, present, summary
from interface.http.problem import Unknown, responses
from projections import cursor as cursors
from projections.board import BoardPage
from projections.query import NOW, Page

T = TypeVar("T")
Run = TypeVar("Run", bound=Callable[..., Any])

JSON = "application/json"

# Seconds that a reader waits at most.
LONGEST = 30.0

_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?([0-9]{1,6})\"?\s*(?=$|[,;])", re.IGNORECASE)

# A text that the database can hold.
Text = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")]
Position = Annotated[int, Field(ge=0, lt=2**63)]
Version = Annotated[int, Field(ge=1, lt=2**31)]


class Seen(BaseModel):
    """A query's parameters: what it must have seen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after_position: Position | None = Field(
        None, description="Answer once this position (of a receipt) is seen; 503 if that takes too long."
    )


class Asked(Seen):
    """And the moment that it asks about."""

    known_at: Text | None = Field(
        None, description="A position of the log, or a time (RFC 3339; a day stands for its end): as known then."
    )


class AskedPage(Asked):
    """Pages of one listing are all of one moment: a cursor carries it, whatever `known_at` says."""

    limit: int = Field(100, ge=1, le=1000)
    cursor: Text | None = Field(None, description="`next` of the page before.")


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A page: the position that it is as of, and the cursor of the next page if there is one."""

    known_at: int
    next: str | None
    items: Sequence[T]


def listing(page: Page[Any] | BoardPage) -> Listing[Any]:
    return Listing(page.known_at, page.next, page.rows)


_HEADERS: dict[str, dict[str, Any]] = {
    "Prefer": {
        "description": "`wait=SECONDS` (RFC 7240), at most 30: answer once everything recorded by now is seen.",
        "schema": {"type": "string"},
    },
    "If-None-Match": {
        "description": "Versions that you have: the answer is 304 if one of them is the record's.",
        "schema": {"type": "string"},
    },
}


def query(
    routes: APIRouter, path: str, views: Sequence[str], answer: Any, *, found: bool = True, also: str = ""
) -> Callable[[Run], Run]:
    """Offer a function as a query (GET): of ``who``, ``asked``, ``moment`` and the path it is given what it names.

    ``views`` are those that it reads (``{name}`` for one that the path names): ``moment`` is the
    position asked for, folded by all of them.
    It returns what the TypeAdapter of ``answer`` writes, a ``Response`` of its own (of a media type
    that ``also`` names), or None where nothing is known: 404, unless ``found`` says that there is always an
    answer. What has a ``version`` is given with it as ETag.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(answer)
    versioned = "version" in getattr(answer, "__dataclass_fields__", ())

    def register(run: Run) -> Run:
        def endpoint(who: Caller, asked: Seen, **given: Any) -> Response:
            who.must(READ)
            _refuse_repeated(who.request)
            read = [view.format(**given) for view in views]
            moment, needed, headers = _moment(who, asked, read)
            known = {"who": who, "asked": asked, "moment": moment, **given}
            result = run(**{name: known[name] for name in wanted})
            if moment == NOW and needed:
                # A server that crashed meanwhile has taken back what was folded last.
                for view in read:
                    who.at.views.wait(view, needed, 0)
            if result is None:
                raise Unknown("nothing is known under {id} at that moment", id=next(iter(given.values())))
            if isinstance(result, Response):
                result.headers.update(headers)
                return result
            if versioned:
                headers["ETag"] = f'"{result.version}"'
                if _has(who.request, headers["ETag"]):
                    return Response(status_code=304, headers=headers)
            return Response(adapter.dump_json(result, by_alias=True), 200, headers, JSON)

        wanted = inspect.signature(run).parameters
        model: Any = wanted["asked"].annotation if "asked" in wanted else Asked if "moment" in wanted else Seen
        present(endpoint, run, path, who=Annotated[Caller, Depends(caller)], asked=Annotated[model, Query()])
        said: dict[int | str, dict[str, Any]] = responses(403, *([] if found else [404]))
        if versioned:
            said[304] = {"description": "You have this version."}
        if also:
            said[200] = {"content": {also: {"schema": {"type": "string"}}}}
        headers = [
            {"name": name, "in": "header", "required": False, **described}
            for name, described in _HEADERS.items()
            if versioned or name == "Prefer"
        ]
        routes.get(
            path,
            operation_id=run.__name__,
            summary=summary(run),
            response_model=answer,
            responses=said,
            openapi_extra={"parameters": headers, **asked(READ)},
        )(endpoint)
        return run

    return register


def _refuse_repeated(request: Request) -> None:
    """Refuse a parameter that is given twice: which of the two was meant, nobody can tell."""
    if len(given := request.query_params.multi_items()) > len(request.query_params):
        names = [name for name, _ in given]
        name = next(name for name in names if names.count(name) > 1)
        raise Refused("{name} is given more than once", field=name, name=name)


def plain_moment(text: str) -> str:
    """In an address, a plus sign that is not written %2B arrives as a blank."""
    return text.replace(" ", "+") if "T" in text else text


def _moment(who: Caller, asked: Seen, views: Sequence[str]) -> tuple[int, int, dict[str, str]]:
    """Return the position asked for, that which every view must have folded, and has now, and headers that say so."""
    headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Accept-Language"}
    at, seconds, needed = who.at, USUAL, 0
    for view in views:
        if view not in at.views.views:
            raise Unknown("there is no view {view}", view=view)
    if asked.after_position is not None:
        needed = asked.after_position
        if needed > at.head():
            raise Refused("the log ends at position {head}", field="after_position", head=at.head())
    if (prefer := who.request.headers.get("prefer")) and (wait := _WAIT.search(prefer)):
        seconds = min(float(wait[1]), LONGEST)
        needed = needed or at.head()
        headers["Preference-Applied"] = f"wait={seconds:.0f}"
    moment = NOW
    if isinstance(asked, AskedPage) and asked.cursor is not None:
        moment = cursors.moment(asked.cursor)
        if moment > at.head():
            raise cursors.unknown()
    elif isinstance(asked, Asked) and asked.known_at is not None:
        moment = at.known_at(plain_moment(asked.known_at))
    if needed:
        who.wait(needed, seconds)
    if moment != NOW:
        needed = max(needed, moment)
        headers["Taizhang-Known-At"] = str(moment)
    if needed:
        for view in views:
            at.views.wait(view, needed, seconds)
    return moment, needed, headers


def _has(request: Request, tag: str) -> bool:
    """Whether If-None-Match names the version (RFC 9110 §13.1.2: compared weakly)."""
    given = request.headers.get("if-none-match", "")
    return given.strip() == "*" or tag in (each.strip().removeprefix("W/") for each in given.split(","))


__all__ = [
    "JSON",
    "USUAL",
    "Asked",
    "AskedPage",
    "Listing",
    "Position",
    "Seen",
    "Text",
    "Version",
    "listing",
    "plain_moment",
    "query",
]
