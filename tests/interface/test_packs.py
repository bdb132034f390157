"""The standards that the program ships hold as standards, and say of each figure where it comes from."""

from datetime import date

import pytest

from domain.event import Event
from domain.standard import QuorumRule, Standard, standard_id
from interface.packs import standard_pack
from tests.spec import ANN, BO, account

# What 中国共产党支部工作条例（试行） asks of a branch: how often, and whether it says 一般 of that.
MEETINGS = {
    "general-meeting": ("quarterly", True),
    "committee": ("monthly", True),
    "group-meeting": ("monthly", True),
    "lesson": ("quarterly", True),
    "theme-day": ("monthly", False),
    "life-meeting": ("yearly", False),
    "appraisal": ("yearly", True),
    "heart-talk": ("yearly", False),
}


@pytest.mark.parametrize("name", ["three-meetings"])
def test_a_shipped_standard_can_be_drafted_and_published_as_it_is(name: str) -> None:
    pack = standard_pack(name)
    draft = Standard(standard_id(pack.code))

    def add(*events: Event) -> None:
        nonlocal draft
        draft = draft.after(account(ANN), *events)

    add(draft.draft(pack.code, pack.title, pack.area, pack.authority))
    add(*draft.draw(pack.flow))
    add(draft.separate(pack.separate))
    for duty in pack.duties:
        add(draft.define_duty(duty))
    version = draft.publish(account(BO), date(2026, 1, 1)).version
    assert (version.flow, version.duties, version.separate) == (pack.flow, pack.duties, pack.separate)
    assert all(duty.source for duty in pack.duties), "each rests on an article"
    assert {duty.status for duty in pack.duties} == {"unverified"}, "until somebody has checked an official print"


def test_the_meetings_of_a_branch_are_asked_as_often_as_the_rule_says() -> None:
    duties = standard_pack("three-meetings").duties
    assert {duty.code: (duty.frequency, duty.soft) for duty in duties} == MEETINGS
    more_than_half = QuorumRule(numerator=1, denominator=2, more_than=True)
    asked = {duty.code: duty.quorum for duty in duties if duty.quorum}
    assert asked == {"general-meeting": more_than_half, "committee": more_than_half}
