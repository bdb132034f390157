"""The keys with which the log is signed, and what of them is public."""

from enum import StrEnum
from typing import Annotated

import typer

from application import keys
from interface.cli.common import Json, show
from interface.settings import Settings


class Role(StrEnum):
    """What a key is for."""

    log = keys.LOG
    writer = keys.WRITER
    witness = keys.WITNESS


app = typer.Typer(help="The keys with which the log is signed.", no_args_is_help=True)


@app.callback()
def keys_() -> None:
    """The keys with which the log is signed."""


@app.command()
def create(
    origin: Annotated[
        str,
        typer.Option(metavar="NAME", help="The log's name for ever, best an address: records.anji.example/log."),
    ],
    as_json: Json = False,
) -> None:
    """Make the log's key and the writer's, in files of their own, and print the log's public key."""
    _show(keys.create_for_log(Settings.read().keys, origin), as_json=as_json)


@app.command("show")
def show_(
    role: Annotated[Role, typer.Option(help="Which: the log's, its writer's, or a witness's.")] = Role.log,
    as_json: Json = False,
) -> None:
    """Print a name and public key: what an inspector pins, and should have from you by another way."""
    _show(keys.load(Settings.read().keys, role), as_json=as_json, named="origin" if role is Role.log else "name")


def _show(signer: keys.Signer, *, as_json: bool, named: str = "origin") -> None:
    show({named: signer.key.name, "vkey": str(signer.key)}, lambda: [str(signer.key)], as_json=as_json)
