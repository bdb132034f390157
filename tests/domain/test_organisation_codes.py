"""Codes: their form, their days, and the register."""

from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.event import Refused
from domain.organisation import (
    CodeReleased,
    CodeTaken,
    OrganisationCodeAssigned,
    OrganisationCodeWithdrawn,
    check_code,
    code_id,
    organisation_id,
)
from tests.domain.villages import (
    DAY,
    MARCH,
    MAY,
    OTHER,
    USCC,
    registered,
    village,
)
from tests.spec import SOME


@pytest.mark.parametrize(
    "code", ["33", "3305", "330523", "330523001", "330523001001", "A", "x-1", "0" * 32, "abcXYZ-09"]
)
def test_a_division_code_is_statistical_or_a_bodys_own(code: str) -> None:
    check_code("division", code)


def test_a_body_may_stand_under_its_credit_identifier_whose_check_character_is_right() -> None:
    check_code("division", USCC)
    check_code("division", "our-own-code-of-18")
    with pytest.raises(Refused, match="check character"):
        check_code("division", "91350100M000100Y44")


@pytest.mark.parametrize("code", ["", " ", "33 05", "3305 ", "3305\n", "33\t", "三", "３３", "²", "0" * 33, "a_b"])
def test_another_division_code_is_refused(code: str) -> None:
    with pytest.raises(Refused, match="letters, digits or hyphens") as refused:
        check_code("division", code)
    assert refused.value.field == "code"


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91110000802100433B", USCC])
def test_a_credit_identifier_with_its_check_character_is_accepted(code: str) -> None:
    check_code("uscc", code)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("91350100M000100Y4Z", "place 18 is “Z”"),
        ("91350100M000100Y44", "mistyped"),
        ("91110000802100433b", "capital letters"),
        ("9111000080210O433B", "place 14 is “O”"),
        ("9144030019220382160", "has 19"),
        ("", "has 0"),
        ("９14403001922038216", "place 1 "),
    ],
)
def test_another_credit_identifier_is_refused(code: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence) as refused:
        check_code("uscc", code)
    assert refused.value.field == "code"


@for_all(
    place=st.integers(0, 17),
    character=st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"),
    code=st.sampled_from(["91350100M000100Y43", "91110000802100433B", USCC]),
)
def test_every_single_mistake_in_a_credit_identifier_is_found(place: int, character: str, code: str) -> None:
    mistyped = code[:place] + character + code[place + 1 :]
    if mistyped == code:
        check_code("uscc", mistyped)
    else:
        with pytest.raises(Refused):
            check_code("uscc", mistyped)


def test_identifiers_are_those_of_ever() -> None:
    """They are in the log: changing a namespace would found every organisation again."""
    assert organisation_id("330523") == UUID("ef6c55dc-7271-53a7-9fa9-c4c8a5427881")
    assert code_id("division", "330523") == UUID("ecaf57b3-1595-5e9d-8b9a-43f399380e7a")
    assert len({organisation_id("330523"), code_id("division", "330523"), code_id("uscc", "330523")}) == 3


def test_codes_keep_their_days_of_validity() -> None:
    assert village().codes.on("division", MARCH - DAY) == ""
    assert village().codes.on("division", MARCH) == "330523110201"
    assigned = village().assign_code("division", "330523110202", MAY)
    assert assigned == OrganisationCodeAssigned(
        scheme="division", code="330523110202", code_before="330523110201", valid_from=MAY
    )
    after = village(assigned)
    assert after.codes.on("division", MAY - DAY) == "330523110201"
    assert after.codes.on("division", MAY) == "330523110202" == after.codes.now("division")


def test_schemes_do_not_disturb_each_other() -> None:
    assigned = village().assign_code("uscc", USCC, MAY)
    assert assigned.code_before == ""
    after = village(assigned)
    assert (after.codes.now("uscc"), after.codes.now("division")) == (USCC, "330523110201")


def test_each_scheme_has_its_own_days() -> None:
    after = village(village().assign_code("uscc", USCC, MARCH - DAY))
    assert after.codes.on("uscc", MARCH - DAY) == USCC
    assert after.codes.on("division", MARCH - DAY) == ""
    assert after.codes.on("division", MAY) == "330523110201"


def test_a_code_withdrawn_on_its_first_day_was_valid_that_day() -> None:
    after = village(village().withdraw_code("division", MARCH))
    assert (after.codes.on("division", MARCH), after.codes.on("division", MARCH + DAY)) == ("330523110201", "")


def test_codes_end_with_their_organisation_and_not_earlier_or_later() -> None:
    held = village(village().assign_code("division", "330523110202", MAY)).codes
    later = village(village().withdraw_code("division", MAY + DAY)).codes
    assert [(code.code, code.until) for code in held.ended(MAY + DAY).held] == [
        ("330523110201", MAY - DAY),
        ("330523110202", MAY + DAY),
    ]
    assert [code.until for code in later.ended(MAY).held] == [MAY]


def test_a_code_assigned_by_mistake_leaves_no_day() -> None:
    after = village(village().assign_code("division", "1", MARCH))
    assert [held.code for held in after.codes.held] == ["1"]
    withdrawn = after.withdraw_code("division", MARCH - DAY)
    assert withdrawn == OrganisationCodeWithdrawn(scheme="division", code="1", valid_until=MARCH - DAY)
    assert village(village().assign_code("division", "1", MARCH), withdrawn).codes.held == ()


def test_a_code_may_not_begin_within_another_ones_days() -> None:
    with pytest.raises(Refused, match="330523110201 is on record from 2026-03-01"):
        village().assign_code("division", "1", MARCH - DAY)
    withdrawn = village(village().withdraw_code("division", MAY))
    with pytest.raises(Refused, match="must begin later"):
        withdrawn.assign_code("division", "1", MAY)
    assert withdrawn.assign_code("division", "1", MAY + DAY).code_before == ""


def test_the_same_code_is_not_assigned_twice_nor_withdrawn_where_there_is_none() -> None:
    with pytest.raises(Refused, match="holds code 330523110201 already"):
        village().assign_code("division", "330523110201", MAY)
    with pytest.raises(Refused, match="holds no such code"):
        village().withdraw_code("uscc", MAY)


def test_a_code_is_in_one_hand() -> None:
    taken = CodeTaken(scheme="division", code="3305", organisation=SOME, valid_from=MARCH)
    assert registered().take("division", "3305", SOME, MARCH) == taken
    with pytest.raises(Refused, match="another organisation holds code 3305"):
        registered(taken).take("division", "3305", OTHER, MAY)
    with pytest.raises(Refused, match="the organisation holds code 3305 already"):
        registered(taken).take("division", "3305", SOME, MAY)
    with pytest.raises(Refused, match="does not hold"):
        registered(taken).release(OTHER, MAY)


def test_a_released_code_is_anothers_from_the_next_day() -> None:
    taken = CodeTaken(scheme="division", code="3305", organisation=SOME, valid_from=MARCH)
    released = registered(taken).release(SOME, MAY)
    assert released == CodeReleased(organisation=SOME, valid_until=MAY)
    with pytest.raises(Refused, match="until the day before 2026-05-02"):
        registered(taken, released).take("division", "3305", OTHER, MAY)
    assert registered(taken, released).take("division", "3305", OTHER, MAY + DAY).organisation == OTHER


def test_a_code_held_for_one_day_is_free_on_the_next() -> None:
    taken = CodeTaken(scheme="division", code="3305", organisation=SOME, valid_from=MAY)
    released = registered(taken, CodeReleased(organisation=SOME, valid_until=MAY))
    with pytest.raises(Refused, match="until the day before 2026-05-02"):
        released.take("division", "3305", OTHER, MAY)


def test_a_code_released_as_a_mistake_is_free_as_it_was_before() -> None:
    taken = CodeTaken(scheme="division", code="3305", organisation=SOME, valid_from=MAY)
    released = CodeReleased(organisation=SOME, valid_until=MAY - DAY)
    assert registered(taken, released).take("division", "3305", OTHER, MARCH).valid_from == MARCH


def test_a_code_is_not_taken_on_another_ones_stream() -> None:
    with pytest.raises(ValueError, match="not the stream of division code 33"):
        registered().take("division", "33", SOME, MARCH)


def test_a_malformed_code_is_not_taken() -> None:
    with pytest.raises(Refused, match="has 4"):
        registered(scheme="uscc").take("uscc", "3305", SOME, MARCH)
