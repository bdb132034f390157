"""Bundles: written from the log, and verified, which needs neither the service nor its database."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from application.files import settle
from application.timestamps import Roots
from domain.bundle import Judge, Manifest
from domain.event import Refused
from interface import verifier
from interface.cli.common import Json, installation, show
from interface.cli.history import named


def bundle(
    output: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it.")],
    record: Annotated[
        str | None, typer.Option(metavar="ID", help="A record, or the code of an organisation or a standard.")
    ] = None,
    first: Annotated[int | None, typer.Option("--from", metavar="POSITION", help="The first event, with --to.")] = None,
    last: Annotated[int | None, typer.Option("--to", metavar="POSITION", help="The last event.")] = None,
    whole: Annotated[bool, typer.Option("--all", help="Everything that is sealed.")] = False,
    since: Annotated[
        int | None,
        typer.Option("--since", metavar="SIZE", help="Prove that it goes on from a checkpoint of so many events."),
    ] = None,
    timestamped: Annotated[
        bool, typer.Option("--timestamped", help="Under the newest checkpoint that has a time-stamp, and with that.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write sealed events into one file that an inspector verifies offline (taizhang verify-bundle)."""
    ranged = first is not None and last is not None
    if (record is not None) + ranged + whole != 1 or (first is None) != (last is None):
        raise Refused("give one of --record, --from with --to, and --all", field="record")

    with installation() as at:

        def write(file: BinaryIO) -> Manifest:
            if record is not None:
                return at.bundles.of_record(file, named(at, record), since=since, timestamped=timestamped)
            if first is not None and last is not None:
                return at.bundles.of_range(file, first, last, since=since, timestamped=timestamped)
            return at.bundles.of_all(file, since=since, timestamped=timestamped)

        manifest = _whole(output, write)
    told = {"count": manifest.count, "size": manifest.size, "positions": manifest.positions, "origin": manifest.origin}
    show(told, lambda: [f"{manifest.count} events of {manifest.origin} are in {output}"], as_json=as_json)


def _whole(output: Path, write: Callable[[BinaryIO], Manifest]) -> Manifest:
    """Write a file that takes its name once it is whole."""
    with tempfile.NamedTemporaryFile(dir=output.parent, prefix=".", delete=False) as file:
        draft = Path(file.name)
        try:
            manifest = write(file)  # type: ignore[arg-type]  # it reads and winds back
            draft.chmod(0o644)
            draft.replace(output)
        except BaseException:
            draft.unlink()
            raise
    settle(output.parent)
    return manifest


def verify_bundle(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The bundle.")],
    key: Annotated[list[str] | None, typer.Option(metavar="VKEY", help=verifier.KEY)] = None,
    policy: Annotated[Path | None, typer.Option(metavar="FILE", help=verifier.POLICY)] = None,
    fresh: Annotated[str | None, typer.Option(metavar="SPAN", help=verifier.FRESH)] = None,
    since: Annotated[Path | None, typer.Option(metavar="FILE", help=verifier.SINCE)] = None,
    timestamp_roots: Annotated[Path | None, typer.Option(metavar="FILE", help=verifier.ROOTS)] = None,
    as_json: Annotated[bool, typer.Option("--json", help=verifier.JSON)] = False,
) -> None:
    """Verify a bundle offline: exit status 0 if it holds, 1 if not, 2 if nothing could be verified."""
    try:
        judge = _judge(timestamp_roots)
    except OSError as error:
        raise typer.Exit(verifier.fail(f"{timestamp_roots}: {error.strerror}")) from None
    except ValueError as error:
        raise typer.Exit(verifier.fail(f"{timestamp_roots}: {error}")) from None
    raise typer.Exit(verifier.inspect(file, key or [], policy, fresh, since, judge, as_json=as_json))


def _judge(roots: Path | None) -> Judge | None:
    return Roots.read(roots.read_bytes()).judge if roots else None
