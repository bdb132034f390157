"""Officers, their terms, and elections."""

from collections.abc import Callable
from datetime import date

import pytest

from domain.event import Refused
from domain.organisation import (
    Elected,
    OfficerAppointed,
    OfficerReleased,
    OrganisationDissolved,
    ReelectionHeld,
    TermExpired,
)
from tests.domain.villages import (
    ADMITTED,
    APRIL,
    BEGUN,
    DAY,
    JUNE,
    MARCH,
    MAY,
    SECRETARY,
    registered,
    village,
)
from tests.spec import ANN, BO, CAI, SOME


def test_a_term_covers_its_first_and_its_last_day() -> None:
    unit = village(SECRETARY)
    assert [len(unit.officers(day)) for day in (MARCH - DAY, MARCH, MAY, MAY + DAY)] == [0, 1, 1, 0]


def test_a_post_is_one_persons_at_a_time() -> None:
    assert village().appoint("书记", ANN, MARCH, MAY) == SECRETARY
    for since, until in ((MAY, None), (MARCH - DAY, MARCH), (APRIL, APRIL), (MARCH - DAY, None)):
        with pytest.raises(Refused, match="somebody else has a term as 书记 from 2026-03-01"):
            village(SECRETARY).appoint("书记", BO, since, until)
    assert village(SECRETARY).appoint("书记", BO, MAY + DAY)
    assert village(SECRETARY).appoint("书记", BO, MARCH - 9 * DAY, MARCH - DAY)
    assert village(SECRETARY).appoint("副书记", BO, MARCH)


def test_a_shared_post_is_shared_only_if_everybody_is_told() -> None:
    member = village().appoint("委员", ANN, MARCH, shared=True)
    assert village(member).appoint("委员", BO, MARCH, shared=True)
    with pytest.raises(Refused, match="declare the post as shared"):
        village(member).appoint("委员", BO, MARCH)
    alone = village().appoint("委员", ANN, MARCH)
    with pytest.raises(Refused, match="declare the post as shared"):
        village(alone).appoint("委员", BO, MARCH, shared=True)
    with pytest.raises(Refused, match="this person has a term"):
        village(member).appoint("委员", ANN, MAY, shared=True)


def test_a_term_does_not_end_before_it_begins() -> None:
    with pytest.raises(Refused, match="before it begins"):
        village().appoint("书记", ANN, MAY, MARCH)
    assert village().appoint("书记", ANN, MAY, MAY)


DATED: list[Callable[[date], object]] = [
    lambda day: village().appoint("书记", ANN, day),
    lambda day: village().appoint("书记", ANN, MARCH, day),
    lambda day: village().assign_code("division", "1", day),
    lambda day: village().withdraw_code("division", day),
    lambda day: village(SECRETARY).release("书记", ANN, day),
    lambda day: village().reelect(day, [Elected(post="书记", person=BO)], MARCH),
    lambda day: village().reelect(MARCH, [Elected(post="书记", person=BO)], day),
    lambda day: village(ADMITTED).transfer_out(1, 0, None, day),
    lambda day: registered().take("division", "3305", SOME, day),
    lambda day: registered().release(SOME, day),
    lambda day: village(BEGUN).dissolve(day, 0),
]


@pytest.mark.parametrize("day", [date.min, date(1899, 12, 31), date(3000, 1, 1), date.max])
@pytest.mark.parametrize("command", DATED)
def test_a_day_out_of_all_reason_is_refused(day: date, command: Callable[[date], object]) -> None:
    with pytest.raises(Refused, match="give a day between 1900-01-01 and 2999-12-31"):
        command(day)


def test_a_released_officer_leaves_on_the_last_day_named() -> None:
    released = village(SECRETARY).release("书记", ANN, APRIL)
    assert released == OfficerReleased(post="书记", person=ANN, since=MARCH, on=APRIL)
    unit = village(SECRETARY, released)
    assert [len(unit.officers(day)) for day in (APRIL, APRIL + DAY)] == [1, 0]
    assert unit.appoint("书记", BO, APRIL + DAY)
    with pytest.raises(Refused, match="no term as 书记"):
        unit.release("书记", ANN, APRIL)


def test_a_term_released_on_its_first_day_was_that_day_long() -> None:
    unit = village(SECRETARY, village(SECRETARY).release("书记", ANN, MARCH))
    assert [len(unit.officers(day)) for day in (MARCH, MARCH + DAY)] == [1, 0]


def test_a_post_has_a_name() -> None:
    for post in ("", " 书记", "书\n记"):
        with pytest.raises(Refused) as refused:
            village().appoint(post, ANN, MARCH)
        assert refused.value.field == "post"
        with pytest.raises(Refused) as refused:
            village().reelect(MARCH, [Elected(post="书记", person=BO)], MARCH, vacated=[post])
        assert refused.value.field == "vacated"


def test_nobody_is_released_from_what_is_not_theirs() -> None:
    for post, person, on in (("书记", BO, APRIL), ("委员", ANN, APRIL), ("书记", ANN, MAY + DAY)):
        with pytest.raises(Refused, match="no term as"):
            village(SECRETARY).release(post, person, on)


def test_an_appointment_revoked_before_its_first_day_never_was() -> None:
    unit = village(SECRETARY, village(SECRETARY).release("书记", ANN, MARCH - DAY))
    assert unit.terms.all == ()


def test_of_two_terms_the_running_one_is_released() -> None:
    again = OfficerAppointed(post="书记", person=ANN, since=JUNE, until=None, shared=False)
    assert village(again, SECRETARY).release("书记", ANN, APRIL).since == MARCH
    assert village(again, SECRETARY).release("书记", ANN, MAY + DAY).since == JUNE


def test_a_term_expires_once_after_its_last_day() -> None:
    unit = village(SECRETARY)
    assert unit.expire_terms(MAY) == ()
    expired = unit.expire_terms(MAY + DAY)
    assert expired == (TermExpired(post="书记", person=ANN, since=MARCH, due=MAY),)
    assert village(SECRETARY, *expired).expire_terms(JUNE) == ()


def test_a_released_term_does_not_expire() -> None:
    assert village(SECRETARY, village(SECRETARY).release("书记", ANN, APRIL)).expire_terms(JUNE) == ()


def test_a_term_whose_last_day_is_the_organisations_is_released_and_one_settled_is_not() -> None:
    (released, _) = village(SECRETARY, BEGUN).dissolve(MAY, 0)
    assert released == OfficerReleased(post="书记", person=ANN, since=MARCH, on=MAY)
    left = village(SECRETARY).release("书记", ANN, APRIL)
    assert village(SECRETARY, left, BEGUN).dissolve(APRIL, 0) == (OrganisationDissolved(successor=None),)


def test_an_election_ends_the_old_terms_and_opens_the_new() -> None:
    deputy = OfficerAppointed(post="副书记", person=BO, since=MARCH, until=None, shared=False)
    clerk = OfficerAppointed(post="文书", person=CAI, since=MARCH, until=None, shared=False)
    held = village(SECRETARY, deputy, clerk).reelect(
        APRIL, [Elected(post="书记", person=BO)], APRIL + DAY, JUNE, vacated=["副书记"]
    )
    assert held == ReelectionHeld(
        on=APRIL, results=(Elected(post="书记", person=BO),), vacated=("副书记",), since=APRIL + DAY, until=JUNE
    )
    unit = village(SECRETARY, deputy, clerk, held)
    assert {(t.post, t.person) for t in unit.officers(APRIL)} == {("书记", ANN), ("副书记", BO), ("文书", CAI)}
    assert {(t.post, t.person) for t in unit.officers(APRIL + DAY)} == {("书记", BO), ("文书", CAI)}
    assert unit.expire_terms(JUNE + DAY) == (TermExpired(post="书记", person=BO, since=APRIL + DAY, due=JUNE),)


def test_a_late_election_leaves_the_expiry_to_be_recorded() -> None:
    held = village(SECRETARY).reelect(JUNE, [Elected(post="书记", person=BO)], JUNE)
    assert [term.due for term in village(SECRETARY, held).expire_terms(JUNE)] == [MAY]


def test_an_election_is_refused_where_its_results_collide() -> None:
    two = [Elected(post="书记", person=ANN), Elected(post="书记", person=BO)]
    with pytest.raises(Refused, match="somebody else"):
        village().reelect(MARCH, two, MARCH)
    later = OfficerAppointed(post="书记", person=ANN, since=JUNE, until=None, shared=False)
    with pytest.raises(Refused, match="somebody else"):
        village(later).reelect(MARCH, two[1:], MARCH)
    assert village(later).reelect(MARCH, two[1:], MARCH, MAY)


def test_an_election_is_refused_without_results_or_with_a_term_before_it() -> None:
    with pytest.raises(Refused, match="who was elected"):
        village().reelect(MARCH, [], MARCH)
    with pytest.raises(Refused, match="before the election"):
        village().reelect(MARCH, [Elected(post="书记", person=ANN)], MARCH - DAY)
    with pytest.raises(Refused, match="both filled and left vacant"):
        village().reelect(MARCH, [Elected(post="书记", person=ANN)], MARCH, vacated=["书记"])
