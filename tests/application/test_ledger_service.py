"""What the services of the ledger add to the rules of one obligation: who is above whom, the clock, and who meets."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from uuid import UUID

import pytest

from application.bulk import Tally
from application.database import Database
from application.records import Act, Conflict, Receipt
from domain.event import Refused
from domain.ledger import (
    EntryCorrected,
    EvidenceReference,
    Obligation,
    OmissionDetected,
    Outcome,
    Revision,
    SummaryChange,
    YearRaised,
    obligation_id,
)
from domain.organisation import organisation_id
from domain.standard import Duty, EvidenceDemand, standard_id
from interface.app import Installation
from projections.ledger import ObligationRow
from tests.application.services import Calendar, lend, meet, topics
from tests.domain.flows import drawn
from tests.spec import ANN, BO, CAI

COUNTY, TOWN, SECOND, VILLAGE, NEXT = map(
    organisation_id, ("330523", "330523100", "330523101", "330523100201", "330523100202")
)
MEETINGS = standard_id("meetings")
DAY = timedelta(days=1)
DUE, OVERDUE = date(2026, 3, 31), date(2026, 4, 1)
CLOCK = UUID(int=40)
MINUTES = EvidenceReference(kind="minutes", hash="sha256:" + "a" * 64)
PHOTO = EvidenceReference(kind="photo", hash="sha256:" + "b" * 64)
MEETING = Duty(
    code="meeting",
    title="党员大会",
    frequency="quarterly",
    levels=("village",),
    evidence=(EvidenceDemand(kind="minutes", why="证明召开", reusable_from="会议记录本"),),
)
GROUP = Duty(code="group", title="党小组会", frequency="quarterly", soft=True, soft_because="一般", levels=("village",))
OWED = obligation_id(VILLAGE, MEETINGS, "meeting", "2026-Q1")
SOFT = obligation_id(VILLAGE, MEETINGS, "group", "2026-Q1")

Acts = Callable[..., Act]


@dataclass
class Year:
    """A county with two towns and two villages in one of them, and what they owe in 2026."""

    at: Installation
    calendar: Calendar

    def act(self, who: UUID = ANN, **more: object) -> Act:
        return self.calendar.act(who, **more)  # type: ignore[arg-type]

    def of(self, id: UUID = OWED) -> Obligation:
        return self.at.records.load(Obligation, id, fresh=True)

    def file(self, id: UUID = OWED, who: UUID = ANN, summary: str = "到会十九人") -> Receipt:
        return self.at.ledger.file(self.act(who), id, summary, (MINUTES,))

    def explain(self, id: UUID = OWED, who: UUID = ANN) -> Receipt:
        return self.at.ledger.explain(self.act(who, organisation=VILLAGE), id, "洪水")

    def strike(self, day: date | None = None) -> Tally:
        """Let the clock look, on another day."""
        if day:
            self.calendar.turn(day)
        self.at.fold_now()
        return self.at.ledger.detect_omissions(CLOCK)

    def omissions(self, id: UUID = OWED) -> int:
        entries = self.at.records.recorder.select_events(id)
        return [entry.topic for entry in entries].count(OmissionDetected.TOPIC)


@pytest.fixture
def year(at: Installation, calendar: Calendar) -> Year:
    year = Year(at, calendar)
    founded = at.organisations.establish
    founded(year.act(), "安吉县", "county", code="330523")
    founded(year.act(), "梅溪镇", "township", parent=COUNTY, code="330523100")
    founded(year.act(), "天子湖镇", "township", parent=COUNTY, code="330523101")
    founded(year.act(), "鲁家村", "village", parent=TOWN, code="330523100201")
    founded(year.act(), "大竹园村", "village", parent=TOWN, code="330523100202")
    at.standards.draft(year.act(), "meetings", "三会一课", "organisation")
    at.standards.draw(year.act(), MEETINGS, drawn("s 通知 开会 归档 e"))
    at.standards.define_duty(year.act(), MEETINGS, MEETING)
    at.standards.define_duty(year.act(), MEETINGS, GROUP)
    at.standards.publish(year.act(BO), MEETINGS)
    at.fold_now()
    at.ledger.raise_year(year.act(), MEETINGS, 2026)
    return year


def test_a_year_is_raised_once_however_many_raise_it_at_once(
    year: Year, elsewhere: Installation, calendar: Calendar
) -> None:
    head = year.at.head()
    assert topics(year.at).count("ObligationRaised") == 16
    with ThreadPoolExecutor(4) as threads:
        both = [each.ledger for each in (year.at, elsewhere)] * 2
        list(threads.map(lambda ledger: ledger.raise_year(calendar.act(BO), MEETINGS, 2026), both))
        list(threads.map(lambda ledger: ledger.raise_year(calendar.act(BO), MEETINGS, 2027), both))
    entries = year.at.records.recorder.select_notifications(head + 1, 100)
    events = [year.at.records.recorded(entry).event for entry in entries]
    years = [event for event in events if isinstance(event, YearRaised)]
    assert [(each.year, each.raised, each.standing) for each in years[:4]] == [(2026, 0, 16)] * 4
    assert [(each.year, each.raised + each.standing) for each in years[4:]] == [(2027, 16)] * 4
    assert sum(each.raised for each in years) == 16
    assert len(events) == 16 + 8


def test_an_entry_is_confirmed_by_another_person_only(year: Year) -> None:
    year.file()
    year.at.ledger.attach(year.act(CAI), OWED, PHOTO)
    lend(year.at, ANN, BO, "verifier", year.calendar.day)
    lend(year.at, BO, ANN, "verifier", year.calendar.day)
    for command in (year.act(ANN), year.act(CAI), year.act(BO, on_behalf_of=ANN), year.act(ANN, on_behalf_of=BO)):
        with pytest.raises(Refused, match="whoever filed or corrected an entry may not verify it"):
            year.at.ledger.verify(command, OWED)
        with pytest.raises(Refused, match="may not reject it"):
            year.at.ledger.reject(command, OWED, "不实")
    year.at.ledger.verify(year.act(BO), OWED)
    assert year.of().verified


def test_a_correction_keeps_before_and_after_and_is_verified_again_by_somebody_else(year: Year) -> None:
    filed = year.file()
    year.at.ledger.verify(year.act(BO), OWED)
    corrected = year.at.ledger.correct(year.act(CAI), OWED, "人数有误", Revision(summary="到会十八人"), (PHOTO,))
    [entry] = year.at.records.recorder.select_notifications(corrected.position, 1)
    assert year.at.records.recorded(entry).event == EntryCorrected(
        target=filed.events[0].version,
        changes=(SummaryChange(before="到会十九人", after="到会十八人"),),
        reason="人数有误",
        evidence=(PHOTO,),
    )
    assert not year.of().verified
    with pytest.raises(Refused, match="filed or corrected"):
        year.at.ledger.verify(year.act(CAI), OWED)
    year.at.ledger.verify(year.act(BO), OWED)
    year.at.fold_now()
    then, now = (year.at.whole.one(ObligationRow, OWED, at) for at in (filed.position, year.at.head()))
    assert then
    assert now
    assert (then.summary, then.entry, now.summary, now.entry) == ("到会十九人", "filed", "到会十八人", "verified")


def test_of_two_that_file_at_once_one_does(year: Year, elsewhere: Installation, log: Database) -> None:
    outcomes = meet(
        log,
        partial(year.at.ledger.file, year.act(ANN), OWED, "到会十九人", (MINUTES,)),
        partial(elsewhere.ledger.file, year.act(BO), OWED, "到会二十人", (MINUTES,)),
    )
    assert outcomes[1] == "an entry is filed already: correct it instead"
    assert [entry.summary for entry in year.of().entries] == ["到会十九人"]


def test_what_is_corrected_meanwhile_is_not_verified_unseen(year: Year, elsewhere: Installation) -> None:
    seen = year.file().events[-1].version
    elsewhere.ledger.correct(year.act(CAI), OWED, "人数有误", Revision(summary="到会十八人"))
    with pytest.raises(Conflict) as conflict:
        year.at.ledger.verify(year.act(BO, expected=seen), OWED)
    assert (conflict.value.version, year.of().verified) == (seen + 1, False)
    year.at.ledger.verify(year.act(BO, expected=seen + 1), OWED)


def test_whoever_corrects_an_entry_at_the_moment_of_verifying_it_has_not_verified_it(
    year: Year, elsewhere: Installation, log: Database
) -> None:
    year.file()

    def correcting(who: UUID, summary: str) -> Callable[[], Receipt]:
        return partial(year.at.ledger.correct, year.act(who), OWED, "人数有误", Revision(summary=summary))

    def verifying(who: UUID) -> Callable[[], Receipt]:
        return partial(elsewhere.ledger.verify, year.act(who), OWED)

    assert all(isinstance(each, Receipt) for each in meet(log, verifying(BO), correcting(BO, "到会十八人")))
    assert not year.of().verified
    refusal = "whoever filed or corrected an entry may not verify it"
    assert meet(log, correcting(CAI, "到会十七人"), verifying(CAI))[1] == refusal


def test_the_clock_finds_an_omission_the_day_after_it_was_due_and_once(
    year: Year, elsewhere: Installation, calendar: Calendar
) -> None:
    year.file(obligation_id(NEXT, MEETINGS, "meeting", "2026-Q1"))
    assert year.strike(DUE) == Tally()
    calendar.turn(OVERDUE)
    year.at.fold_now()
    with ThreadPoolExecutor(4) as threads:
        both = [each.ledger for each in (year.at, elsewhere)] * 2
        found = list(threads.map(lambda ledger: ledger.detect_omissions(CLOCK), both))
    assert sum(tally.recorded for tally in found) == 3
    assert year.strike() == year.strike(OVERDUE + 30 * DAY) == Tally()
    assert (year.omissions(), year.of().outcome) == (1, "missing")
    assert year.strike(date(2026, 7, 1)).recorded == 4, "the second quarter's"


@pytest.mark.parametrize("outcome", ["late", "waived", "excused"])
def test_an_omission_is_closed_by_an_entry_a_waiver_or_an_accepted_exception_only(year: Year, outcome: Outcome) -> None:
    year.strike(OVERDUE)
    ledger = year.at.ledger
    year.explain()
    ledger.decline_exception(year.act(BO, organisation=TOWN), OWED, "并无洪水")
    assert year.of().outcome == "missing"
    year.file(who=CAI)
    ledger.reject(year.act(BO), OWED, "无签到")
    assert (year.of().outcome, year.of().late) == ("missing", True)
    match outcome:
        case "late":
            year.file()
            ledger.verify(year.act(BO), OWED)
        case "waived":
            for beside in (VILLAGE, NEXT, SECOND):
                with pytest.raises(Refused, match="by a unit above"):
                    ledger.waive(year.act(BO, organisation=beside), OWED, "建制调整", "县委办纪要三号")
            ledger.waive(year.act(BO, organisation=COUNTY), OWED, "建制调整", "县委办纪要三号")
        case _:
            year.explain()
            ledger.accept_exception(year.act(BO, organisation=TOWN), OWED)
    assert year.of().outcome == outcome
    assert year.strike(OVERDUE + DAY) == Tally()
    row = year.at.whole.one(ObligationRow, OWED)
    assert row
    assert (row.outcome, row.omission_detected, year.omissions()) == (outcome, True, 1), "it is seen for ever"


def test_what_is_sent_back_after_it_was_due_becomes_an_omission(year: Year) -> None:
    year.file()
    assert year.strike(OVERDUE).recorded == 3
    assert year.of().outcome == "done"
    year.at.ledger.reject(year.act(BO), OWED, "无签到")
    assert (year.of().outcome, year.strike().recorded, year.of().outcome) == ("open", 1, "missing")


def test_an_entry_that_meets_the_clock_is_late_either_way(year: Year, elsewhere: Installation, log: Database) -> None:
    year.calendar.turn(OVERDUE)
    year.at.fold_now()

    def striking() -> int:
        return elsewhere.ledger.detect_omissions(CLOCK).recorded

    meet(log, partial(year.file, OWED), striking)
    assert (year.of().outcome, year.omissions()) == ("late", 0)
    year.calendar.turn(date(2026, 7, 1))
    year.at.fold_now()
    second = obligation_id(VILLAGE, MEETINGS, "meeting", "2026-Q2")
    meet(log, striking, partial(year.file, second))
    assert (year.of(second).outcome, year.omissions(second)) == ("late", 1)


def test_a_soft_duty_whose_reason_is_stated_is_no_omission_until_it_is_declined(year: Year) -> None:
    year.explain(SOFT)
    year.explain(OWED)
    assert year.strike(OVERDUE).recorded == 3
    assert (year.of(SOFT).outcome, year.of(OWED).outcome) == ("open", "missing")
    year.at.ledger.decline_exception(year.act(BO, organisation=TOWN), SOFT, "并无洪水")
    assert (year.strike().recorded, year.of(SOFT).outcome) == (1, "missing")


def test_an_exception_is_explained_by_the_obliged_and_decided_by_a_unit_above_it(year: Year) -> None:
    ledger = year.at.ledger
    for stranger in (None, TOWN, NEXT):
        with pytest.raises(Refused, match="by the obliged organisation itself") as refusal:
            ledger.explain(year.act(organisation=stranger), OWED, "洪水")
        assert refusal.value.field == "organisation"
    year.explain()
    with pytest.raises(Refused, match="another organisation than acting_organisation"):
        ledger.accept_exception(year.act(BO, organisation=UUID(int=7)), OWED, "核实")
    for stranger in (None, VILLAGE, NEXT, SECOND):
        for decide in (ledger.accept_exception, ledger.decline_exception):
            with pytest.raises(Refused, match="a unit above the obliged organisation"):
                decide(year.act(BO, organisation=stranger), OWED, "核实")
    with pytest.raises(Refused, match="whoever explained an exception may not decide it"):
        ledger.accept_exception(year.act(ANN, organisation=TOWN), OWED)
    ledger.accept_exception(year.act(BO, organisation=COUNTY), OWED, "核实")
    assert year.of().outcome == "excused"


def test_who_is_above_is_judged_as_the_tree_stands_when_it_is_recorded(
    year: Year, elsewhere: Installation, log: Database
) -> None:
    explained = year.explain().events[0].version
    moved, accepted = meet(
        log,
        partial(elsewhere.organisations.move, year.act(), VILLAGE, SECOND),
        partial(year.at.ledger.accept_exception, year.act(BO, organisation=TOWN), OWED),
    )
    assert isinstance(moved, Receipt)
    assert accepted == "an exception is decided by a unit above the obliged organisation"
    with pytest.raises(Conflict):
        year.at.ledger.accept_exception(year.act(BO, organisation=SECOND, expected=explained - 1), OWED)
    year.at.ledger.accept_exception(year.act(BO, organisation=SECOND, expected=explained), OWED)
    assert year.of().outcome == "excused"
