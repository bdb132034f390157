"""Questions to the view of people: who answers for an organisation, and where a person's mandates let them look."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from domain.authority import Limits, Scope
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

    def reach(self, person: UUID, day: date, limits: Limits) -> Scope:
        """Return how far a person sees on a day: where they hold a duty, or are lent one, narrowed by their token."""
        found = self.views.fetch(
            (AppointmentRow, PersonRow, DelegationRow, OrganisationRow),
            f"""
            WITH RECURSIVE held AS (
                SELECT given.organisation AS place FROM {{Appointment}} AS given WHERE {IN_FORCE} AND (
                    given.person = %(person)s OR given.key IN (
                        SELECT lent.appointment FROM {{Delegation}} AS lent WHERE lent."to" = %(person)s
                        AND {HELD.format("lent")} AND NOT lent.revoked AND %(day)s BETWEEN lent.since AND lent.until
                    )
                ) AND (%(duty)s::text IS NULL OR given.duty = %(duty)s) AND NOT EXISTS (
                    SELECT FROM {{Person}} AS reader WHERE reader.key = %(person)s AND {HELD.format("reader")}
                    AND reader.suspended AND (reader.suspended_until IS NULL OR reader.suspended_until >= %(day)s)
                )
            ), line AS (
                SELECT place, place AS unit FROM (SELECT place FROM held UNION SELECT %(narrowed)s::uuid) AS places
                UNION
                SELECT line.place, unit.parent FROM line JOIN {{Organisation}} AS unit ON unit.key = line.unit
                WHERE {HELD.format("unit")} AND unit.parent IS NOT NULL
            )
            SELECT place, array_agg(unit), EXISTS (SELECT FROM held WHERE held.place IS NOT DISTINCT FROM line.place)
            FROM line GROUP BY place
            """,
            {"person": person, "day": day, "duty": limits.duty, "narrowed": limits.organisation, "at": NOW},
        )
        lines = {place: units for place, units, _ in found if place}
        return Scope.of(person, [place for place, _, held in found if held], limits.organisation, lines)

    def suspended(self, person: UUID, day: date) -> bool:
        """Whether a person is suspended on a day."""
        row = self.views.one(PersonRow, person)
        return row is not None and row.suspended and (row.suspended_until is None or row.suspended_until >= day)
