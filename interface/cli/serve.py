"""The service: the database, the views, the clock and HTTP, in one process that stops as one."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from application.clock import Clock
from application.migrate import migrate
from domain.event import Refused
from interface import demo as demonstration
from interface.app import Installation
from interface.cli.clockwork import Clockwork
from interface.cli.common import database, note
from interface.settings import Settings

# Seconds between looks at whether the parent lives, and for requests under way when the service stops.
BEAT = 0.5
GRACE = 5
PARENT = os.getppid()


def serve(
    demo: Annotated[bool, typer.Option("--demo", help="Load the demonstration, and print a token for it.")] = False,
    host: Annotated[str | None, typer.Option(help="Where to listen; TAIZHANG_HOST, else 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="On which port; TAIZHANG_PORT, else 8750.")] = None,
) -> None:
    """Run the service until it is told to stop (Ctrl-C, SIGTERM), or its parent ends, unless it runs under nohup."""
    with suppress(KeyboardInterrupt), _stoppable():
        settings = Settings.read()
        any_free = demo and port is None and "TAIZHANG_PORT" not in os.environ
        bound = _bind(host or settings.host, settings.port if port is None else port, any_free=any_free)
        with closing(bound), database(settings, migrated=False) as found:
            migrate(found, settings.origin)
            with Installation(found, Clock(settings.zone)) as at:
                at.fold()
                if demo:
                    demonstration.load(at, lambda what: note(f"demonstration: {what} …"))
                token = _token(at, settings.home) if demo else ""
                _run(at, bound, lambda address: _announce(address, token))


def _run(at: Installation, bound: socket.socket, announce: Callable[[str], None]) -> None:
    # Here and not above: no other command needs the web framework, which takes as long to load as all the rest.
    from interface.cli.listening import listen  # noqa: PLC0415
    from interface.http import create_app  # noqa: PLC0415

    clockwork = Clockwork(at)
    clockwork.start()
    try:
        listen(create_app(at), bound, announce, GRACE)
    finally:
        clockwork.stop()


def _announce(address: str, token: str) -> None:
    sys.stdout.write(f"Taizhang 台账 is at {address}/api/openapi.json\n")
    if token:
        sys.stdout.write(f"token: {token}\n")
    sys.stdout.flush()


@contextmanager
def _stoppable() -> Generator[None]:
    """Let a signal that asks for an end raise KeyboardInterrupt, and let the death of the parent be such a signal.

    Whoever ignores SIGHUP (``nohup``) wants the service to outlive its parent.
    """
    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signals.append(signal.SIGHUP)
        threading.Thread(target=_watch_parent, name="taizhang parent", daemon=True).start()
    before = {each: signal.signal(each, signal.default_int_handler) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _watch_parent() -> None:
    while os.getppid() == PARENT:
        time.sleep(BEAT)
    os.kill(os.getpid(), signal.SIGTERM)


def _bind(host: str, port: int, *, any_free: bool) -> socket.socket:
    """Take the port before anything is started, so that one in use is told at once; nothing listens on it yet."""
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Refused("there is no address {host}: {reason}", host=host, reason=error.strerror) from None
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        try:
            bound.bind(address)
        except OSError:
            if not any_free:
                raise
            bound.bind((host, 0))
    except OSError as error:
        bound.close()
        raise Refused(
            "cannot listen at {host} port {port}: {reason}", host=host, port=port, reason=error.strerror
        ) from None
    return bound


def _token(at: Installation, home: Path) -> str:
    """The demonstration's token: the one of the last start while it is good, else a new one, kept for its owner."""
    kept = home / "demonstration-token"
    with suppress(OSError, ValueError):
        token = kept.read_text("ascii").strip()
        if at.access.recognise(token):
            return token
    token = at.access.create("演示·管理员", "administrator")
    with suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
        kept.unlink(missing_ok=True)
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token + "\n")
    return token
