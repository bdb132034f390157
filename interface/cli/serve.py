"""The service: HTTP for any number of people (``web``), what one process does for a log (``work``), and both in one."""

import os
import socket
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from application.authority import DECISION
from application.clock import Clock
from application.database import Database
from application.passwords import generate
from domain.authority import Person
from interface import demo as demonstration
from interface.app import Installation
from interface.cli.common import database, deployed, note
from interface.cli.running import bind, stoppable
from interface.cli.working import working
from interface.settings import Settings

# Whom the demonstration lets do everything but pass on their own work.
ADMINISTRATOR = "演示·管理员"

# Seconds for requests under way when the service stops.
GRACE = 5

Host = Annotated[str | None, typer.Option(help="Where to listen; TAIZHANG_HOST, else 127.0.0.1.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="On which port; TAIZHANG_PORT, else 8750.")]


def serve(
    demo: Annotated[bool, typer.Option("--demo", help="Load the demonstration, and print a token for it.")] = False,
    host: Host = None,
    port: Port = None,
) -> None:
    """Run the service until it is told to stop (Ctrl-C, SIGTERM), or its parent ends, unless it runs under nohup."""
    with suppress(KeyboardInterrupt), stoppable():
        settings = Settings.read()
        any_free = demo and port is None and "TAIZHANG_PORT" not in os.environ
        with (
            closing(_bound(settings, host, port, any_free=any_free)) as bound,
            database(settings, migrated=False) as found,
        ):
            deployed(found, settings)
            with _folding(found, settings) as at:
                if demo:
                    demonstration.load(at, lambda what: note(f"demonstration: {what} …"))
                lines = [f"token: {_token(at, settings.home)}", *_first_sign_in(at)] if demo else []
                with working(at, settings):
                    _listen(at, bound, lines)


def web(host: Host = None, port: Port = None) -> None:
    """Serve HTTP alone, as one of any number of processes; beside them ``taizhang work`` runs."""
    with suppress(KeyboardInterrupt), stoppable():
        settings = Settings.read()
        with (
            closing(_bound(settings, host, port, any_free=False)) as bound,
            database(settings) as found,
            Installation(found, Clock(settings.zone), provider=settings.provider) as at,
        ):
            _listen(at, bound)


def work() -> None:
    """Do what one process at a time does for a log: fold views, seal, verify, record what falls due; or stand by."""
    with suppress(KeyboardInterrupt), stoppable():
        settings = Settings.read()
        with database(settings) as found, _folding(found, settings) as at, working(at, settings):
            threading.Event().wait()


@contextmanager
def _folding(found: Database, settings: Settings) -> Generator[Installation]:
    with Installation(found, Clock(settings.zone), provider=settings.provider) as at:
        at.fold()
        yield at


def _bound(settings: Settings, host: str | None, port: int | None, *, any_free: bool) -> socket.socket:
    return bind(host or settings.host, settings.port if port is None else port, any_free=any_free)


def _listen(at: Installation, bound: socket.socket, lines: Sequence[str] = ()) -> None:
    # Here and not above: no other command needs the web framework, which takes as long to load as all the rest.
    from interface.cli.listening import listen  # noqa: PLC0415
    from interface.http import create_app  # noqa: PLC0415

    listen(create_app(at), bound, lambda address: _announce(address, lines), GRACE)


def _announce(address: str, lines: Sequence[str]) -> None:
    for line in (f"Taizhang 台账 is at {address}/api/openapi.json", *lines):
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _first_sign_in(at: Installation) -> Iterator[str]:
    """The password of the demonstration's administrator, who is let sign in once; it is shown this once."""
    person = at.entrust(ADMINISTRATOR, "administrator")
    if not at.records.load(Person, person, fresh=True).signs_in:
        password = generate()
        _, code = at.accounts.open(at.act(ADMINISTRATOR, DECISION, "personnel"), person, "admin")
        if code:
            at.accounts.choose(person, code, password)
            yield f"sign in as admin with the password {password} (shown this once)"


def _token(at: Installation, home: Path) -> str:
    """The demonstration's token: the one of the last start while it is good, else a new one, kept for its owner."""
    kept = home / "demonstration-token"
    with suppress(OSError, ValueError):
        token = kept.read_text("ascii").strip()
        if at.access.recognise(token):
            return token
    token = at.token(ADMINISTRATOR, "administrator")
    with suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
        kept.unlink(missing_ok=True)
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token + "\n")
    return token
