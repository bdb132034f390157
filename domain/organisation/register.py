"""The register of codes (登记): whoever races, a code is in one hand on any day."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self, assert_never
from uuid import UUID

from domain.event import Account, Aggregate, Refused, replace
from domain.organisation.codes import check_code, code_id
from domain.organisation.events import CodeEvent, CodeReleased, CodeTaken, Scheme
from domain.organisation.text import check_day

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Code(Aggregate):
    """One code of one scheme, who holds it from which day, and from which day it is free for another.

    Its stream's version makes the code unique whoever races: an organisation's event that gives it a code and
    the code's ``CodeTaken`` are recorded in one command, as are the loss of a code and ``CodeReleased``.
    """

    holder: UUID | None = None
    valid_from: date = date.min
    free_from: date = date.min

    def take(self, scheme: Scheme, code: str, organisation: UUID, valid_from: date) -> CodeTaken:
        """Give the code to an organisation; refuse while another holds it, or on a day that was another's.

        Raise ValueError if this is another code's stream.
        """
        if self.id != code_id(scheme, code):
            raise ValueError(f"{self.id} is not the stream of {scheme} code {code}")
        check_code(scheme, code)
        check_day(valid_from, "valid_from")
        if self.holder == organisation:
            raise Refused("the organisation holds code {code} already", field="code", code=code)
        if self.holder:
            raise Refused("another organisation holds code {code}; withdraw it there first", field="code", code=code)
        if valid_from < self.free_from:
            raise Refused(
                "code {code} was in use until the day before {free}; it can be valid from {free} on",
                field="valid_from",
                code=code,
                free=self.free_from,
            )
        return CodeTaken(scheme=scheme, code=code, organisation=organisation, valid_from=valid_from)

    def release(self, organisation: UUID, valid_until: date) -> CodeReleased:
        """End the holding; a last day before the first says that it was a mistake and never valid."""
        check_day(valid_until, "valid_until")
        if self.holder != organisation:
            raise Refused("the organisation does not hold this code", field="code")
        return CodeReleased(organisation=organisation, valid_until=valid_until)

    def evolve(self, event: CodeEvent, account: Account) -> Self:
        match event:
            case CodeTaken(organisation=organisation, valid_from=valid_from):
                return replace(self, holder=organisation, valid_from=valid_from)
            case CodeReleased(valid_until=valid_until):
                never_valid = valid_until < self.valid_from
                return replace(self, holder=None, free_from=self.free_from if never_valid else valid_until + _DAY)
            case _:
                assert_never(event)
