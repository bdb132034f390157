"""The witness over HTTP (C2SP tlog-witness), an application of its own; submission and monitoring prefix are its root.

``POST /add-checkpoint`` asks for a cosignature. ``GET /<origin hash>/checkpoint`` gives what was cosigned last of a
log, with the log's signatures and the witness's: a log that shows less shows the past. The hash is that of the log's
origin, SHA-256 in lower-case hexadecimal, as later texts of tlog-witness and tlog-mirror have it. ``GET /health`` tells
of every log that is watched, and how much speaks against it.
"""

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from application.witness import Unable, Watched, Witness
from domain.cosign import LARGEST, Kind, NotCosigned, origin_hash
from interface.http.head import Head

SIZE = "text/x.tlog.size"
# Seconds after which a witness that was unable to cosign may be asked again.
PAUSE = 5

STATUS = {
    Kind.malformed: 400,
    Kind.unsigned: 403,
    Kind.unknown: 404,
    Kind.stale: 409,
    Kind.forked: 409,
    Kind.unproven: 422,
    Kind.superfluous: 422,
}
NO_STORE = {"Cache-Control": "no-store"}


def create_witness(witness: Witness) -> FastAPI:
    """Return the application for a witness, which the caller opens and closes."""
    app = FastAPI(title="Taizhang 见证", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_middleware(Head)

    @app.post("/add-checkpoint")
    async def add_checkpoint(request: Request) -> Response:
        given = await _body(request)
        if given is None:
            return _said(f"the request is longer than {LARGEST} bytes", 413)
        try:
            line = await run_in_threadpool(witness.cosign, given)
        except NotCosigned as refusal:
            return _refused(refusal)
        except Unable as reason:
            return _said(f"nothing is cosigned just now: {reason}", 503, {"Retry-After": str(PAUSE)})
        return PlainTextResponse(str(line), headers=NO_STORE)

    @app.get("/health")
    def show_health() -> dict[str, Any]:
        logs = [_standing(each) for each in witness.watched.values()]
        return {"name": witness.key.name, "vkey": str(witness.key), "logs": logs}

    @app.get("/{origin}/checkpoint")
    async def show_checkpoint(origin: str) -> Response:
        note = witness.last(origin)
        if note is None:
            return _said("no checkpoint was cosigned of a log with this origin hash", 404)
        return PlainTextResponse(bytes(note), headers=NO_STORE)

    @app.exception_handler(ClientDisconnect)
    async def nobody_is_left(_: Request, __: Exception) -> Response:
        return _said("the request was broken off", 400)

    return app


def _standing(log: Watched) -> dict[str, Any]:
    return {
        "origin": log.origin,
        "origin_hash": origin_hash(log.origin),
        "size": log.seen.head.size,
        "cosigned_at": log.seen.at or None,
        "forked": log.evidence.count(Kind.forked),
        "unproven": log.evidence.count(Kind.unproven),
    }


def _refused(refusal: NotCosigned) -> Response:
    """Answer as tlog-witness has it; a size is told only where the request supposed another."""
    if refusal.size is None:
        return _said(str(refusal), STATUS[refusal.kind])
    return Response(f"{refusal.size}\n", STATUS[refusal.kind], {**NO_STORE, "Content-Type": SIZE})


def _said(sentence: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, {**NO_STORE, **(headers or {})})


async def _body(request: Request) -> bytes | None:
    """Read the body; None as soon as it is longer than a request may be."""
    read = bytearray()
    async for piece in request.stream():
        read += piece
        if len(read) > LARGEST:
            return None
    return bytes(read)
