"""What the services of organisations add to the rules of one: codes in one hand, a tree without a ring, ends."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from application.database import Database
from application.records import Act, Conflict, Receipt
from domain.event import Refused
from domain.organisation import Code, Level, Organisation, Scheme, code_id, organisation_id
from interface.app import Installation
from tests.application.services import BEGUN, TODAY, Calendar, meet, opened, past, topics

TOWN, VILLAGE = organisation_id("330523100"), organisation_id("330523100201")
USCC = "914403001922038216"
DAY = timedelta(days=1)

Acts = Callable[..., Act]
Found = Callable[..., UUID]


@pytest.fixture
def found(at: Installation, calendar: Calendar) -> Found:
    """Found an organisation; without a level, one that may stand anywhere."""

    def establish(name: str, parent: UUID | None = None, code: str = "", level: Level = "other") -> UUID:
        return at.organisations.establish(calendar.act(), name, level, parent=parent, code=code).events[0].id

    return establish


def unit(at: Installation, id: UUID) -> Organisation:
    return at.records.load(Organisation, id, fresh=True)


def holder(at: Installation, code: str, scheme: Scheme = "division") -> UUID | None:
    return at.records.load(Code, code_id(scheme, code), fresh=True).holder


def test_a_founding_takes_its_codes_in_the_same_command(at: Installation, act: Acts) -> None:
    receipt = at.organisations.establish(act(), "鲁家村", "village", code="330523100201", uscc=USCC)
    assert topics(at) == ["OrganisationEstablished", "OrganisationCodeAssigned", "CodeTaken", "CodeTaken"]
    assert receipt.events[0].id == VILLAGE
    assert holder(at, "330523100201") == holder(at, USCC, "uscc") == at.organisations.holder("330523100201") == VILLAGE
    assert {each.account.command_id for each in past(at)} == {receipt.command_id}


def test_a_founding_repeated_is_the_same_organisation_though_its_identifier_is_made_at_random(
    at: Installation, elsewhere: Installation, act: Acts
) -> None:
    command = act()
    receipts = [each.organisations.establish(command, "鲁家村", "village") for each in (at, elsewhere, at)]
    assert receipts == [receipts[0]] * 3
    assert topics(at) == ["OrganisationEstablished"]


def test_a_code_is_refused_to_another_while_it_is_held(at: Installation, act: Acts, found: Found) -> None:
    village, second = found("鲁家村", code="330523100201"), found("大竹园村")
    at.organisations.assign_code(act(), village, "uscc", USCC, TODAY)
    head = at.head()
    for scheme, code in (("division", "330523100201"), ("uscc", USCC)):
        with pytest.raises(Refused, match=f"another organisation holds code {code}; withdraw it there first"):
            at.organisations.assign_code(act(), second, scheme, code, TODAY)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="exists already, as “鲁家村”"):
        found("新村", code="330523100201")
    with pytest.raises(Refused, match=f"another organisation holds code {USCC}"):
        at.organisations.establish(act(), "新村", "village", uscc=USCC)
    assert at.head() == head


def test_a_code_that_became_free_goes_to_a_newcomer_and_the_former_holder_keeps_its_identity(
    at: Installation, act: Acts, found: Found, calendar: Calendar
) -> None:
    village = found("鲁家村", code="330523100201")
    at.organisations.assign_code(act(), village, "division", "330523100299", TODAY + DAY)
    with pytest.raises(Refused, match="no organisation holds the code 330523100201"):
        at.organisations.holder("330523100201")
    with pytest.raises(Refused, match="in use until the day before 2026-03-02"):
        found("新村", code="330523100201")
    calendar.turn(TODAY + DAY)
    newcomer = found("新村", code="330523100201")
    assert (village, newcomer != village) == (VILLAGE, True)
    assert (holder(at, "330523100201"), holder(at, "330523100299")) == (newcomer, village)
    assert (unit(at, village).name, unit(at, newcomer).name) == ("鲁家村", "新村")
    with pytest.raises(Refused, match="another organisation holds code 330523100201"):
        found("又一村", code="330523100201")


def test_a_code_withdrawn_can_be_given_to_another_from_the_next_day_on(
    at: Installation, act: Acts, found: Found
) -> None:
    village, second = found("鲁家村"), found("大竹园村")
    at.organisations.assign_code(act(), village, "uscc", USCC, TODAY)
    at.organisations.withdraw_code(act(), village, "uscc", TODAY)
    assert topics(at)[-2:] == ["OrganisationCodeWithdrawn", "CodeReleased"]
    with pytest.raises(Refused, match="in use until the day before 2026-03-02"):
        at.organisations.assign_code(act(), second, "uscc", USCC, TODAY)
    at.organisations.assign_code(act(), second, "uscc", USCC, TODAY + DAY)
    assert holder(at, USCC, "uscc") == second


def test_of_two_that_are_founded_with_one_code_at_once_one_is(
    at: Installation, elsewhere: Installation, log: Database, act: Acts
) -> None:
    first, second = meet(
        log,
        partial(at.organisations.establish, act(), "鲁家村", "village", code="330523100201"),
        partial(elsewhere.organisations.establish, act(), "大竹园村", "village", code="330523100201"),
    )
    assert isinstance(first, Receipt)
    assert second == "the organisation exists already, as “鲁家村”"
    assert topics(at) == ["OrganisationEstablished", "CodeTaken"]


@pytest.mark.parametrize("scheme", ["division", "uscc"])
def test_of_two_that_take_one_code_at_once_one_has_it(
    at: Installation, elsewhere: Installation, log: Database, act: Acts, found: Found, scheme: Scheme
) -> None:
    code = USCC if scheme == "uscc" else "330523100201"
    one, two = found("鲁家村"), found("大竹园村")
    first, second = meet(
        log,
        partial(at.organisations.assign_code, act(), one, scheme, code, TODAY),
        partial(elsewhere.organisations.assign_code, act(), two, scheme, code, TODAY),
    )
    assert isinstance(first, Receipt)
    assert second == f"another organisation holds code {code}; withdraw it there first"
    assert holder(at, code, scheme) == one
    assert [unit(at, id).codes.now(scheme) for id in (one, two)] == [code, ""]


def test_a_move_changes_the_place_and_nothing_else(at: Installation, act: Acts, found: Found) -> None:
    town, second = found("梅溪镇", level="township"), found("天子湖镇", level="township")
    village = found("鲁家村", town, "330523100201", "village")
    before = unit(at, village)
    at.organisations.move(act(), village, second)
    after = unit(at, village)
    assert (before.parent, after.parent) == (town, second)
    assert (after.id, after.name, after.codes, after.version) == (before.id, before.name, before.codes, 2)
    at.organisations.move(act(), village, None)
    assert unit(at, village).parent is None


def test_no_move_makes_a_ring(at: Installation, act: Acts, found: Found) -> None:
    ids = [found("一")]
    ids += [found("二", ids[0])]
    ids += [found("三", ids[1])]
    for below in ids:
        with pytest.raises(Refused, match="cannot be moved below itself") as refusal:
            at.organisations.move(act(), ids[0], below)
        assert refusal.value.field == "parent"
    at.organisations.move(act(), ids[2], ids[0])
    at.organisations.move(act(), ids[1], ids[2])
    with pytest.raises(Refused, match="cannot be moved below itself"):
        at.organisations.move(act(), ids[2], ids[1])


@pytest.mark.parametrize("size", [2, 3])
def test_of_moves_that_would_make_a_ring_together_the_last_is_refused(
    at: Installation, log: Database, calendar: Calendar, found: Found, size: int
) -> None:
    """Each would be right by itself: every one goes below the next, far up where another hangs."""
    ids = [found(f"单位{n}") for n in range(size)]
    leaves = [found(f"下属{n}", id) for n, id in enumerate(ids)]
    with opened(log, calendar) as two, opened(log, calendar) as three:
        commands = [
            partial(each.organisations.move, calendar.act(), ids[n], leaves[(n + 1) % size])
            for n, each in enumerate((at, two, three)[:size])
        ]
        outcomes = meet(log, *commands)
    assert outcomes[-1] == "an organisation cannot be moved below itself"
    assert topics(at, BEGUN + 2 * size) == ["OrganisationMoved"] * (size - 1)
    for id in ids:
        chain: list[UUID | None] = [id]
        while (above := unit(at, chain[-1] or id).parent) is not None:
            assert above not in chain
            chain.append(above)


def test_those_that_move_below_one_parent_do_not_wait_for_each_other(
    at: Installation, elsewhere: Installation, log: Database, act: Acts, found: Found
) -> None:
    town = found("梅溪镇")
    ids = found("鲁家村"), found("大竹园村")
    commands = [
        partial(each.organisations.move, act(), id, town) for each, id in zip((at, elsewhere), ids, strict=True)
    ]
    outcomes = meet(log, *commands)
    assert [each.position for each in outcomes if isinstance(each, Receipt)] == [BEGUN + 4, BEGUN + 5]
    assert unit(at, town).version == 1


def test_a_move_is_made_only_at_the_version_that_was_seen(at: Installation, act: Acts, found: Found) -> None:
    town, village = found("梅溪镇"), found("鲁家村")
    at.organisations.rename(act(), village, "鲁家社区")
    with pytest.raises(Conflict) as conflict:
        at.organisations.move(act(expected=1), village, town)
    assert (conflict.value.id, conflict.value.version) == (village, 2)
    at.organisations.move(act(expected=2), village, town)
