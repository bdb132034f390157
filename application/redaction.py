"""Removing payloads lawfully: the decision is recorded first, and then the bytes go."""

from collections.abc import Collection
from uuid import UUID

from application.database import Database, Role
from application.gate import Gate
from application.records import Act, Receipt, Records
from domain.event import Refused
from domain.redaction import REMOVE, PayloadRemoved, Redactions, redactions_id

ERASE = (
    "UPDATE events SET state = NULL, salt = NULL,"
    " commitment = sha256(convert_to((SELECT origin FROM log) || E'/state/v1\\n', 'UTF8') || salt || state)"
    " WHERE position = ANY(%s) AND state IS NOT NULL"
)


class Redaction:
    def __init__(self, records: Records, gate: Gate, database: Database) -> None:
        self._records = records
        self._gate = gate
        self._database = database

    @property
    def _id(self) -> UUID:
        return redactions_id(self._records.recorder.origin())

    def removed(self) -> frozenset[int]:
        """Return every position of which it was decided to remove the payload."""
        return self._records.load(Redactions, self._id, fresh=True).removed

    def covered(self) -> dict[int, int]:
        """Return for each position of a removed payload that of the event that decided it."""
        entries = self._records.recorder.select_events(self._id)
        return {
            position: past.position
            for past in map(self._records.recorded, entries)
            if isinstance(past.event, PayloadRemoved)
            for position in past.event.positions
        }

    def topics(self, positions: Collection[int]) -> dict[int, str]:
        """Return the topics of the events at some positions; raise Refused for one that the log has not."""
        head = self._records.recorder.max_notification_id() or 0
        found: dict[int, str] = {}
        for position in sorted(positions):
            if not 0 < position <= head:
                raise Refused("the log ends at position {head}", field="positions", head=head)
            [entry] = self._records.recorder.select_notifications(position, 1)
            if entry.originator_version == 1:
                raise Refused(
                    "the event at position {position} founded its record, which cannot be without it",
                    field="positions",
                    position=position,
                )
            found[position] = entry.topic
        return found

    def remove(self, act: Act, positions: Collection[int]) -> Receipt:
        """Decide to remove payloads, on the authority and for the reason in the account, and remove them.

        Raise Refused where a record could not be read without them. If this is interrupted once the decision is
        recorded, ``finish`` does the rest.
        """
        topics = self.topics(positions)
        without = self.removed().union(positions)
        for id in {entry.originator_id for p in topics for entry in self._records.recorder.select_notifications(p, 1)}:
            assert isinstance(id, UUID), "every stream of ours is named by one"
            if (position := self._records.rests_on(id, without)) is not None:
                raise Refused(
                    "without it the record cannot be read: the event at position {position} rests on it; remove that"
                    " as well",
                    field="positions",
                    position=position,
                )
        receipt = self._gate.decide(
            self._records, act, REMOVE, Redactions, self._id, lambda held, account: held.remove(topics.items(), account)
        )
        self.finish()
        return receipt

    def finish(self) -> int:
        """Remove what it was decided to remove and is still there; return how many payloads those were."""
        removed = sorted(self.removed())
        if not removed:
            return 0
        with self._database.connect(Role.redactor) as connection:
            count = connection.execute(ERASE, (removed,)).rowcount
        if count:
            # Until then the bytes lie in the table's dead rows.
            with self._database.connect(Role.owner) as connection:
                connection.execute("VACUUM events")
        return count
