"""People and mandates at the command line: who holds what, why somebody may do something, and the table of actions."""

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import typer

from application.explaining import action_of
from domain.action import DUTIES
from domain.actions import ACTIONS
from domain.authority import FINDINGS, Explanation
from domain.event import Refused
from interface.app import Installation
from interface.cli.common import Json, fold, installation, show, table
from projections.authority import AppointmentRow

app = typer.Typer(help="Who may do what, and why.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(metavar="PERSON", help="A person's identifier, or a name that one alone goes by.")]
Where = Annotated[str | None, typer.Option(metavar="CODE", help="The organisation; else the whole record.")]


@app.callback()
def authority() -> None:
    """Who may do what, and why."""


@app.command()
def explain(
    person: Who,
    action: Annotated[str, typer.Argument(help="One of the table of actions, such as ledger.verify.")],
    organisation: Where = None,
    record: Annotated[str | None, typer.Option(metavar="ID", help="To what it would be done.")] = None,
    on_behalf_of: Annotated[str | None, typer.Option(metavar="PERSON", help="For whom they would act.")] = None,
    as_json: Json = False,
) -> None:
    """Say why somebody may do something, or may not, as of now: on which appointment, or by which rule."""
    asked = action_of(action)
    with installation() as at:
        who = person_of(at, person)
        place = at.organisation(organisation) if organisation else None
        principal = person_of(at, on_behalf_of) if on_behalf_of else None
        found = at.explaining.explain(who, asked, place, _record(record), principal)
        names = at.access.names([who])
    told = _told(who, asked.name, found)
    show(told, lambda: _lines(names.get(who, str(who)), str(asked), found), as_json=as_json)


def _told(person: UUID, action: str, found: Explanation) -> dict[str, Any]:
    return {
        "person": str(person),
        "action": action,
        "allowed": found.allowed,
        "detail": str(found.refusal) if found.refusal else "",
        "appointments": [
            {
                "appointment": str(each.appointment),
                "duty": each.duty,
                "organisation": str(each.organisation) if each.organisation else None,
                "since": each.since.isoformat(),
                "until": each.until.isoformat() if each.until else None,
                "decision": each.decision,
                "lent_by": str(each.lent_by) if each.lent_by else None,
                "finding": each.finding,
            }
            for each in found.held
        ],
        "rules": [
            {
                "rule": each.rule,
                "term": each.term,
                "ruled_out": each.ruled_out,
                "detail": str(each.refusal) if each.refusal else "",
            }
            for each in found.rulings
        ],
    }


def _lines(name: str, action: str, found: Explanation) -> Iterator[str]:
    yield f"{name} {'may' if found.allowed else 'may not'}: {action}"
    if found.refusal:
        yield f"  {found.refusal}"
    for each in found.held:
        days = f"{each.since} – {each.until or ''}".rstrip()
        yield f"  {DUTIES[each.duty]} {each.duty}, {days}, {each.decision}: {FINDINGS[each.finding]}"
    for ruling in found.rulings:
        yield f"  {ruling.term} {ruling.rule}: {'ruled out' if ruling.ruled_out else 'clear'}"


@app.command("list")
def list_(person: Annotated[str | None, typer.Argument(metavar="PERSON")] = None, as_json: Json = False) -> None:
    """List appointments to duties, of one person or of all, those that are over too."""
    with installation() as at:
        fold(at)
        who = person_of(at, person) if person else None
        rows = [each for each in at.whole.every(AppointmentRow) if who in (None, each.person)]
        names = at.access.names(list({each.person for each in rows}))
    told = [
        {
            "appointment": str(each.key),
            "person": names.get(each.person, str(each.person)),
            "duty": each.duty,
            "organisation": str(each.organisation) if each.organisation else "",
            "since": each.since.isoformat(),
            "until": each.until.isoformat() if each.until else "",
            "decision": each.decision,
        }
        for each in sorted(rows, key=lambda row: (row.since, row.key))
    ]
    header = ("person", "duty", "organisation", "since", "until", "decision")
    show(
        {"appointments": told}, lambda: table(header, ([row[name] for name in header] for row in told)), as_json=as_json
    )


@app.command("table")
def table_(as_json: Json = False) -> None:
    """Print the table of actions: by which duties each is done, and which conflict rules are asked."""
    told = [
        {
            "name": each.name,
            "term": each.term,
            "duties": [*each.duties],
            "above": each.above,
            "rules": [rule.name for rule in each.conflicts],
        }
        for each in ACTIONS.values()
    ]
    show({"actions": told}, markdown, as_json=as_json)


def markdown() -> Iterator[str]:
    """Lay the table of actions and that of conflict rules out as Markdown; the documentation holds them."""
    yield "| Action | 事项 | Duties, besides 管理员 `administrator` | Rules |"
    yield "|---|---|---|---|"
    for each in ACTIONS.values():
        duties = "、".join(f"{DUTIES[duty]} `{duty}`" for duty in each.by) or "everybody, in their own name"
        above = ", at a unit above" if each.above else ""
        rules = ", ".join(f"`{rule.name}`" for rule in each.conflicts)
        yield f"| `{each.name}` | {each.term} | {duties}{above} | {rules} |"
    yield ""
    yield "| Rule | 回避 | What a person is told whom it rules out |"
    yield "|---|---|---|"
    for rule in dict.fromkeys(rule for each in ACTIONS.values() for rule in each.conflicts):
        yield f"| `{rule.name}` | {rule.term} | {rule.sentence} |"


def person_of(at: Installation, text: str) -> UUID:
    """Return whom an identifier or a name stands for; raise Refused for a name that not exactly one goes by."""
    try:
        return UUID(text)
    except ValueError:
        pass
    found = at.access.named(text)
    if len(found) != 1:
        raise Refused("{count} people are registered as “{name}”: give an identifier", count=len(found), name=text)
    return found[0]


def _record(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Refused("“{text}” is no identifier of a record", field="record", text=text) from None
