"""How our functions are shown to the framework: each under its own name, at a path that is quickly told from others."""

import inspect
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from domain.action import Action


class Route(APIRoute):
    """A route that is looked at closely only where the path begins and ends as its own: they are many."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        super().__init__(path, endpoint, **more)
        self.opening, self.ending = path.partition("{")[0], path.rpartition("}")[2] if "{" in path else ""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope.get("path", "")
        if not (path.startswith(self.opening) and path.endswith(self.ending)):
            return Match.NONE, {}
        return super().matches(scope)


def router(path: str, tag: str) -> APIRouter:
    """Return the routes of one context, below a path of the interface."""
    return APIRouter(prefix=f"/api{path}", tags=[tag], route_class=Route)


def present(endpoint: Callable[..., Response], run: Callable[..., Any], path: str, **brought: Any) -> None:
    """Let ``endpoint`` stand for ``run``: asking for what is ``brought`` (annotations) and the path's parameters."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    given = [inspect.Parameter(name, keyword, annotation=annotation) for name, annotation in brought.items()]
    named = [
        each.replace(kind=keyword) for name, each in inspect.signature(run).parameters.items() if f"{{{name}}}" in path
    ]
    endpoint.__signature__ = inspect.Signature([*given, *named], return_annotation=Response)  # type: ignore[attr-defined]
    endpoint.__name__ = run.__name__
    endpoint.__doc__ = run.__doc__


def asked(action: Action) -> dict[str, Any]:
    """What the gate asks before a route does anything, as the OpenAPI document tells it."""
    rules = [conflict.name for conflict in action.conflicts]
    return {"x-taizhang-action": {"name": action.name, "term": action.term, "duties": action.duties, "rules": rules}}


def summary(run: Callable[..., Any]) -> str:
    """The first line of what a function says of itself."""
    return (run.__doc__ or "").split("\n")[0].rstrip(".")
