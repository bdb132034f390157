"""The record over HTTP: commands, queries, and the OpenAPI document that names them and every error."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from interface.app import Installation
from interface.http import (
    authority,
    health,
    ledger,
    organisation,
    problem,
    proof,
    record,
    session,
    standard,
    token,
    view,
)
from interface.http.command import BODIES
from interface.http.gate import DESCRIPTION, OPEN, Gate
from interface.http.head import Head

REFERENCE = "#/components/schemas/{model}"
CONTEXTS = (health, authority, ledger, organisation, standard, record, proof, session, token, view)
# Requests that are worked on at once: commands that wait together are committed together.
THREADS = 80


def create_app(installation: Installation) -> FastAPI:
    """Return the application for one installation, which the caller opens, lets fold, and closes."""
    pulse = health.Pulse(installation)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        yield
        pulse.close()

    app = FastAPI(
        title="Taizhang 台账",
        version=version("taizhang"),
        description=__doc__ or "",
        openapi_url=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        # One flat list: routers included in each other are searched twice for every request.
        routes=[*(route for context in CONTEXTS for route in context.routes.routes), *proof.tiles.routes],
    )
    app.state.installation = installation
    app.state.pulse = pulse
    problem.install(app)
    app.add_middleware(Gate, access=installation.access, sessions=installation.sessions)
    app.add_middleware(Head)
    app.openapi = partial(_describe, app)  # type: ignore[method-assign]  # as FastAPI's manual has it
    return app


def _describe(app: FastAPI) -> dict[str, Any]:
    """Describe what the framework does not see: the bodies that we read, the problems, and the token."""
    if app.openapi_schema is None:
        found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = found["components"]["schemas"]
        models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(body, "validation") for body in BODIES.values()]
        _, given = models_json_schema([*models, (problem.Problem, "serialization")], ref_template=REFERENCE)
        # What is both taken and given may be described differently: what has a default need not be given.
        text = json.dumps(given["$defs"])
        for name in given["$defs"].keys() & schemas.keys():
            text = text.replace(f'"{REFERENCE.format(model=name)}"', f'"{REFERENCE.format(model=name)}-Input"')
        for name, schema in json.loads(text).items():
            schemas[f"{name}-Input" if name in schemas else name] = schema
        bearer = {"type": "http", "scheme": "bearer", "description": "`taizhang token create` makes one."}
        session = {
            "type": "apiKey",
            "in": "cookie",
            "name": "taizhang",
            "description": "`POST /api/session` begins one.",
        }
        found["components"]["securitySchemes"] = {"bearer": bearer, "session": session}
        found["security"] = [{"bearer": []}, {"session": []}]
        for method, path in OPEN:
            if path in found["paths"]:
                found["paths"][path][method.lower()]["security"] = []
        app.openapi_schema = found
    return app.openapi_schema


__all__ = ["create_app"]
