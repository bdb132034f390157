"""The organisations (组织): tree and profile, each with its codes, terms of office and number of members."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, get_args
from uuid import UUID

from domain.event import Recorded, replace
from domain.organisation import (
    Codes,
    DissolutionAbandoned,
    DissolutionBegun,
    HeldCode,
    Level,
    MemberAdmitted,
    MemberConfirmed,
    MemberDoublyRegistered,
    MemberLeft,
    Members,
    MemberTransferred,
    OfficerAppointed,
    OfficerReleased,
    OrganisationCodeAssigned,
    OrganisationCodeWithdrawn,
    OrganisationDissolved,
    OrganisationEstablished,
    OrganisationEvent,
    OrganisationMoved,
    OrganisationRenamed,
    OrganisationSettingChanged,
    ReelectionHeld,
    Setting,
    Standing,
    Term,
    TermExpired,
    Terms,
)
from projections.view import Row, Rows, View


@dataclass(frozen=True)
class OrganisationRow(Row):
    """An organisation at one version. ``code`` and ``uscc`` are those it holds, "" for none; ``codes`` all it held."""

    INDEXES: ClassVar = (("parent", "code"), ("code",), ("uscc",), ("level", "code"))
    SCOPE: ClassVar = "key"

    version: int
    name: str
    code: str
    uscc: str
    level: Level
    setting: Setting
    parent: UUID | None
    standing: Standing
    established_on: date
    dissolved_on: date | None = None
    successor: UUID | None = None
    full_members: int = 0
    probationary_members: int = 0
    doubly_registered: int = 0
    codes: tuple[HeldCode, ...] = ()
    terms: tuple[Term, ...] = ()


class OrganisationView(View):
    name = "organisation"
    version = 2
    rows = (OrganisationRow,)
    events = get_args(OrganisationEvent)

    def fold(self, past: Recorded, rows: Rows) -> None:
        match past.event:
            case OrganisationEstablished() as founded:
                day = past.account.occurred_on
                rows.put(
                    OrganisationRow(
                        past.originator_id,
                        past.originator_version,
                        founded.name,
                        founded.code,
                        "",
                        founded.level,
                        founded.setting,
                        founded.parent,
                        "live",
                        day,
                        codes=(HeldCode("division", founded.code, day),) if founded.code else (),
                    )
                )
            case _:
                row = rows.get(OrganisationRow, past.originator_id)
                rows.put(replace(_after(row, past), version=past.originator_version))


def _after(row: OrganisationRow, past: Recorded) -> OrganisationRow:
    match past.event:
        case OrganisationRenamed(name=name):
            return replace(row, name=name)
        case OrganisationMoved(parent=parent):
            return replace(row, parent=parent)
        case OrganisationSettingChanged(setting=setting):
            return replace(row, setting=setting)
        case OrganisationCodeAssigned() | OrganisationCodeWithdrawn() as event:
            return _holding(row, Codes(row.codes).after(event))
        case OfficerAppointed() | OfficerReleased() | TermExpired() | ReelectionHeld() as event:
            return replace(row, terms=Terms(row.terms).after(event).all)
        case MemberAdmitted() | MemberConfirmed() | MemberTransferred() | MemberLeft() as event:
            members = Members(row.full_members, row.probationary_members).after(event)
            return replace(row, full_members=members.full, probationary_members=members.probationary)
        case MemberDoublyRegistered(count=count):
            return replace(row, doubly_registered=row.doubly_registered + count)
        case DissolutionBegun():
            return replace(row, standing="closing")
        case DissolutionAbandoned():
            return replace(row, standing="live")
        case OrganisationDissolved(successor=successor):
            day = past.account.occurred_on
            ended = _holding(row, Codes(row.codes).ended(day))
            return replace(ended, standing="dissolved", dissolved_on=day, successor=successor)
        case _:
            return row


def _holding(row: OrganisationRow, codes: Codes) -> OrganisationRow:
    return replace(row, codes=codes.held, code=codes.now("division"), uscc=codes.now("uscc"))
