"""What a standard asks for: duties, how often, by whom, with which quorum and evidence."""

from typing import get_args

import pytest

from domain.event import Refused
from domain.organisation import Level, Setting
from domain.standard import (
    Duty,
    DutyDefined,
    DutyRemoved,
    QuorumRule,
)
from domain.standard.rules import LEVELS, SETTINGS
from tests.domain.standards import MEETING, MINUTES, drafted


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
