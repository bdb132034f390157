"""What every command shares: the database it finds by itself, the form of its output, and its progress."""

import json
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from application import keys
from application.clock import Clock
from application.database import Database
from application.installation import PROGRAM, Deployment, deploy
from application.migrate import Unmigrated, check_migrated
from application.postgres import EmbeddedPostgres
from application.reach import reach
from domain.event import Refused
from domain.note import Key
from interface.app import Installation
from interface.settings import Settings
from projections.query import NOW

Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
KnownAt = Annotated[
    str | None, typer.Option("--known-at", metavar="MOMENT", help="A position, a time, or a day (its end); else now.")
]

ALTERED = (
    "The log's database does not guard it as it did when that was sealed. Find out who changed it, and with taizhang"
    " verify what else; put it right, or accept it: taizhang migrate --accept-catalogue REASON"
)

errors = Console(stderr=True)


def note(text: str) -> None:
    """Tell the person at the terminal something beside the result."""
    errors.print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)


def parse_key(text: str, field: str) -> Key:
    """Read a public key from the command line; raise Refused, naming the ``field``."""
    try:
        return Key.parse(text)
    except ValueError:
        raise Refused("“{text}” is no verifier key: it is written NAME+ID+BASE64", field=field, text=text) from None


@contextmanager
def database(settings: Settings, *, migrated: bool = True) -> Generator[Database]:
    """Find the database: ``TAIZHANG_DATABASE``, else the embedded one, started for this time where it does not run.

    The embedded one is brought up to date; of another's schema only its owner decides (``taizhang migrate``).
    """
    if settings.database:
        found = reach(settings.database, settings.keys, settings.sign_command)
        if migrated:
            check_migrated(found)
        yield found
        return
    with EmbeddedPostgres(settings.home) as postgres:
        if postgres.notice:
            note(postgres.notice)
        found = Database(postgres.dsn, settings.keys, sign_command=settings.sign_command)
        if migrated:
            try:
                check_migrated(found)
            except Unmigrated:
                deployed(found, settings)
        yield found


def deployed(found: Database, settings: Settings, accept: str = "", person: str = PROGRAM) -> Deployment:
    """Bring a log's database up to date, and say loudly if it does not guard the log as it did when that was sealed."""
    deployment = deploy(found, Clock(settings.zone), settings.origin, accept, person)
    for each in deployment.altered:
        note(f"ALTERED since it was sealed: {each}")
    if deployment.altered:
        note(ALTERED)
    return deployment


@contextmanager
def installation() -> Generator[Installation]:
    """Open the installation that the environment names."""
    settings = Settings.read()
    with database(settings) as found, Installation(found, Clock(settings.zone)) as opened:
        yield opened


def trusted(folder: Path, role: str, given: list[str] | None) -> list[Key]:
    """Return the keys that were given to be trusted, else those of this machine: as good as whoever keeps it."""
    return [parse_key(text, role) for text in given or ()] or [each.key for each in keys.load_all(folder, role)]


def show(result: Any, text: Callable[[], Iterable[str]], *, as_json: bool) -> None:
    """Print a result: as one JSON document, or as lines for a person."""
    if as_json:
        write_json(json.dumps(result, ensure_ascii=False) + "\n")
    else:
        for line in text():
            sys.stdout.write(line + "\n")
    sys.stdout.flush()


def write_json(text: str) -> None:
    """Write a piece of JSON to standard output: in UTF-8, whatever the terminal's encoding (RFC 8259 §8.1)."""
    sys.stdout.buffer.write(text.encode())


@dataclass(frozen=True)
class Bar:
    """How far something has come, as the terminal shows it."""

    _progress: Progress
    _task: TaskID

    def advance(self, count: int) -> None:
        self._progress.advance(self._task, count)

    def reach(self, count: int) -> None:
        self._progress.update(self._task, completed=count)


@contextmanager
def progress(what: str, total: int | None = None) -> Generator[Bar]:
    """Show a bar while something is done, gone when it is; none where standard error is no terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True, disable=not sys.stderr.isatty()) as shown:
        yield Bar(shown, shown.add_task(what, total=total))


def fold(at: Installation) -> None:
    """Return once the views have folded what is in the log now; say which of them are stopped."""
    with progress("views", at.head()) as bar:
        at.fold_now(bar.reach)
    for each in at.views.standings():
        if each.stopped_at is not None:
            note(f"the view {each.name} is stopped by the event at position {each.stopped_at}: {each.error}")


def level(at: Installation, view: str, known_at: str | None) -> int:
    """Return the position that a moment stands for, once a view has folded it; raise Behind if it cannot."""
    moment = at.known_at(known_at)
    position = at.head() if moment == NOW else moment
    if at.views.position(view) < position:
        fold(at)
    at.views.wait(view, position, 0)
    return position


def table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterable[str]:
    """Lay out a table as plain lines; a Chinese character takes two columns."""
    lines = [[str(cell) for cell in header], *([str(cell) for cell in row] for row in rows)]
    widths = [max(_width(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _width(text: str) -> int:
    return sum(2 if "\u2e80" <= character <= "\uffef" else 1 for character in text)
