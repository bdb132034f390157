"""Verifying the whole installation: the log, what was published of it, and every view."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer

from application import keys
from application.verify import Finding, Report, Verifier, cores
from domain.event import Refused
from domain.note import Key
from interface.app import Installation
from interface.cli.common import Json, installation, progress, show
from interface.settings import Settings
from projections.replay import as_json as row_as_json
from projections.replay import replay

Keys = Annotated[list[str] | None, typer.Option(metavar="VKEY", help="A key to trust; else those of this machine.")]


def verify(
    key: Keys = None,
    writer: Keys = None,
    processes: Annotated[int | None, typer.Option(min=1, help="How many work at once; else as many as cores.")] = None,
    views: Annotated[bool, typer.Option(help="Also fold every view anew and compare.")] = True,
    as_json: Json = False,
) -> None:
    """Verify every stored event, group, tile and checkpoint, and every view, and name the first that is wrong."""
    settings = Settings.read()
    trusted, writers = _keys(settings, keys.LOG, key), _keys(settings, keys.WRITER, writer)
    with installation() as at:
        verifier = Verifier(at.database, at.sealed, trusted, writers)
        with progress("events", at.head()) as bar:
            report = verifier.verify(bar.advance, processes or cores())
        compared: list[str] = []
        finding = report.finding
        if views and finding is None:
            finding = next(filter(None, _views(at, compared)), None)
    verdict = "VERIFIED" if finding is None else "TAMPERED"
    show(
        {"verdict": verdict, **_told(report, finding), "views": compared},
        lambda: _lines(report, finding, compared),
        as_json=as_json,
    )
    if finding is not None:
        raise typer.Exit(1)


def _keys(settings: Settings, role: str, given: list[str] | None) -> list[Key]:
    """The keys to trust; those of this machine are only as good as whoever keeps it."""
    if not given:
        return [keys.load(settings.keys, role).key]
    try:
        return [Key.parse(each) for each in given]
    except ValueError:
        raise Refused(
            "“{text}” is no verifier key: it is written NAME+ID+BASE64", field=role, text=", ".join(given)
        ) from None


def _views(at: Installation, compared: list[str]) -> Iterator[Finding | None]:
    """Fold each view anew and compare it row by row with what is stored, as of what it has folded."""
    for name, view in at.views.views.items():
        position = at.views.position(name)
        with progress(name, position) as bar:
            memory = replay(view, at.pages, position, bar.advance)
        for kind in view.rows:
            for folded, stored in _pairs(memory.of(kind), at.views.every(kind, position)):
                if folded != stored:
                    yield Finding(
                        None, "view", f"the view {name} has {stored or 'no row'} where the log gives {folded or 'none'}"
                    )
                    return
        compared.append(name)
        yield None


def _pairs(folded: Any, stored: Any) -> Iterator[tuple[str | None, str | None]]:
    one, other = map(row_as_json, folded), map(row_as_json, stored)
    while True:
        pair = next(one, None), next(other, None)
        if pair == (None, None):
            return
        yield pair


def _told(report: Report, finding: Finding | None) -> dict[str, Any]:
    found = asdict(finding) if finding else {"index": None, "kind": None, "sentence": None}
    position = None if found["index"] is None else found["index"] + 1
    return {
        "origin": report.origin,
        "events": report.events,
        "sealed": report.sealed,
        "checkpoints": report.checkpoints,
        "position": position,
        **found,
    }


def _lines(report: Report, finding: Finding | None, compared: list[str]) -> Iterator[str]:
    if finding:
        yield f"TAMPERED ({finding.kind}): {finding.sentence}"
    else:
        yield f"VERIFIED: {report.events} events of {report.origin}"
    yield f"{report.sealed} are sealed, under {report.checkpoints} checkpoints"
    if compared:
        yield f"views folded anew: {', '.join(compared)}"
