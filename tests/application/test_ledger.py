"""What standards ask becomes obligations, in each period or in each case, and the clock finds what was not done."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest

from application.clock import Clock
from application.database import Database
from application.imports import CaseImport, CaseLine, Report
from application.records import Act, Reused
from domain.event import Account, Refused
from domain.ledger import (
    Obligation,
    OmissionDetected,
    Outcome,
    Quorum,
    YearRaised,
    case_duty_id,
    case_id,
    obligation_id,
    year_id,
)
from domain.organisation import organisation_id, setting_from_name
from domain.standard import Duty, EvidenceDemand, QuorumRule, Standard, standard_id
from interface.app import Installation
from projections.ledger import ObligationRow, YearRow
from tests.domain.flows import drawn
from tests.spec import ANN, BO, CAI

TOWN, VILLAGE, ESTATE = (organisation_id(code) for code in ("330523100", "330523100201", "330523100001"))
STANDARD = standard_id("permits")
DEMAND = EvidenceDemand(kind="minutes", why="归档依据", reusable_from="会议记录本")
HALF = QuorumRule(numerator=1, denominator=2)
MEETING = Duty(code="meeting", title="党员大会", frequency="quarterly", days_after=7, levels=("village",))
FIELDS = Duty(code="fields", title="巡田", frequency="half-yearly", levels=("village",), settings=("rural",))
ARCHIVE = Duty(code="archive", title="归档", frequency="per case", days_after=10, evidence=(DEMAND,))
HEARING = Duty(
    code="hearing", title="听证", frequency="per case", levels=("village",), settings=("rural",), quorum=HALF
)


@dataclass
class County:
    """A town, a village and an estate below it, on a day that can be turned on."""

    at: Installation
    day: date

    def act(self, who: UUID = ANN) -> Act:
        return Act(Account(actor=who, occurred_on=self.day, command_id=uuid4()))

    def publish(self, *duties: Duty) -> None:
        """Publish the standard, or its next version, with these duties besides those it has."""
        standards = self.at.standards
        if self.at.records.load(Standard, STANDARD).standing == "absent":
            standards.draft(self.act(), "permits", "行政许可", "efficiency")
            standards.draw(self.act(), STANDARD, drawn("s 收件 发证 e"))
        else:
            standards.amend(self.act(), STANDARD, "年度修订")
        for duty in duties:
            standards.define_duty(self.act(), STANDARD, duty)
        standards.publish(self.act(BO), STANDARD)

    def raises(self, year: int, below: UUID | None = None, act: Act | None = None) -> tuple[int, int]:
        """Raise a year; return how many obligations are new, and how many had been raised before."""
        self.at.fold_now()
        receipt = self.at.ledger.raise_year(act or self.act(), STANDARD, year, below=below)
        [entry] = self.at.records.recorder.select_notifications(receipt.position, 1)
        event = self.at.records.recorded(entry).event
        assert isinstance(event, YearRaised)
        assert (event.standard, event.year, event.below) == (STANDARD, year, below)
        return event.raised, event.standing

    def owed(self, id: UUID) -> Obligation:
        return self.at.records.load(Obligation, id, fresh=True)

    def outcomes(self) -> dict[tuple[str, str], Outcome]:
        """What obligations came to, by duty and period, in the view."""
        self.at.fold_now()
        return {(row.duty, row.period): row.outcome for row in self.at.whole.every(ObligationRow)}

    def strike(self) -> int:
        """Let the clock look; return how many omissions it recorded."""
        self.at.fold_now()
        return self.at.ledger.detect_omissions(CAI).recorded


@pytest.fixture
def county(new_log: Callable[[], Database]) -> Iterator[County]:
    def now() -> datetime:
        return datetime(found.day.year, found.day.month, found.day.day, 4, tzinfo=UTC)

    with Installation(new_log(), Clock(now=now)) as at:
        found = County(at, date(2026, 3, 1))
        for person in (ANN, BO, CAI):
            at.people.entrust(person, "administrator")
        at.organisations.establish(found.act(), "昌硕街道", "township", code="330523100")
        for name, code in (("鲁家村", "330523100201"), ("桃园社区", "330523100001")):
            setting = setting_from_name(name)
            at.organisations.establish(found.act(), name, "village", parent=TOWN, code=code, setting=setting)
        yield found


def test_a_year_asks_each_duty_once_a_period_of_those_it_applies_to(county: County) -> None:
    county.publish(MEETING, FIELDS, ARCHIVE)
    assert county.raises(2026, VILLAGE) == (4 + 2, 0)
    assert county.raises(2026) == (4, 6)
    assert county.raises(2026) == (0, 10)
    terms = county.owed(obligation_id(ESTATE, STANDARD, "meeting", "2026-Q2")).terms
    assert terms
    assert (terms.due, terms.standard_version, terms.organisation) == (date(2026, 7, 7), 1, ESTATE)
    assert county.owed(obligation_id(ESTATE, STANDARD, "fields", "2026-H1")).terms is None


def test_a_year_that_is_told_twice_is_raised_once_and_seen_who_raised_it(county: County) -> None:
    county.publish(FIELDS)
    act = replace(county.act(), digest=b"1" * 32)
    assert county.raises(2026, VILLAGE, act) == (2, 0)
    head = county.at.head()
    assert county.raises(2026, VILLAGE, act) == (2, 0)
    with pytest.raises(Reused):
        county.raises(2026, None, replace(act, digest=b"2" * 32))
    assert county.at.head() == head
    county.day = date(2026, 3, 2)
    assert county.raises(2026, None, county.act(BO)) == (0, 2)
    county.at.fold_now()
    row = county.at.whole.one(YearRow, year_id(STANDARD, 2026))
    assert row
    assert (row.version, row.raised, row.raised_by, row.raised_on) == (2, 2, BO, county.day)
    [entry] = county.at.records.recorder.select_events(obligation_id(VILLAGE, STANDARD, "fields", "2026-H1"))
    assert county.at.records.recorded(entry).account.correlation_id == act.account.command_id


def test_an_amendment_asks_more_and_leaves_what_was_asked_as_it_was(county: County) -> None:
    county.publish(MEETING)
    county.raises(2026, VILLAGE)
    county.publish(FIELDS, MEETING.model_copy(update={"days_after": 0, "evidence": (DEMAND,)}))
    assert county.raises(2026, VILLAGE) == (2, 4)
    before = county.owed(obligation_id(VILLAGE, STANDARD, "meeting", "2026-Q1"))
    assert before.terms
    assert (before.terms.standard_version, before.terms.due, before.terms.evidence) == (1, date(2026, 4, 7), ())
    county.at.ledger.file(county.act(), before.id, "held without minutes, as was then enough")
    assert county.owed(before.id).outcome == "done"


def test_a_period_is_asked_for_under_the_version_in_force_at_its_end(county: County) -> None:
    county.publish(MEETING)
    county.day = date(2026, 8, 1)
    county.publish(FIELDS, MEETING.model_copy(update={"days_after": 0}))
    with pytest.raises(Refused, match="asks nothing in 2025"):
        county.raises(2025)
    assert not county.outcomes(), "nothing was in force then"
    county.raises(2026, VILLAGE)
    county.at.fold_now()
    asked = {(row.duty, row.period): row.standard_version for row in county.at.whole.every(ObligationRow)}
    quarters = {("meeting", f"2026-Q{n}"): 1 if n < 3 else 2 for n in (1, 2, 3, 4)}
    assert asked == {**quarters, ("fields", "2026-H2"): 2}


def test_a_case_brings_the_duties_that_are_asked_for_in_each(county: County) -> None:
    county.publish(MEETING, ARCHIVE, HEARING)
    receipt = county.at.ledger.raise_case(county.act(), STANDARD, "one", VILLAGE, date(2026, 3, 20))
    ids = [case_id(STANDARD, "one"), *(case_duty_id(STANDARD, "one", duty) for duty in ("archive", "hearing"))]
    assert [event.id for event in receipt.events] == ids
    case, archive, hearing = (county.owed(id).terms for id in ids)
    assert case
    assert archive
    assert hearing
    assert (case.duty, archive.duty, archive.case, archive.title) == ("", "archive", "one", "归档")
    assert (case.due, archive.due, hearing.due) == (date(2026, 3, 20), date(2026, 3, 30), date(2026, 3, 20))
    assert (case.evidence, archive.evidence) == ((), ("minutes",))
    assert hearing.quorum == Quorum(numerator=1, denominator=2)
    county.at.fold_now()
    assert county.at.board.conformance(STANDARD).cases == 1


def test_a_duty_of_some_organisations_is_not_asked_in_the_cases_of_others(county: County) -> None:
    county.publish(ARCHIVE, HEARING)
    for case, organisation in (("urban", ESTATE), ("nobody's", None)):
        receipt = county.at.ledger.raise_case(county.act(), STANDARD, case, organisation)
        assert [event.id for event in receipt.events] == [
            case_id(STANDARD, case),
            case_duty_id(STANDARD, case, "archive"),
        ]
        terms = county.owed(receipt.events[1].id).terms
        assert terms
        assert (terms.organisation, terms.due) == (organisation, None)


def test_the_clock_records_an_omission_once_and_only_what_discharges_or_excuses_closes_it(county: County) -> None:
    county.publish(FIELDS, ARCHIVE)
    county.raises(2026)
    archive = county.at.ledger.raise_case(county.act(), STANDARD, "one", VILLAGE, date(2026, 6, 20)).events[1].id
    fields = obligation_id(VILLAGE, STANDARD, "fields", "2026-H1")
    county.day = date(2026, 6, 30)
    assert county.strike() == 1, "the case alone was due before"
    county.day = date(2026, 7, 1)
    assert county.strike() == 2
    assert county.strike() == 0
    assert county.outcomes() == {
        ("", ""): "missing",
        ("archive", ""): "missing",
        ("fields", "2026-H1"): "missing",
        ("fields", "2026-H2"): "open",
    }
    [found] = [
        past
        for past in map(county.at.records.recorded, county.at.records.recorder.select_events(fields))
        if isinstance(past.event, OmissionDetected)
    ]
    assert (found.account.actor, found.account.occurred_on) == (CAI, date(2026, 7, 1))
    county.at.ledger.file(county.act(), fields, "巡田两次")
    county.at.ledger.waive(county.act(), archive, "卷宗已移交", "县委办纪要")
    assert (county.strike(), county.owed(fields).outcome, county.owed(archive).outcome) == (0, "late", "waived")


def test_the_clock_accuses_nobody_of_what_fell_due_once_they_were_dissolved(county: County) -> None:
    county.publish(MEETING)
    county.raises(2026, VILLAGE)
    county.day = date(2026, 7, 7)
    county.at.organisations.begin_dissolution(county.act(), VILLAGE)
    county.at.fold_now()
    county.at.organisations.dissolve(county.act(), VILLAGE)
    county.day = date(2027, 3, 1)
    assert county.strike() == 1
    found = county.outcomes()
    assert found["meeting", "2026-Q1"] == "missing", "it was due three months before they were dissolved"
    assert found["meeting", "2026-Q2"] == "open", "it was due that day"


def test_a_standard_that_is_retired_makes_no_omission_of_what_it_asked_for_later(county: County) -> None:
    county.publish(MEETING)
    county.raises(2026, VILLAGE)
    case = county.at.ledger.raise_case(county.act(), STANDARD, "one", VILLAGE, date(2026, 7, 20)).events[0].id
    county.day = date(2026, 7, 7)
    county.at.standards.retire(county.act(), STANDARD, "减负")
    county.day = date(2027, 3, 1)
    assert county.strike() == 2
    found = county.outcomes()
    assert found["meeting", "2026-Q1"] == "missing", "it was due three months before"
    assert found["meeting", "2026-Q2"] == "open", "it was due on the day of the retirement"
    assert county.owed(case).outcome == "missing", "who asked for a permit waits for it still"


def test_imported_cases_bring_their_duties_too(county: County) -> None:
    county.publish(ARCHIVE)
    report = Report()
    importing = CaseImport(county.at.records, county.at.clock, "cases.csv", "permits", report)
    importing.read([CaseLine(2, "one", "收件", "2026-02-01 09:00", "甲")])
    importing.check()
    importing.record(county.at.gate, ANN)
    assert (report.recorded, report.bad) == (2, [])
    assert county.owed(case_duty_id(STANDARD, "one", "archive")).outcome == "open"
