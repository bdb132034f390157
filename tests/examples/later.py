"""What the examples tell since the first release: a standard under another name, a duty with its article, a year."""

from datetime import date

from domain.installation import CatalogueSealed, LogVerified, installation_id
from domain.ledger import YearRaised, year_id
from domain.standard import Duty, DutyDefined, StandardDescribed, StandardDrafted, standard_id
from tests.examples.tale import MEETINGS, VILLAGE, Tale
from tests.spec import BO

_DUTY = Duty(
    code="meeting",
    title="党员大会",
    frequency="quarterly",
    source="中国共产党支部工作条例（试行）",
    article="第十一条",
    effective_from=date(2018, 10, 28),
    text_excerpt="一般每季度召开一次",
)


def tell(tale: Tale) -> None:
    tale.happened(
        standard_id("branch"),
        StandardDrafted(code="branch", title="三会一课", area="organisation", authority=""),
        DutyDefined(duty=_DUTY),
        StandardDescribed(
            title_before="三会一课",
            title="“三会一课”工作规范",
            area_before="organisation",
            area="custom:组织生活",
            authority_before="支部工作条例",
            authority="中国共产党支部工作条例（试行）",
        ),
    )
    year = year_id(MEETINGS, 2026)
    tale.happened(year, YearRaised(standard=MEETINGS, year=2026, below=VILLAGE, raised=4, standing=1))
    tale.happened(year, YearRaised(standard=MEETINGS, year=2026, raised=2, standing=5), by=BO, on=date(2026, 5, 1))
    installation = installation_id("taizhang.local/0123456789ab")
    parts = {"the trigger events_are_append_only on the table events fires": "always"}
    tale.happened(
        installation,
        CatalogueSealed(
            migration=5, catalogue="b3ca99b8d6ea30c1b6d7d32ed0de1bc26bf0ee44c22ae6a79a51fbe3a8e3a3f6", parts=parts
        ),
    )
    tale.happened(
        installation,
        LogVerified(
            verdict="TAMPERED",
            head=41,
            size=40,
            root="HcqZzLmuDc9JUvRDTDKEU6MWA0SeYyU9vxaLbB+8/vA=",
            full=True,
            views=("organisation", "ledger"),
            kind="event",
            position=35,
            sentence="the event at position 35 is not the one that its writer signed",
        ),
    )
