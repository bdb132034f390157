"""A history as the log would hold it: each event with its version, position and time, and who answers for it."""

from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from domain.event import Account, Event, Recorded, Verdict
from domain.organisation import organisation_id
from domain.standard import standard_id
from tests.spec import ANN, CAI

MATTER: Final = UUID("0197a0c0-0000-7000-8000-000000000001")
FIRST: Final = date(2026, 1, 1)
USCC: Final = "914403001922038216"
COUNTY, TOWN, VILLAGE = map(organisation_id, ("330523", "330523100", "330523100201"))
SECOND: Final = UUID("0197a0c0-0000-7000-8000-000000000002")
MEETINGS: Final = standard_id("meetings")


class Tale:
    """What happened, in order."""

    def __init__(self) -> None:
        self.past: list[Recorded] = []
        self._versions: dict[UUID, int] = {}

    def happened(
        self, stream: UUID, *events: Event, on: date = FIRST, by: UUID = ANN, verdict: Verdict | None = None
    ) -> None:
        """Tell of one command, whose account says everything that an account can."""
        account = Account(
            actor=by,
            occurred_on=on,
            command_id=uuid5(stream, f"command {self._versions.get(stream, 0) + 1}"),
            occurred_at=datetime(on.year, on.month, on.day, 1, 30, 15, 250_000, tzinfo=UTC),
            on_behalf_of=CAI,
            organisation=TOWN,
            authority="支部工作条例第十一条",
            reason="依会议决定“一事一议”",
            correlation_id=MATTER,
            verdict=verdict,
        )
        for event in events:
            position = len(self.past) + 1
            version = self._versions[stream] = self._versions.get(stream, 0) + 1
            recorded_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=position)
            self.past.append(Recorded(stream, version, event, account, position, recorded_at))
