"""A standard adopted elsewhere is drafted by one person and published by another, once."""

import itertools

import pytest

from application.access import person_id
from application.authority import People
from application.clock import Clock
from application.gate import Gate
from application.imports import Adoption, import_standard, separations
from application.imports.standard import Outcome
from application.records import Records
from domain.event import Refused
from domain.standard import Flow, Link, Node, Standard, StandardPublished, standard_id
from tests.application.services import Nobody


def flow(*names: str) -> Flow:
    ids = ["start", *(f"t{number}" for number in range(1, len(names) + 1)), "end"]
    nodes = (
        Node(id="start", kind="start", name=""),
        *(Node(id=id, kind="task", name=name) for id, name in zip(ids[1:], names, strict=False)),
        Node(id="end", kind="end", name=""),
    )
    links = (
        Link(id=f"f{number}", source=one, target=other, name="")
        for number, (one, other) in enumerate(itertools.pairwise(ids))
    )
    return Flow(nodes=nodes, links=tuple(links))


ADOPTED = Adoption("permits", "行政许可", "效能监察", flow("收件", "审查", "发证"), (("t1", "t3"),), "行政许可法")


def take(records: Records, adopted: Adoption, author: str = "甲", approver: str = "乙") -> tuple[Outcome, int]:
    gate = Gate(Clock())
    for name in (author, approver):
        People(records, gate.clock, Nobody(), gate, Nobody()).entrust(person_id(name), "administrator")
    people = {"author": person_id(author), "approver": person_id(approver)}
    return import_standard(records, gate, "permits.bpmn", adopted, **people)


def held(records: Records) -> Standard:
    return records.load(Standard, standard_id("permits"), fresh=True)


def test_one_drafts_and_another_publishes(records: Records) -> None:
    assert take(records, ADOPTED) == ("published", 1)
    version = held(records).in_force()
    assert (version.title, version.area, version.authority) == ("行政许可", "efficiency", "行政许可法")
    assert (version.flow, version.separate) == (ADOPTED.flow, (("收件", "发证"),))
    assert version.authors == (person_id("甲"),)
    pasts = [records.recorded(entry) for entry in records.recorder.select_events(standard_id("permits"))]
    assert [past.account.actor for past in pasts if isinstance(past.event, StandardPublished)] == [person_id("乙")]
    assert {past.account.authority for past in pasts} == {"行政许可法"}


def test_the_same_again_records_nothing(records: Records) -> None:
    take(records, ADOPTED)
    before = records.recorder.max_notification_id()
    assert take(records, ADOPTED) == ("repeated", 1)
    assert take(records, Adoption(ADOPTED.code, ADOPTED.title, "efficiency", ADOPTED.flow, ADOPTED.separate)) == (
        "repeated",
        1,
    )
    assert records.recorder.max_notification_id() == before


def test_another_flow_or_separation_is_the_next_version(records: Records) -> None:
    take(records, ADOPTED)
    longer = Adoption(ADOPTED.code, ADOPTED.title, ADOPTED.area, flow("收件", "审查", "发证", "归档"), (("t1", "t4"),))
    assert take(records, longer) == ("amended", 2)
    assert held(records).in_force().separate == (("收件", "归档"),)
    assert held(records).version_of(1).flow == ADOPTED.flow
    assert take(records, ADOPTED) == ("amended", 3)
    assert take(records, ADOPTED) == ("repeated", 3)
    apart = Adoption(ADOPTED.code, ADOPTED.title, ADOPTED.area, ADOPTED.flow)
    assert take(records, apart) == ("amended", 4)
    assert held(records).in_force().separate == ()


def test_whoever_drafts_may_not_approve_and_nothing_is_left_half_done(records: Records) -> None:
    with pytest.raises(Refused, match="may not approve"):
        take(records, ADOPTED, "甲", "甲")
    assert held(records).version == 0


@pytest.mark.parametrize(
    "other",
    [
        Adoption("permits", "别的名称", "效能监察", ADOPTED.flow),
        Adoption("permits", "行政许可", "组织建设", ADOPTED.flow),
        Adoption("permits", "行政许可", "效能监察", ADOPTED.flow, authority="别的依据"),
    ],
)
def test_what_a_standard_is_called_is_not_changed_in_passing(records: Records, other: Adoption) -> None:
    take(records, ADOPTED)
    with pytest.raises(Refused, match="which an import does not change"):
        take(records, other)


@pytest.mark.parametrize("area", ["效能监察", "efficiency"])
def test_an_area_is_named_in_either_language(records: Records, area: str) -> None:
    take(records, Adoption("permits", "行政许可", area, ADOPTED.flow))
    assert held(records).area == "efficiency"


def test_any_other_area_is_a_custom_one(records: Records) -> None:
    take(records, Adoption("permits", "行政许可", "Receipt phase", ADOPTED.flow))
    assert held(records).area == "custom:Receipt phase"


COLONS = flow("a", "b: c", "b", "c: a", "t1 x")


@pytest.mark.parametrize(
    ("given", "pair"),
    [
        ("a:b", ("t1", "t3")),
        (" a : b ", ("t1", "t3")),
        ("t1:t2", ("t1", "t2")),
        ("a:t2", ("t1", "t2")),
        ("a:b: c", ("t1", "t2")),
        ("b: c:a", ("t2", "t1")),
        ("a：b", ("t1", "t3")),
        ("t1  x:a", ("t5", "t1")),
    ],
)
def test_steps_are_separated_by_name_or_identifier_and_names_may_have_colons(given: str, pair: tuple[str, str]) -> None:
    assert separations(COLONS, [given]) == (pair,)


def test_a_step_is_known_by_the_code_that_its_name_begins_with_if_it_is_the_only_one() -> None:
    coded = flow("T02 Check", "T04 Determine", "T04 Print", "T02")
    assert separations(coded, ["T02:T04 Print"]) == (("t4", "t3"),), "a whole name goes before a beginning"
    assert separations(flow("T02 Check", "T04 Determine"), ["T02:T04"]) == (("t1", "t2"),)
    with pytest.raises(Refused, match="names no two steps"):
        separations(coded, ["T02:T04"])


def test_a_pair_that_can_be_read_in_two_ways_is_refused() -> None:
    with pytest.raises(Refused, match="more than one way"):
        separations(COLONS, ["b: c: a"])


@pytest.mark.parametrize("given", ["a", "a:", "a:x", "x:y", ":"])
def test_a_pair_of_what_is_no_step_is_refused_with_the_steps_there_are(given: str) -> None:
    with pytest.raises(Refused, match="its steps are a, b: c, b, c: a, t1 x"):
        separations(COLONS, [given])


def test_a_pair_is_read_by_identifier_where_one_is_anothers_name(records: Records) -> None:
    crossed = flow("t2", "t1")
    adopted = Adoption("permits", "x", "y", crossed, separations(crossed, ["t1:t2"]))
    take(records, adopted)
    assert held(records).separate_ids == (("t1", "t2"),)
