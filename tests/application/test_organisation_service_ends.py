"""What the services of organisations add where two records meet, or the clock does: dissolution, transfers, terms."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from application.bulk import Tally
from application.database import Database
from application.records import Act, Receipt
from domain.event import Refused
from domain.organisation import Code, Elected, Level, Organisation, Standing, code_id, organisation_id
from interface.app import Installation
from tests.application.services import BEGUN, TODAY, Calendar, meet, past, topics
from tests.spec import ANN, BO, CAI

USCC = "914403001922038216"
DAY = timedelta(days=1)

Acts = Callable[..., Act]
Found = Callable[..., UUID]


@pytest.fixture
def found(at: Installation, calendar: Calendar) -> Found:
    def establish(name: str, parent: UUID | None = None, code: str = "", level: Level = "other") -> UUID:
        return at.organisations.establish(calendar.act(), name, level, parent=parent, code=code).events[0].id

    return establish


def unit(at: Installation, id: UUID) -> Organisation:
    return at.records.load(Organisation, id, fresh=True)


def standing(at: Installation, id: UUID) -> Standing:
    return unit(at, id).standing


def members(at: Installation, *ids: UUID) -> list[int]:
    return [unit(at, id).members.total for id in ids]


def dissolve(at: Installation, calendar: Calendar, id: UUID, **more: Any) -> Receipt:
    at.fold_now()
    return at.organisations.dissolve(calendar.act(), id, **more)


def test_nothing_is_dissolved_while_anything_lives_below_it(
    at: Installation, act: Acts, found: Found, calendar: Calendar
) -> None:
    town, second = found("梅溪镇"), found("天子湖镇")
    one, two = found("鲁家村", town), found("大竹园村", town)
    at.organisations.begin_dissolution(act(), town)
    with pytest.raises(Refused, match="move or dissolve the 2 organisations below it first"):
        dissolve(at, calendar, town)
    at.organisations.move(act(), one, second)
    at.organisations.begin_dissolution(act(), two)
    with pytest.raises(Refused, match="the 1 organisations below it"):
        dissolve(at, calendar, town)
    dissolve(at, calendar, two)
    dissolve(at, calendar, town, successor=second)
    assert [standing(at, id) for id in (town, one, two)] == ["dissolved", "live", "dissolved"]
    assert unit(at, two).parent == town, "what has ended stays where it was"


def test_a_dissolution_waits_for_the_view_that_counts_what_lives_below(
    at: Installation, elsewhere: Installation, act: Acts, found: Found
) -> None:
    town = found("梅溪镇")
    at.fold_now()
    found("鲁家村", town)
    at.organisations.begin_dissolution(act(), town)
    with ThreadPoolExecutor(1) as threads:
        ended = threads.submit(at.organisations.dissolve, act(), town)
        with pytest.raises(TimeoutError):
            ended.result(0.3)
        elsewhere.fold_now()
        with pytest.raises(Refused, match="the 1 organisations below it"):
            ended.result(20)


def test_nothing_joins_what_is_being_dissolved_until_that_is_abandoned(
    at: Installation, act: Acts, found: Found, calendar: Calendar
) -> None:
    town, village = found("梅溪镇"), found("鲁家村")
    at.organisations.begin_dissolution(act(), town)
    joining: list[Callable[[], object]] = [
        lambda: found("新村", town),
        lambda: at.organisations.move(act(), village, town),
        lambda: at.organisations.admit(act(), town, 1),
        lambda: at.organisations.receive(act(), town, 1, 0, TODAY),
        lambda: at.organisations.appoint(act(), town, "书记", BO, TODAY),
        lambda: at.organisations.assign_code(act(), town, "uscc", USCC, TODAY),
    ]
    head = at.head()
    for join in joining:
        with pytest.raises(Refused, match="dissolved"):
            join()
    assert at.head() == head
    at.organisations.abandon_dissolution(act(), town)
    for join in joining:
        join()
    with pytest.raises(Refused, match="begin the dissolution first"):
        dissolve(at, calendar, town)


def test_a_founding_that_meets_a_dissolution_is_counted_or_refused(
    at: Installation, elsewhere: Installation, log: Database, act: Acts, found: Found, calendar: Calendar
) -> None:
    town, second = found("梅溪镇"), found("天子湖镇")

    def founding(parent: UUID) -> Callable[[], Receipt]:
        return partial(at.organisations.establish, act(), "鲁家村", "village", parent=parent)

    def ending(id: UUID) -> Callable[[], Receipt]:
        return partial(elsewhere.organisations.begin_dissolution, act(), id)

    founded, begun = meet(log, founding(town), ending(town))
    assert isinstance(founded, Receipt)
    assert isinstance(begun, Receipt)
    with pytest.raises(Refused, match="the 1 organisations below it"):
        dissolve(at, calendar, town)
    begun, founded = meet(log, ending(second), founding(second))
    assert founded == "the parent has been dissolved, or is about to be"
    dissolve(at, calendar, second)


def test_of_an_end_and_its_abandonment_at_once_the_first_holds(
    at: Installation, elsewhere: Installation, log: Database, act: Acts, found: Found
) -> None:
    town, second = found("梅溪镇"), found("天子湖镇")
    for id in (town, second):
        at.organisations.begin_dissolution(act(), id)
    at.fold_now()

    def ending(id: UUID) -> Callable[[], Receipt]:
        return partial(at.organisations.dissolve, act(), id)

    def abandonment(id: UUID) -> Callable[[], Receipt]:
        return partial(elsewhere.organisations.abandon_dissolution, act(), id)

    assert meet(log, ending(town), abandonment(town))[1] == "the organisation is not being dissolved"
    assert standing(at, town) == "dissolved"
    at.fold_now()
    refusal = "begin the dissolution first, so that nothing joins the organisation meanwhile"
    assert meet(log, abandonment(second), ending(second))[1] == refusal
    assert standing(at, second) == "live"


def test_with_an_organisation_end_its_codes_and_terms_in_one_command(
    at: Installation, act: Acts, found: Found, calendar: Calendar
) -> None:
    village = found("鲁家村", code="330523100201", level="village")
    at.organisations.assign_code(act(), village, "uscc", USCC, TODAY)
    at.organisations.appoint(act(), village, "书记", BO, TODAY)
    at.organisations.begin_dissolution(act(), village)
    head = at.head()
    dissolve(at, calendar, village)
    assert sorted(topics(at, head)) == ["CodeReleased", "CodeReleased", "OfficerReleased", "OrganisationDissolved"]
    assert len({each.account.command_id for each in past(at, head)}) == 1
    for scheme, code in (("division", "330523100201"), ("uscc", USCC)):
        assert at.records.load(Code, code_id(scheme, code), fresh=True).holder is None
    calendar.turn(TODAY + DAY)
    heir = found("鲁家社区", code="330523100201", level="village")
    assert heir != village == organisation_id("330523100201")
    with pytest.raises(Refused, match="“鲁家村” has been dissolved"):
        at.organisations.rename(act(), village, "鲁家社区")


def test_an_end_is_refused_while_members_are_left_or_the_successor_is_none(
    at: Installation, act: Acts, found: Found, calendar: Calendar
) -> None:
    village, heir = found("鲁家村"), found("大竹园村")
    at.organisations.admit(act(), village, 3)
    at.organisations.begin_dissolution(act(), village)
    with pytest.raises(Refused, match="transfer its 3 members first"):
        dissolve(at, calendar, village)
    at.organisations.transfer(act(), village, 3, 0, heir, TODAY)
    for successor in (UUID(int=7), village):
        with pytest.raises(Refused, match="succe") as refusal:
            dissolve(at, calendar, village, successor=successor)
        assert refusal.value.field == "successor"
    dissolve(at, calendar, village, successor=heir)
    assert members(at, village, heir) == [0, 3]


def test_a_transfer_is_recorded_at_both_ends_or_at_none(at: Installation, act: Acts, found: Found) -> None:
    one, two = found("鲁家村"), found("大竹园村")
    at.organisations.admit(act(), one, 5)
    head = at.head()
    for to in (UUID(int=7), one):
        with pytest.raises(Refused):
            at.organisations.transfer(act(), one, 1, 0, to, TODAY)
    assert at.head() == head
    receipt = at.organisations.transfer(act(), one, 2, 0, two, TODAY)
    assert [(each.id, each.position) for each in receipt.events] == [(one, head + 1), (two, head + 2)]
    at.organisations.transfer(act(), one, 1, 0, None, TODAY)
    assert members(at, one, two) == [2, 2]


def test_transfers_that_meet_lose_and_make_no_member(
    at: Installation, elsewhere: Installation, log: Database, act: Acts, found: Found
) -> None:
    one, two, three = found("鲁家村"), found("大竹园村"), found("高禹村")
    at.organisations.admit(act(), one, 1)
    outcomes = meet(
        log,
        partial(at.organisations.transfer, act(), one, 1, 0, two, TODAY),
        partial(elsewhere.organisations.transfer, act(), one, 1, 0, three, TODAY),
    )
    assert outcomes[1] == "there are only 0 full members"
    assert members(at, one, two, three) == [0, 1, 0]
    at.organisations.admit(act(), one, 3)
    at.organisations.admit(act(), two, 2)
    meet(
        log,
        partial(at.organisations.transfer, act(), one, 2, 0, two, TODAY),
        partial(elsewhere.organisations.transfer, act(), two, 1, 0, one, TODAY),
    )
    assert members(at, one, two) == [2, 4]


def test_members_register_doubly_only_where_an_organisation_is(at: Installation, act: Acts, found: Found) -> None:
    one, two = found("鲁家村"), found("大竹园村")
    at.organisations.admit(act(), one, 2)
    with pytest.raises(Refused, match="no such organisation") as refusal:
        at.organisations.register_doubly(act(), one, 1, UUID(int=7))
    assert refusal.value.field == "residence"
    at.organisations.register_doubly(act(), one, 1, two)
    assert members(at, one, two) == [2, 0]


def test_nothing_is_recorded_before_it_happens(at: Installation, found: Found, calendar: Calendar) -> None:
    village, second = found("鲁家村"), found("大竹园村")
    many, act = at.organisations, partial(calendar.act, occurred_on=calendar.tomorrow)
    commands: list[Callable[[], object]] = [
        lambda: many.establish(act(), "新村", "village"),
        lambda: many.rename(act(), village, "鲁家社区"),
        lambda: many.move(act(), village, second),
        lambda: many.assign_code(act(), village, "uscc", USCC, TODAY),
        lambda: many.withdraw_code(act(), village, "uscc", TODAY),
        lambda: many.appoint(act(), village, "书记", BO, TODAY),
        lambda: many.reelect(act(), village, TODAY, (Elected(post="书记", person=BO),), TODAY),
        lambda: many.admit(act(), village, 1),
        lambda: many.transfer(act(), village, 1, 0, second, TODAY),
        lambda: many.register_doubly(act(), village, 1, second),
        lambda: many.begin_dissolution(act(), village),
        lambda: many.dissolve(act(), village),
    ]
    for command in commands:
        with pytest.raises(Refused, match="2026-03-02 is still to come") as refusal:
            command()
        assert refusal.value.field == "occurred_on"
    assert at.head() == BEGUN + 2


def test_the_clock_records_each_term_that_ran_out_once_however_often_it_runs(
    at: Installation, elsewhere: Installation, act: Acts, found: Found, calendar: Calendar
) -> None:
    village, second = found("鲁家村"), found("大竹园村")
    at.organisations.appoint(act(), village, "书记", BO, TODAY, TODAY + 10 * DAY)
    at.organisations.appoint(act(), village, "主任", ANN, TODAY, TODAY + 40 * DAY)
    at.organisations.appoint(act(), second, "书记", ANN, TODAY)

    def strike() -> list[Tally]:
        at.fold_now()
        return [each.organisations.expire_all(CAI) for each in (at, elsewhere)]

    calendar.turn(TODAY + 10 * DAY)
    assert strike() == [Tally()] * 2
    calendar.turn(TODAY + 11 * DAY)
    assert [tally.recorded for tally in strike()] == [1, 0]
    assert strike() == [Tally()] * 2
    calendar.turn(date(2026, 12, 31))
    assert [tally.recorded for tally in strike()] == [1, 0]
    expired = [each for each in past(at) if each.event.TOPIC == "organisation.TermExpired"]
    assert [(each.event.model_dump()["post"], each.account.actor) for each in expired] == [("书记", CAI), ("主任", CAI)]
