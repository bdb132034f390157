"""What went wrong, as RFC 9457 problem details: a sentence in the reader's language, and a type for programs."""

import logging
import re
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from application.accounts import Unrecognised
from application.database import Unavailable
from application.provider import Unreachable, Unvouched
from application.records import Conflict
from application.throttle import Throttled
from domain.action import Conflicted
from domain.authority import Forbidden
from domain.event import Refused
from interface.catalogue import language_of, say
from interface.http.reasons import FieldProblem, field_problems
from projections.query import Behind

MEDIA_TYPE = "application/problem+json"

_LOG = logging.getLogger("taizhang")

# A token that stands where no token belongs is not told again with what was wrong there.
_SECRET = re.compile(r"tz_[A-Za-z0-9_-]{43}")


class Problem(BaseModel):
    """RFC 9457 problem details. ``type`` is stable; ``title`` and ``detail`` are for people and may be worded anew."""

    type: str = Field(examples=["urn:taizhang:problem:refused"])
    title: str
    status: int
    detail: str
    field: str | None = Field(None, description="The one input at fault.")
    errors: list[FieldProblem] | None = Field(None, description="Every input at fault.")
    current_version: int | None = Field(None, description="The record's version now, in a version conflict.")
    rule: str | None = Field(None, description="The conflict rule that rules you out; the table of actions has it.")
    record: str | None = Field(None, description="The record that is at another version.")


class Told(Exception):
    """A sentence to answer with, and its values apart, as in a refusal."""

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message.format(**values))
        self.message = message
        self.values = values


class Unknown(Told):
    """Nothing is known under the identifier."""


class Unread(Told):
    """The request cannot be read."""


class Unsupported(Told):
    """The body is of a kind that is not taken here."""


class Forged(Told):
    """The request was not sent by whoever it pretends to be of."""


class TooLarge(Told):
    """The body is larger than is taken here."""


TITLES = {
    "unreadable": "The request cannot be read",
    "unauthorised": "Say who you are",
    "denied": "Not allowed",
    "forged": "Not sent from here",
    "throttled": "Too many attempts",
    "not-found": "Not found",
    "method": "Method not allowed",
    "conflict": "The record has changed",
    "conflicted": "Somebody else must do this",
    "invalid": "The input is not valid",
    "refused": "A rule does not allow this",
    "too-large": "The request is too large",
    "unsupported": "The body is of another kind",
    "behind": "Not there yet",
    "unavailable": "Temporarily unavailable",
    "unforeseen": "Something went wrong here",
}
# What the framework answers by itself.
BY_STATUS = {
    404: ("not-found", "there is nothing at this address; /api/openapi.json lists what there is"),
    405: ("method", "this address does not take this method; /api/openapi.json lists those it takes"),
}
REASONS = {
    400: "The request cannot be read: its body is not well-formed.",
    401: "Neither a valid bearer token nor a session, or a name and password that are not right.",
    403: "No duty of the person allows this, or the token is not for it.",
    404: "Nothing is known under this identifier.",
    409: "The record is at another version; `current_version` tells which.",
    413: "The body is too large.",
    415: "The body is not of the media type that is taken here.",
    422: "An input is not valid, or a rule does not allow this; `field` or `errors` name it.",
    429: "Tried too often; again after `Retry-After` seconds.",
    500: "Something went wrong that was not foreseen; it is logged.",
    503: "The log or the view does not answer yet; try again after `Retry-After` seconds.",
}


def problem(
    request: Request, kind: str, status: int, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """Answer with a problem; ``detail`` is said already, in the reader's language."""
    title = say(request, TITLES[kind])
    body = Problem(type=f"urn:taizhang:problem:{kind}", title=title, status=status, detail=detail, **more)
    language = language_of(request).replace("_", "-")
    standing = {"Cache-Control": "no-store", "Content-Language": language, "Vary": "Accept-Language"}
    told = _SECRET.sub("tz_…", body.model_dump_json(exclude_none=True))
    return Response(told, status, {**standing, **(headers or {})}, MEDIA_TYPE)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Name an operation's errors in the OpenAPI document; 401, 422, 500 and 503 can befall every one."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    listed = sorted({401, 422, 500, 503, *statuses})
    return {status: {"description": REASONS[status], "content": content} for status in listed}


def install(app: FastAPI) -> None:
    """Answer every error with a problem; one not foreseen is told without particulars, and logged by the server."""

    def on(kind: type[Exception], answer: Callable[[Request, Any], Response]) -> None:
        async def handler(request: Request, error: Exception) -> Response:
            return answer(request, error)

        app.add_exception_handler(kind, handler)

    def told(kind: type[Told], name: str, status: int) -> None:
        on(kind, lambda request, error: problem(request, name, status, say(request, error.message, **error.values)))

    told(Unknown, "not-found", 404)
    told(Forged, "forged", 403)
    told(Unread, "unreadable", 400)
    told(Unsupported, "unsupported", 415)
    told(TooLarge, "too-large", 413)
    on(Refused, _refused)
    on(Forbidden, _forbidden)
    on(Conflicted, _conflicted)
    on(Conflict, _conflict)
    on(Behind, _behind)
    on(Unrecognised, _unrecognised)
    on(Throttled, _throttled)
    on(Unvouched, _unvouched)
    on(Unreachable, _unreachable)
    on(Unavailable, lambda request, _: unavailable(request))
    on(RequestValidationError, _invalid)
    # Nobody is left to be answered; it is no fault of the service's.
    on(ClientDisconnect, lambda request, _: problem(request, "unreadable", 400, say(request, TITLES["unreadable"])))
    on(HTTPException, _http)
    on(Exception, _unforeseen)


def unavailable(request: Request) -> Response:
    detail = say(request, "the database does not answer; repeat the request with the same Idempotency-Key")
    return problem(request, "unavailable", 503, detail, {"Retry-After": "5"})


def _refused(request: Request, error: Refused) -> Response:
    detail = say(request, error.message, **error.values)
    return problem(request, "refused", 422, detail, field=error.field or None)


def _forbidden(request: Request, error: Forbidden) -> Response:
    detail = say(request, error.message, **error.values)
    return problem(request, "denied", 403, detail, field=error.field or None)


def _conflicted(request: Request, error: Conflicted) -> Response:
    detail = say(request, error.message, **error.values)
    return problem(request, "conflicted", 422, detail, rule=error.rule)


def _conflict(request: Request, error: Conflict) -> Response:
    detail = say(
        request, "the record is at version {version} now; read it again and decide anew", version=error.version
    )
    return problem(request, "conflict", 409, detail, current_version=error.version, record=str(error.id))


def _unrecognised(request: Request, _: Unrecognised) -> Response:
    return problem(request, "unauthorised", 401, say(request, "the name or the password is not right"))


def _unvouched(request: Request, error: Unvouched) -> Response:
    _LOG.warning("signing in by the provider failed: %r", str(error))
    return problem(request, "unauthorised", 401, say(request, "the provider did not vouch for you: sign in again"))


def _unreachable(request: Request, error: Unreachable) -> Response:
    _LOG.warning("the provider is out of reach: %r", str(error))
    return problem(request, "unavailable", 503, say(request, "the provider does not answer"), {"Retry-After": "5"})


def _throttled(request: Request, error: Throttled) -> Response:
    detail = say(request, "too many attempts: try again in {seconds} seconds", seconds=error.seconds)
    return problem(request, "throttled", 429, detail, {"Retry-After": str(error.seconds)})


def _behind(request: Request, error: Behind) -> Response:
    return problem(request, "behind", 503, say(request, error.message, **error.values), {"Retry-After": "1"})


def _invalid(request: Request, error: RequestValidationError) -> Response:
    errors = field_problems(request, error.errors())
    detail = "; ".join(f"{each.field}: {each.reason}" for each in errors)
    return problem(request, "invalid", 422, detail, field=errors[0].field, errors=errors)


def _http(request: Request, error: HTTPException) -> Response:
    kind, sentence = BY_STATUS.get(error.status_code, ("unreadable", TITLES["unreadable"]))
    return problem(request, kind, error.status_code, say(request, sentence), dict(error.headers or {}))


def _unforeseen(request: Request, _: Exception) -> Response:
    detail = say(request, "something went wrong that was not foreseen; it is in the log of the service")
    return problem(request, "unforeseen", 500, detail)


__all__ = [
    "Forged",
    "Problem",
    "TooLarge",
    "Unknown",
    "Unread",
    "Unsupported",
    "install",
    "problem",
    "responses",
    "unavailable",
]
