"""The witness's process, on a machine of another party than the log's: no database, a key and a folder of files."""

import sys
from contextlib import closing, suppress
from typing import Annotated

import typer

from application.witness import Unfit, Witness, witnessing
from domain.note import Key
from interface.cli.running import bind, stoppable
from interface.settings import Settings

# Seconds for requests under way when it stops.
GRACE = 5


def witness(
    log: Annotated[
        list[str], typer.Option(metavar="VKEY", help="A key of a log to watch, from its owner; as often as needed.")
    ],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="At the first start: the witness's name for ever, best an address.")
    ] = "",
    host: Annotated[str | None, typer.Option(help="Where to listen; TAIZHANG_HOST, else 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="On which port; TAIZHANG_PORT, else 8750.")] = None,
) -> None:
    """Cosign others' logs, as long as each only grows, until told to stop (Ctrl-C, SIGTERM), or until its parent ends.

    It speaks C2SP tlog-witness. Publish its key, which is printed, and where it is reached.
    """
    with suppress(KeyboardInterrupt), stoppable():
        settings = Settings.read()
        logs = [_key(each) for each in log]
        with (
            closing(bind(host or settings.host, settings.port if port is None else port, any_free=False)) as bound,
            witnessing(settings.witness, settings.keys, name, logs, sign_command=settings.sign_command) as opened,
        ):
            # Here and not above: no other command needs the web framework, which takes as long to load as all the rest.
            from interface.cli.listening import listen  # noqa: PLC0415
            from interface.http.witness import create_witness  # noqa: PLC0415

            listen(create_witness(opened), bound, lambda address: _announce(opened, address), GRACE)


def _key(line: str) -> Key:
    try:
        return Key.parse(line)
    except ValueError as error:
        raise Unfit(f"--log {line}: {error}") from None


def _announce(opened: Witness, address: str) -> None:
    sys.stdout.write(f"{opened.key}\nTaizhang 见证 is at {address}\n")
    sys.stdout.flush()
