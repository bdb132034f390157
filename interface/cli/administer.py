"""Commands of an administrator: the schema, tokens, and the clock."""

from dataclasses import asdict, fields
from typing import Annotated

import typer
from pydantic import TypeAdapter

from application.access import MAY, Issued, person_id
from application.installation import Deployment
from application.records import Act
from domain.event import Refused
from interface.cli.clockwork import CLOCK
from interface.cli.common import Json, database, deployed, fold, installation, progress, show, table
from interface.settings import Settings

_ISSUED = TypeAdapter(list[Issued])

tokens = typer.Typer(help="Bearer tokens, with which people and programs come in.", no_args_is_help=True)


def migrate_(
    accept: Annotated[
        str | None,
        typer.Option(
            "--accept-catalogue",
            metavar="REASON",
            help="Seal, for this reason, a database that does not guard the log as it did when that was sealed.",
        ),
    ] = None,
    person: Annotated[str, typer.Option(metavar="NAME", help="Who accepts it.")] = "administrator",
    as_json: Json = False,
) -> None:
    """Bring the log's own tables up to date, and seal what guards them in the database's catalogue."""
    if accept is not None and not accept.strip():
        raise Refused("say why it is accepted", field="accept-catalogue")
    settings = Settings.read()
    with database(settings, migrated=False) as found:
        done = deployed(found, settings, accept, person) if accept else deployed(found, settings)
    show(asdict(done), lambda: _done(done), as_json=as_json)


def _done(done: Deployment) -> list[str]:
    sealed = ["the catalogue is sealed"] if done.sealed else []
    return [*done.applied, *sealed] or ["nothing to do"]


def redact(
    positions: Annotated[list[int], typer.Argument(metavar="POSITION", help="Where the payloads are.")],
    reason: Annotated[str, typer.Option(help="Why, as it goes on record.")],
    authority: Annotated[str, typer.Option(metavar="RULE", help="The rule or decision that asks for it.")],
    person: Annotated[str, typer.Option(metavar="NAME", help="Who decides.")] = "administrator",
    as_json: Json = False,
) -> None:
    """Remove payloads lawfully: by a decision on record, under which everything else is still proved.

    Where it was interrupted, the same again does the rest.
    """
    with installation() as at:
        at.access.introduce([person])
        if not at.redaction.removed().issuperset(positions):
            account = at.act(person, reason).account.model_copy(update={"authority": authority})
            at.remove(Act(account), positions)
        at.redaction.finish()
        covered = at.redaction.covered()
        fold(at)
    told = [{"position": position, "covered_by": covered[position]} for position in sorted(set(positions))]
    show(
        {"removed": told},
        lambda: [f"position {each['position']}: removed, covered by {each['covered_by']}" for each in told],
        as_json=as_json,
    )


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


@tokens.command("list")
def list_(as_json: Json = False) -> None:
    """List the tokens that were ever made; what is kept of one lets nobody in."""
    with installation() as at:
        _show(at.access.issued(), as_json=as_json)


@tokens.command()
def revoke(
    id: Annotated[str, typer.Argument(help="The token's identifier, as listed.")], as_json: Json = False
) -> None:
    """Take a token back: within seconds it lets nobody in any more."""
    with installation() as at:
        _show([at.access.revoke(id)], as_json=as_json)


def _show(issued: list[Issued], *, as_json: bool) -> None:
    names = [field.name for field in fields(Issued)]
    told = _ISSUED.dump_python(issued, mode="json")
    show({"tokens": told}, lambda: table(names, ([row[name] or "" for name in names] for row in told)), as_json=as_json)


def omissions(as_json: Json = False) -> None:
    """Let the clock record what was due before today and is not discharged (漏项); the service does so by itself."""
    with installation() as at:
        fold(at)
        at.access.introduce([CLOCK])
        with progress("omissions") as bar:
            tally = at.ledger.detect_omissions(person_id(CLOCK), bar.advance)
        fold(at)
    show({"detected": tally.recorded}, lambda: [f"{tally.recorded} omissions detected"], as_json=as_json)
