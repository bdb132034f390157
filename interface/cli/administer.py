"""Commands of an administrator: the schema, tokens, and the clock."""

from typing import Annotated

import typer

from application.access import MAY, person_id
from application.migrate import migrate
from interface.cli.clockwork import CLOCK
from interface.cli.common import Json, database, fold, installation, progress, show
from interface.settings import Settings

tokens = typer.Typer(help="Bearer tokens, with which people and programs come in.", no_args_is_help=True)


def migrate_(as_json: Json = False) -> None:
    """Bring the log's own tables up to date."""
    with database(Settings.read(), migrated=False) as found:
        applied = migrate(found)
    show({"applied": applied}, lambda: applied or ["nothing to do"], as_json=as_json)


@tokens.callback()
def tokens_() -> None:
    """Bearer tokens, with which people and programs come in."""


@tokens.command()
def create(
    person: Annotated[str, typer.Option(metavar="NAME", help="Whom the token stands for.")],
    role: Annotated[str, typer.Option(help=f"What it lets them do: {', '.join(MAY)}.")],
    organisation: Annotated[str | None, typer.Option(metavar="CODE", help="For which organisation they act.")] = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it. It is shown this once: only its hash is kept."""
    with installation() as at:
        token = at.access.create(person, role, at.organisation(organisation) if organisation else None)
    show({"token": token}, lambda: [token], as_json=as_json)


def omissions(as_json: Json = False) -> None:
    """Let the clock record what was due before today and is not discharged (漏项); the service does so by itself."""
    with installation() as at:
        fold(at)
        at.access.introduce([CLOCK])
        with progress("omissions") as bar:
            tally = at.ledger.detect_omissions(person_id(CLOCK), bar.advance)
        fold(at)
    show({"detected": tally.recorded}, lambda: [f"{tally.recorded} omissions detected"], as_json=as_json)
