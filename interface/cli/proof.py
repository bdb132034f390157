"""Proofs that anybody checks without us: that an event is in the log, that one size of it begins another."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from application.proofs import Proofs
from application.sealed import Sealed
from domain.event import Refused
from domain.note import encode
from interface.cli.common import Json, show
from interface.settings import Settings


def proof(
    position: Annotated[int | None, typer.Argument(help="The event's position in the log.")] = None,
    first: Annotated[int | None, typer.Option("--from", min=1, metavar="SIZE", help="A size of the log.")] = None,
    second: Annotated[int | None, typer.Option("--to", metavar="SIZE", help="A larger one; else the newest.")] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there (….tlog-proof).")] = None,
    as_json: Json = False,
) -> None:
    """Prove that an event is in the log (C2SP tlog-proof), or that the log of one size begins that of another."""
    proofs = Proofs(Sealed(Settings.read().sealed))
    if (position is None) == (first is None):
        raise Refused("give a position, or --from a size", field="position")
    if first is not None:
        _consistent(proofs, first, second, as_json=as_json)
        return
    assert position is not None
    found = proofs.included(position)
    written = bytes(found.proof)
    if output is not None:
        output.write_bytes(written)
    told = {"position": position, "entry": found.entry.decode(), "leaf": encode(found.leaf), "size": found.size}
    if as_json:
        show({**told, "tlog_proof": written.decode()}, lambda: (), as_json=True)
    elif output is None:
        sys.stdout.write(written.decode())


def _consistent(proofs: Proofs, first: int, second: int | None, *, as_json: bool) -> None:
    try:
        found = proofs.consistent(first, second)
    except ValueError:
        raise Refused("the second size is smaller than the first", field="to") from None
    told = {
        "first": found.first,
        "second": found.second,
        "first_root": encode(found.first_root),
        "second_root": encode(found.second_root),
        "hashes": [encode(each) for each in found.hashes],
    }
    show(told, lambda: [encode(each) for each in found.hashes], as_json=as_json)
