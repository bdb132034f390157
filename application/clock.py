"""The time of day, and the calendar day it is where the organisations are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clock:
    """``zone`` decides which day an instant belongs to."""

    zone: tzinfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    now: Callable[[], datetime] = _now

    def today(self) -> date:
        return self.now().astimezone(self.zone).date()
