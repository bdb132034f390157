"""Reading the record: verdicts, histories, views, and replaying them from the log."""

import sys
from collections.abc import Iterable, Iterator
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import TypeAdapter

from domain.event import Refused
from domain.organisation import Code, code_id
from domain.standard import Standard, standard_id
from interface.app import Installation
from interface.cli.common import Json, KnownAt, installation, progress, show, table
from interface.http import story
from interface.http.view import standings
from projections.query import NOW
from projections.tables import table as described
from projections.view import Memory, Row, View

views = typer.Typer(help="Where views stand, their rows, and rebuilding them.", invoke_without_command=True)

PAGE = 2000


def conformance(code: str, known_at: KnownAt = None, as_json: Json = False) -> None:
    """Hold a standard's cases against its flow, counted in cases (流程符合性)."""
    with installation() as at:
        moment = at.known_at(known_at)
        if at.records.load(Standard, standard_id(code), fresh=True).standing == "absent":
            raise Refused("there is no standard {code}", field="code", code=code)
        at.fold_now()
        found = at.board.conformance(standard_id(code), moment).json()

    def lines() -> Iterator[str]:
        yield f"{found['cases']} cases, {found['steps']} steps, {found['faultless']} cases without a fault"
        for kind, count in found.items():
            if isinstance(count, dict):
                yield f"{kind.replace('_', ' ')}: {count['cases']} cases"
                yield from (f"  {cases:>6}  {step}" for step, cases in count["by_step"].items())

    show(found, lines, as_json=as_json)


def history(
    id: Annotated[str, typer.Argument(help="A record's identifier, or the code of an organisation or a standard.")],
    known_at: KnownAt = None,
    as_json: Json = False,
) -> None:
    """Tell the whole history of a record: as a story, or with --json event by event."""
    with installation() as at:
        moment = at.known_at(known_at)
        record = _record(at, id)
        entries = [entry for entry in at.records.recorder.select_events(record) if entry.id <= moment]
        events = [(entry, at.records.recorded(entry)) for entry in entries]
        if not events:
            raise Refused("there is no record {id}", field="id", id=id)
        ids = {past.account.actor for _, past in events} | story.people(past.event for _, past in events)
        names = at.access.names(list(ids))
        result = [
            {
                "position": past.position,
                "version": past.originator_version,
                "recorded_at": entry.recorded_at.isoformat(),
                "topic": past.event.TOPIC,
                "story": story.sentence(past.event, names, _say),
                "actor": names.get(past.account.actor, str(past.account.actor)),
                "account": past.account.model_dump(mode="json", exclude_defaults=True),
                "event": past.event.model_dump(mode="json"),
            }
            for entry, past in events
        ]

    def lines() -> Iterator[str]:
        for each in result:
            account = each["account"]
            assert isinstance(account, dict)
            reason = f" ({account['reason']})" if account.get("reason") else ""
            yield f"{each['position']:>8}  {account['occurred_on']}  {each['actor']}: {each['story']}{reason}"

    show({"id": str(record), "events": result}, lines, as_json=as_json)


def replay(
    view: Annotated[str, typer.Option(help="The view to fold: organisation, standard, ledger, conformance.")],
    until: Annotated[
        str | None, typer.Option(metavar="POSITION|TIME", help="Fold up to this moment; else to the end.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fold a view from the log in memory and print its rows; they equal what the view answers for the same moment."""
    with installation() as at:
        chosen = _view(at, view)
        head = at.records.recorder.max_notification_id() or 0
        last = min(at.known_at(until), head)
        memory = Memory()
        skipped = at.pages.skipped(view)
        after = 0
        with progress(f"replay {view}", last) as advance:
            while after < last and (page := at.pages.page(after, min(PAGE, last - after))):
                for past in page:
                    if past.topic in chosen.topics and past.position not in skipped:
                        chosen.fold(past.read(), memory)
                advance(page[-1].position - after)
                after = page[-1].position
        _print(view, last, ((kind, memory.of(kind)) for kind in chosen.rows), as_json=as_json)


@views.callback()
def list_views(context: typer.Context, as_json: Json = False) -> None:
    """List the views: version, position, lag in events and seconds, and whether one is stopped."""
    if context.invoked_subcommand:
        return
    with installation() as at:
        found = [each.__dict__ for each in standings(at)]
    names = ("name", "version", "state", "position", "lag_events", "lag_seconds", "error")
    show(
        {"views": [{name: each[name] for name in (*names, "stopped_at")} for each in found]},
        lambda: table(names, ([each[name] if each[name] is not None else "" for name in names] for each in found)),
        as_json=as_json,
    )


@views.command("rows")
def show_rows(name: str, known_at: KnownAt = None, as_json: Json = False) -> None:
    """Print what a view answers: every row, as known at a moment."""
    with installation() as at:
        chosen = _view(at, name)
        moment = at.known_at(known_at)
        at.fold_now()
        position = at.views.position(name) if moment == NOW else moment
        _print(name, position, ((kind, at.views.every(kind, position)) for kind in chosen.rows), as_json=as_json)


@views.command("rebuild")
def rebuild(
    name: Annotated[str | None, typer.Argument(help="A view; else all.")] = None, as_json: Json = False
) -> None:
    """Fold views anew beside those that serve, and put them in their place when they are level."""
    with installation() as at:
        names = [name] if name else list(at.views.views)
        for each in names:
            _view(at, each)
        with progress("rebuild") as advance:
            at.rebuild(names, advance)
    show({"rebuilt": names}, lambda: [f"{each} is rebuilt" for each in names], as_json=as_json)


@views.command("skip")
def skip(
    name: str,
    reason: Annotated[str, typer.Option(help="Why the view may go on without the event that stopped it.")],
    person: Annotated[str, typer.Option(help="Who decides.")] = "administrator",
    as_json: Json = False,
) -> None:
    """Let a stopped view pass over the event that stopped it, by a decision on record."""
    with installation() as at:
        at.access.introduce([person])
        receipt = at.skip(at.act(person, reason), name)
        at.fold_now()
    show({"position": receipt.position}, lambda: [f"decided at position {receipt.position}"], as_json=as_json)


def _record(at: Installation, text: str) -> UUID:
    """The record that a text names: by identifier, by an organisation's code, or by a standard's."""
    try:
        return UUID(text)
    except ValueError:
        pass
    if holder := at.records.load(Code, code_id("division", text), fresh=True).holder:
        return holder
    return standard_id(text)


def _view(at: Installation, name: str) -> View:
    if name not in at.views.views:
        raise Refused(
            "there is no view {view}; there are {views}", field="view", view=name, views=", ".join(at.views.views)
        )
    return at.views.views[name]


def _print(name: str, position: int, kinds: Iterable[tuple[type[Row], Iterable[Row]]], *, as_json: bool) -> None:
    """Write rows as they come: one JSON document, or one JSON line a row."""
    write = sys.stdout.write
    if as_json:
        write(f'{{"view": "{name}", "known_at": {position}, "rows": {{')
    for number, (kind, rows) in enumerate(kinds):
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        if as_json:
            write(f'{", " if number else ""}"{described(kind).name}": [')
        for count, row in enumerate(rows):
            text = adapter.dump_json(row).decode()
            write(f"{', ' if count else ''}{text}" if as_json else f"{described(kind).name} {text}\n")
        if as_json:
            write("]")
    if as_json:
        write("}}\n")
    sys.stdout.flush()


def _say(sentence: str, **values: object) -> str:
    return sentence.format(**values)
