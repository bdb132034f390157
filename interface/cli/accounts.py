"""Letting people sign in, at the machine's command line: whoever keeps the machine gives the first code."""

from typing import Annotated

import typer

from interface.cli.authority import Who, person_of
from interface.cli.common import Json, installation, show

app = typer.Typer(help="Accounts, with which people sign in.", no_args_is_help=True)

By = Annotated[str, typer.Option("--person", metavar="NAME", help="Who does it.")]
Why = Annotated[str, typer.Option(help="Why, as it goes on record.")]


@app.callback()
def account() -> None:
    """Accounts, with which people sign in."""


@app.command("open")
def open_(
    who: Who,
    login: Annotated[str, typer.Option(metavar="NAME", help="The name with which they sign in.")],
    reason: Why = "",
    by: By = "administrator",
    as_json: Json = False,
) -> None:
    """Let a person sign in; print a code, good once and for a week, with which they choose a password."""
    with installation() as at:
        receipt, code = at.accounts.open(at.act(by, reason, "personnel"), person_of(at, who), login)
    show({"position": receipt.position, "code": code}, lambda: [str(code)], as_json=as_json)


@app.command("close")
def close(who: Who, reason: Why = "", by: By = "administrator", as_json: Json = False) -> None:
    """Let a person sign in no more, and end their sessions."""
    with installation() as at:
        receipt = at.accounts.close(at.act(by, reason, "personnel"), person_of(at, who))
    show({"position": receipt.position}, lambda: ["closed"], as_json=as_json)
