"""The command line: what an administrator and an auditor need, for people and, with ``--json``, for programs."""

import os
import sys
from io import TextIOWrapper
from typing import Any

import typer
from typer.core import TyperGroup

from application import postgres
from application.database import Unavailable
from application.keys import Unusable
from application.migrate import Unmigrated
from application.process import settle
from application.reach import answering
from application.records import Conflict
from application.seal import Unwilling
from application.sealed import Unsealed
from application.timestamps import Unobtained
from application.verify import Unresumable
from application.witness import Unfit
from domain.event import Refused
from interface.cli import (
    accounts,
    administer,
    authority,
    bundle,
    conformance,
    history,
    imports,
    keys,
    proof,
    seal,
    serve,
    timestamp,
    verify,
    views,
    witness,
)
from projections.query import Behind
from projections.replay import Stopped

FORESEEN = (
    *(Refused, Conflict, Unmigrated, Unavailable, postgres.Unavailable),
    *(Unusable, Unsealed, Unwilling, Unobtained, Unfit, Unresumable, Behind, Stopped),
)


class Commands(TyperGroup):
    """Ends what can be foreseen with one sentence on standard error, and exit status 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            with answering():
                return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except FORESEEN as error:
            field = f"{error.field}: " if isinstance(error, Refused) and error.field else ""
            _fail(f"{field}{error}")
        except UnicodeEncodeError as error:
            # What a program writes has no such characters: they are bytes of an argument that are not UTF-8.
            _fail(f"{error.object[error.start : error.end]!a} in what was given is no text")
        except OSError as error:
            _fail(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))


def _fail(sentence: str) -> None:
    sys.stderr.write(f"taizhang: {sentence}\n")
    raise typer.Exit(1) from None


app = typer.Typer(
    cls=Commands,
    help="Taizhang 台账: an accountability record that anybody can replay and verify.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("web")(serve.web)
app.command("work")(serve.work)
app.command("seal")(seal.seal)
app.command("witness")(witness.witness)
app.command("proof")(proof.proof)
app.command("timestamp")(timestamp.timestamp)
app.command("bundle")(bundle.bundle)
app.command("verify")(verify.verify)
app.command("migrate")(administer.migrate_)
app.command("redact")(administer.redact)
app.command("omissions")(administer.omissions)
app.add_typer(administer.tokens, name="token")
app.add_typer(accounts.app, name="account")
app.add_typer(keys.app, name="keys")
app.add_typer(authority.app, name="authority")
app.add_typer(imports.app, name="import")
app.command("conformance")(conformance.conformance)
app.command("history")(history.history)
app.command("verify-bundle")(bundle.verify_bundle)
app.command("replay")(views.replay_)
app.add_typer(views.app, name="views")


def main() -> None:
    """Run the command that was given."""
    settle()
    _open_streams()
    app()


def _open_streams() -> None:
    """Let what is written to a closed stream go nowhere, and what an encoding has no character for be escaped."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
