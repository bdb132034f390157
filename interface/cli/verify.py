"""Verifying the whole installation: the log, what was published of it, what guards it, and every view."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import typer

from application import keys
from application.verify import Finding, Report, Verifier, cores
from domain.note import encode
from interface.app import Installation
from interface.cli.common import Json, installation, progress, show, trusted
from interface.cli.comparing import compared
from interface.cli.running import stoppable
from interface.settings import Settings
from projections.comparison import Different

Keys = Annotated[list[str] | None, typer.Option(metavar="VKEY", help="A key to trust; else those of this machine.")]


def verify(
    key: Keys = None,
    writer: Keys = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the last verification ended, or was interrupted.")
    ] = False,
    processes: Annotated[int | None, typer.Option(min=1, help="How many work at once; else as many as cores.")] = None,
    views: Annotated[bool, typer.Option(help="Also fold every view anew and compare.")] = True,
    as_json: Json = False,
) -> None:
    """Verify every stored event, group, tile and checkpoint, and every view, and name the first that is wrong."""
    settings = Settings.read()
    logs, writers = trusted(settings.keys, keys.LOG, key), trusted(settings.keys, keys.WRITER, writer)
    with stoppable(), installation() as at:
        verifier = Verifier(at.database, at.sealed, logs, writers, settings.verified)
        with progress("events", at.head()) as bar:
            report = verifier.verify(bar.advance, processes or cores(), resume=resume)
        if views and report.finding is None:
            report = _with_views(at, report, processes or cores())
    show(_told(report), lambda: _lines(report), as_json=as_json)
    if report.finding is not None:
        raise typer.Exit(1)


def _with_views(at: Installation, report: Report, processes: int) -> Report:
    """Fold each view anew, so many at once, and compare every version of its rows with those that it keeps."""
    names = list(at.views.views)
    with progress("views", sum(map(at.views.position, names))) as bar:
        for name, outcome in zip(names, compared(at, names, bar.advance, processes), strict=False):
            if isinstance(outcome, Different):
                return replace(report, finding=Finding(None, "view", str(outcome)))
            if outcome is None:
                report = replace(report, views=(*report.views, name))
            else:
                report = replace(report, pending=(*report.pending, name))
    return report


def _told(report: Report) -> dict[str, Any]:
    found = report.finding
    return {
        "verdict": report.verdict,
        "origin": report.origin,
        "events": report.events,
        "sealed": report.sealed,
        "root": encode(report.root),
        "checkpoints": report.checkpoints,
        "removed": report.removed,
        "since": report.since,
        "position": found and found.position,
        "index": found and found.index,
        "kind": found and found.kind,
        "sentence": found and found.sentence,
        "guarded": report.guarded,
        "altered": list(report.altered),
        "views": list(report.views),
        "pending": list(report.pending),
    }


def _lines(report: Report) -> Iterator[str]:
    if report.finding:
        yield f"TAMPERED ({report.finding.kind}): {report.finding.sentence}"
    else:
        yield f"VERIFIED: {report.events} events of {report.origin}"
    yield f"{report.sealed} are sealed, under {report.checkpoints} checkpoints"
    if report.removed:
        yield f"payloads removed lawfully, by decisions on record: {report.removed}"
    if report.since:
        yield f"{report.since} of them were verified before, and not read again"
    if report.guarded and not report.altered:
        yield f"the database guards the log as it did when that was sealed, at position {report.guarded}"
    for each in report.altered:
        yield f"altered: {each}"
    if report.views:
        yield f"views folded anew: {', '.join(report.views)}"
    if report.pending:
        yield f"views being built, not compared: {', '.join(report.pending)}"
