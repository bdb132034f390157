"""Importing what was kept elsewhere: organisations, standards, cases."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from application.imports import (
    Adoption,
    BadRow,
    CaseImport,
    CaseLine,
    OrganisationImport,
    OrganisationLine,
    PersonImport,
    PersonLine,
    Report,
    import_standard,
    separations,
)
from domain.action import Conflicted
from domain.standard import bpmn
from domain.standard.actions import AUTHOR_APPROVER
from interface.app import Installation
from interface.cli.common import Json, fold, installation, note, progress, show
from interface.cli.several import Several
from interface.table import Table

app = typer.Typer(help="Import files. Running an import twice records nothing the second time.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", show_default=False)]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Record the good rows although others are bad.")]


@app.command()
def organisations(file: File, skip_bad: SkipBad = False, as_json: Json = False) -> None:
    """Import organisations from CSV: columns code, name, parent_code, level; rows in any order."""
    table = Table(file)

    def lines() -> Iterator[OrganisationLine | BadRow]:
        for row in table.rows(("code", "name", "parent_code", "level")):
            yield BadRow.of(row.line, row.refusal) if row.refusal else OrganisationLine(row.line, *row.cells)

    report = Report()
    with installation() as at:
        importing = OrganisationImport(at.records, at.clock, _source(file), lines, report)
        with progress("checking") as bar:
            importing.check(bar.advance)
        if skip_bad or not report.bad:
            importer = at.entrust("importer", "personnel")
            with progress("organisations", importing.size) as bar:
                importing.record(at.gate, importer, bar.advance)
            fold(at)
        _tell(at, report, skip_bad=skip_bad, as_json=as_json)


@app.command(cls=Several.after("--separate"))
def standard(
    file: File,
    code: Annotated[str, typer.Option(help="The standard's code.")],
    title: Annotated[str, typer.Option(help="Its title.")],
    area: Annotated[str, typer.Option(help="One of the six areas, in English or Chinese, or one of your own.")],
    separate: Annotated[
        list[str] | None,
        typer.Option(metavar="STEP:STEP …", help="Two steps for different people, by name, its first word, or id."),
    ] = None,
    author: Annotated[str, typer.Option(metavar="NAME", help="Who drafted it.")] = "importer",
    approver: Annotated[str, typer.Option(metavar="NAME", help="Who approves it: somebody else.")] = "administrator",
    authority: Annotated[str, typer.Option(metavar="TEXT", help="On what ground it was adopted.")] = "",
    as_json: Json = False,
) -> None:
    """Draft and publish a standard that was adopted elsewhere, from a BPMN 2.0 drawing."""
    flow = bpmn.read(file.read_bytes())
    adopted = Adoption(code, title, area, flow, separations(flow, separate or ()), authority)
    if author == approver:
        raise Conflicted(AUTHOR_APPROVER)
    with installation() as at:
        people = {"author": at.entrust(author, "drafter"), "approver": at.entrust(approver, "approver")}
        done, version = import_standard(at.records, at.gate, _source(file), adopted, **people)
        fold(at)
    said = {
        "published": f"standard {code} is published",
        "amended": f"standard {code} is amended: version {version} is published",
        "repeated": f"standard {code} is published like this already",
    }
    show({"standard": code, "version": version, "done": done}, lambda: [said[done]], as_json=as_json)


@app.command()
def cases(
    file: File,
    standard: Annotated[str, typer.Option(metavar="CODE", help="The standard that the cases come under.")],
    case: Annotated[str, typer.Option(metavar="COL", help="The column with the case.")],
    step: Annotated[str, typer.Option(metavar="COL", help="The column with the step that was completed.")],
    at: Annotated[str, typer.Option(metavar="COL", help="The column with the time (ISO 8601).")],
    by: Annotated[str, typer.Option(metavar="COL", help="The column with the person.")],
    due: Annotated[
        str | None, typer.Option(metavar="COL", help="The column with the day on which the case was due.")
    ] = None,
    skip_bad: SkipBad = False,
    as_json: Json = False,
) -> None:
    """Import completed steps of cases from CSV, in any order of rows, with their original times."""
    table = Table(file)
    columns = (case, step, at, by, *((due,) if due else ()))

    def lines() -> Iterator[CaseLine | BadRow]:
        for row in table.rows(columns):
            yield BadRow.of(row.line, row.refusal) if row.refusal else CaseLine(row.line, *row.cells)

    report = Report()
    with installation() as opened:
        importing = CaseImport(opened.records, opened.clock, _source(file), standard, report)
        with progress("checking") as bar:
            importing.read(lines(), bar.advance)
            if not skip_bad:
                importing.check()
        if skip_bad or not report.bad:
            importer = opened.entrust("importer", "filer")
            opened.ensure(importing.people)
            with progress("cases", importing.size) as bar:
                importing.record(opened.gate, importer, bar.advance)
            fold(opened)
        _tell(opened, report, skip_bad=skip_bad, as_json=as_json)


@app.command()
def people(file: File, skip_bad: SkipBad = False, as_json: Json = False) -> None:
    """Import people and their duties from CSV: columns name, duty, organisation, since, until, decision.

    The organisation is a division code, or empty for the whole record; the last day may be empty.
    """
    table = Table(file)

    def lines() -> Iterator[PersonLine | BadRow]:
        for row in table.rows(("name", "duty", "organisation", "since", "until", "decision")):
            yield BadRow.of(row.line, row.refusal) if row.refusal else PersonLine(row.line, *row.cells)

    report = Report()
    with installation() as at:
        importing = PersonImport(at.records, at.clock, _source(file), report)
        with progress("checking") as bar:
            importing.read(lines(), bar.advance)
            if not skip_bad:
                importing.check()
        if skip_bad or not report.bad:
            importer = at.entrust("importer", "administrator")
            at.access.introduce(importing.people)
            with progress("people", importing.size) as bar:
                importing.record(at.gate, importer, bar.advance)
            fold(at)
        _tell(at, report, skip_bad=skip_bad, as_json=as_json)


def _source(file: Path) -> str:
    """A file's name as a record can hold it, whatever bytes it is made of."""
    return os.fsencode(file.name).decode(errors="replace")


def _tell(at: Installation, report: Report, *, skip_bad: bool, as_json: bool) -> None:
    bad = sorted(report.bad, key=lambda row: row.line)
    result = {
        "recorded": report.recorded,
        "repeated": report.repeated,
        "position": at.head(),
        "bad": [{"line": row.line, "field": row.field, "reason": row.reason} for row in bad] if as_json else [],
    }
    show(result, lambda: [f"{report.recorded} recorded, {report.repeated} were recorded before"], as_json=as_json)
    for row in bad:
        sys.stderr.write(f"line {row.line}: {row.reason}\n")
    if bad and not skip_bad:
        if not report.recorded:
            note("nothing was recorded: mend these rows, or record the others with --skip-bad")
        raise typer.Exit(1)
