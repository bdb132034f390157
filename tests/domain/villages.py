"""The villages that the tests of organisations speak of."""

from datetime import date, timedelta
from uuid import UUID

from domain.event import Event
from domain.organisation import (
    Code,
    DissolutionBegun,
    Level,
    MemberAdmitted,
    Neighbour,
    OfficerAppointed,
    Organisation,
    OrganisationDissolved,
    OrganisationEstablished,
    Scheme,
    code_id,
)
from tests.spec import ANN, account, given

TOWN, OTHER = UUID(int=50), UUID(int=51)
MARCH, APRIL, MAY, JUNE = (date(2026, month, 1) for month in (3, 4, 5, 6))
DAY = timedelta(days=1)
USCC = "914403001922038216"

ESTABLISHED = OrganisationEstablished(name="鲁家村", code="330523110201", parent=TOWN, level="village", setting="rural")
ADMITTED = MemberAdmitted(full=10, probationary=2)
SECRETARY = OfficerAppointed(post="书记", person=ANN, since=MARCH, until=MAY, shared=False)
BEGUN = DissolutionBegun()
DISSOLVED = OrganisationDissolved(successor=None)


def neighbour(level: Level = "township", id: UUID = TOWN) -> Neighbour:
    return Neighbour(id, level, "live")


def village(*events: Event) -> Organisation:
    return given(Organisation, ESTABLISHED, *events)


def registered(*events: Event, scheme: Scheme = "division", code: str = "3305") -> Code:
    return Code(code_id(scheme, code)).after(account(), *events)
