"""The gate: nobody passes without a token, but to see whether the service is well and what it offers."""

import re
from dataclasses import dataclass
from uuid import UUID

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from application.access import Access, Bearer
from application.database import Unavailable
from domain.action import Action
from domain.authority import Forbidden
from interface.app import Installation
from interface.catalogue import say
from interface.http.problem import problem, unavailable

HEALTH, DESCRIPTION = "/api/health", "/api/openapi.json"
OPEN = frozenset({HEALTH, DESCRIPTION})
# The signed tree tells of no content; it is worth the more, the more people keep a copy of it.
PUBLIC = ("/checkpoint", "/tile/")

_BEARER = re.compile(r"[Bb]earer +(tz_[A-Za-z0-9_-]{43})")


class Gate:
    """Answers 401 to every request without a valid token, whatever it asks for, before anything of it is read."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN or scope["path"].startswith(PUBLIC):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            person = await self._person(request.headers.get("authorization", ""))
        except Unavailable:
            await unavailable(request)(scope, receive, send)
            return
        if person is None:
            # The scheme alone is told: not whether a token was malformed, unknown or withdrawn.
            detail = say(request, "send a valid token: Authorization: Bearer tz_…")
            answer = problem(request, "unauthorised", 401, detail, {"WWW-Authenticate": 'Bearer realm="taizhang"'})
            await answer(scope, receive, send)
            return
        scope["taizhang.person"] = person
        await self._app(scope, receive, send)

    async def _person(self, authorization: str) -> Bearer | None:
        given = _BEARER.fullmatch(authorization)
        if given is None:
            return None
        # A token seen lately is found in memory; only another one is worth a thread.
        known = self._access.remembered(given[1])
        return known if known is not None else await run_in_threadpool(self._access.recognise, given[1])


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, what they sent, and the installation that is to answer."""

    at: Installation
    person: Bearer
    request: Request
    body: bytes = b""

    def must(self, action: Action) -> None:
        """Raise Forbidden if the token is not for this, whatever is asked; the rest is the gate's to say."""
        if not self.person.limits.fit(action):
            raise Forbidden("your token is not for this ({action}): use one that is", action=action)

    def asked(self, action: Action, organisation: UUID | None) -> None:
        """Raise Forbidden unless a duty of the caller's goes with an action, at an organisation or the whole record."""
        at = self.at
        refusal = at.explaining.explain(self.person.id, action, organisation, limits=self.person.limits).refusal
        if refusal:
            raise refusal


async def caller(request: Request) -> Caller:
    """Tell who passed the gate; a dependency without input or output, so that it costs no thread."""
    return Caller(request.app.state.installation, request.scope["taizhang.person"], request)


__all__ = ["DESCRIPTION", "HEALTH", "OPEN", "Caller", "Gate", "caller"]
