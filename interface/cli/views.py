"""Views: where they stand, their rows, folding them anew, and replaying them from the log."""

import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated

import typer

from domain.event import Refused
from interface.app import Installation
from interface.cli.common import Json, KnownAt, fold, installation, level, note, progress, show, table, write_json
from projections.replay import as_json as row_as_json
from projections.replay import replay
from projections.tables import table as described
from projections.view import Row, View

app = typer.Typer(help="Where views stand, their rows, and folding them anew.", invoke_without_command=True)

COLUMNS = ("name", "version", "state", "position", "lag_events", "lag_seconds", "error")


def replay_(
    view: Annotated[str, typer.Option(help="The view to fold: organisation, standard, ledger, conformance.")],
    until: Annotated[
        str | None, typer.Option(metavar="POSITION|TIME", help="Fold up to this moment; else to the end.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fold a view from the log in memory and print its rows; they equal what the view answers for the same moment."""
    with installation() as at:
        chosen = _view(at, view)
        position = min(at.known_at(until, "until"), at.head())
        with progress(f"replay {view}", position) as bar:
            memory = replay(chosen, at.pages, position, bar.advance)
        _print(view, position, ((kind, memory.of(kind)) for kind in chosen.rows), as_json=as_json)


@app.callback()
def list_views(context: typer.Context, as_json: Json = False) -> None:
    """List the views: version, position, lag in events and seconds, and whether one is stopped."""
    if context.invoked_subcommand:
        return
    from interface.http.view import standings  # noqa: PLC0415  # other commands do without the web framework

    with installation() as at:
        found = [asdict(each) for each in standings(at)]
    for each in found:
        each["updated_at"] = each["updated_at"].isoformat()
    show(
        {"views": found},
        lambda: table(COLUMNS, ([each[name] if each[name] is not None else "" for name in COLUMNS] for each in found)),
        as_json=as_json,
    )


@app.command("rows")
def show_rows(name: str, known_at: KnownAt = None, as_json: Json = False) -> None:
    """Print what a view answers: every row, as known at a moment."""
    with installation() as at:
        chosen = _view(at, name)
        position = level(at, name, known_at)
        _print(name, position, ((kind, at.views.every(kind, position)) for kind in chosen.rows), as_json=as_json)


@app.command()
def rebuild(
    name: Annotated[str | None, typer.Argument(help="A view; else all.")] = None, as_json: Json = False
) -> None:
    """Fold views anew beside those that serve, and put them in their place when they are level."""
    with installation() as at:
        names = [_view(at, name).name] if name else list(at.views.views)
        with progress("views", at.head()) as bar:
            at.rebuild(names, bar.reach)
        stopped = {each.name: each for each in at.views.standings() if each.building and each.name in names}
    done = [each for each in names if each not in stopped]
    show({"rebuilt": done}, lambda: [f"{each} is rebuilt" for each in done], as_json=as_json)
    for each in stopped.values():
        note(f"{each.name} is stopped at position {each.stopped_at} while it is rebuilt: {each.error}")
    if stopped:
        raise typer.Exit(1)


@app.command()
def skip(
    name: str,
    reason: Annotated[str, typer.Option(help="Why the view may go on without the event that stopped it.")],
    person: Annotated[str, typer.Option(metavar="NAME", help="Who decides.")] = "administrator",
    as_json: Json = False,
) -> None:
    """Let a stopped view pass over the event that stopped it, by a decision on record."""
    with installation() as at:
        at.access.introduce([person])
        receipt = at.skip(at.act(person, reason), name)
        fold(at)
    show({"position": receipt.position}, lambda: [f"decided at position {receipt.position}"], as_json=as_json)


def _view(at: Installation, name: str) -> View:
    if name not in at.views.views:
        raise Refused(
            "there is no view {view}; there are {views}", field="view", view=name, views=", ".join(at.views.views)
        )
    return at.views.views[name]


def _print(name: str, position: int, kinds: Iterable[tuple[type[Row], Iterable[Row]]], *, as_json: bool) -> None:
    """Write rows as they come: one JSON document, or one line a row."""
    if as_json:
        write_json(f'{{"view": "{name}", "known_at": {position}, "rows": {{')
    for number, (kind, rows) in enumerate(kinds):
        if as_json:
            write_json(f'{", " if number else ""}"{described(kind).name}": [')
        for count, row in enumerate(rows):
            text = row_as_json(row)
            if as_json:
                write_json(f"{', ' if count else ''}{text}")
            else:
                sys.stdout.write(f"{described(kind).name} {text}\n")
        if as_json:
            write_json("]")
    if as_json:
        write_json("}}\n")
    sys.stdout.flush()
