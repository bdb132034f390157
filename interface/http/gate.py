"""The gate: nobody passes without a token, but to see whether the service is well and what it offers."""

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from fastapi import Request
from starlette import types
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders

from application.access import UNLIMITED, Access, Bearer
from application.database import Unavailable
from application.sessions import Found, Sessions, proves
from domain.action import Action
from domain.authority import Forbidden, Scope
from interface.app import Installation
from interface.catalogue import say
from interface.http import cookie
from interface.http.problem import problem, unavailable
from projections.board import Board
from projections.query import Behind, Halted, Views

HEALTH, DESCRIPTION = "/api/health", "/api/openapi.json"
ARRIVING = (("POST", "/api/session/provider"), ("GET", "/api/session/provider/return"))
OPEN = frozenset({("GET", HEALTH), ("GET", DESCRIPTION), ("POST", "/api/session"), *ARRIVING})
# The signed tree tells of no content; it is worth the more, the more people keep a copy of it.
PUBLIC = ("/checkpoint", "/tile/")

# The views in which it is seen how far somebody reads.
SCOPING = ("authority", "organisation")

# Seconds that a reader waits for a view, without saying how long.
USUAL = 10.0

_BEARER = re.compile(r"[Bb]earer +(tz_[A-Za-z0-9_-]{43})")


# Methods that change nothing, so that a page of another site gains nothing by sending them.
SAFE = ("GET", "HEAD", "OPTIONS")


class Gate:
    """Answers 401 to every request without a valid token or session, before anything of it is read.

    A token goes before a session; a session commands nothing without the proof that a page of ours sends.
    """

    def __init__(self, app: types.ASGIApp, access: Access, sessions: Sessions) -> None:
        self._app = app
        self._access = access
        self._sessions = sessions

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) in OPEN or scope["path"].startswith(PUBLIC):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        session = None
        try:
            if authorization := request.headers.get("authorization"):
                person = await self._person(authorization)
            else:
                session = await self._session(request)
                person = Bearer(session.person, str(session.id), UNLIMITED) if session else None
        except Unavailable:
            await unavailable(request)(scope, receive, send)
            return
        if person is None:
            # The scheme alone is told: not whether a token was malformed, unknown or withdrawn.
            detail = say(request, "send a valid token: Authorization: Bearer tz_…")
            answer = problem(request, "unauthorised", 401, detail, {"WWW-Authenticate": 'Bearer realm="taizhang"'})
            await answer(scope, receive, send)
            return
        scope["taizhang.person"], scope["taizhang.session"] = person, session
        if session is not None:
            if session.secret is not None:
                send = _keeping(cookie.kept(request, session.secret), send)
            shown = proves(session, request.headers.get(cookie.PROOF, ""))
            if request.method not in SAFE and (cookie.from_elsewhere(request) or not shown):
                detail = say(
                    request, "this was not sent by a page of ours: send Taizhang-Proof, which GET /api/session tells"
                )
                await problem(request, "forged", 403, detail)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _session(self, request: Request) -> Found | None:
        secret = cookie.given(request)
        return await run_in_threadpool(self._sessions.find, secret) if secret else None

    async def _person(self, authorization: str) -> Bearer | None:
        given = _BEARER.fullmatch(authorization)
        if given is None:
            return None
        # A token seen lately is found in memory; only another one is worth a thread.
        known = self._access.remembered(given[1])
        return known if known is not None else await run_in_threadpool(self._access.recognise, given[1])


def _keeping(kept: str, send: types.Send) -> types.Send:
    """Send an answer with the session's new secret, unless it has one of its own."""

    async def sending(message: types.Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if "set-cookie" not in headers:
                headers["set-cookie"] = kept
        await send(message)

    return sending


@dataclass(frozen=True)
class Caller:
    """Who asks, what they sent, and the installation that is to answer: they read it as far as their duties reach."""

    at: Installation
    person: Bearer
    request: Request
    body: bytes = b""
    session: Found | None = None

    def must(self, action: Action) -> None:
        """Raise Forbidden if the token is not for this, whatever is asked; the rest is the gate's to say."""
        if not self.person.limits.fit(action):
            raise Forbidden("your token is not for this ({action}): use one that is", action=action)

    @cached_property
    def scope(self) -> Scope:
        """How far they see, today; raise Forbidden if they are suspended."""
        try:
            scope = self._reach()
        except Behind:
            # The views in which it is seen are only beginning.
            scope = self._reach(folded=True)
        if scope.roots is not None and not scope.roots:
            scope = self._reach(folded=True)
            if self.at.mandates.suspended(self.person.id, self.at.gate.moment().day):
                raise Forbidden("you are suspended: ask who suspended you, or personnel, to lift it")
        return scope

    def _reach(self, *, folded: bool = False) -> Scope:
        """Look up how far they see; before somebody is refused, once all is ``folded`` that may say otherwise."""
        at = self.at
        if folded:
            self.wait(at.head(), USUAL)
        return at.mandates.reach(self.person.id, at.gate.moment().day, self.person.limits)

    def wait(self, position: int, seconds: float) -> None:
        """Return once it is seen how far they see as of a position, or by a view that is stopped, as it stands."""
        for view in SCOPING:
            with suppress(Halted):
                self.at.views.wait(view, position, seconds)

    @cached_property
    def views(self) -> Views:
        return self.at.views.within(self.scope)

    @cached_property
    def board(self) -> Board:
        return Board(self.views)

    def sees(self, id: UUID) -> bool:
        """Whether a record is one that they may read in the log."""
        return self.at.reading.sees(self.scope, id)

    def must_reach_all(self) -> None:
        """Raise Forbidden unless they see the whole record."""
        if self.scope.roots is not None and self._reach(folded=True).roots is not None:
            raise Forbidden("this is of the whole record, which no duty of yours reaches: read single records instead")

    def asked(self, action: Action, organisation: UUID | None) -> None:
        """Raise Forbidden unless a duty of the caller's goes with an action, at an organisation or the whole record."""
        at = self.at
        refusal = at.explaining.explain(self.person.id, action, organisation, limits=self.person.limits).refusal
        if refusal:
            raise refusal


async def caller(request: Request) -> Caller:
    """Tell who passed the gate; a dependency without input or output, so that it costs no thread."""
    scope = request.scope
    return Caller(request.app.state.installation, scope["taizhang.person"], request, session=scope["taizhang.session"])


__all__ = ["DESCRIPTION", "HEALTH", "OPEN", "USUAL", "Caller", "Gate", "caller"]
