"""What the examples tell of people: duties given, lent and ended, a relation, a suspension, emergencies."""

from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from domain.authority import (
    AppointmentEnded,
    DelegationGiven,
    DelegationRevoked,
    DutyAppointed,
    EmergencyDeclined,
    EmergencyGranted,
    EmergencyRequested,
    PersonRegistered,
    PersonReinstated,
    PersonSuspended,
    RelationDeclared,
    RelationEnded,
    SignInClosed,
    SignInOpened,
)
from domain.event import Verdict
from tests.examples.tale import TOWN, VILLAGE, Tale
from tests.spec import ANN, BO, CAI, DAI

HELD, LENT, TIED, ASKED, AGAIN, URGENT = (UUID(f"0197a0c0-0000-7000-8000-{n:012x}") for n in range(0x20, 0x26))
ENDS: Final = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


def tell(tale: Tale) -> None:
    verdict = Verdict(
        action="authority.appoint",
        duty="administrator",
        appointment=AGAIN,
        delegation=LENT,
        rules=("appointer-appointee",),
    )
    given = DutyAppointed(
        appointment=HELD,
        duty="verifier",
        organisation=TOWN,
        since=date(2026, 1, 1),
        until=date(2026, 12, 31),
        decision="安组〔2026〕1号",
    )
    tale.happened(BO, PersonRegistered(kind="person"), given, verdict=verdict)
    tale.happened(CAI, PersonRegistered(kind="service"))
    tale.happened(DAI, PersonRegistered(kind="person"))
    lent = DelegationGiven(delegation=LENT, appointment=HELD, to=DAI, since=date(2026, 2, 1), until=date(2026, 2, 28))
    tale.happened(BO, lent, by=BO)
    tale.happened(BO, DelegationRevoked(delegation=LENT), on=date(2026, 2, 10), by=BO)
    for one, other in ((BO, DAI), (DAI, BO)):
        tale.happened(one, RelationDeclared(relation=TIED, other=other, tie="case", matter="安纪〔2026〕3号"), by=BO)
    tale.happened(BO, RelationEnded(relation=TIED))
    tale.happened(BO, PersonSuspended(until=date(2026, 3, 31)))
    tale.happened(BO, PersonReinstated())
    tale.happened(BO, AppointmentEnded(appointment=HELD, last=date(2026, 6, 30)))
    asked = EmergencyRequested(person=DAI, duty="filer", organisation=VILLAGE, hours=12)
    tale.happened(ASKED, asked, by=DAI)
    tale.happened(ASKED, EmergencyGranted(appointment=URGENT, ends_at=ENDS, announced_to=(ANN, BO)))
    urgent = DutyAppointed(
        appointment=URGENT,
        duty="filer",
        organisation=VILLAGE,
        since=date(2026, 3, 1),
        until=None,
        decision="",
        emergency=ASKED,
        ends_at=ENDS,
    )
    tale.happened(DAI, urgent)
    tale.happened(AGAIN, EmergencyRequested(person=DAI, duty="verifier", organisation=TOWN, hours=1), by=DAI)
    tale.happened(AGAIN, EmergencyDeclined())
    tale.happened(DAI, SignInOpened(), by=BO)
    tale.happened(DAI, SignInClosed(), by=BO)
