"""The command line: what an administrator and an auditor need, for people and, with ``--json``, for programs."""

import sys

import psycopg
import typer

from application import postgres
from application.log import Unavailable
from application.migrate import Unmigrated
from application.process import settle
from application.records import Conflict
from domain.event import Refused
from interface.cli import administer, imports, read, serve
from interface.cli.common import errors
from projections.query import Behind

app = typer.Typer(
    help="Taizhang 台账: an accountability record that anybody can replay and verify.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("migrate")(administer.migrate_)
app.command("omissions")(administer.omissions)
app.add_typer(administer.tokens, name="token")
app.add_typer(imports.app, name="import")
app.command("conformance")(read.conformance)
app.command("history")(read.history)
app.command("replay")(read.replay)
app.add_typer(read.views, name="views")

FORESEEN = (
    Refused,
    Conflict,
    Unmigrated,
    Unavailable,
    postgres.Unavailable,
    Behind,
    psycopg.OperationalError,
    FileNotFoundError,
    PermissionError,
    IsADirectoryError,
)


def main() -> None:
    """Run the command that was given. What can be foreseen ends with a sentence and exit status 1."""
    settle()
    try:
        app()
    except FORESEEN as error:
        field = f"{error.field}: " if isinstance(error, Refused) and error.field else ""
        errors.print(f"taizhang: {field}{error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
