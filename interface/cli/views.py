"""Views: where they stand, their rows, folding them anew, and replaying them from the log."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from application.bundled import BundledLog
from application.clock import Clock
from domain.bundle import Trust
from domain.event import Refused
from interface.app import all_views, read_moment
from interface.cli.common import (
    Json,
    KnownAt,
    fold,
    installation,
    level,
    note,
    parse_key,
    progress,
    show,
    table,
    write_json,
)
from interface.pages import BundlePages
from interface.settings import Settings
from interface.verifier import judged
from projections.replay import Log, replay
from projections.replay import as_json as row_as_json
from projections.tables import table as described
from projections.view import Row, View

app = typer.Typer(help="Where views stand, their rows, and folding them anew.", invoke_without_command=True)

COLUMNS = ("name", "version", "state", "position", "lag_events", "lag_seconds", "error")


def replay_(
    view: Annotated[str, typer.Option(help="The view to fold: organisation, standard, ledger, conformance.")],
    until: Annotated[
        str | None, typer.Option(metavar="POSITION|TIME", help="Fold up to this moment; else to the end.")
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(metavar="FILE", help="From this bundle, which holds the log from its beginning.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(metavar="VKEY", help="Verify the bundle before with a key that you have.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fold a view from the log in memory and print its rows; they equal what the view answers for the same moment.

    From a bundle neither a database nor an installation is needed.
    """
    if bundle is None:
        with installation() as at:
            position = min(at.known_at(until, "until"), at.head())
            _replay(at.views.views, at.pages, view, position, as_json=as_json)
        return
    if key:
        _verify(bundle, key)
    with bundle.open("rb") as file:
        log = BundledLog(file)
        views = {each.name: each for each in all_views()}
        _replay(views, BundlePages(log), view, _until(log, until), as_json=as_json)
    if not key:
        note("the bundle was not verified: give a key of its log, --key VKEY")


def _replay(views: Mapping[str, View], log: Log, name: str, position: int, *, as_json: bool) -> None:
    chosen = _view(views, name)
    with progress(f"replay {name}", position) as bar:
        memory = replay(chosen, log, position, bar.advance)
    _print(name, position, ((kind, memory.of(kind)) for kind in chosen.rows), as_json=as_json)


def _verify(bundle: Path, keys: Sequence[str]) -> None:
    """Refuse a bundle that the keys do not verify."""
    verdict = judged(bundle, Trust(tuple(parse_key(each, "key") for each in keys))).verdict
    if not verdict.holds:
        raise Refused("{verdict}: {detail}", field="bundle", verdict=verdict.name, detail=verdict.detail)


def _until(log: BundledLog, until: str | None) -> int:
    """The position up to which a bundle is folded."""
    moment = read_moment(until, Clock(Settings.read().zone), "until") if until else None
    if isinstance(moment, datetime):
        return log.position_at(moment)
    if moment is not None and moment > log.head:
        raise Refused("the log ends at position {head}", field="until", head=log.head)
    return log.head if moment is None else moment


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
        chosen = _view(at.views.views, name)
        position = level(at, name, known_at)
        _print(name, position, ((kind, at.whole.every(kind, position)) for kind in chosen.rows), as_json=as_json)


@app.command()
def rebuild(
    name: Annotated[str | None, typer.Argument(help="A view; else all.")] = None, as_json: Json = False
) -> None:
    """Fold views anew beside those that serve, and put them in their place when they are level."""
    with installation() as at:
        names = [_view(at.views.views, name).name] if name else list(at.views.views)
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
        receipt = at.skip(at.act(person, reason, "operator"), name)
        fold(at)
    show({"position": receipt.position}, lambda: [f"decided at position {receipt.position}"], as_json=as_json)


def _view(views: Mapping[str, View], name: str) -> View:
    if name not in views:
        raise Refused("there is no view {view}; there are {views}", field="view", view=name, views=", ".join(views))
    return views[name]


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
