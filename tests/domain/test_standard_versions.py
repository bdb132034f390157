"""A standard's versions: published by somebody else, amended, retired; what was published stays as it was."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from domain.event import Event, Refused
from domain.standard import (
    Bounds,
    DutyDefined,
    DutyRemoved,
    FlowLinked,
    FlowStepDefined,
    FlowStepRemoved,
    Link,
    Node,
    Standard,
    StandardAmended,
    StandardRetired,
    StepsSeparated,
)
from tests.domain.standards import (
    DRAFTED,
    JULY,
    MARCH,
    MEETING,
    PREPARE_HOLD_RECORD,
    chain,
    drafted,
    published,
    recorded,
)
from tests.spec import ANN, BO, CAI, SOME, account


def test_somebody_who_had_no_hand_in_a_draft_publishes_it_whole() -> None:
    draft = drafted(DutyDefined(duty=MEETING), (drafted().separate([("准备", "记录")]), account(CAI)))
    version = draft.publish(account(BO), JULY).version
    assert (version.number, version.effective_on, version.title, version.area, version.authority) == (
        1,
        JULY,
        "三会一课",
        "organisation",
        "支部工作条例",
    )
    assert version.flow == PREPARE_HOLD_RECORD
    assert version.duties == (MEETING,)
    assert version.authors == (ANN, CAI)


@pytest.mark.parametrize(
    "step",
    [
        drafted().describe("另一规范", "conduct", ""),
        FlowStepDefined(step="t-准备", name="筹备"),
        StepsSeparated(pairs=(("t-准备", "t-记录"),)),
        DutyDefined(duty=MEETING),
        DutyRemoved(duty="x"),
        FlowLinked(nodes=(), links=(), order=()),
        FlowStepRemoved(step="x"),
    ],
)
def test_whoever_had_any_hand_in_a_draft_may_not_publish_it(step: Event) -> None:
    with pytest.raises(Refused, match="may not approve"):
        drafted((step, account(BO))).publish(account(BO), MARCH)


def test_whoever_only_proposed_it_may_not_publish_it_either() -> None:
    proposed = recorded((DRAFTED, account(CAI)), *recorded(DRAFTED).draw(PREPARE_HOLD_RECORD))
    with pytest.raises(Refused, match="may not approve"):
        proposed.publish(account(CAI), MARCH)


def test_nobody_publishes_through_another_or_for_an_author() -> None:
    with pytest.raises(Refused, match="may not approve"):
        drafted().publish(account(BO, on_behalf_of=ANN), MARCH)
    for_cai = drafted((DutyDefined(duty=MEETING), account(ANN, on_behalf_of=CAI)))
    with pytest.raises(Refused, match="may not approve"):
        for_cai.publish(account(CAI), MARCH)


def test_a_standard_without_a_flow_is_not_published() -> None:
    with pytest.raises(Refused, match="start"):
        recorded(DRAFTED, DutyDefined(duty=MEETING)).publish(account(BO), MARCH)


CHANGES: list[Any] = [
    lambda standard: standard.draw(chain("a")),
    lambda standard: standard.describe("新规范", "organisation", ""),
    lambda standard: standard.define_step("t-a", "a"),
    lambda standard: standard.link([], []),
    lambda standard: standard.separate([("准备", "召开")]),
    lambda standard: standard.define_duty(MEETING),
    lambda standard: standard.remove_duty("general-meeting"),
    lambda standard: standard.publish(account(BO), JULY),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_published_version_stays_as_it_is(change: Any) -> None:
    with pytest.raises(Refused, match="amend the standard first"):
        change(published())


@pytest.mark.parametrize("change", CHANGES)
def test_a_retired_standard_stays_as_it_is(change: Any) -> None:
    with pytest.raises(Refused, match="is retired"):
        change(published(StandardRetired(reason="replaced")))


@pytest.mark.parametrize("change", [*CHANGES, lambda s: s.amend("x"), lambda s: s.retire("x"), Standard.in_force])
def test_there_is_nothing_to_change_before_the_draft(change: Any) -> None:
    with pytest.raises(Refused, match="no such standard"):
        change(Standard(SOME))


def test_an_amendment_opens_the_next_draft_as_the_last_version_was() -> None:
    assert published().amend("art. 11 has changed") == StandardAmended(number=2, reason="art. 11 has changed")
    amending = published(StandardAmended(number=2, reason="x"))
    assert amending.flow == PREPARE_HOLD_RECORD
    assert amending.in_force().number == 1, "what is published stays in force"


def test_an_amendment_leaves_earlier_versions_as_they_were() -> None:
    amended = (StandardAmended(number=2, reason="x"), account(CAI))
    draft = published(amended, (DutyDefined(duty=MEETING), account(CAI)))
    draft = draft.after(account(CAI), *draft.draw(chain("准备", "召开")))
    second = draft.publish(account(BO), JULY)
    standard = draft.after(account(BO), second)
    assert standard.version_of(1) == published().version_of(1)
    assert standard.version_of(1).flow == PREPARE_HOLD_RECORD
    assert standard.version_of(1).duties == ()
    assert standard.version_of(2) == second.version == standard.in_force()
    assert second.version.number == 2
    assert second.version.authors == (CAI,), "who drafted the first version may approve the second"


def test_whoever_opened_an_amendment_may_not_publish_it() -> None:
    amending = published((StandardAmended(number=2, reason="x"), account(CAI)))
    with pytest.raises(Refused, match="may not approve"):
        amending.publish(account(CAI), JULY)
    assert amending.publish(account(ANN), JULY).version.number == 2


def test_a_version_begins_no_earlier_than_the_one_before() -> None:
    amending = published((StandardAmended(number=2, reason="x"), account(CAI)))
    with pytest.raises(Refused, match="cannot begin before") as refused:
        amending.publish(account(BO), MARCH - timedelta(days=1))
    assert refused.value.field == "effective_on"
    assert amending.publish(account(BO), MARCH).version.effective_on == MARCH


def test_new_work_is_done_under_the_version_that_has_begun() -> None:
    amending = published((StandardAmended(number=2, reason="x"), account(CAI)))
    standard = amending.after(account(BO), amending.publish(account(BO), JULY))
    assert standard.in_force(MARCH).number == standard.in_force(JULY - timedelta(days=1)).number == 1
    assert standard.in_force(JULY).number == standard.in_force().number == 2
    with pytest.raises(Refused, match="in force from 2026-03-01 on"):
        standard.in_force(MARCH - timedelta(days=1))


def test_one_amendment_is_open_at_a_time_and_only_of_what_is_published() -> None:
    with pytest.raises(Refused, match="version 2 is being drafted already"):
        published(StandardAmended(number=2, reason="x")).amend("again")
    with pytest.raises(Refused, match="not published yet"):
        drafted().amend("again")
    with pytest.raises(Refused, match="is retired"):
        published(StandardRetired(reason="x")).amend("again")
    with pytest.raises(Refused) as refused:
        published().amend(" ")
    assert refused.value.field == "reason"


def test_a_version_that_is_not_there_is_not_found() -> None:
    for number in (-1, 0, 2):
        with pytest.raises(Refused, match=f"no version {number}"):
            published().version_of(number)


def test_a_standard_is_retired_for_a_reason_once_and_keeps_its_versions() -> None:
    event = published().retire("replaced by 2027-3")
    assert event == StandardRetired(reason="replaced by 2027-3")
    retired = published(event)
    assert retired.version_of(1) == published().version_of(1)
    with pytest.raises(Refused, match="is retired"):
        retired.in_force()
    with pytest.raises(Refused, match="is retired"):
        retired.retire("again")
    with pytest.raises(Refused, match="not published yet"):
        drafted().retire("x")
    with pytest.raises(Refused) as refused:
        published().retire("")
    assert refused.value.field == "reason"


def test_a_draft_is_described_anew_and_the_versions_before_keep_their_title() -> None:
    draft = published(StandardAmended(number=2, reason="改名"))
    event = draft.describe("组织生活工作规范", "custom:组织生活", "")
    assert (event.title_before, event.area_before, event.authority_before) == (
        "三会一课",
        "organisation",
        "支部工作条例",
    )
    again = published(StandardAmended(number=2, reason="改名"), event)
    assert (again.title, again.area, again.authority) == ("组织生活工作规范", "custom:组织生活", "")
    assert again.version_of(1).title == "三会一课"
    version = again.publish(account(BO), JULY).version
    assert (version.title, version.area, version.authority) == ("组织生活工作规范", "custom:组织生活", "")
    with pytest.raises(Refused, match="described like this already"):
        again.describe(again.title, again.area, again.authority)


@pytest.mark.parametrize(
    ("title", "area", "authority", "field"),
    [("", "organisation", "", "title"), ("x", "leader", "", "area"), ("x", "organisation", " ", "authority")],
)
def test_a_draft_is_described_as_a_standard_may_be(title: str, area: str, authority: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        drafted().describe(title, area, authority)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "event",
    [
        DRAFTED,
        FlowStepDefined(step="t", name="受理", bounds=Bounds(x=0.5, y=-1.0, width=100.0, height=80.0)),
        FlowLinked(
            nodes=(Node(id="s", kind="start"),),
            links=(Link(id="l", source="s", target="t", waypoints=((1.0, 2.0),)),),
            order=("s", "t"),
        ),
        StepsSeparated(pairs=(("a", "b"),)),
        DutyDefined(duty=MEETING),
        drafted(DutyDefined(duty=MEETING)).publish(account(BO), MARCH),
    ],
    ids=lambda event: event.TOPIC,
)
def test_an_event_is_the_same_after_it_was_stored(event: Event) -> None:
    assert TypeAdapter(type(event)).validate_json(event.model_dump_json()) == event
