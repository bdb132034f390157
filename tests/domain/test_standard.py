"""A standard: drafted by some, published by another, amended in versions that stay as they were."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as sample
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.event import Account, Event, Refused
from domain.organisation import Level, Setting
from domain.standard import (
    AREAS,
    Bounds,
    Duty,
    DutyDefined,
    DutyRemoved,
    EvidenceDemand,
    Flow,
    FlowLinked,
    FlowStepDefined,
    FlowStepRemoved,
    Link,
    Node,
    QuorumRule,
    Standard,
    StandardAmended,
    StandardDrafted,
    StandardRetired,
    StepsSeparated,
    area_of,
    standard_id,
)
from domain.standard.rules import LEVELS, SETTINGS
from tests.spec import ANN, BO, CAI, SOME, account, given

# A busy machine draws slowly; that is no fault of the code.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

MARCH = date(2026, 3, 1)
JULY = date(2026, 7, 1)

DRAFTED = StandardDrafted(code="三会一课", title="三会一课", area="organisation", authority="支部工作条例")
MINUTES = EvidenceDemand(kind="minutes", why="the quorum can be checked", reusable_from="支部手册")
MEETING = Duty(
    code="general-meeting",
    title="支部党员大会",
    frequency="quarterly",
    days_after=7,
    quorum=QuorumRule(numerator=1, denominator=2, more_than=True),
    evidence=(MINUTES,),
    levels=("village",),
    source="art. 11",
)


def chain(*names: str) -> Flow:
    """Start, one task after the other, end; a task's identifier is its name with ``t-`` before it."""
    tasks = tuple(Node(id=f"t-{name}", kind="task", name=name) for name in names)
    nodes = (Node(id="s", kind="start"), *tasks, Node(id="e", kind="end"))
    links = (Link(id=f"l{n}", source=a.id, target=b.id) for n, (a, b) in enumerate(pairwise(nodes)))
    return Flow(nodes=nodes, links=tuple(links))


PREPARE_HOLD_RECORD = chain("准备", "召开", "记录")


def recorded(*moves: Event | tuple[Event, Account]) -> Standard:
    return given(Standard, *moves)


def drafted(*more: Event | tuple[Event, Account]) -> Standard:
    """A draft by ANN with a flow; BO and CAI had no hand in it."""
    return recorded(DRAFTED, *recorded(DRAFTED).draw(PREPARE_HOLD_RECORD), *more)


def published(*more: Event | tuple[Event, Account]) -> Standard:
    draft = drafted()
    event = draft.publish(account(BO), MARCH)
    return drafted((event, account(BO)), *more)


def test_a_standard_is_drafted_in_an_area_on_a_cited_authority() -> None:
    draft = Standard(standard_id("三会一课"))
    assert draft.draft("三会一课", "三会一课", "organisation", "支部工作条例") == DRAFTED


def test_a_standard_is_drafted_once() -> None:
    with pytest.raises(Refused, match="already: amend it"):
        drafted().draft("三会一课", "三会一课", "organisation", "")


@pytest.mark.parametrize("code", ["a", "三会一课", "A-1_b.2", "x" * 64])
def test_a_code_is_letters_digits_and_little_else(code: str) -> None:
    assert Standard(standard_id(code)).draft(code, "t", "conduct", "").code == code


def test_a_place_is_somewhere_on_a_drawing() -> None:
    for far in (float("nan"), float("inf"), 1.1e9, -1.1e9):
        with pytest.raises(ValidationError):
            Bounds(x=far, y=0.0, width=1.0, height=1.0)
        with pytest.raises(ValidationError):
            Link(id="l", source="a", target="b", waypoints=((0.0, far),))


@pytest.mark.parametrize("code", ["", " a", "a b", "a/b", "x" * 65, "a\n", "“a”"])
def test_any_other_code_is_refused(code: str) -> None:
    with pytest.raises(Refused, match="1 to 64 letters") as refused:
        Standard(standard_id(code)).draft(code, "t", "conduct", "")
    assert refused.value.field == "code"


def test_a_code_gives_the_same_identifier_for_ever() -> None:
    assert standard_id("permit") == UUID("8eb1f371-5639-5687-8128-ae6ee8642085")
    assert standard_id("permit") != standard_id("permits")


@pytest.mark.parametrize("area", [*AREAS, "custom:乡村振兴"])
def test_an_area_is_one_of_the_six_or_custom(area: str) -> None:
    assert Standard(standard_id("a")).draft("a", "t", area, "").area == area


@pytest.mark.parametrize("area", ["", "leader", "custom:", "custom: x", "组织建设"])
def test_any_other_area_is_refused(area: str) -> None:
    with pytest.raises(Refused) as refused:
        Standard(standard_id("a")).draft("a", "t", area, "")
    assert refused.value.field == "area"


def test_there_are_six_areas_and_each_is_found_by_either_name() -> None:
    assert list(AREAS.values()) == ["组织建设", "班子建设", "作风建设", "队伍建设", "廉政建设", "效能监察"]
    for area, chinese in AREAS.items():
        assert area_of(area) == area_of(f" {chinese} ") == area
    assert area_of("Permits") == area_of("custom:Permits") == "custom:Permits"


def test_an_authority_is_a_line_that_can_be_read_or_none() -> None:
    with pytest.raises(Refused) as refused:
        Standard(standard_id("a")).draft("a", "t", "conduct", "第\n条")
    assert refused.value.field == "authority"


@pytest.mark.parametrize("title", ["", "  ", " a", "a ", "a\nb", "x" * 201, "a\u200bb"])
def test_a_title_is_a_line_that_can_be_read(title: str) -> None:
    with pytest.raises(Refused) as refused:
        Standard(standard_id("a")).draft("a", title, "conduct", "")
    assert refused.value.field == "title"


def test_a_drawing_becomes_steps_and_links_and_is_the_drafts_flow() -> None:
    events = recorded(DRAFTED).draw(PREPARE_HOLD_RECORD)
    assert [type(event) for event in events] == [FlowStepDefined] * 3 + [FlowLinked]
    assert drafted().flow == PREPARE_HOLD_RECORD


def test_drawing_again_says_only_what_has_changed() -> None:
    longer = chain("准备", "召开", "归档")
    events = drafted().draw(longer)
    assert [type(event) for event in events] == [FlowStepRemoved, FlowStepDefined, FlowLinked]
    assert drafted(*events).flow == longer
    place = Bounds(x=1.0, y=2.0, width=3.0, height=4.0)
    moved = tuple(node.model_copy(update={"bounds": place}) if node.id == "t-召开" else node for node in longer.nodes)
    assert drafted(*events).draw(Flow(nodes=moved, links=longer.links)) == (
        FlowStepDefined(step="t-召开", name="召开", bounds=place),
    )


def test_drawing_the_same_again_is_refused() -> None:
    with pytest.raises(Refused, match="drawn like this already"):
        drafted().draw(PREPARE_HOLD_RECORD)


def test_a_flow_that_does_not_hold_is_not_drawn() -> None:
    adrift = Flow(nodes=(*chain("a").nodes, Node(id="t-b", kind="task", name="b")), links=chain("a").links)
    with pytest.raises(Refused, match="“b”"):
        recorded(DRAFTED).draw(adrift)


@PATIENT
@sample(st.lists(st.permutations("abcd").flatmap(lambda p: st.integers(1, 4).map(lambda n: p[:n])), min_size=1))
def test_a_draft_comes_to_any_flow_from_any_other(targets: list[list[str]]) -> None:
    draft = recorded(DRAFTED)
    for names in targets:
        flow = chain(*names)
        if draft.flow != flow:
            draft = draft.after(account(), *draft.draw(flow))
        ends = (f"t-{names[0]}", f"t-{names[-1]}")
        if len(names) > 1 and draft.separate_ids != (ends,):
            draft = draft.after(account(), draft.separate([ends]))
        assert draft.flow == flow
    version = draft.publish(account(BO), MARCH).version
    assert version.flow == chain(*targets[-1])
    assert {step for pair in version.separate for step in pair} <= set(targets[-1])


def test_a_step_drawn_by_hand_is_linked_by_hand_and_checked_when_published() -> None:
    step = recorded(DRAFTED).define_step("t-a", "受理")
    assert step == FlowStepDefined(step="t-a", name="受理")
    draft = recorded(DRAFTED, step)
    with pytest.raises(Refused, match="start"):
        draft.publish(account(BO), MARCH)
    linked = draft.link(
        [Node(id="s", kind="start"), Node(id="e", kind="end")],
        [Link(id="1", source="s", target="t-a"), Link(id="2", source="t-a", target="e")],
    )
    assert recorded(DRAFTED, step, linked).publish(account(BO), MARCH).version.flow.steps == ("受理",)


def test_a_step_drawn_by_hand_has_an_identifier_and_a_name() -> None:
    for step, name, field in (("", "受理", "step"), ("x" * 101, "受理", "step"), ("t-a", " ", "name")):
        with pytest.raises(Refused) as refused:
            recorded(DRAFTED).define_step(step, name)
        assert refused.value.field == field


def test_a_task_is_no_part_of_the_links() -> None:
    with pytest.raises(Refused, match="define tasks as steps"):
        drafted().link([Node(id="t-a", kind="task", name="a")], [])


def test_a_step_is_renamed_in_its_place() -> None:
    draft = drafted(drafted().define_step("t-召开", "召集"))
    assert draft.flow.steps == ("准备", "召集", "记录")
    with pytest.raises(Refused, match="is there already"):
        draft.define_step("t-召开", "召集")


def test_steps_are_separated_by_name_or_identifier() -> None:
    event = drafted().separate([("准备", "t-记录")])
    assert event == StepsSeparated(pairs=(("t-准备", "t-记录"),))
    version = drafted(event).publish(account(BO), MARCH).version
    assert version.separate == (("准备", "记录"),)


def test_an_identifier_goes_before_a_name() -> None:
    flow = chain("a", "b", "t-a")
    draft = recorded(DRAFTED, *recorded(DRAFTED).draw(flow))
    assert draft.separate([("t-a", "b")]).pairs == (("t-a", "t-b"),)


def test_a_separation_follows_a_step_that_is_renamed_and_goes_with_one_that_is_removed() -> None:
    apart = drafted().separate([("准备", "记录"), ("准备", "召开")])
    renamed = drafted(apart, drafted(apart).define_step("t-记录", "归档"))
    assert renamed.publish(account(BO), MARCH).version.separate == (("准备", "归档"), ("准备", "召开"))
    shorter = drafted(apart, *drafted(apart).draw(chain("准备", "召开")))
    assert shorter.publish(account(BO), MARCH).version.separate == (("准备", "召开"),)


def renumbered(flow: Flow) -> Flow:
    """The same drawing as a tool writes it that gives every element a new identifier."""
    return Flow(
        nodes=tuple(node.model_copy(update={"id": f"new-{node.id}"}) for node in flow.nodes),
        links=tuple(
            Link(id=f"new-{link.id}", source=f"new-{link.source}", target=f"new-{link.target}") for link in flow.links
        ),
    )


def test_a_separation_stays_when_a_drawing_tool_gives_its_steps_new_identifiers() -> None:
    apart = drafted().separate([("准备", "记录"), ("召开", "记录")])
    again = drafted(apart, *drafted(apart).draw(renumbered(PREPARE_HOLD_RECORD)))
    assert again.publish(account(BO), MARCH).version.separate == (("准备", "记录"), ("召开", "记录"))


def test_a_separation_is_kept_once_when_two_steps_become_one() -> None:
    apart = drafted().separate([("准备", "记录"), ("召开", "记录")])
    merged = drafted(apart, *drafted(apart).draw(chain("召开", "记录")))
    assert merged.publish(account(BO), MARCH).version.separate == (("召开", "记录"),)
    taken_over = chain("准备", "记录")
    renamed = tuple(n.model_copy(update={"name": "召开"}) if n.id == "t-准备" else n for n in taken_over.nodes)
    one = drafted(apart, *drafted(apart).draw(Flow(nodes=renamed, links=taken_over.links)))
    assert one.publish(account(BO), MARCH).version.separate == (("召开", "记录"),)
    assert one.separate_ids == (("t-准备", "t-记录"),)


def test_a_step_that_takes_over_both_of_a_pair_is_not_separated_from_itself() -> None:
    apart = drafted().separate([("准备", "记录"), ("准备", "召开")])
    shorter = chain("准备", "召开")
    nodes = tuple(node.model_copy(update={"name": "记录"}) if node.id == "t-准备" else node for node in shorter.nodes)
    redrawn = drafted(apart, *drafted(apart).draw(Flow(nodes=nodes, links=shorter.links)))
    assert redrawn.publish(account(BO), MARCH).version.separate == (("记录", "召开"),)


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        ([("准备", "表决")], "no step “表决”"),
        ([("准备", "t-准备")], "cannot be separated from itself"),
        ([("准备", "召开"), ("t-召开", "准备")], "separated twice"),
        ([("准备", "召开"), ("准备", "t-召开")], "separated twice"),
        ([("e", "准备")], "no step “e”"),
        ([], "separated already"),
    ],
)
def test_a_separation_names_two_different_steps_once(pairs: list[tuple[str, str]], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        drafted().separate(pairs)


def test_a_duty_is_defined_changed_and_removed() -> None:
    assert drafted().define_duty(MEETING) == DutyDefined(duty=MEETING)
    yearly = MEETING.model_copy(update={"frequency": "yearly"})
    changed = drafted(DutyDefined(duty=MEETING), drafted(DutyDefined(duty=MEETING)).define_duty(yearly))
    assert changed.duties == (yearly,)
    assert changed.remove_duty("general-meeting") == DutyRemoved(duty="general-meeting")
    assert drafted(DutyDefined(duty=MEETING), DutyRemoved(duty="general-meeting")).duties == ()


def test_a_duty_is_neither_defined_nor_removed_twice() -> None:
    with pytest.raises(Refused, match="is there already"):
        drafted(DutyDefined(duty=MEETING)).define_duty(MEETING)
    with pytest.raises(Refused, match="no duty general-meeting"):
        drafted().remove_duty("general-meeting")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": "a b"}, "code"),
        ({"title": " "}, "title"),
        ({"days_after": 3661}, "days_after"),
        ({"levels": ("town",)}, "levels"),
        ({"levels": ("village", "village")}, "levels"),
        ({"settings": ("suburban",)}, "settings"),
        ({"settings": ("",)}, "settings"),
        ({"source": "art.\n11"}, "source"),
        ({"soft": True}, "soft_because"),
        ({"quorum": QuorumRule(numerator=3, denominator=2)}, "quorum"),
        ({"quorum": QuorumRule(numerator=2, denominator=2, more_than=True)}, "quorum"),
        ({"evidence": (MINUTES, MINUTES)}, "evidence"),
        ({"evidence": (MINUTES.model_copy(update={"kind": ""}),)}, "evidence.kind"),
        ({"evidence": (MINUTES.model_copy(update={"why": ""}),)}, "evidence.why"),
        ({"evidence": (MINUTES.model_copy(update={"reusable_from": " "}),)}, "evidence.reusable_from"),
    ],
)
def test_a_duty_says_what_it_asks_why_and_where_the_evidence_can_be_reused_from(
    change: dict[str, object], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        drafted().define_duty(MEETING.model_copy(update=change))
    assert refused.value.field == field


def test_a_duty_is_asked_of_levels_and_settings_that_organisations_have() -> None:
    assert get_args(Level) == LEVELS
    assert {*SETTINGS, ""} == {*get_args(Setting)}
    asked = MEETING.model_copy(update={"levels": LEVELS, "settings": SETTINGS})
    assert drafted().define_duty(asked).duty == asked
    with pytest.raises(Refused, match="“town” is none of the levels: nation, province, prefecture, county, township"):
        drafted().define_duty(MEETING.model_copy(update={"levels": ("town",)}))


def test_a_due_date_is_soft_for_a_stated_reason() -> None:
    soft = MEETING.model_copy(update={"soft": True, "soft_because": "the article says 一般"})
    assert drafted().define_duty(soft).duty.soft


def test_a_duty_need_say_no_more_than_what_and_how_often() -> None:
    bare = Duty(code="visit", title="走访", frequency="monthly")
    assert drafted().define_duty(bare).duty == bare
    latest = MEETING.model_copy(update={"days_after": 3660, "title": "会" * 200})
    assert drafted().define_duty(latest).duty == latest


def test_a_quorum_of_everybody_is_as_much_as_can_be_asked() -> None:
    everybody = MEETING.model_copy(update={"quorum": QuorumRule(numerator=2, denominator=2)})
    assert drafted().define_duty(everybody).duty.quorum == QuorumRule(numerator=2, denominator=2)


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
