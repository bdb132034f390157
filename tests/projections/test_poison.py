"""Poison: an event that a view cannot take stops that view alone, in the open, until a decision on record."""

from uuid import UUID

from interface.app import Installation
from tests.projections.engines import inject
from tests.projections.histories import UNITS

VILLAGE = UNITS[4]


def stopped(at: Installation) -> dict[str, tuple[int, str]]:
    """The views that are stopped: where, and by what."""
    return {each.name: (each.stopped_at, each.error or "") for each in at.views.standings() if each.stopped_at}


def going(at: Installation) -> set[str]:
    """The views that have folded the whole log."""
    head = at.head()
    return {each.name for each in at.views.standings() if each.position == head}


def rename(at: Installation, name: object) -> int:
    version = at.records.load(at.records_kind, VILLAGE).version if False else _version(at, VILLAGE)
    return inject(at.database, "organisation.OrganisationRenamed", {"name_before": "", "name": name}, VILLAGE, version)


def _version(at: Installation, stream: UUID) -> int:
    return len(at.records.recorder.select_events(stream)) + 1
