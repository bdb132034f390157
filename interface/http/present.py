"""How a function of ours is shown to the framework: under its own name, with the path's parameters as annotated."""

import inspect
from collections.abc import Callable
from typing import Any

from fastapi import Response


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


def summary(run: Callable[..., Any]) -> str:
    """The first line of what a function says of itself."""
    return (run.__doc__ or "").split("\n")[0].rstrip(".")
