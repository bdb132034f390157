"""Verifying a bundle, which needs neither the service nor its database."""

from pathlib import Path
from typing import Annotated

import typer

from interface import verifier


def verify_bundle(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The bundle.")],
    key: Annotated[list[str] | None, typer.Option(metavar="VKEY", help=verifier.KEY)] = None,
    policy: Annotated[Path | None, typer.Option(metavar="FILE", help=verifier.POLICY)] = None,
    fresh: Annotated[str | None, typer.Option(metavar="SPAN", help=verifier.FRESH)] = None,
    as_json: Annotated[bool, typer.Option("--json", help=verifier.JSON)] = False,
) -> None:
    """Verify a bundle offline: exit status 0 if it holds, 1 if not, 2 if nothing could be verified."""
    raise typer.Exit(verifier.inspect(file, key or [], policy, fresh, as_json=as_json))
