"""A standard is drafted: in an area, on an authority, with a flow that is drawn and steps kept apart."""

from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as sample
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.event import Refused
from domain.standard import (
    AREAS,
    Bounds,
    Flow,
    FlowLinked,
    FlowStepDefined,
    FlowStepRemoved,
    Link,
    Node,
    Standard,
    StepsSeparated,
    area_of,
    standard_id,
)
from tests.domain.standards import DRAFTED, MARCH, PREPARE_HOLD_RECORD, chain, drafted, recorded
from tests.spec import BO, account

# A busy machine draws slowly; that is no fault of the code.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


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
