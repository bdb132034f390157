"""Importing what was kept elsewhere: organisations, standards, cases."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from application.imports import CaseRow, OrganisationLine, Report, import_cases, import_organisations, import_standard
from application.imports.standard import separations
from domain.standard import bpmn
from interface.cli.common import Json, errors, installation, progress, show
from interface.table import rows

app = typer.Typer(help="Import files. Running an import twice records nothing the second time.", no_args_is_help=True)

SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Record the good rows although others are bad.")]
# Bad rows that are listed for a person; --json lists all.
LISTED = 50


@app.command()
def organisations(file: Path, skip_bad: SkipBad = False, as_json: Json = False) -> None:
    """Import organisations from CSV: columns code, name, parent_code, level; rows in any order."""

    def lines() -> Iterator[OrganisationLine]:
        for line, (code, name, parent, level) in rows(file, ("code", "name", "parent_code", "level")):
            yield OrganisationLine(line, code, name, parent, level)

    with installation() as at:
        at.access.introduce(["importer"])
        report = Report()
        with progress("organisations", sum(1 for _ in lines())) as advance:
            import_organisations(at.records, at.clock, file.name, lines, report, skip_bad=skip_bad, progress=advance)
        with progress("views") as _:
            at.fold_now()
    _tell(report, skip_bad=skip_bad, as_json=as_json)


@app.command()
def standard(
    file: Path,
    code: Annotated[str, typer.Option(help="The standard's code.")],
    title: Annotated[str, typer.Option(help="Its title.")],
    area: Annotated[str, typer.Option(help="One of the six areas, in English or Chinese, or one of your own.")],
    separate: Annotated[
        list[str] | None, typer.Option(metavar="STEP:STEP", help="Two steps that need different people.")
    ] = None,
    author: Annotated[str, typer.Option(help="Who drafted it.")] = "importer",
    approver: Annotated[str, typer.Option(help="Who approves it: somebody else.")] = "administrator",
    authority: Annotated[str, typer.Option(help="On what ground it was adopted.")] = "",
    as_json: Json = False,
) -> None:
    """Draft and publish a standard that was adopted elsewhere, from a BPMN 2.0 drawing."""
    flow = bpmn.read(file.read_bytes())
    with installation() as at:
        at.access.introduce([author, approver])
        done, version = import_standard(
            at.records,
            at.clock,
            code=code,
            title=title,
            area=area,
            flow=flow,
            separate=separations(flow, separate or []),
            authority=authority,
            author=author,
            approver=approver,
            source=file.name,
        )
        at.fold_now()
    said = {
        "published": f"standard {code} is published",
        "amended": f"standard {code} is amended: version {version} is published",
        "repeated": f"standard {code} is published like this already",
    }
    show({"standard": code, "version": version, "done": done}, lambda: [said[done]], as_json=as_json)


@app.command()
def cases(
    file: Path,
    standard: Annotated[str, typer.Option(help="The code of the standard that the cases come under.")],
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
    columns = (case, step, at, by, *((due,) if due else ()))
    given = [CaseRow(line, *cells) for line, cells in rows(file, columns)]
    with installation() as opened:
        opened.access.introduce(["importer"])
        report = Report()
        with progress("cases", len(given)) as advance:
            import_cases(
                opened.records,
                opened.clock,
                file.name,
                standard,
                given,
                report,
                skip_bad=skip_bad,
                introduce=opened.access.introduce,
                progress=advance,
            )
        opened.fold_now()
    _tell(report, skip_bad=skip_bad, as_json=as_json)


def _tell(report: Report, *, skip_bad: bool, as_json: bool) -> None:
    bad = sorted(report.bad, key=lambda row: row.line)
    result = {
        "recorded": report.recorded,
        "repeated": report.repeated,
        "bad": [{"line": row.line, "field": row.refusal.field, "reason": str(row.refusal)} for row in bad],
    }
    show(result, lambda: [f"{report.recorded} recorded, {report.repeated} were recorded before"], as_json=as_json)
    for row in bad[:LISTED]:
        errors.print(f"line {row.line}: {row.refusal}", markup=False, highlight=False, soft_wrap=True)
    if len(bad) > LISTED:
        errors.print(f"and {len(bad) - LISTED} more bad rows; --json lists them all")
    if bad:
        if not skip_bad:
            errors.print("nothing was recorded: mend these rows, or record the others with --skip-bad")
        raise typer.Exit(0 if skip_bad else 1)
