"""What all commands share: who answers for one, how its repetition is known, and the receipt that answers it."""

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from application.clock import Clock
from application.identity import uuid7
from application.records import Act, Conflict, Receipt
from domain.action import Action
from domain.authority import Emergency, Forbidden
from domain.event import Account, Aggregate, Refused
from domain.ledger import Obligation
from domain.note import encode
from domain.organisation import Organisation
from interface.app import Installation
from interface.http import cookie
from interface.http.gate import Caller, caller
from interface.http.present import asked, present, summary
from interface.http.problem import Forged, TooLarge, Unknown, Unread, Unsupported, responses

Run = TypeVar("Run", bound=Callable[..., Receipt])
B = TypeVar("B", bound=BaseModel)

JSON = "application/json"
# Bytes of a body, unless a command takes more.
LARGEST = 1024 * 1024

# Of somebody who has not come in.
LARGEST_ARRIVAL = 16 * 1024

# What exists for those alone whose mandates reach its organisation.
SCOPED = (Organisation, Obligation, Emergency)

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_TAG = re.compile(r'\*|"(0|[1-9][0-9]{0,9})"')

# Days and instants that a record can mean; arithmetic with time zones is then safe.
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]
Instant = Annotated[AwareDatetime, Field(ge=datetime(1900, 1, 2, tzinfo=UTC), le=datetime(2999, 12, 30, tzinfo=UTC))]
# A number of people.
Count = Annotated[int, Field(ge=0, le=100_000_000)]


class Order(BaseModel):
    """A command's body, and what every one may say of its accountability (责任与依据)."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    occurred_on: Day | None = Field(None, description="The local day of effect; that of `occurred_at`, or today.")
    occurred_at: Instant | None = Field(None, description="The instant of effect, where the hour matters.")
    reason: str = Field("", description="Why.")
    authority: str = Field("", description="The rule, decision or standard that it rests on.")
    on_behalf_of: UUID | None = Field(None, description="The person who lent you the duty with which you act.")
    acting_organisation: UUID | None = Field(
        None, description="In whose name: the organisation at which you hold the duty, unless you name one below it."
    )
    correlation_id: UUID | None = Field(None, description="Ties commands of one matter together.")


@dataclass(frozen=True, slots=True)
class ReceiptEvent:
    """One recorded event. ``event_id`` is its record and the version there, for ever.

    ``leaf`` is its hash in the log's tree, in base64: within about a second ``proof`` proves that the tree has it.
    """

    position: int
    id: UUID
    version: int
    topic: str
    event_id: str
    leaf: str
    proof: str


@dataclass(frozen=True, slots=True)
class SignedGroup:
    """Events that were committed together, signed by the log's writer: ``leaves`` are their hashes from ``first`` on.

    32 bytes each, one behind the other, in base64; ``key`` is the id of the writer's key in hexadecimal, ``signature``
    that of Ed25519 in base64.
    """

    first: int
    leaves: str
    key: str
    signature: str


@dataclass(frozen=True, slots=True)
class ReceiptAnswer:
    """What a command recorded (回执). ``position`` is that of its last event.

    ``signed`` is the proof of it from the first moment on, whatever becomes of it before it is sealed.
    """

    command_id: UUID
    position: int
    recorded_at: datetime
    events: list[ReceiptEvent]
    signed: list[SignedGroup]


_RECEIPT = TypeAdapter(ReceiptAnswer)

_HEADERS = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Of your choice, once for each command: repeated with the same request, it is answered with the"
        " first receipt, and nothing is recorded again.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": f"^{_KEY.pattern}$"},
    },
    {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": 'The version at which you saw the record, such as `"7"`: at another one the answer is 409.',
        "schema": {"type": "string", "pattern": f"^({_TAG.pattern})$"},
    },
]


def command(
    routes: APIRouter,
    path: str,
    action: Action,
    *,
    kind: type[Aggregate] | None = None,
    founds: str = "",
    takes: tuple[str, ...] = (JSON,),
    most: int = LARGEST,
) -> Callable[[Run], Run]:
    """Offer a function as a command (POST): ``run(at, act, body, **path)``; without ``body`` it takes a bare Order.

    ``action`` is what the service asks the gate for; ``kind`` what the path's ``id`` must be a record of; ``founds``
    the collection of the first record written, where the command founds one; ``takes`` media types, the first of which
    is described; ``most`` the bytes of a body at most. A body annotated ``bytes`` is handed on as it came.
    ``run`` returns the receipt.
    """

    def register(run: Run) -> Run:
        wanted = inspect.signature(run).parameters
        model: Any = wanted["body"].annotation if "body" in wanted else Order
        raw = model is bytes

        def endpoint(sent: Caller, **given: Any) -> Response:
            order = Order.model_validate({}) if raw else read(model, sent.body)
            act = act_of(sent, order)
            try:
                known = {"at": sent.at, "act": act, "body": sent.body if raw else order, **given}
                receipt = run(**{name: known[name] for name in wanted})
            except (Refused, Conflict) as error:
                hidden = isinstance(error, Forbidden) and error.hidden and kind in SCOPED
                if kind is not None and (hidden or not _exists(sent, kind, given["id"])):
                    raise Unknown("nothing is recorded under {id}", id=given["id"]) from None
                raise
            told, headers = _told(receipt, given.get("id"), founds)
            body = _RECEIPT.dump_json(told)
            return Response(body, 201 if founds else 200, {"Cache-Control": "no-store", **headers}, JSON)

        present(endpoint, run, path, sent=Annotated[Caller, Depends(sending(action, takes, most))])
        schema = {"type": "string"} if raw else {"$ref": f"#/components/schemas/{model.__name__}"}
        required = not raw and any(field.is_required() for field in model.model_fields.values())
        body = {"required": raw or required, "content": {takes[0]: {"schema": schema}}}
        routes.post(
            path,
            operation_id=run.__name__,
            summary=summary(run),
            status_code=201 if founds else 200,
            response_model=ReceiptAnswer,
            responses=responses(400, 403, 409, 413, 415, *([404] if "{" in path else [])),
            openapi_extra={"parameters": _HEADERS, "requestBody": body, **asked(action)},
        )(endpoint)
        if not raw:
            BODIES[model.__name__] = model  # pyright: ignore[reportArgumentType]  # raw is bytes, and only raw
        return run

    return register


# Every command's body, by name, for the OpenAPI document: bodies are read by us, not by the framework.
BODIES: dict[str, type[BaseModel]] = {}


@dataclass(frozen=True, slots=True)
class Arrival:
    """What somebody sent who has not come in, and from where."""

    at: Installation
    request: Request
    address: str
    body: bytes


async def arriving(request: Request) -> Arrival:
    """Read what is sent by whoever asks to come in; raise Forged for a page of another site."""
    if cookie.from_elsewhere(request):
        raise Forged("this was sent by a page of another site")
    body = await _body(request, (JSON,), LARGEST_ARRIVAL)
    return Arrival(request.app.state.installation, request, request.client.host if request.client else "", body)


def sending(action: Action, takes: tuple[str, ...] = (JSON,), most: int = LARGEST) -> Callable[..., Any]:
    """Return what tells who sent what, once their token is for the action."""

    async def sent(request: Request) -> Caller:
        who = await caller(request)
        who.must(action)
        return replace(who, body=await _body(request, takes, most))

    return sent


async def _body(request: Request, takes: tuple[str, ...], most: int) -> bytes:
    """Read the body, no further than it may be long."""
    length = request.headers.get("content-length", "0")
    read = bytearray()
    if not length.isdecimal() or int(length) <= most:
        async for piece in request.stream():
            read += piece
            if len(read) > most:
                break
        else:
            kind = request.headers.get("content-type", takes[0]).partition(";")[0].strip().lower()
            if read and kind not in takes:
                raise Unsupported("send the body as {kinds}", kinds=", ".join(takes))
            return bytes(read)
    raise TooLarge("the body is larger than {most} bytes", most=most)


def read(model: type[B], body: bytes) -> B:
    """Read a body strictly, from the JSON itself: there, a day is a text, and false is no number."""
    try:
        order = model.model_validate_json(body or b"{}")
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        if errors[0]["type"] == "json_invalid":
            raise Unread(
                "the body is not well-formed JSON: {reason}", reason=errors[0].get("ctx", {}).get("error", "")
            ) from None
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in errors]) from None
    given = json.loads(body or b"{}", object_pairs_hook=_once)
    if rb"\u0000" in body:
        for place in _with_nul(given, "body"):
            raise Refused("remove the character U+0000 from {place}", field=place, place=place)
    return order


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that names a field twice: which of the two was meant, nobody can tell."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in found if names.count(name) > 1)
        raise Refused("{name} is given more than once", field=f"body.{name}", name=name)
    return found


def _with_nul(value: Any, place: str) -> Iterator[str]:
    """Name where a text has the character that no text of the database can have."""
    match value:
        case str() if "\0" in value:
            yield place
        case dict():
            for name, each in value.items():
                yield from _with_nul(each, f"{place}.{name}")
        case list():
            for number, each in enumerate(value):
                yield from _with_nul(each, f"{place}.{number}")
        case _:
            return


def act_of(sent: Caller, order: Order) -> Act:
    """Return the command: whose it is, what it was made for, and by which id its repetition is known."""
    person, request = sent.person, sent.request
    on = _day(order, sent.at.clock)
    key = request.headers.get("idempotency-key")
    digest = None
    if key is not None:
        if not _KEY.fullmatch(key):
            raise Refused("an Idempotency-Key is 1 to 255 visible ASCII characters", field="Idempotency-Key")
        digest = hashlib.sha256(b"%s %s\n%s" % (request.method.encode(), request.url.path.encode(), sent.body)).digest()
    account = Account(
        actor=person.id,
        occurred_on=on,
        command_id=uuid5(person.id, key) if key is not None else uuid7(),
        occurred_at=order.occurred_at,
        on_behalf_of=order.on_behalf_of,
        organisation=order.acting_organisation or person.limits.organisation,
        authority=order.authority,
        reason=order.reason,
        correlation_id=order.correlation_id,
    )
    return Act(account, digest, _expected(request), person.limits)


def _day(order: Order, clock: Clock) -> date:
    """Return the day of effect; nothing is recorded before it happens."""
    day, at = order.occurred_on, order.occurred_at
    if at is not None:
        if at > clock.now():
            raise Refused("{time} is still to come", field="occurred_at", time=at)
        local = at.astimezone(clock.zone).date()
        if day not in (None, local):
            raise Refused(
                "occurred_at falls on {local}, and occurred_on is {day}", field="occurred_at", local=local, day=day
            )
        return local
    today = clock.today()
    if day is not None and day > today:
        raise Refused("{day} is still to come", field="occurred_on", day=day)
    return day or today


def _expected(request: Request) -> int | None:
    """Return the version that If-Match names; None for any."""
    given = request.headers.get("if-match")
    if given is None:
        return None
    tag = _TAG.fullmatch(given)
    if tag is None:
        raise Refused('If-Match is one version in quotes, such as "7", or *', field="If-Match")
    return int(tag[1]) if tag[1] else None


def _exists(sent: Caller, kind: type[Aggregate], id: UUID) -> bool:
    try:
        return sent.at.records.load(kind, id).version > 0
    except Refused:
        return False


def _told(receipt: Receipt, id: UUID | None, founds: str) -> tuple[ReceiptAnswer, dict[str, str]]:
    """Return the receipt as it is written, and the headers that give the version of the record it was for."""
    events = [
        ReceiptEvent(
            each.position,
            each.id,
            each.version,
            each.topic,
            f"{each.id}:{each.version}",
            encode(each.leaf),
            f"/api/events/{each.position}/proof",
        )
        for each in receipt.events
    ]
    groups = [
        SignedGroup(each.first, encode(each.leaves), each.key_id.hex(), encode(each.signature))
        for each in receipt.groups
    ]
    main = receipt.events[0].id if founds or id is None else id
    headers = {"Taizhang-Position": str(receipt.position)}
    if versions := [each.version for each in receipt.events if each.id == main]:
        headers["ETag"] = f'"{versions[-1]}"'
    if founds:
        headers["Location"] = f"/api/{founds}/{main}"
    return ReceiptAnswer(receipt.command_id, receipt.position, receipt.recorded_at, events, groups), headers


__all__ = [
    "BODIES",
    "JSON",
    "Arrival",
    "Count",
    "Day",
    "Instant",
    "Order",
    "act_of",
    "arriving",
    "command",
    "read",
    "sending",
]
