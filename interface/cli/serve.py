"""The service: the database, the views, the clock and HTTP, in one process that stops as one."""

import os
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import psycopg
import typer
import uvicorn

from application.access import person_id
from application.clock import Clock
from application.log import Unavailable
from application.migrate import migrate
from domain.event import Refused
from interface import demo as demonstration
from interface.app import Installation
from interface.cli.administer import CLOCK
from interface.cli.common import database, errors
from interface.http import create_app
from interface.settings import Settings

# Seconds between looks for omissions, and at whether the parent lives.
HOUR = 3600.0
BEAT = 0.5


def serve(
    demo: Annotated[bool, typer.Option("--demo", help="Load the demonstration, and print a token for it.")] = False,
    host: Annotated[str | None, typer.Option(help="Where to listen; TAIZHANG_HOST, else 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="On which port; TAIZHANG_PORT, else 8750.")] = None,
) -> None:
    """Run the service until it is told to stop, or its parent ends."""
    settings = Settings.read()
    parent = os.getppid()
    listening = _listen(host or settings.host, settings.port if port is None else port, any_free=demo and port is None)
    with listening, database(migrated=False) as found:
        migrate(found)
        with Installation(found, Clock(settings.zone)) as at:
            at.fold()
            at.access.introduce([CLOCK])
            if demo:
                demonstration.load(at, lambda what: errors.print(f"demonstration: {what} …", style="dim"))
            address, bound = listening.getsockname()[:2]
            shown = f"[{address}]" if ":" in address else address
            sys.stdout.write(f"Taizhang 台账 is at http://{shown}:{bound}/api/openapi.json\n")
            if demo:
                sys.stdout.write(f"token: {_token(at, settings.home)}\n")
            sys.stdout.flush()
            _run(at, listening, parent)


def _run(at: Installation, listening: socket.socket, parent: int) -> None:
    config = uvicorn.Config(create_app(at), log_level="warning", timeout_graceful_shutdown=5, access_log=False)
    server = uvicorn.Server(config)
    stop = threading.Event()

    def watch_parent() -> None:
        while not stop.wait(BEAT):
            if os.getppid() != parent:
                server.should_exit = True
                return

    def find_omissions() -> None:
        while not stop.is_set():
            # A server that is away for a while is asked again the next time.
            with suppress(Unavailable, psycopg.Error):
                at.ledger.detect_omissions(person_id(CLOCK))
            stop.wait(HOUR)

    threads = [
        threading.Thread(target=each, name=f"taizhang {each.__name__}") for each in (watch_parent, find_omissions)
    ]
    for thread in threads:
        thread.start()
    try:
        server.run(sockets=[listening])
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _listen(host: str, port: int, *, any_free: bool) -> socket.socket:
    """Bind before anything is started, so that a port in use is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        try:
            listening.bind((host, port))
        except OSError:
            if not any_free:
                raise
            listening.bind((host, 0))
    except OSError as error:
        listening.close()
        raise Refused(
            "cannot listen at {host} port {port}: {reason}", host=host, port=port, reason=error.strerror
        ) from None
    listening.listen(1024)
    return listening


def _token(at: Installation, home: Path) -> str:
    """The demonstration's token: the one of the last start while it is good, else a new one."""
    kept = home / "demonstration-token"
    with suppress(OSError):
        token = kept.read_text("ascii").strip()
        if at.access.recognise(token):
            return token
    token = at.access.create("演示·管理员", "administrator")
    home.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        kept.unlink(missing_ok=True)
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token + "\n")
    return token
