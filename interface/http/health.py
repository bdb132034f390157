"""Whether the service is well, told to anybody and without secrets; and who a token stands for."""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Literal
from uuid import UUID

from fastapi import Request, Response
from pydantic import TypeAdapter

from domain.action import Duty
from domain.installation import InstallationRecord
from interface.app import Installation
from interface.http.gate import Caller
from interface.http.present import router
from interface.http.proof import sealed_size
from interface.http.reading import JSON, query
from interface.http.view import standings

routes = router("", "service")

# Seconds that the database has to answer in.
PATIENCE = 2.0
# Seconds for which it is not looked again whether the database guards the log.
AGAIN = 30.0


@dataclass(frozen=True)
class ViewHealth:
    """How far a view is behind the log."""

    name: str
    state: Literal["following", "building", "stopped"]
    lag_events: int
    lag_seconds: float


@dataclass(frozen=True)
class WitnessHealth:
    """What came of asking a witness: when it cosigned, in seconds since 1970, or what kept it."""

    name: str
    at: int | None
    trouble: str


@dataclass(frozen=True)
class TimestampHealth:
    """The newest time-stamp: over how many events, its time in seconds since 1970; and what kept a newer one away."""

    size: int | None
    at: int | None
    trouble: str


@dataclass(frozen=True)
class SealHealth:
    """How far the signed tree is behind the log; ``refused`` says why the sealer does not go on, if it does not.

    ``witnessed`` is whether witnesses enough cosigned the newest checkpoint; null where none are asked, as is
    ``timestamp`` where no time-stamping authority is.
    """

    size: int
    lag_events: int
    refused: str | None
    witnessed: bool | None
    witnesses: list[WitnessHealth]
    timestamp: TimestampHealth | None


@dataclass(frozen=True)
class VerificationHealth:
    """What the last verification on record came to, and when: of everything (``full``), or of what was new.

    While the log is found to be tampered with, ``kind`` and ``position`` are those of the first finding that no full
    verification has lifted. What is wrong with it is told to those who may read the record.
    """

    verdict: Literal["VERIFIED", "TAMPERED"]
    at: datetime | None
    full: bool
    head: int
    kind: str
    position: int | None


@dataclass(frozen=True)
class Health:
    """``well``; ``impaired`` where a view stopped, sealing or stamping has trouble, or the log is not as it should be.

    That is where verifying found that it was tampered with, or its database does not guard it as it did when that was
    sealed (``guarded``). ``down`` without a database.
    """

    status: Literal["well", "impaired", "down"]
    database: bool
    head: int | None
    views: list[ViewHealth]
    sealed: SealHealth | None = None
    verified: VerificationHealth | None = None
    guarded: bool = True


_HEALTH: TypeAdapter[Health] = TypeAdapter(Health)


class Pulse:
    """Looks after the database in a thread of its own: however often health is asked, one look is under way."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._thread = ThreadPoolExecutor(1, "taizhang pulse")
        self._look: Future[Health] | None = None
        self._guarded, self._asked = True, -AGAIN

    async def feel(self) -> Health:
        if self._look is None or self._look.done():
            self._look = self._thread.submit(self._see)
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._look)), PATIENCE)
        except Exception:  # noqa: BLE001  # whatever it is, the database does not answer
            return Health("down", database=False, head=None, views=[])

    def _see(self) -> Health:
        found = standings(self._installation)
        views = [ViewHealth(each.name, each.state, each.lag_events, each.lag_seconds) for each in found]
        stopped = any(each.state == "stopped" for each in views)
        size, refusal = sealed_size(self._installation), self._installation.sealed.refusal()
        head = self._installation.head()
        told = self._installation.sealed.witnesses()
        witnesses = [WitnessHealth(each["name"], each["at"], each["trouble"]) for each in told["answers"]]
        refused = refusal.sentence if refusal else None
        stamping = self._installation.sealed.stamping()
        stamp = TimestampHealth(**stamping) if stamping else None
        sealed = SealHealth(size, max(0, head - size), refused, told["met"], witnesses, stamp)
        verified, guarded = _verified(self._installation.installations.record()), self._is_guarded()
        tampered = verified is not None and verified.verdict == "TAMPERED"
        impaired = stopped or refused is not None or told["met"] is False or tampered or not guarded
        impaired = impaired or (stamp is not None and bool(stamp.trouble))
        status: Literal["well", "impaired"] = "impaired" if impaired else "well"
        return Health(status, database=True, head=head, views=views, sealed=sealed, verified=verified, guarded=guarded)

    def _is_guarded(self) -> bool:
        if monotonic() >= self._asked + AGAIN:
            self._guarded = not self._installation.installations.altered()
            self._asked = monotonic()
        return self._guarded

    def close(self) -> None:
        self._thread.shutdown(wait=False)


def _verified(record: InstallationRecord) -> VerificationHealth | None:
    told = record.tampered[0] if record.tampered else record.verified
    if told is None:
        return None
    return VerificationHealth(told.verdict, record.verified_at, told.full, told.head, told.kind, told.position)


@routes.get(
    "/health",
    operation_id="show_health",
    summary="Say whether the service is well",
    response_model=Health,
    responses={503: {"model": Health, "description": "The database does not answer."}},
)
async def show_health(request: Request) -> Response:
    health = await request.app.state.pulse.feel()
    status = 503 if health.status == "down" else 200
    return Response(_HEALTH.dump_json(health), status, {"Cache-Control": "no-store"}, JSON)


@dataclass(frozen=True)
class Me:
    """Whom a token stands for, and what it narrows their mandates to: what it does not narrow is null."""

    person: UUID
    name: str
    role: Duty | None
    organisation: UUID | None
    actions: list[str] | None


@query(routes, "/me", (), Me)
def show_me(who: Caller) -> Me:
    """Say whom your token stands for."""
    limits = who.person.limits
    actions = None if limits.actions is None else sorted(limits.actions)
    name = who.at.access.names([who.person.id]).get(who.person.id, "")
    return Me(who.person.id, name, limits.duty, limits.organisation, actions)
