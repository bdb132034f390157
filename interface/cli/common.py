"""What every command shares: the database it finds by itself, the form of its output, and its errors."""

import json
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from application.clock import Clock
from application.database import Database
from application.migrate import check_migrated, migrate
from application.postgres import EmbeddedPostgres
from interface.app import Installation
from interface.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
KnownAt = Annotated[
    str | None, typer.Option("--known-at", metavar="MOMENT", help="A position, a time, or a day (its end); else now.")
]

errors = Console(stderr=True)


@contextmanager
def database(*, migrated: bool = True) -> Generator[Database]:
    """Find the database: ``TAIZHANG_DATABASE``, else the embedded one, started for this time where it does not run.

    The embedded one is brought up to date; of another's schema only its owner decides (``taizhang migrate``).
    """
    settings = Settings.read()
    if settings.database:
        found = Database(settings.database)
        if migrated:
            check_migrated(found)
        yield found
        return
    with EmbeddedPostgres(settings.home) as postgres:
        if postgres.notice:
            errors.print(postgres.notice, style="yellow")
        found = Database(postgres.dsn)
        if migrated:
            migrate(found)
        yield found


@contextmanager
def installation() -> Generator[Installation]:
    """Open the installation that the environment names."""
    settings = Settings.read()
    with database() as found, Installation(found, Clock(settings.zone)) as opened:
        yield opened


def show(result: Any, text: Callable[[], Iterable[str]], *, as_json: bool) -> None:
    """Print a result: as one JSON document, or as lines for a person."""
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False, default=str) + "\n")
    else:
        for line in text():
            sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def progress(what: str, total: int | None = None) -> Generator[Callable[[int], None]]:
    """Show on the terminal how far something has come; yield what to call with each advance."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(what, total=total)

        def advance(count: int) -> None:
            bar.advance(task, count)

        yield advance


def table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterable[str]:
    """Lay out a table as plain lines; a Chinese character takes two columns."""
    lines = [[str(cell) for cell in header], *([str(cell) for cell in row] for row in rows)]
    widths = [max(_width(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _width(text: str) -> int:
    return sum(2 if "\u2e80" <= character <= "\uffef" else 1 for character in text)
