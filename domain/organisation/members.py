"""How many members an organisation has (党员人数). No person is named here."""

from dataclasses import dataclass
from typing import Self, assert_never

from domain.event import Refused
from domain.organisation.events import MemberAdmitted, MemberConfirmed, MemberLeft, MemberTransferred


@dataclass(frozen=True, slots=True)
class Members:
    """Full (正式) and probationary (预备) members, in people."""

    full: int = 0
    probationary: int = 0

    @property
    def total(self) -> int:
        return self.full + self.probationary

    def lose(self, full: int, probationary: int) -> None:
        """Refuse a loss of more members than there are."""
        check_count(full, probationary)
        if full > self.full:
            raise Refused("there are only {have} full members", field="full", have=self.full)
        if probationary > self.probationary:
            raise Refused("there are only {have} probationary members", field="probationary", have=self.probationary)

    def confirm(self, count: int) -> None:
        """Refuse to confirm nobody, or more probationary members than there are."""
        if not 1 <= count <= self.probationary:
            raise Refused(
                "there are {have} probationary members; confirm at least one of them, and no more",
                field="count",
                have=self.probationary,
            )

    def after(self, event: MemberAdmitted | MemberConfirmed | MemberTransferred | MemberLeft) -> Self:
        match event:
            case MemberConfirmed(count=count):
                return self._plus(count, -count)
            case MemberAdmitted(full=full, probationary=probationary):
                return self._plus(full, probationary)
            case MemberTransferred(direction="in", full=full, probationary=probationary):
                return self._plus(full, probationary)
            case MemberTransferred(full=full, probationary=probationary):
                return self._plus(-full, -probationary)
            case MemberLeft(full=full, probationary=probationary):
                return self._plus(-full, -probationary)
            case _:
                assert_never(event)

    def _plus(self, full: int, probationary: int) -> Self:
        return type(self)(self.full + full, self.probationary + probationary)


def check_count(full: int, probationary: int) -> None:
    """Refuse numbers of people that are negative, or all nought."""
    if full < 0:
        raise Refused("a number of people is 0 or more", field="full")
    if probationary < 0:
        raise Refused("a number of people is 0 or more", field="probationary")
    if full == probationary == 0:
        raise Refused("say how many members, at least one", field="full")
