"""Cases are imported with the times and people they had, once, and what departs from the flow is on record."""

import itertools
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from application.access import person_id
from application.authority import People
from application.clock import Clock
from application.imports import Adoption, BadRow, CaseImport, CaseLine, Report, import_standard
from application.records import Records
from domain.event import Refused
from domain.ledger import Obligation, StepCompleted, case_id, instant
from domain.standard import Flow, Link, Node, Standard, standard_id
from tests.application.services import Nobody, entrusted
from tests.spec import ANN, BO

NOON = datetime(2026, 6, 1, 4, tzinfo=UTC)
CLOCK = Clock(ZoneInfo("Asia/Shanghai"), lambda: NOON)
STEPS = ("收件", "审查", "发证")


def flow(*steps: str) -> Flow:
    nodes = [
        Node(id="start", kind="start", name=""),
        *(Node(id=f"t{number}", kind="task", name=name) for number, name in enumerate(steps, 1)),
        Node(id="end", kind="end", name=""),
    ]
    links = [
        Link(id=f"f{number}", source=one.id, target=other.id, name="")
        for number, (one, other) in enumerate(itertools.pairwise(nodes))
    ]
    return Flow(nodes=tuple(nodes), links=tuple(links))


def adopt(records: Records, *steps: str) -> None:
    adopted = Adoption("permits", "行政许可", "效能监察", flow(*steps), (("t1", "t3"),))
    gate, author = entrusted(records, CLOCK)
    People(records, CLOCK, Nobody(), gate, Nobody()).entrust(BO, "approver")
    import_standard(records, gate, "permits.bpmn", adopted, author=author, approver=BO)


@pytest.fixture
def permits(records: Records) -> Records:
    adopt(records, *STEPS)
    return records


def take(records: Records, *rows: str | BadRow, skip_bad: bool = False, clock: Clock = CLOCK) -> Report:
    report = Report()
    importing = CaseImport(records, clock, "cases.csv", "permits", report)
    importing.read(
        row if isinstance(row, BadRow) else CaseLine(number, *row.split(",")) for number, row in enumerate(rows, 2)
    )
    if not skip_bad:
        importing.check()
    if skip_bad or not report.bad:
        importing.record(*entrusted(records, CLOCK))
    return report


def case(records: Records, name: str) -> Obligation:
    return records.load(Obligation, case_id(standard_id("permits"), name), fresh=True)


def done(records: Records, name: str) -> list[tuple[str, datetime, date]]:
    entries = records.recorder.select_events(case_id(standard_id("permits"), name))
    pasts = [records.recorded(entry) for entry in entries]
    return [
        (past.event.step, instant(past.account), past.account.occurred_on)
        for past in pasts
        if isinstance(past.event, StepCompleted)
    ]


def test_steps_are_recorded_in_the_order_of_their_times(permits: Records) -> None:
    report = take(
        permits,
        "A1,发证,2026-03-03T09:00:00+08:00,丙",
        "B2,收件,2026-03-01 10:00:00+08:00,甲",
        "A1,收件,2026-03-01 09:00:00.250+08:00,甲",
        "A1,审查,2026-03-02T01:00:00Z,乙",
    )
    assert (report.recorded, report.repeated, report.bad) == (6, 0, [])
    assert [step for step, _, _ in done(permits, "A1")] == list(STEPS)
    assert case(permits, "A1").discharged_on == date(2026, 3, 3)
    assert case(permits, "B2").discharged_on is None


def test_a_time_is_the_instant_and_the_day_that_were_written(permits: Records) -> None:
    take(
        permits,
        "A1,收件,2026-03-01T23:30:00-05:00,甲",
        "A2,收件,2026-03-02 07:30:00,甲",
        "A3,收件,2026-03-02,甲",
        "A4,收件,2026/3/2 7:30,甲",
        "A5,收件,2026-3-2 7:30,甲",
        "A6,收件,0001-01-01T05:00:00+00:00,甲",
    )
    assert done(permits, "A1") == [("收件", datetime(2026, 3, 2, 4, 30, tzinfo=UTC), date(2026, 3, 1))]
    assert done(permits, "A2") == [("收件", datetime(2026, 3, 1, 23, 30, tzinfo=UTC), date(2026, 3, 2))]
    assert done(permits, "A3") == [("收件", datetime(2026, 3, 1, 16, tzinfo=UTC), date(2026, 3, 2))]
    assert done(permits, "A4") == done(permits, "A5") == done(permits, "A2")
    assert done(permits, "A6") == [("收件", datetime(1, 1, 1, 5, tzinfo=UTC), date(1, 1, 1))]


def test_a_time_without_an_offset_is_local_to_the_installation(permits: Records) -> None:
    amsterdam = Clock(ZoneInfo("Europe/Amsterdam"), lambda: NOON)
    take(permits, "A1,收件,2026-05-01 12:00:00,甲", clock=amsterdam)
    assert done(permits, "A1") == [("收件", datetime(2026, 5, 1, 10, tzinfo=UTC), date(2026, 5, 1))]


ROWS = (
    "A1,收件,2026-03-01 09:00:00,甲",
    "A1,审查,2026-03-02 09:00:00,乙",
    "A1,审查,2026-03-02 09:00:00,乙",
    "A2,收件,2026-03-01 09:00:00,甲",
)


def test_the_same_rows_again_record_nothing_in_any_order_and_of_any_offset(permits: Records) -> None:
    assert take(permits, *ROWS).recorded == 6
    before = permits.recorder.max_notification_id()
    assert (take(permits, *ROWS[::-1]).repeated, permits.recorder.max_notification_id()) == (6, before)
    moved = take(permits, "A1,收件,2026-03-01T01:00:00+00:00,甲")
    assert (moved.recorded, moved.repeated) == (0, 2)


def test_rows_that_say_the_same_are_as_many_completions(permits: Records) -> None:
    take(permits, *ROWS)
    assert [step for step, _, _ in done(permits, "A1")] == ["收件", "审查", "审查"]
    assert take(permits, *ROWS, ROWS[1]).recorded == 1


def test_a_longer_file_records_only_what_is_new(permits: Records) -> None:
    take(permits, *ROWS[:2])
    report = take(permits, "A1,收件,2026-02-01 09:00:00,甲", *ROWS)
    assert (report.recorded, report.repeated) == (4, 3)
    assert len(done(permits, "A1")) == 4


def test_what_departs_from_the_flow_is_on_record_with_where_it_comes_from(permits: Records) -> None:
    take(permits, "A1,发证,2026-03-01 09:00,甲", "A1,收件,2026-03-02 09:00,甲", "A1,盖章,2026-03-03 09:00,甲")
    entries = permits.recorder.select_events(case_id(standard_id("permits"), "A1"))
    found = [permits.recorded(entry) for entry in entries[1:]]
    assert [(e.event.deviation, e.event.conflict) for e in found if isinstance(e.event, StepCompleted)] == [
        (("审查",), ()),
        ((), ("发证",)),
        (("(not in the flow)",), ()),
    ]
    assert {each.account.reason for each in found} == {"imported from cases.csv"}
    assert {each.account.actor for each in found} == {ANN}
    assert {each.by for each in case(permits, "A1").completions} == {person_id("甲")}


def test_a_case_is_opened_with_its_due_day_on_the_day_of_its_first_step(permits: Records) -> None:
    take(
        permits,
        "A1,审查,2026-03-02 09:00,乙,",
        "A1,收件,2026-03-01 09:00,甲,2026-03-10 23:59:59+08:00",
        "A1,发证,2026-03-12 09:00,丙,2026-03-10",
    )
    held = case(permits, "A1")
    assert held.terms
    assert held.terms.due == date(2026, 3, 10)
    assert held.late
    entry = permits.recorder.select_events(held.id, limit=1)[0]
    assert permits.recorded(entry).account.occurred_on == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        (",收件,2026-03-01,甲", "case", "the case is empty"),
        ("A1,,2026-03-01,甲", "step", "the step is empty"),
        ("A1,收件,2026-03-01,", "by", "is no name"),
        (f"A1,{'收' * 201},2026-03-01,甲", "step", "at most 200"),
        ("A1,收件,,甲", "at", "is no time"),
        ("A1,收件,2026-02-30,甲", "at", "is no time"),
        ("A1,收件,03/01/2026 09:00,甲", "at", "is no time"),
        ("A1,收件,0001-01-01T00:00:00+14:00,甲", "at", "is no time"),
        ("A1,收件,2026-06-02 09:00,甲", "at", "still to come"),
        ("A1,收件,2026-06-01 12:00:01,甲", "at", "still to come"),
        ("A9,收件,2026-03-01,甲,2026-03-11", "due", "the case A9 is due on 2026-03-10 in line 2"),
    ],
)
def test_every_bad_row_is_reported_and_nothing_recorded(permits: Records, row: str, field: str, reason: str) -> None:
    before = permits.recorder.max_notification_id()
    good = "A9,收件,2026-03-01,甲,2026-03-10"
    report = take(permits, good, row, BadRow(9, "file", "the row has 3 cells, the header 4"))
    found = {each.line: each for each in report.bad}
    assert found.keys() == {3, 9}
    assert found[3].field == field
    assert reason in found[3].reason
    assert permits.recorder.max_notification_id() == before
    skipped = take(permits, good, row, skip_bad=True)
    assert len(done(permits, "A9")) == 1
    assert [each.line for each in skipped.bad] == [3]


def test_a_case_of_which_nothing_has_happened_is_not_opened(permits: Records) -> None:
    report = take(permits, "A1,收件,2026-06-02 09:00,甲", "A2,收件,2026-05-02 09:00,甲", skip_bad=True)
    assert (report.recorded, [each.line for each in report.bad]) == (2, [2])
    assert case(permits, "A1").terms is None


def test_steps_of_one_moment_are_recorded_in_the_order_of_the_flow(permits: Records) -> None:
    take(permits, *(f"A1,{step},2026-03-01 09:00,{step}" for step in ("盖章", *STEPS[::-1])))
    assert [step for step, _, _ in done(permits, "A1")] == [*STEPS, "盖章"]
    entries = permits.recorder.select_events(case(permits, "A1").id)
    events = [permits.recorded(entry).event for entry in entries]
    assert [e.deviation for e in events if isinstance(e, StepCompleted)] == [(), (), (), ("(not in the flow)",)]


def test_a_case_stays_under_the_version_that_it_was_opened_under(permits: Records) -> None:
    take(permits, "A1,收件,2026-03-01,甲")
    adopt(permits, *STEPS, "归档")
    take(permits, "A1,归档,2026-03-02,甲", "A2,归档,2026-03-02,甲")
    terms = [case(permits, name).terms for name in ("A1", "A2")]
    assert [each and each.standard_version for each in terms] == [1, 2]
    for name, deviation in (("A1", ("(not in the flow)",)), ("A2", ("发证",))):
        entry = permits.recorder.select_events(case_id(standard_id("permits"), name))[-1]
        event = permits.recorded(entry).event
        assert isinstance(event, StepCompleted)
        assert event.deviation == deviation


def test_cases_of_a_standard_that_is_not_there_are_refused(records: Records) -> None:
    with pytest.raises(Refused, match="there is no standard permits"):
        take(records, *ROWS)
    assert records.load(Standard, standard_id("permits")).standing == "absent"
