"""Tokens over HTTP: a person makes, lists and takes back their own; an operator makes those of service accounts."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from application.access import Issued, identifier
from domain.action import Duty
from domain.authority import Forbidden, Limits, Person, actions
from domain.event import Refused
from interface.http.command import BODIES, JSON, Instant, read, sending
from interface.http.gate import Caller
from interface.http.present import asked as told
from interface.http.present import router
from interface.http.problem import Unknown, responses
from interface.http.reading import Listing, query

routes = router("/tokens", "tokens")


class TokenOrder(BaseModel):
    """What a token is narrowed to: what is left out, it is not narrowed by."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    person: UUID | None = Field(None, description="A service account, for an operator; else oneself.")
    duty: Duty | None = Field(None, description="The one duty with which it comes in.")
    actions: frozenset[str] | None = Field(None, description="What it is for, of the table of actions.")
    organisation: UUID | None = Field(None, description="For which, and all below it, it is.")
    expires_at: Instant | None = Field(None, description="When it runs out; else in 90 days.")
    purpose: str = Field("", max_length=200, description="What it is for, in words.")


@dataclass(frozen=True)
class Made:
    """A token, which is shown this once, and the identifier by which it is listed and taken back."""

    id: str
    token: str


_MADE, _ISSUED = TypeAdapter(Made), TypeAdapter(Issued)
_BODY = {"required": False, "content": {JSON: {"schema": {"$ref": f"#/components/schemas/{TokenOrder.__name__}"}}}}
BODIES[TokenOrder.__name__] = TokenOrder
NO_STORE = {"Cache-Control": "no-store"}
# How long a token lasts that does not say so.
USUAL = timedelta(days=90)


@query(routes, "", (), Listing[Issued])
def list_tokens(who: Caller) -> Listing[Issued]:
    """List one's own tokens, the oldest first, those taken back too."""
    return Listing(who.at.head(), None, who.at.access.issued(who.person.id))


@routes.post(
    "",
    operation_id="create_token",
    summary="Make a token, for oneself or for a service account",
    status_code=201,
    response_model=Made,
    responses=responses(400, 403, 409, 413, 415),
    openapi_extra={"requestBody": _BODY, **told(actions.OWN_TOKENS)},
)
def create_token(sent: Annotated[Caller, Depends(sending(actions.OWN_TOKENS))]) -> Response:
    """Make a token: for oneself, never for more than the token one comes in with; or for a service account."""
    order = read(TokenOrder, sent.body)
    wanted = Limits(order.duty, order.actions, order.organisation)
    limits: Limits | None = wanted
    person = order.person or sent.person.id
    if person == sent.person.id:
        limits = sent.person.limits.narrow(wanted)
    else:
        sent.asked(actions.ISSUE_TOKEN, None)
        if sent.at.records.load(Person, person, fresh=True).kind != "service":
            raise Refused("a person makes their own tokens: name a service account", field="body.person")
    if limits is None:
        raise Forbidden("the token you come in with is not for that: use one that is", field="body")
    expires_at = order.expires_at or sent.at.clock.now() + USUAL
    token = sent.at.access.create(person, limits, expires_at, order.purpose)
    return Response(_MADE.dump_json(Made(identifier(token), token)), 201, NO_STORE, JSON)


@routes.post(
    "/{id}/revocation",
    operation_id="revoke_token",
    summary="Take back one of one's own tokens",
    response_model=Issued,
    responses=responses(400, 403, 404, 409, 413, 415),
    openapi_extra=told(actions.OWN_TOKENS),
)
def revoke_token(sent: Annotated[Caller, Depends(sending(actions.OWN_TOKENS))], id: str) -> Response:
    """Take back one of one's own tokens: within seconds it lets nobody in any more."""
    mine = {each.id for each in sent.at.access.issued(sent.person.id)}
    if id not in mine:
        raise Unknown("there is no token {id}", id=id)
    return Response(_ISSUED.dump_json(sent.at.access.revoke(id)), 200, NO_STORE, JSON)


__all__ = ["routes"]
