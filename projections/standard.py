"""The catalogue of standards (规范目录), and every version as it was published."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, get_args
from uuid import UUID, uuid5

from domain.event import Recorded, replace
from domain.standard import (
    Duty,
    Flow,
    StandardAmended,
    StandardDescribed,
    StandardDrafted,
    StandardEvent,
    StandardPublished,
    StandardRetired,
    Standing,
)
from projections.scope import OPEN
from projections.view import Row, Rows, View


@dataclass(frozen=True)
class StandardRow(Row):
    """A standard as it stands at one version of its record. ``versions`` counts the published ones."""

    INDEXES: ClassVar = (("code",), ("area", "code"))
    SCOPE: ClassVar = OPEN

    version: int
    code: str
    title: str
    area: str
    authority: str
    standing: Standing
    versions: int = 0
    effective_on: date | None = None
    retired_on: date | None = None


@dataclass(frozen=True)
class VersionRow(Row):
    """One published version, whole. Nothing changes it."""

    INDEXES: ClassVar = (("standard", "number"),)
    SCOPE: ClassVar = OPEN

    standard: UUID
    number: int
    effective_on: date
    title: str
    area: str
    authority: str
    flow: Flow
    separate: tuple[tuple[str, str], ...]
    duties: tuple[Duty, ...]
    published_by: UUID


def version_key(standard: UUID, number: int) -> UUID:
    return uuid5(standard, f"version {number}")


class StandardView(View):
    name = "standard"
    version = 4
    rows = (StandardRow, VersionRow)
    events = get_args(StandardEvent)

    def fold(self, past: Recorded, rows: Rows) -> None:
        id = past.originator_id
        match past.event:
            case StandardDrafted(code=code, title=title, area=area, authority=authority):
                rows.put(StandardRow(id, past.originator_version, code, title, area, authority, "draft"))
                return
            case StandardDescribed(title=title, area=area, authority=authority):
                rows.change(StandardRow, id, title=title, area=area, authority=authority)
            case StandardPublished(version=published):
                rows.put(
                    VersionRow(
                        version_key(id, published.number),
                        id,
                        published.number,
                        published.effective_on,
                        published.title,
                        published.area,
                        published.authority,
                        published.flow,
                        published.separate,
                        published.duties,
                        past.account.actor,
                    )
                )
                rows.change(
                    StandardRow,
                    id,
                    standing="published",
                    versions=published.number,
                    effective_on=published.effective_on,
                )
            case StandardAmended():
                rows.change(StandardRow, id, standing="amending")
            case StandardRetired():
                rows.change(StandardRow, id, standing="retired", retired_on=past.account.occurred_on)
            case _:
                pass
        rows.put(replace(rows.get(StandardRow, id), version=past.originator_version))
