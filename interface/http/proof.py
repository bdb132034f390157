"""Proofs over HTTP, and the log as C2SP tlog-tiles has it, for whoever checks it with tools of their own."""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, BinaryIO
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from application.sealed import Unsealed, Unstamped
from domain.authority import Forbidden
from domain.event import Refused
from domain.note import encode
from domain.tile import Tile
from interface.app import Installation
from interface.http.gate import Caller
from interface.http.present import router
from interface.http.problem import Unknown
from interface.http.reading import Position, Seen, query
from projections.query import Behind

routes = router("", "proofs")
# What public tools for transparency logs ask for, at the places where they look for it, of anybody.
tiles = APIRouter(include_in_schema=False)

FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Inclusion:
    """That the log has an event (RFC 6962 §2.1.1): what was hashed, and the way from there to the signed root.

    Hashes are in base64; `leaf` is that of a zero byte and `entry`, and the leaf's index is `position` − 1.
    `tlog_proof` is all of it as one text (C2SP tlog-proof).
    """

    position: int
    entry: str
    leaf: str
    size: int
    hashes: list[str]
    checkpoint: str
    tlog_proof: str


@query(routes, "/events/{position}/proof", (), Inclusion, found=False)
def prove_event(who: Caller, position: Position) -> Inclusion | None:
    """Prove that an event is in the log, under the newest checkpoint."""
    recorded = who.at.records.recorder.select_notifications(position, 1)
    if recorded and recorded[0].id == position and not who.sees(UUID(str(recorded[0].originator_id))):
        raise Forbidden("no duty of yours reaches the record of event {position}", position=position)
    try:
        found = who.at.proofs.included(position)
    except Unsealed:
        if not 0 < position <= who.at.head():
            return None
        raise Behind("the event at position {position} is not sealed yet", position=position) from None
    return Inclusion(
        position,
        found.entry.decode(),
        encode(found.leaf),
        found.size,
        [encode(each) for each in found.proof.hashes],
        bytes(found.proof.checkpoint).decode(),
        bytes(found.proof).decode(),
    )


Size = Annotated[int, Field(ge=1, lt=2**53)]


class AskedSizes(Seen):
    first: Size = Field(description="The smaller size of the log, in events.")
    second: Size | None = Field(None, description="The larger; without it, that of the newest checkpoint.")


@dataclass(frozen=True)
class Consistency:
    """That the log of one size begins that of another (RFC 6962 §2.1.2); hashes are in base64."""

    first: int
    second: int
    first_root: str
    second_root: str
    hashes: list[str]


@query(routes, "/consistency", (), Consistency)
def prove_consistency(who: Caller, asked: AskedSizes) -> Consistency:
    """Prove that nothing was changed, dropped, inserted or reordered from one size of the log to another."""
    try:
        found = who.at.proofs.consistent(asked.first, asked.second)
    except Unsealed:
        sealed = sealed_size(who.at)
        field = "first" if asked.first > sealed else "second"
        raise Refused("{sealed} events are sealed", field=field, sealed=sealed) from None
    except ValueError:
        raise Refused("the second size is smaller than the first", field="second") from None
    return Consistency(
        found.first,
        found.second,
        encode(found.first_root),
        encode(found.second_root),
        [encode(each) for each in found.hashes],
    )


ZIP = "application/zip"


class AskedBundle(Seen):
    since: Size | None = Field(
        None, description="Prove besides that the log goes on from a checkpoint of so many events that you kept."
    )
    timestamped: bool = Field(
        default=False, description="Under the newest checkpoint that has a time-stamp (RFC 3161), and with that."
    )

    @property
    def how(self) -> dict[str, Any]:
        return {"since": self.since, "timestamped": self.timestamped}


@query(routes, "/records/{id}/bundle", (), bytes, found=False, also=ZIP)
def bundle_record(who: Caller, id: UUID, asked: AskedBundle) -> Response | None:
    """Give a record's sealed events as one file that is verified offline."""
    if not who.sees(id):
        return None
    return _bundled(f"{id}.bundle", partial(who.at.bundles.of_record, record=id, **asked.how))


class AskedRange(AskedBundle):
    first: Size | None = Field(None, alias="from", description="The first position; with `to`.")
    last: Size | None = Field(None, alias="to", description="The last position.")


@query(routes, "/log/bundle", (), bytes, also=ZIP)
def bundle_log(who: Caller, asked: AskedRange) -> Response:
    """Give the sealed events from one position to another, or all, as one file that is verified offline."""
    who.must_reach_all()
    first, last = asked.first, asked.last
    if first is None and last is None:
        return _bundled("log.bundle", partial(who.at.bundles.of_all, **asked.how))
    if first is None or last is None:
        raise Refused("give a first position and a last one, or neither", field="from" if first is None else "to")
    if first > last:
        raise Refused("the last position comes before the first", field="to")
    if last > (sealed := sealed_size(who.at)):
        raise Refused("{sealed} events are sealed", field="to", sealed=sealed)
    write = partial(who.at.bundles.of_range, first=first, last=last, **asked.how)
    return _bundled(f"{first}-{last}.bundle", write)


def _bundled(name: str, write: Callable[[BinaryIO], object]) -> Response:
    """Answer with a file that is written first and gone once it is sent."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  # whoever sends it closes it
    try:
        write(file)
    except Unstamped as missing:
        file.close()
        raise Refused(
            "no stamped checkpoint covers these events; the newest is of {size} events",
            field="timestamped",
            size=missing.size,
        ) from None
    except Unsealed as trouble:
        file.close()
        raise Behind("none of these events can be given yet: {trouble}", trouble=trouble) from None
    except BaseException:
        file.close()
        raise
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(length)}
    return StreamingResponse(_blocks(file), media_type=ZIP, headers=headers)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while block := file.read(1 << 18):
            yield block


def sealed_size(at: Installation) -> int:
    """How many events are sealed."""
    try:
        return at.sealed.checkpoint().size
    except Unsealed:
        return 0


@tiles.get("/checkpoint")
def show_checkpoint(request: Request) -> Response:
    try:
        note = request.app.state.installation.sealed.note()
    except Unsealed:
        raise Unknown("nothing is sealed yet") from None
    return Response(bytes(note), media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-cache"})


@tiles.get("/tile/{path:path}")
def show_tile(request: Request, path: str) -> Response:
    try:
        content = request.app.state.installation.sealed.tile(Tile.parse(f"tile/{path}"))
    except (Unsealed, ValueError):
        raise Unknown("there is no such tile") from None
    return Response(content, media_type="application/octet-stream", headers={"Cache-Control": FOR_EVER})
