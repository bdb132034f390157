"""A record's history: as a story, and event by event as it is stored."""

import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import TypeAdapter

from domain.event import Refused
from domain.organisation import Code, code_id, organisation_id
from domain.standard import standard_id
from interface.app import Installation
from interface.cli.common import Json, KnownAt, installation, write_json

# Events that are read at once.
PAGE = 1000


def history(
    id: Annotated[str, typer.Argument(help="A record's identifier, or the code of an organisation or a standard.")],
    known_at: KnownAt = None,
    as_json: Json = False,
) -> None:
    """Tell the whole history of a record: as a story, or with --json also event by event as it is stored."""
    from interface.http.record import Happening, tell  # noqa: PLC0415  # other commands do without the web framework

    adapter: TypeAdapter[Any] = TypeAdapter(Happening)
    with installation() as at:
        moment = min(at.known_at(known_at), at.head())
        record = named(at, id)
        happenings = (each for page in _pages(at, record, moment) for each in tell(at, page, str.format))
        if as_json:
            write_json(f'{{"id": "{record}", "known_at": {moment}, "events": [')
        for number, each in enumerate(happenings):
            if as_json:
                write_json(f"{', ' if number else ''}{adapter.dump_json(each).decode()}")
            else:
                sys.stdout.write(f"{each.position:>8}  {_line(each)}\n")
        if as_json:
            write_json("]}\n")
        sys.stdout.flush()


def _line(each: Any) -> str:
    """Tell of one event: when it took effect, who did it, what it means, and why."""
    if not each.account:  # it was removed, and the day is that on which it was recorded
        return f"{each.recorded_at.date()}  {each.sentence}"
    reason = f" ({each.account['reason']})" if each.account.get("reason") else ""
    who = each.by.name or each.by.id if each.by else each.account["actor"]
    return f"{each.account['occurred_on']}  {who}: {each.sentence}{reason}"


def _pages(at: Installation, record: UUID, until: int) -> Iterator[Sequence[Any]]:
    after = 0
    while found := at.records.recorder.select_events(record, gt=after, limit=PAGE):
        yield [entry for entry in found if entry.id <= until]
        after = found[-1].originator_version


def named(at: Installation, text: str) -> UUID:
    """The record that a text names: by identifier, by an organisation's code, or by a standard's."""
    try:
        ids = [UUID(text)]
    except ValueError:
        holder = at.records.load(Code, code_id("division", text), fresh=True).holder
        ids = [holder or organisation_id(text), standard_id(text)]
    found = [id for id in ids if at.records.recorder.select_events(id, limit=1)]
    if not found:
        raise Refused("there is no record {id}", field="id", id=text)
    if len(found) > 1:
        raise Refused(
            "{id} is the code of an organisation, {organisation}, and of a standard, {standard}: give one of these",
            field="id",
            id=text,
            organisation=found[0],
            standard=found[1],
        )
    return found[0]
