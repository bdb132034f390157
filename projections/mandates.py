"""Questions to the view of people: who answers for an organisation, and where a person's mandates let them look."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from projections.authority import AppointmentRow, DelegationRow, PersonRow
from projections.organisation import OrganisationRow
from projections.query import NOW, Views

HELD = "{0}.began <= %(at)s AND {0}.ended > %(at)s"
# An appointment that is in force on a day, of a person who is not suspended.
IN_FORCE = f"""{HELD.format("given")} AND given.since <= %(day)s AND (given.until IS NULL OR given.until >= %(day)s)
    AND (given.ends_at IS NULL OR given.ends_at > now()) AND NOT EXISTS (
        SELECT FROM {{Person}} AS held WHERE held.key = given.person AND {HELD.format("held")} AND held.suspended
        AND (held.suspended_until IS NULL OR held.suspended_until >= %(day)s))"""


@dataclass(frozen=True)
class Mandates:
    views: Views

    def answering(self, organisation: UUID | None, day: date) -> Collection[UUID]:
        """Return the secretaries of an organisation, and the auditors and inspectors of it or what stands above it."""
        found = self.views.fetch(
            (AppointmentRow, PersonRow, OrganisationRow),
            f"""
            WITH RECURSIVE line AS (
                SELECT key, parent FROM {{Organisation}} AS unit WHERE key = %(organisation)s AND {HELD.format("unit")}
                UNION
                SELECT unit.key, unit.parent FROM line JOIN {{Organisation}} AS unit ON unit.key = line.parent
                WHERE {HELD.format("unit")}
            )
            SELECT DISTINCT given.person FROM {{Appointment}} AS given WHERE {IN_FORCE} AND (
                (given.duty = 'secretary' AND given.organisation = %(organisation)s)
                OR (given.duty IN ('auditor', 'inspector')
                    AND (given.organisation IS NULL OR given.organisation IN (SELECT key FROM line)))
            )
            """,
            {"organisation": organisation, "day": day, "at": NOW},
        )
        return [person for (person,) in found]

    def reach(self, person: UUID, day: date) -> tuple[bool, frozenset[UUID]]:
        """Return whether a person's duties, and those lent to them, reach the whole record; else where they are."""
        parameters: dict[str, Any] = {"person": person, "day": day, "at": NOW}
        found = self.views.fetch(
            (AppointmentRow, PersonRow, DelegationRow),
            f"""
            SELECT given.organisation FROM {{Appointment}} AS given WHERE {IN_FORCE} AND (
                given.person = %(person)s OR given.key IN (
                    SELECT lent.appointment FROM {{Delegation}} AS lent WHERE lent."to" = %(person)s
                    AND {HELD.format("lent")} AND NOT lent.revoked AND %(day)s BETWEEN lent.since AND lent.until
                )
            ) AND NOT EXISTS (
                SELECT FROM {{Person}} AS reader WHERE reader.key = %(person)s AND {HELD.format("reader")}
                AND reader.suspended AND (reader.suspended_until IS NULL OR reader.suspended_until >= %(day)s)
            )
            """,
            parameters,
        )
        places = {organisation for (organisation,) in found}
        return None in places, frozenset(place for place in places if place)
