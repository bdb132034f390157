"""What guards a log in its database, against what was sealed of it at the last deployment."""

import json
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow

from application import catalogue
from application.verify.finding import Wrong
from domain.installation import CatalogueSealed, differences, installation_id

LAST = (
    "SELECT position, state FROM events WHERE originator_id = %s AND topic = %s AND position <= %s"
    " ORDER BY originator_version DESC LIMIT 1"
)
# Differences that one sentence tells.
TOLD = 3


@dataclass(frozen=True, slots=True)
class Guards:
    """The position at which a catalogue was sealed last, and in what that of now is another."""

    position: int
    altered: tuple[str, ...]

    @property
    def sentence(self) -> str:
        more = f"; and {len(self.altered) - TOLD} more" if len(self.altered) > TOLD else ""
        told = "; ".join(self.altered[:TOLD]) + more
        return f"the database does not guard the log as it did when that was sealed at position {self.position}: {told}"


def guards(connection: Connection[TupleRow], schema: str, origin: str, events: int) -> Guards | None:
    """Compare the catalogue with the newest one among so many events; None if none is sealed. Raise Wrong."""
    row = connection.execute(LAST, (installation_id(origin), CatalogueSealed.TOPIC, events), binary=True).fetchone()
    if row is None:
        return None
    position, state = row
    try:
        sealed = json.loads(state)["event"]
        known, parts = str(sealed["catalogue"]), {str(part): str(text) for part, text in sealed["parts"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Wrong(position - 1, "event", f"the event at position {position} seals no catalogue") from None
    found = catalogue.read(connection, schema)
    if catalogue.fingerprint(found) == known:
        return Guards(position, ())
    return Guards(position, tuple(differences(parts, catalogue.shortened(found))) or ("one of its parts",))
