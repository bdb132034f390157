"""A nation made of one real county, over and over: what the measurements import."""

import csv
from collections.abc import Iterator
from datetime import date
from functools import partial
from importlib.resources import files
from itertools import islice
from typing import NamedTuple, cast
from uuid import UUID, uuid5

from application.bulk import Item
from application.organisation import establish
from application.records import Act, Work
from domain.event import Account, Refused
from domain.organisation import Code, Level, Organisation, Setting, code_id, organisation_id, setting_from_name

DAY = date(2026, 1, 1)
PERSON = UUID("be2c4000-0000-5000-8000-000000000001")
COUNTY = "330523"


class Unit(NamedTuple):
    code: str
    name: str
    parent_code: str
    level: Level

    @property
    def setting(self) -> Setting:
        return setting_from_name(self.name) if self.level == "village" else ""


def nation(size: int) -> Iterator[Unit]:
    """Yield so many organisations, each after its parent: provinces of ten prefectures of ten counties, all alike."""
    return islice(_units(), size)


def _units() -> Iterator[Unit]:
    text = files("templates").joinpath("demonstration", "organisations-anji.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    below = [row for row in rows if row["level"] in ("township", "village")]
    for province in range(11, 100):
        yield Unit(f"{province}", f"第{province}省", "", "province")
        for prefecture in range(10):
            above = f"{province}{prefecture:02}"
            yield Unit(above, f"第{above}市", f"{province}", "prefecture")
            for county in range(10):
                code = f"{above}{county:02}"
                yield Unit(code, f"第{code}县", above, "county")
                for row in below:
                    own, parent = row["code"].replace(COUNTY, code, 1), row["parent_code"].replace(COUNTY, code, 1)
                    yield Unit(own, row["name"], parent, cast(Level, row["level"]))


def account(command_id: UUID, actor: UUID = PERSON) -> Account:
    return Account(actor=actor, occurred_on=DAY, command_id=command_id, reason="imported from nation.csv")


def fail(_: Item, refusal: Refused) -> None:
    """What is measured here has no bad rows."""
    raise refusal


def founding(unit: Unit) -> Item:
    """The founding of an organisation, and the taking of its code, as one command: two events."""
    id = organisation_id(unit.code)
    founds = (Organisation, id), (Code, code_id("division", unit.code))
    reads = ((Organisation, organisation_id(unit.parent_code)),) if unit.parent_code else ()
    command_id = uuid5(id, "found")
    return Item(command_id, reads, partial(_found, unit=unit, command_id=command_id), founds=founds)


def _found(work: Work, unit: Unit, command_id: UUID) -> None:
    parent = organisation_id(unit.parent_code) if unit.parent_code else None
    establish(
        work,
        Act(account(command_id)),
        unit.name,
        unit.level,
        parent=parent,
        code=unit.code,
        uscc="",
        setting=unit.setting,
    )
