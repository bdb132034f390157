"""Signing in over HTTP: a session in a cookie, for people in a browser; programs come in with tokens."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from application.provider import Unreachable
from application.records import Act, Receipt
from application.sessions import Found, Session
from application.vouching import MINUTES, Vouching
from domain.authority import Person, actions
from interface.app import Installation
from interface.http import cookie
from interface.http.command import BODIES, JSON, Arrival, Order, act_of, arriving, command, read, sending
from interface.http.gate import Caller
from interface.http.present import asked, router
from interface.http.problem import Unknown, responses
from interface.http.reading import Listing, query

routes = router("", "sessions")

NO_STORE = {"Cache-Control": "no-store"}
Secret = Annotated[str, Field(max_length=1000)]


class SignIn(BaseModel):
    """Who signs in, with a password, or with a code that was given to them and a password that they choose."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    login: Secret
    password: Secret = Field(description="The password, or the code.")
    new_password: Secret | None = Field(None, description="With a code: the password from now on.")


class PasswordChange(BaseModel):
    """One's password, and the one from now on."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    password: Secret
    new_password: Secret


class SignInOrder(Order):
    login: str = Field(description="The name with which the person signs in.")


@dataclass(frozen=True)
class SessionAnswer:
    """Whose session it is. Send ``proof`` as ``Taizhang-Proof`` with every command: a cookie alone commands nothing."""

    id: UUID
    person: UUID
    name: str
    proof: str


@dataclass(frozen=True)
class Opened:
    """``code`` is shown this once; null where the command is repeated, and the person has used it."""

    position: int
    code: str | None


@dataclass(frozen=True)
class Ended:
    """``provider``: where to go to sign out of the provider as well, where that is how one signed in."""

    ended: bool
    provider: str | None = None


class ProviderSignIn(BaseModel):
    """A code that was given to whoever signs in like this for the first time."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    code: Secret | None = None


@dataclass(frozen=True)
class SentThere:
    """Where to go."""

    url: str


_ANSWER, _OPENED, _ENDED = TypeAdapter(SessionAnswer), TypeAdapter(Opened), TypeAdapter(Ended)
_THERE = TypeAdapter(SentThere)


def _query(name: str) -> dict[str, object]:
    return {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}


def _body(model: type[BaseModel]) -> dict[str, object]:
    BODIES[model.__name__] = model
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}}


@routes.post(
    "/session",
    operation_id="sign_in",
    summary="Sign in",
    status_code=201,
    response_model=SessionAnswer,
    responses=responses(400, 403, 413, 415, 429),
    openapi_extra=_body(SignIn),
)
def sign_in(sent: Annotated[Arrival, Depends(arriving)]) -> Response:
    """Begin a session, in a cookie. Whatever is wrong, the answer is the same, and as long in coming."""
    order = read(SignIn, sent.body)
    found = sent.at.accounts.sign_in(order.login, order.password, order.new_password, sent.address)
    headers = {**NO_STORE, "Set-Cookie": cookie.kept(sent.request, found.secret or "")}
    return Response(_ANSWER.dump_json(_answer(sent.at, found)), 201, headers, JSON)


def _answer(at: Installation, found: Found) -> SessionAnswer:
    return SessionAnswer(found.id, found.person, at.access.names([found.person]).get(found.person, ""), found.proof)


@routes.post(
    "/session/provider",
    operation_id="begin_provider_sign_in",
    summary="Sign in by the provider",
    status_code=201,
    response_model=SentThere,
    responses=responses(400, 403, 404, 413, 415, 429),
    openapi_extra=_body(ProviderSignIn),
)
def begin_provider_sign_in(sent: Annotated[Arrival, Depends(arriving)]) -> Response:
    """Tell where to go: to the provider, which vouches for people, and sends them back."""
    order = read(ProviderSignIn, sent.body)
    vouching = _vouching(sent.at)
    url, browser = vouching.begin(_back(sent.request), order.code, sent.address)
    kept = cookie.kept(sent.request, browser, cookie.ARRIVAL, timedelta(minutes=MINUTES))
    return Response(_THERE.dump_json(SentThere(url)), 201, {**NO_STORE, "Set-Cookie": kept}, JSON)


@routes.get(
    "/session/provider/return",
    operation_id="finish_provider_sign_in",
    summary="Come back from the provider",
    status_code=303,
    response_model=None,
    responses={303: {"description": "You are signed in."}, **responses(403, 404)},
    openapi_extra={"parameters": [_query(name) for name in ("code", "state", "iss", "error", "error_description")]},
)
def finish_provider_sign_in(request: Request) -> Response:
    """Begin a session for whoever the provider vouches for, if they are known here."""
    at: Installation = request.app.state.installation
    given, browser = dict(request.query_params), cookie.given(request, cookie.ARRIVAL) or ""
    found = _vouching(at).finish(given, browser, _back(request))
    answer = Response(None, 303, {**NO_STORE, "Location": "/api/session"})
    for kept in (cookie.kept(request, found.secret or ""), cookie.dropped(request, cookie.ARRIVAL)):
        answer.headers.append("Set-Cookie", kept)
    return answer


def _vouching(at: Installation) -> Vouching:
    if at.vouching is None:
        raise Unknown("no provider is set up here: sign in with a password")
    return at.vouching


def _back(request: Request) -> str:
    """Where the provider sends people back to; it knows this address, and sends them to no other."""
    return f"{str(request.base_url).rstrip('/')}/api/session/provider/return"


@query(routes, "/session", (), SessionAnswer, found=False)
def show_session(who: Caller) -> SessionAnswer:
    """Show the session that one came in with."""
    return _answer(who.at, _session(who))


@routes.post(
    "/session/end",
    operation_id="sign_out",
    summary="Sign out",
    response_model=Ended,
    responses=responses(400, 403, 404, 409, 413, 415),
    openapi_extra=asked(actions.OWN_SESSIONS),
)
def sign_out(sent: Annotated[Caller, Depends(sending(actions.OWN_SESSIONS))]) -> Response:
    """End the session that one came in with."""
    found = _session(sent)
    ended = sent.at.sessions.end(found.id, found.person)
    vouching, there = sent.at.vouching, None
    if vouching and found.way == vouching.provider.issuer:
        with suppress(Unreachable):
            there = vouching.provider.farewell(str(sent.request.base_url))
    headers = {**NO_STORE, "Set-Cookie": cookie.dropped(sent.request)}
    return Response(_ENDED.dump_json(Ended(ended, there)), 200, headers, JSON)


@query(routes, "/sessions", (), Listing[Session])
def list_sessions(who: Caller) -> Listing[Session]:
    """List one's own sessions that are not over, the oldest first."""
    return Listing(who.at.head(), None, who.at.sessions.of(who.person.id))


@routes.post(
    "/sessions/{id}/end",
    operation_id="end_session",
    summary="End one of one's own sessions",
    response_model=Ended,
    responses=responses(400, 403, 404, 409, 413, 415),
    openapi_extra=asked(actions.OWN_SESSIONS),
)
def end_session(sent: Annotated[Caller, Depends(sending(actions.OWN_SESSIONS))], id: UUID) -> Response:
    """End one of one's own sessions: from now on it lets nobody in."""
    if not sent.at.sessions.end(id, sent.person.id):
        raise Unknown("there is no session {id}", id=id)
    return Response(_ENDED.dump_json(Ended(True)), 200, NO_STORE, JSON)


@routes.post(
    "/session/password",
    operation_id="change_password",
    summary="Change one's password",
    response_model=Ended,
    responses=responses(400, 403, 404, 409, 413, 415, 429),
    openapi_extra={**_body(PasswordChange), **asked(actions.OWN_SESSIONS)},
)
def change_password(sent: Annotated[Caller, Depends(sending(actions.OWN_SESSIONS))]) -> Response:
    """Change one's password; every other session of one's own ends."""
    order, found = read(PasswordChange, sent.body), _session(sent)
    secret = sent.at.accounts.change(found.person, found.id, order.password, order.new_password)
    headers = {**NO_STORE, "Set-Cookie": cookie.kept(sent.request, secret)}
    return Response(_ENDED.dump_json(Ended(True)), 200, headers, JSON)


@routes.post(
    "/people/{id}/sign-in",
    operation_id="open_sign_in",
    summary="Let a person sign in",
    status_code=201,
    response_model=Opened,
    responses=responses(400, 403, 404, 409, 413, 415),
    openapi_extra={**_body(SignInOrder), **asked(actions.OPEN_SIGN_IN)},
)
def open_sign_in(sent: Annotated[Caller, Depends(sending(actions.OPEN_SIGN_IN))], id: UUID) -> Response:
    """Let a person sign in; give them the code, with which they choose a password. What they had before is void."""
    order = read(SignInOrder, sent.body)
    if not sent.at.records.load(Person, id, fresh=True).version:
        raise Unknown("nothing is recorded under {id}", id=id)
    receipt, code = sent.at.accounts.open(act_of(sent, order), id, order.login)
    headers = {**NO_STORE, "Taizhang-Position": str(receipt.position)}
    return Response(_OPENED.dump_json(Opened(receipt.position, code)), 201, headers, JSON)


@command(routes, "/people/{id}/sign-in/closure", actions.CLOSE_SIGN_IN, kind=Person)
def close_sign_in(at: Installation, act: Act, id: UUID) -> Receipt:
    """Let a person sign in no more, and end their sessions; their tokens are another matter."""
    return at.accounts.close(act, id)


def _session(sent: Caller) -> Found:
    if sent.session is None:
        raise Unknown("you came in with a token, not with a session")
    return sent.session


__all__ = ["routes"]
