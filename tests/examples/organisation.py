"""Organisations in the examples: a county, a town, a village that lives through everything, and one that ends."""

from datetime import date

from domain.organisation import (
    CodeReleased,
    CodeTaken,
    DissolutionAbandoned,
    DissolutionBegun,
    Elected,
    MemberAdmitted,
    MemberConfirmed,
    MemberDoublyRegistered,
    MemberLeft,
    MemberTransferred,
    OfficerAppointed,
    OfficerReleased,
    OrganisationCodeAssigned,
    OrganisationCodeWithdrawn,
    OrganisationDissolved,
    OrganisationEstablished,
    OrganisationMoved,
    OrganisationRenamed,
    OrganisationSettingChanged,
    ReelectionHeld,
    TermExpired,
    code_id,
)
from tests.examples.tale import COUNTY, FIRST, SECOND, TOWN, USCC, VILLAGE, Tale
from tests.spec import ANN, BO, CAI


def tell(tale: Tale) -> None:
    tale.happened(
        VILLAGE,
        OrganisationEstablished(name="鲁家村", code="330523100201", parent=TOWN, level="village", setting="rural"),
    )
    tale.happened(
        code_id("division", "330523100201"),
        CodeTaken(scheme="division", code="330523100201", organisation=VILLAGE, valid_from=FIRST),
    )
    tale.happened(
        COUNTY, OrganisationEstablished(name="安吉县", code="330523", parent=None, level="county", setting="")
    )
    tale.happened(
        TOWN, OrganisationEstablished(name="梅溪镇", code="330523100", parent=COUNTY, level="township", setting="")
    )
    tale.happened(
        SECOND, OrganisationEstablished(name="机关支部", code="", parent=TOWN, level="branch", setting="urban")
    )
    tale.happened(VILLAGE, OrganisationRenamed(name_before="鲁家村", name="鲁家社区"))
    tale.happened(VILLAGE, OrganisationMoved(parent_before=TOWN, parent=COUNTY))
    tale.happened(VILLAGE, OrganisationSettingChanged(setting_before="rural", setting="urban"))
    tale.happened(
        VILLAGE,
        OrganisationCodeAssigned(
            scheme="division", code="330523100001", code_before="330523100201", valid_from=date(2026, 2, 1)
        ),
        OrganisationCodeAssigned(scheme="uscc", code=USCC, code_before="", valid_from=date(2026, 2, 1)),
    )
    tale.happened(
        code_id("division", "330523100201"), CodeReleased(organisation=VILLAGE, valid_until=date(2026, 1, 31))
    )
    tale.happened(VILLAGE, OrganisationCodeWithdrawn(scheme="uscc", code=USCC, valid_until=date(2026, 6, 30)))
    tale.happened(
        VILLAGE,
        OfficerAppointed(post="委员", person=BO, since=FIRST, until=date(2026, 12, 31), shared=True),
        OfficerAppointed(post="书记", person=ANN, since=FIRST, until=date(2026, 3, 31), shared=False),
        OfficerAppointed(post="主任", person=CAI, since=FIRST, until=None, shared=False),
        OfficerReleased(post="主任", person=CAI, since=FIRST, on=date(2026, 2, 28)),
        TermExpired(post="书记", person=ANN, since=FIRST, due=date(2026, 3, 31)),
        ReelectionHeld(
            on=date(2026, 4, 5),
            results=(Elected(post="书记", person=CAI), Elected(post="纪检委员", person=BO, shared=True)),
            vacated=("委员",),
            since=date(2026, 4, 10),
            until=date(2031, 4, 9),
        ),
    )
    tale.happened(
        VILLAGE,
        MemberAdmitted(full=20, probationary=3),
        MemberConfirmed(count=1),
        MemberTransferred(direction="out", full=2, probationary=1, counterpart=SECOND, on=date(2026, 5, 1)),
        MemberLeft(full=1, probationary=1, cause="withdrawal"),
        MemberDoublyRegistered(count=4, residence=SECOND),
    )
    tale.happened(
        SECOND, MemberTransferred(direction="in", full=2, probationary=1, counterpart=VILLAGE, on=date(2026, 5, 1))
    )
    tale.happened(VILLAGE, DissolutionBegun(), DissolutionAbandoned())
    tale.happened(SECOND, DissolutionBegun(), OrganisationDissolved(successor=VILLAGE), on=date(2026, 7, 1))
