"""Commands of an administrator: the schema, tokens, and the clock."""

from dataclasses import asdict, fields
from datetime import datetime
from typing import Annotated

import typer
from pydantic import TypeAdapter

from application.access import Issued, person_id
from application.installation import Deployment
from application.records import Act
from domain.action import DUTIES
from domain.event import Refused
from interface.app import Installation
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
        if not at.redaction.removed().issuperset(positions):
            account = at.act(person, reason, "decider").account.model_copy(update={"authority": authority})
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
    role: Annotated[str, typer.Option(help=f"The duty that they hold: {', '.join(DUTIES)}.")],
    organisation: Annotated[str | None, typer.Option(metavar="CODE", help="For which organisation they act.")] = None,
    expires: Annotated[str | None, typer.Option(metavar="TIME", help="When it runs out; else never.")] = None,
    as_json: Json = False,
) -> None:
    """Let somebody hold a duty and come in with it, and print the token: it is shown this once."""
    with installation() as at:
        place = at.organisation(organisation) if organisation else None
        token = at.token(person, role, place, _instant(expires))
    show({"token": token}, lambda: [token], as_json=as_json)


@tokens.command("list")
def list_(as_json: Json = False) -> None:
    """List the tokens that were ever made; what is kept of one lets nobody in."""
    with installation() as at:
        _show(at, at.access.issued(), as_json=as_json)


@tokens.command()
def revoke(
    id: Annotated[str, typer.Argument(help="The token's identifier, as listed.")], as_json: Json = False
) -> None:
    """Take a token back: within seconds it lets nobody in any more."""
    with installation() as at:
        _show(at, [at.access.revoke(id)], as_json=as_json)


def _instant(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        at = None
    if text and (at is None or at.tzinfo is None):
        raise Refused("“{text}” is no time such as 2026-06-30T08:00:00+08:00", field="expires", text=text)
    return at


def _show(at: Installation, issued: list[Issued], *, as_json: bool) -> None:
    names = [field.name for field in fields(Issued)]
    people = at.access.names(list({each.person for each in issued}))
    told = _ISSUED.dump_python(issued, mode="json")
    for row, each in zip(told, issued, strict=True):
        row["person"] = people.get(each.person, str(each.person))
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
