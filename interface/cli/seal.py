"""The sealer's process: beside the service, or on a host of its own."""

import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer

from application import keys
from application.files import alone
from application.seal import Sealer, Stamping, Unaccountable, Unwilling, Witnessed
from application.sealed import Refusal, Sealed
from domain.policy import Policy
from interface.cli.common import database, note, trusted
from interface.cli.running import stoppable
from interface.cli.timestamp import timestamps
from interface.settings import Settings

REFUSED = 3
"""The exit status of a sealer that cannot account for the log."""


def seal(
    begin: Annotated[bool, typer.Option("--begin", help="Decide that this log was never sealed.")] = False,
    writer: Annotated[
        list[str] | None,
        typer.Option(metavar="VKEY", help="With --begin: a writer's key, if its file is not here; as often as needed."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Decide that what was refused has been put right.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Seal what is there now, and end.")] = False,
) -> None:
    """Seal the log in signed checkpoints, one a second at most, until told to stop, or until it must refuse."""
    settings = Settings.read()
    signers = partial(keys.load_all, settings.keys, keys.LOG, settings.sign_command)
    sealed = Sealed(settings.sealed)
    folder = settings.sealer
    with alone(folder) as only:
        if not only:
            raise Unwilling(f"another sealer works in {folder}")
        if begin:
            signer = keys.load(settings.keys, keys.LOG, settings.sign_command)
            Sealer.begin(signer, folder, sealed, trusted(settings.keys, keys.WRITER, writer))
        if resume:
            _tell(Sealer.resume(folder, sealed), "lifted: ")
        stamping = _stamping(settings, sealed)
        with database(settings) as found:
            try:
                _run(Sealer(found, signers, folder, sealed, _now, _witnessed(settings)), stamping, once=once)
            except Unaccountable as refusal:
                sys.stderr.write(
                    f"taizhang: NOT SEALED: {refusal}. Nothing is sealed any more. Keep the database as it is, find out"
                    " who changed it, put back what was signed, and then decide: taizhang seal --resume\n"
                )
                raise typer.Exit(REFUSED) from None


def _run(sealer: Sealer, stamping: Stamping | None, *, once: bool) -> None:
    if once:
        sealer.seal()
        sys.stdout.write(f"{sealer.size} events are sealed\n")
        for trouble in sealer.standing.troubles:
            note(trouble)
        if stamping and (trouble := stamping.look()):
            note(trouble)
        return
    stop = threading.Event()
    with suppress(KeyboardInterrupt), stoppable():
        if stamping:
            threading.Thread(target=stamping.follow, args=(stop, note), name="taizhang stamping", daemon=True).start()
        sealer.follow(stop, note)


def _now() -> datetime:
    return datetime.now(UTC)


def _witnessed(settings: Settings) -> Witnessed | None:
    """The witnesses of ``TAIZHANG_POLICY``; while too few cosign, ``TAIZHANG_UNWITNESSED`` says: publish, or hold."""
    if settings.policy is None:
        return None
    try:
        return Witnessed(Policy.parse(settings.policy.read_text("utf-8", "surrogateescape")), settings.hold)
    except ValueError as error:
        raise Unwilling(f"{settings.policy}: {error}") from None


def _stamping(settings: Settings, sealed: Sealed) -> Stamping | None:
    """What asks the authority of ``TAIZHANG_TIMESTAMP``, once in ``TAIZHANG_TIMESTAMP_EVERY`` at most."""
    if settings.timestamps is None:
        sealed.tell_stamping(None)
        return None
    return Stamping(timestamps(settings.timestamps, sealed), settings.timestamps.every, _now)


def _tell(refusal: Refusal | None, what: str) -> None:
    note(f"{what}{refusal.sentence}" if refusal else "nothing was refused")
