"""A list of organisations is checked whole, recorded once, and hangs together whatever the order of its rows."""

import csv
import random
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from uuid import UUID, uuid4

import pytest

from application.clock import Clock
from application.imports import BadRow, OrganisationImport, OrganisationLine, Report
from application.organisation import Organisations
from application.records import Act, Records
from domain.event import Account
from domain.organisation import Organisation, code_id, organisation_id
from tests.application.services import entrusted
from tests.spec import ANN

HEADER = 1


class NothingElse:
    """An empty board: nothing stands below anything, and no term of office has run out."""

    def live_children(self, organisation: UUID, position: int) -> int:
        return 0

    def terms_over(self, today: date) -> Iterator[UUID]:
        yield from ()


def act() -> Act:
    return Act(Account(actor=ANN, occurred_on=date(2026, 1, 5), command_id=uuid4()))


@pytest.fixture
def organisations(records: Records) -> Organisations:
    gate, _ = entrusted(records)
    return Organisations(records, gate.clock, NothingElse(), gate)


def lines(*rows: str) -> list[OrganisationLine]:
    return [OrganisationLine(number, *row.split(",")) for number, row in enumerate(rows, HEADER + 1)]


def county() -> list[OrganisationLine]:
    text = files("templates").joinpath("demonstration", "organisations-anji.csv").read_text("utf-8")
    return [OrganisationLine(number, *row) for number, row in enumerate(csv.reader(text.splitlines()), 1) if number > 1]


def take(
    records: Records, rows: list[OrganisationLine] | list[OrganisationLine | BadRow], *, skip_bad: bool = False
) -> Report:
    report = Report()
    importing = OrganisationImport(records, Clock(), "list.csv", lambda: iter(rows), report)
    importing.check()
    if skip_bad or not report.bad:
        importing.record(*entrusted(records))
    return report


def head(records: Records) -> int:
    return records.recorder.max_notification_id() or 0


def unit(records: Records, code: str) -> Organisation:
    return records.load(Organisation, organisation_id(code), fresh=True)


@pytest.mark.parametrize("order", ["as given", "reversed", "shuffled"])
def test_a_county_is_recorded_whatever_the_order_of_its_rows(records: Records, order: str) -> None:
    rows = county()
    if order == "reversed":
        rows.reverse()
    if order == "shuffled":
        random.Random(7).shuffle(rows)  # noqa: S311  # an order, not a secret
    report = take(records, rows)
    assert (report.recorded, report.repeated, report.bad) == (236, 0, [])
    assert head(records) == 2 + 2 * 236
    for row in rows:
        found = unit(records, row.code)
        assert (found.name, found.level, found.codes.now("division")) == (row.name, row.level, row.code)
        assert found.parent == (organisation_id(row.parent_code) if row.parent_code else None)


def test_a_list_imported_twice_records_nothing_the_second_time(records: Records) -> None:
    take(records, county())
    before = head(records)
    report = take(records, list(reversed(county())))
    assert (report.recorded, report.repeated, report.bad) == (0, 236, [])
    assert head(records) == before


def test_a_longer_list_records_only_what_is_new(records: Records) -> None:
    take(records, lines("33,浙江省,,province"))
    report = take(records, lines("3305,湖州市,33,prefecture", "33,浙江省,,province"))
    assert (report.recorded, report.repeated) == (1, 1)
    assert unit(records, "3305").parent == organisation_id("33")


def test_a_row_stays_recorded_whatever_became_of_its_organisation(
    records: Records, organisations: Organisations
) -> None:
    rows = lines("33,浙江省,,province", "3305,湖州市,33,prefecture")
    take(records, rows)
    organisations.rename(act(), organisation_id("3305"), "湖州")
    report = take(records, rows)
    assert (report.recorded, report.repeated, report.bad) == (0, 2, [])
    assert unit(records, "3305").name == "湖州"


def test_an_organisation_founded_otherwise_as_the_row_says_is_no_other(
    records: Records, organisations: Organisations
) -> None:
    organisations.establish(act(), "浙江省", "province", code="33")
    report = take(records, lines("33,浙江省,,province", "3305,湖州市,33,prefecture"))
    assert (report.recorded, report.repeated, report.bad) == (1, 1, [])


@pytest.mark.parametrize("row", ["33,江苏省,,province", "33,浙江省,,prefecture", "33,浙江省,1,province"])
def test_a_row_that_says_something_else_of_a_code_in_use_is_bad(
    records: Records, organisations: Organisations, row: str
) -> None:
    organisations.establish(act(), "浙江省", "province", code="33")
    organisations.establish(act(), "中国", "nation", code="1")
    before = head(records)
    report = take(records, lines(row))
    [bad] = report.bad
    assert (bad.line, bad.field) == (2, "code")
    assert "浙江省" in bad.reason
    assert head(records) == before


SOUND = ("33,浙江省,,province", "3305,湖州市,33,prefecture")


@pytest.mark.parametrize(
    ("rows", "bad"),
    [
        (["3306,绍兴市,33,city"], {4: "“city” is no level"}),
        ([",绍兴市,33,prefecture"], {4: "the code is empty"}),
        (["33 06,绍兴市,33,prefecture"], {4: "letters, digits or hyphens"}),
        (["3306,,33,prefecture"], {4: "not empty"}),
        (["3306,绍\u200b兴,33,prefecture"], {4: "invisible character U+200B"}),
        (["3305,绍兴市,33,prefecture"], {4: "code 3305 stands in line 3 already"}),
        (["3306,绍兴市,34,prefecture"], {4: "the parent 34 is neither in the file nor in the record"}),
        (["3306,绍兴市,3306,prefecture"], {4: "the parents of code 3306 lead back to it"}),
        (["1,甲,3,other", "2,乙,1,other", "3,丙,2,other"], dict.fromkeys((4, 5, 6), "lead back to it")),
        (
            ["1,甲,2,other", "2,乙,1,other", "3,丙,2,other"],
            {4: "lead back", 5: "lead back", 6: "line 5, is not imported"},
        ),
        (["34,安徽省,3305,province"], {4: "level province cannot stand below one of level prefecture"}),
        (["33052301,梅溪镇,330523,township", "330523,安吉县,33,shire"], {4: "330523, in line 5", 5: "is no level"}),
    ],
)
def test_every_bad_row_is_reported_and_nothing_recorded(records: Records, rows: list[str], bad: dict[int, str]) -> None:
    report = take(records, lines(*SOUND, *rows))
    found = {each.line: each.reason for each in report.bad}
    assert found.keys() == bad.keys()
    for line, reason in bad.items():
        assert reason in found[line]
    assert (report.recorded, head(records)) == (0, 0)


def test_the_good_rows_are_recorded_without_the_bad_ones_and_what_hangs_below_these(records: Records) -> None:
    rows = lines("330523,安吉县,3305,county", *SOUND, "3306,绍兴市,33,city", "330602,越城区,3306,county")
    report = take(records, rows, skip_bad=True)
    assert report.recorded == 3
    assert sorted(each.line for each in report.bad) == [5, 6]
    assert unit(records, "330523").parent == organisation_id("3305")
    assert unit(records, "330602").standing == "absent"


def test_a_row_that_cannot_be_read_is_among_the_bad_ones(records: Records) -> None:
    rows: list[OrganisationLine | BadRow] = [
        *lines(*SOUND),
        BadRow(4, "file", "the row has 3 cells, the header 4"),
    ]
    assert take(records, rows).bad == [rows[-1]]
    assert take(records, rows, skip_bad=True).recorded == 2


def test_a_parent_is_who_holds_the_code_now(records: Records, organisations: Organisations) -> None:
    take(records, lines(*SOUND))
    organisations.assign_code(act(), organisation_id("3305"), "division", "3399", Clock().today())
    report = take(records, lines("330523,安吉县,3399,county", "330524,某县,3305,county"), skip_bad=True)
    assert unit(records, "330523").parent == organisation_id("3305")
    assert [each.line for each in report.bad] == [3]


def test_a_code_given_back_is_another_organisations_and_its_children_that_ones(
    records: Records, organisations: Organisations
) -> None:
    take(records, lines(*SOUND))
    organisations.assign_code(act(), organisation_id("3305"), "division", "3399", Clock().today())
    rows = lines("330523,安吉县,3305,county", "33,浙江省,,province", "3305,新湖州市,33,prefecture")
    assert (take(records, rows).recorded, take(records, rows).repeated) == (2, 3)
    county = unit(records, "330523")
    assert county.parent
    assert county.parent != organisation_id("3305")
    assert records.load(Organisation, county.parent).name == "新湖州市"


def test_nothing_joins_an_organisation_that_is_being_dissolved(records: Records, organisations: Organisations) -> None:
    take(records, lines(*SOUND))
    organisations.begin_dissolution(act(), organisation_id("3305"))
    for rows in (["330523,安吉县,3305,county"], [*SOUND, "330523,安吉县,3305,county"]):
        [bad] = take(records, lines(*rows)).bad
        assert "about to be" in bad.reason


@pytest.mark.parametrize(
    ("name", "level", "setting"),
    [
        ("苕秀社区居委会", "village", "urban"),
        ("桃城社区", "village", "urban"),
        ("鲁家村委会", "village", "rural"),
        ("鲁家村", "village", "rural"),
        ("某林场", "village", ""),
        ("章村", "township", ""),
    ],
)
def test_a_villages_name_says_whether_it_is_urban_or_rural(
    records: Records, name: str, level: str, setting: str
) -> None:
    take(records, lines(f"1,{name},,{level}"))
    assert unit(records, "1").setting == setting


def test_a_chain_of_any_length_is_recorded_from_either_end(records: Records) -> None:
    rows = lines("0,根,,other", *(f"{n},第{n}级,{n - 1},other" for n in range(1, 3000)))
    assert take(records, rows[::-1]).recorded == 3000
    assert unit(records, "2999").parent == organisation_id("2998")


def test_an_import_that_was_broken_off_goes_on_where_it_was(records: Records) -> None:
    rows, report, reading = county(), Report(), 0

    def broken() -> Iterator[OrganisationLine]:
        nonlocal reading
        reading += 1
        yield from rows[:100]
        if reading == 2:
            raise KeyboardInterrupt
        yield from rows[100:]

    importing = OrganisationImport(records, Clock(), "list.csv", broken, report)
    importing.check()
    with pytest.raises(KeyboardInterrupt):
        importing.record(*entrusted(records))
    report = take(records, rows)
    assert report.recorded + report.repeated == 236
    assert head(records) == 2 + 2 * 236


def test_who_imports_and_from_where_is_on_record(records: Records) -> None:
    take(records, lines("33,浙江省,,province"))
    [founded] = records.recorder.select_events(organisation_id("33"))
    [taken] = records.recorder.select_events(code_id("division", "33"))
    account = records.recorded(founded).account
    assert account.reason == "imported from list.csv"
    assert account == records.recorded(taken).account
