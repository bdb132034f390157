"""The tree of organisations, their members, and how they end."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest

from domain.event import Event, Refused
from domain.organisation import (
    CodeTaken,
    DissolutionAbandoned,
    Elected,
    Level,
    MemberConfirmed,
    MemberDoublyRegistered,
    MemberLeft,
    MemberTransferred,
    Neighbour,
    OfficerAppointed,
    OfficerReleased,
    Organisation,
    OrganisationDissolved,
    OrganisationMoved,
    OrganisationRenamed,
    OrganisationSettingChanged,
    ReelectionHeld,
    Setting,
    TermExpired,
    setting_from_name,
)
from tests.domain.villages import (
    ADMITTED,
    APRIL,
    BEGUN,
    DAY,
    DISSOLVED,
    ESTABLISHED,
    JUNE,
    MARCH,
    MAY,
    OTHER,
    SECRETARY,
    TOWN,
    USCC,
    neighbour,
    village,
)
from tests.spec import ANN, BO, CAI, SOME, account


def test_an_organisation_is_established_below_another() -> None:
    event = Organisation(SOME).establish("鲁家村", "village", parent=neighbour(), code="330523110201", setting="rural")
    assert event == ESTABLISHED
    assert village().parent == TOWN


def test_an_organisation_is_established_with_a_code_that_is_one_and_below_one_that_exists() -> None:
    with pytest.raises(Refused, match="letters, digits or hyphens") as refused:
        Organisation(SOME).establish("鲁家村", "village", code="3305 23")
    assert refused.value.field == "code"
    with pytest.raises(Refused, match="the parent does not exist") as refused:
        Organisation(SOME).establish("鲁家村", "village", parent=Organisation(TOWN).as_neighbour)
    assert refused.value.field == "parent"


def test_an_organisation_is_established_once() -> None:
    with pytest.raises(Refused, match="exists already"):
        village().establish("鲁家村", "village")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "not empty"),
        (" \u3000", "not empty"),
        (" 鲁家村", "blanks"),
        ("鲁家村\n", "blanks"),
        ("鲁" * 201, "at most 200"),
        ("鲁\x00村", r"U\+0000 in place 2"),
        ("鲁家\u200b村", r"U\+200B in place 3"),
        ("鲁\ud800村", r"U\+D800"),
    ],
)
def test_a_name_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence) as refused:
        Organisation(SOME).establish(name, "village")
    assert refused.value.field == "name"
    with pytest.raises(Refused, match=sentence):
        village().rename(name)


@pytest.mark.parametrize("name", ["鲁" * 200, "Ürümqi № 1 (试点)", "𠮷田\U00031350村", "ᠮᠣᠩ\u180e", "\ue000村"])
def test_a_name_of_any_script_is_accepted(name: str) -> None:
    assert Organisation(SOME).establish(name, "village").name == name


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("nation", "province"),
        ("province", "county"),
        ("prefecture", "township"),
        ("village", "branch"),
        ("branch", "other"),
        ("other", "nation"),
        ("other", "other"),
    ],
)
def test_a_parent_is_of_a_higher_level(above: Level, below: Level) -> None:
    assert Organisation(SOME).establish("甲", below, parent=neighbour(above)).parent == TOWN


@pytest.mark.parametrize(("above", "below"), [("province", "nation"), ("township", "county"), ("branch", "village")])
def test_levels_are_not_inverted(above: Level, below: Level) -> None:
    with pytest.raises(Refused, match=f"level {below} cannot stand below one of level {above}") as refused:
        Organisation(SOME).establish("甲", below, parent=neighbour(above))
    assert refused.value.field == "parent"


@pytest.mark.parametrize("level", ["township", "branch"])
def test_equal_levels_do_not_stand_below_each_other(level: Level) -> None:
    with pytest.raises(Refused, match="cannot stand below"):
        Organisation(SOME).establish("甲", level, parent=neighbour(level))


def test_nothing_is_established_below_what_is_absent_closing_or_dissolved() -> None:
    for parent in (Organisation(TOWN), village(BEGUN), village(BEGUN, DISSOLVED)):
        with pytest.raises(Refused, match="the parent") as refused:
            Organisation(OTHER).establish("甲", "branch", parent=parent.as_neighbour)
        assert refused.value.field == "parent"
    assert Organisation(OTHER).establish("甲", "branch", parent=village().as_neighbour).parent == SOME
    assert Organisation(OTHER).establish("甲", "branch", parent=village(BEGUN, DissolutionAbandoned()).as_neighbour)


def test_a_moved_unit_keeps_its_identity() -> None:
    moved = village().move(neighbour(id=OTHER), [OTHER])
    assert moved == OrganisationMoved(parent_before=TOWN, parent=OTHER)
    after = village(moved)
    assert (after.id, after.parent, after.name, after.codes) == (SOME, OTHER, "鲁家村", village().codes)


def test_a_unit_may_become_a_root() -> None:
    assert village(village().move(None)).parent is None


def test_a_move_to_where_it_is_is_refused() -> None:
    with pytest.raises(Refused, match="there already"):
        village().move(neighbour(), [TOWN])


def test_a_move_below_itself_is_refused() -> None:
    with pytest.raises(Refused, match="below itself"):
        village().move(neighbour("other", OTHER), [OTHER, SOME, TOWN])
    with pytest.raises(Refused, match="below itself"):
        village().move(village().as_neighbour, [SOME, TOWN])


def test_a_move_cannot_be_decided_without_the_ancestors() -> None:
    for ancestors in ([], [OTHER]):
        with pytest.raises(ValueError, match="begin with the parent"):
            village().move(neighbour(id=UUID(int=60)), ancestors)


def test_a_move_keeps_the_order_of_levels() -> None:
    with pytest.raises(Refused, match="level village cannot stand below one of level branch"):
        village().move(neighbour("branch", OTHER), [OTHER])


def test_a_move_below_what_is_closing_is_refused() -> None:
    with pytest.raises(Refused, match="has been dissolved, or is about to be"):
        village().move(Neighbour(OTHER, "county", "closing"), [OTHER])


def test_renaming_keeps_both_names() -> None:
    assert village().rename("鲁家社区") == OrganisationRenamed(name_before="鲁家村", name="鲁家社区")
    with pytest.raises(Refused, match="already"):
        village().rename("鲁家村")


def test_a_village_may_become_a_community() -> None:
    changed = OrganisationSettingChanged(setting_before="rural", setting="urban")
    assert village().change_setting("urban") == changed
    assert village(changed).setting == "urban"
    with pytest.raises(Refused, match="already"):
        village(changed).change_setting("urban")


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("桃园社区居委会", "urban"),
        ("桃园社区居民委员会", "urban"),
        ("新村社区", "urban"),
        ("新村居委会", "urban"),
        ("桃园社区村委会", "rural"),
        ("鲁家村村民委员会", "rural"),
        ("鲁家村", "rural"),
        ("递铺街道", ""),
        ("鲁家村党支部", ""),
        ("", ""),
    ],
)
def test_the_end_of_a_name_tells_town_from_country(name: str, setting: Setting) -> None:
    assert setting_from_name(name) == setting


def test_members_are_counted_by_kind() -> None:
    assert village().admit(10, 2) == ADMITTED
    unit = village(ADMITTED, MemberConfirmed(count=1), MemberLeft(full=2, probationary=0, cause="death"))
    assert (unit.members.full, unit.members.probationary, unit.members.total) == (9, 1, 10)


def test_a_transfer_has_two_ends_with_the_same_numbers() -> None:
    out = village(ADMITTED).transfer_out(3, 1, OTHER, MARCH)
    into = village().transfer_in(3, 1, UUID(int=99), MARCH)
    assert out == MemberTransferred(direction="out", full=3, probationary=1, counterpart=OTHER, on=MARCH)
    assert (into.direction, into.full, into.probationary) == ("in", 3, 1)
    assert village(ADMITTED, out).members.total + village(into).members.total == village(ADMITTED).members.total


def test_members_may_go_where_this_record_does_not_reach() -> None:
    assert village(ADMITTED).transfer_out(1, 0, None, MARCH).counterpart is None


def test_no_more_members_leave_than_there_are() -> None:
    unit = village(ADMITTED)
    refusals: list[tuple[Callable[[], object], str]] = [
        (lambda: unit.transfer_out(11, 0, OTHER, MARCH), "only 10 full"),
        (lambda: unit.transfer_out(0, 3, OTHER, MARCH), "only 2 probationary"),
        (lambda: unit.lose_members(11, 0, "death"), "only 10 full"),
        (lambda: unit.confirm(3), "there are 2 probationary"),
        (lambda: unit.confirm(0), "at least one"),
        (lambda: unit.admit(-1, 2), "0 or more"),
        (lambda: unit.admit(0, 0), "at least one"),
        (lambda: unit.transfer_in(1, -1, None, MARCH), "0 or more"),
        (lambda: unit.transfer_out(-1, 1, None, MARCH), "0 or more"),
        (lambda: unit.transfer_out(1, 0, SOME, MARCH), "where they are"),
    ]
    for command, sentence in refusals:
        with pytest.raises(Refused, match=sentence):
            command()


def test_double_registration_changes_no_count() -> None:
    unit = village(ADMITTED)
    registered_ = unit.register_doubly(12, OTHER)
    assert registered_ == MemberDoublyRegistered(count=12, residence=OTHER)
    assert village(ADMITTED, registered_).members == unit.members
    for count in (0, 13):
        with pytest.raises(Refused, match="between 1 and 12"):
            unit.register_doubly(count, OTHER)
    with pytest.raises(Refused, match="where they live"):
        unit.register_doubly(1, SOME)


def test_dissolution_ends_terms_and_codes_on_its_day() -> None:
    later = OfficerAppointed(post="委员", person=BO, since=JUNE, until=None, shared=True)
    over = OfficerAppointed(post="文书", person=CAI, since=date(2025, 1, 1), until=date(2025, 12, 31), shared=False)
    events = village(SECRETARY, later, over, BEGUN).dissolve(APRIL, 0, neighbour("village", OTHER))
    assert events == (
        TermExpired(post="文书", person=CAI, since=date(2025, 1, 1), due=date(2025, 12, 31)),
        OfficerReleased(post="书记", person=ANN, since=MARCH, on=APRIL),
        OfficerReleased(post="委员", person=BO, since=JUNE, on=APRIL),
        OrganisationDissolved(successor=OTHER),
    )
    unit = village(SECRETARY, later, over, BEGUN).after(account(on=APRIL), *events)
    assert unit.standing == "dissolved"
    assert unit.codes.on("division", APRIL) == "330523110201"
    assert unit.codes.now("division") == unit.codes.on("division", APRIL + DAY) == ""
    assert unit.officers(APRIL + DAY) == ()
    assert unit.id == SOME


def test_dissolution_cuts_short_what_was_to_end_later() -> None:
    released = village(SECRETARY).release("书记", ANN, MAY)
    withdrawn = village().withdraw_code("division", MAY)
    history = (SECRETARY, released, withdrawn, BEGUN)
    unit = village(*history).after(account(on=APRIL), *village(*history).dissolve(APRIL, 0))
    assert [len(unit.officers(day)) for day in (APRIL, APRIL + DAY)] == [1, 0]
    assert [unit.codes.on("division", day) for day in (APRIL, APRIL + DAY)] == ["330523110201", ""]


def test_dissolution_has_two_steps() -> None:
    assert village().begin_dissolution() == BEGUN
    with pytest.raises(Refused, match="begin the dissolution first"):
        village().dissolve(APRIL, 0)
    with pytest.raises(Refused, match="is being dissolved"):
        village(BEGUN).begin_dissolution()
    with pytest.raises(Refused, match="not being dissolved"):
        village().abandon_dissolution()
    assert village(BEGUN, village(BEGUN).abandon_dissolution()).standing == "live"


def test_what_has_children_or_members_is_not_dissolved() -> None:
    with pytest.raises(Refused, match="move or dissolve the 3 organisations below it"):
        village(BEGUN).dissolve(APRIL, 3)
    with pytest.raises(Refused, match="transfer its 12 members first"):
        village(ADMITTED, BEGUN).dissolve(APRIL, 0)
    out = village(ADMITTED, BEGUN).transfer_out(10, 2, OTHER, APRIL)
    assert village(ADMITTED, BEGUN, out).dissolve(APRIL, 0) == (DISSOLVED,)


def test_a_successor_is_another_live_organisation() -> None:
    with pytest.raises(Refused, match="cannot succeed itself"):
        village(BEGUN).dissolve(APRIL, 0, village(BEGUN).as_neighbour)
    with pytest.raises(Refused, match="the successor does not exist"):
        village(BEGUN).dissolve(APRIL, 0, Organisation(OTHER).as_neighbour)


JOINING: list[Callable[[Organisation], object]] = [
    lambda unit: unit.appoint("书记", ANN, MARCH),
    lambda unit: unit.reelect(MARCH, [Elected(post="书记", person=ANN)], MARCH),
    lambda unit: unit.admit(1),
    lambda unit: unit.transfer_in(1, 0, OTHER, MARCH),
    lambda unit: unit.assign_code("division", "1", MAY),
    lambda unit: unit.begin_dissolution(),
]
LEAVING: list[Callable[[Organisation], object]] = [
    lambda unit: unit.rename("甲"),
    lambda unit: unit.change_setting("urban"),
    lambda unit: unit.move(None),
    lambda unit: unit.withdraw_code("division", MAY),
    lambda unit: unit.release("书记", ANN, APRIL),
    lambda unit: unit.confirm(1),
    lambda unit: unit.transfer_out(1, 0, OTHER, MARCH),
    lambda unit: unit.lose_members(1, 0, "other"),
    lambda unit: unit.register_doubly(1, OTHER),
]


def test_nothing_joins_what_is_closing_but_anything_may_leave() -> None:
    closing = village(ADMITTED, SECRETARY, BEGUN)
    for command in JOINING:
        with pytest.raises(Refused, match="is being dissolved"):
            command(closing)
    for command in LEAVING:
        assert command(closing)


def test_nothing_is_recorded_of_what_is_dissolved_or_never_was() -> None:
    for command in (*JOINING, *LEAVING):
        with pytest.raises(Refused, match="has been dissolved"):
            command(village(BEGUN, DISSOLVED))
        with pytest.raises(Refused, match="no such organisation"):
            command(Organisation(SOME))
    with pytest.raises(Refused, match="exists already"):
        village(BEGUN, DISSOLVED).establish("甲", "village")
    assert village(BEGUN, DISSOLVED).expire_terms(JUNE) == ()


def test_every_event_is_read_back_as_it_was_written() -> None:
    events: tuple[Event, ...] = (
        ESTABLISHED,
        SECRETARY,
        ReelectionHeld(on=MARCH, results=(Elected(post="书记", person=BO),), vacated=("甲",), since=MARCH, until=None),
        MemberTransferred(direction="in", full=1, probationary=0, counterpart=None, on=MARCH),
        CodeTaken(scheme="uscc", code=USCC, organisation=SOME, valid_from=MARCH),
        DISSOLVED,
    )
    for event in events:
        assert Event.topics[event.TOPIC].model_validate_json(event.model_dump_json()) == event
