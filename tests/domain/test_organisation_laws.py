"""Laws of organisations that hold whatever is tried, in whatever order, by however many at once."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import combinations
from uuid import UUID

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.event import Event, Refused
from domain.organisation import (
    Code,
    CodeReleased,
    CodeTaken,
    Elected,
    Neighbour,
    Organisation,
    OrganisationEvent,
    Standing,
    code_id,
)
from tests.domain.villages import DAY, MARCH, village
from tests.spec import account

Command = Callable[[Organisation], OrganisationEvent | tuple[OrganisationEvent, ...]]

WEEK = [MARCH + timedelta(days=n) for n in range(7)]
ELSEWHERE = UUID(int=77)

days = st.sampled_from(WEEK)
ends = st.one_of(days, days, st.none())
posts = st.sampled_from(["书记", "委员"])
people = st.builds(UUID, int=st.integers(1, 3))
numbers = st.integers(-1, 3)
elected = st.lists(st.builds(Elected, post=posts, person=people, shared=st.booleans()), max_size=3)

membership: st.SearchStrategy[Command] = st.one_of(
    st.builds(lambda f, p: lambda unit: unit.admit(f, p), numbers, numbers),
    st.builds(lambda n: lambda unit: unit.confirm(n), numbers),
    st.builds(lambda f, p: lambda unit: unit.transfer_out(f, p, ELSEWHERE, MARCH), numbers, numbers),
    st.builds(lambda f, p: lambda unit: unit.transfer_in(f, p, ELSEWHERE, MARCH), numbers, numbers),
    st.builds(lambda f, p: lambda unit: unit.lose_members(f, p, "other"), numbers, numbers),
    st.builds(lambda n: lambda unit: unit.register_doubly(n, ELSEWHERE), numbers),
)
office: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        lambda post, who, since, until, shared: lambda unit: unit.appoint(post, who, since, until, shared=shared),
        posts,
        people,
        days,
        ends,
        st.booleans(),
    ),
    st.builds(lambda post, who, on: lambda unit: unit.release(post, who, on), posts, people, days),
    st.builds(lambda today: lambda unit: unit.expire_terms(today), days),
    st.builds(
        lambda on, results, since, until, vacated: lambda unit: unit.reelect(on, results, since, until, vacated),
        days,
        elected,
        days,
        ends,
        st.lists(posts, max_size=1),
    ),
)
coding: st.SearchStrategy[Command] = st.one_of(
    st.builds(lambda code, day: lambda unit: unit.assign_code("division", code, day), st.sampled_from("123"), days),
    st.builds(lambda day: lambda unit: unit.withdraw_code("division", day), days),
)
ending: st.SearchStrategy[Command] = st.sampled_from(
    [
        lambda unit: unit.begin_dissolution(),
        lambda unit: unit.abandon_dissolution(),
        lambda unit: unit.dissolve(WEEK[3], 0),
    ]
)


def states(commands: list[Command]) -> list[Organisation]:
    """The states that an organisation goes through when refused commands leave no trace."""
    passed = [village()]
    for command in commands:
        try:
            decided = command(passed[-1])
        except Refused:
            continue
        events = decided if isinstance(decided, tuple) else (decided,)
        passed.append(passed[-1].after(account(), *events))
    return passed


@for_all(st.lists(membership | ending, min_size=5, max_size=30))
def test_no_number_of_members_is_ever_negative(commands: list[Command]) -> None:
    for unit in states(commands):
        assert unit.members.full >= 0
        assert unit.members.probationary >= 0


@for_all(st.lists(office | ending, min_size=5, max_size=30))
def test_a_post_that_is_not_shared_has_one_holder_on_any_day(commands: list[Command]) -> None:
    for unit in states(commands):
        for day in WEEK:
            for one, other in combinations(unit.officers(day), 2):
                assert one.post != other.post or (one.shared and other.shared and one.person != other.person)


@for_all(st.lists(office, min_size=5, max_size=30))
def test_every_term_ends_at_most_once(commands: list[Command]) -> None:
    unit = states(commands)[-1]
    expired = unit.expire_terms(WEEK[-1] + DAY)
    assert unit.after(account(), *expired).expire_terms(WEEK[-1] + DAY) == ()


@for_all(st.lists(coding | ending, min_size=5, max_size=30))
def test_no_two_codes_of_one_scheme_are_valid_on_one_day(commands: list[Command]) -> None:
    for unit in states(commands):
        for day in WEEK:
            assert sum(held.covers(day) for held in unit.codes.held) <= 1


@for_all(st.lists(st.tuples(st.booleans(), st.integers(1, 3), days), min_size=5, max_size=30))
def test_no_two_organisations_hold_a_code_on_one_day(commands: list[tuple[bool, int, date]]) -> None:
    code = Code(code_id("division", "3305"))
    held: list[tuple[UUID, date, date]] = []
    for take, holder, day in commands:
        event: Event
        try:
            if take:
                event = code.take("division", "3305", UUID(int=holder), day)
            else:
                event = code.release(UUID(int=holder), day)
        except Refused:
            continue
        code = code.after(account(), event)
        match event:
            case CodeTaken():
                held.append((event.organisation, event.valid_from, date.max))
            case CodeReleased():
                organisation, since, _ = held.pop()
                held.append((organisation, since, event.valid_until))
    for day in WEEK:
        assert sum(since <= day <= until for _, since, until in held) <= 1


UNITS = [UUID(int=n) for n in range(100, 106)]
ROOT, WEST, EAST, FAR_WEST, FAR_EAST, ABSENT = UNITS
units = st.sampled_from(UNITS)


class Forest(RuleBasedStateMachine):
    """Commands decided at one moment and recorded at once, later or never: only if all that they read is unchanged.

    ``seen`` holds, for each position, every unit's parent and standing, as a view that stopped there shows them.
    All are of level ``other``, which may stand anywhere, so that nothing but the rule against cycles prevents one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.units = {id: Organisation(id) for id in UNITS}
        for id, parent in ((ROOT, None), (WEST, ROOT), (EAST, ROOT), (FAR_WEST, WEST), (FAR_EAST, EAST)):
            founded = self.units[id].establish("甲", "other", parent=self.neighbour(parent))
            self.units[id] = self.units[id].after(account(), founded)
        self.pending: list[tuple[UUID, dict[UUID, int], tuple[Event, ...]]] = []
        self.seen = [self.view()]
        self.begun: dict[UUID, int] = {}  # the position of the dissolution's beginning, while it is closing

    def view(self) -> dict[UUID, tuple[UUID | None, Standing]]:
        return {id: (unit.parent, unit.standing) for id, unit in self.units.items()}

    def ancestors(self, id: UUID | None) -> list[UUID]:
        chain: list[UUID] = []
        while id is not None:
            assert id not in chain, "a cycle"
            chain.append(id)
            id = self.units[id].parent
        return chain

    def neighbour(self, id: UUID | None) -> Neighbour | None:
        return None if id is None else self.units[id].as_neighbour

    def decide(self, id: UUID, read: list[UUID], now: bool, command: Command) -> None:
        try:
            decided = command(self.units[id])
        except Refused:
            return
        events = decided if isinstance(decided, tuple) else (decided,)
        self.pending.append((id, {each: self.units[each].version for each in (id, *read)}, events))
        if now:
            self.settle(-1)

    def settle(self, place: int) -> None:
        id, read, events = self.pending.pop(place)
        if any(self.units[each].version != version for each, version in read.items()):
            return
        self.units[id] = self.units[id].after(account(), *events)
        self.seen.append(self.view())
        if self.units[id].standing == "closing":
            self.begun.setdefault(id, len(self.seen) - 1)
        else:
            self.begun.pop(id, None)

    @rule(parent=units, now=st.booleans())
    def establish(self, parent: UUID, now: bool) -> None:
        above = self.neighbour(parent)
        self.decide(ABSENT, [parent], now, lambda unit: unit.establish("甲", "other", parent=above))

    @rule(id=units, parent=units, now=st.booleans())
    def move(self, id: UUID, parent: UUID, now: bool) -> None:
        chain, above = self.ancestors(parent), self.neighbour(parent)
        self.decide(id, chain, now, lambda unit: unit.move(above, chain))

    @rule(id=units, now=st.booleans())
    def begin_dissolution(self, id: UUID, now: bool) -> None:
        self.decide(id, [], now, lambda unit: unit.begin_dissolution())

    @rule(id=units, now=st.booleans())
    def abandon_dissolution(self, id: UUID, now: bool) -> None:
        self.decide(id, [], now, lambda unit: unit.abandon_dissolution())

    def dissolve(self, id: UUID, position: int, now: bool) -> None:
        below = [standing for parent, standing in self.seen[position].values() if parent == id]
        live = sum(standing != "dissolved" for standing in below)
        self.decide(id, [], now, lambda unit: unit.dissolve(MARCH, live))

    @precondition(lambda self: self.begun)
    @rule(data=st.data(), now=st.booleans())
    def dissolve_as_seen(self, data: st.DataObject, now: bool) -> None:
        """By the count of a view that may lag, but has seen the beginning of the dissolution."""
        id = data.draw(st.sampled_from(sorted(self.begun)))
        self.dissolve(id, data.draw(st.integers(self.begun[id], len(self.seen) - 1)), now)

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def record(self, data: st.DataObject) -> None:
        self.settle(data.draw(st.integers(0, len(self.pending) - 1)))

    @invariant()
    def nothing_stands_below_itself(self) -> None:
        for id in UNITS:
            self.ancestors(id)

    @invariant()
    def nothing_live_stands_below_what_is_dissolved(self) -> None:
        for unit in self.units.values():
            if unit.parent and unit.standing != "dissolved":
                assert self.units[unit.parent].standing != "dissolved"


TestForest = Forest.TestCase
TestForest.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)


def test_of_two_moves_that_would_close_a_circle_together_one_is_recorded() -> None:
    forest = Forest()
    forest.move(WEST, FAR_EAST, now=False)
    forest.move(EAST, FAR_WEST, now=False)
    assert len(forest.pending) == 2
    forest.settle(0)
    forest.settle(0)
    assert [forest.units[each].parent for each in (WEST, EAST)] == [FAR_EAST, ROOT]


def test_a_founding_decided_before_the_parents_dissolution_is_not_recorded_after_it() -> None:
    forest = Forest()
    forest.establish(FAR_WEST, now=False)
    forest.begin_dissolution(FAR_WEST, now=True)
    forest.dissolve(FAR_WEST, forest.begun[FAR_WEST], now=True)
    forest.settle(0)
    assert [forest.units[each].standing for each in (FAR_WEST, ABSENT)] == ["dissolved", "absent"]


def test_a_view_that_saw_the_dissolution_begin_shows_all_children_there_will_be() -> None:
    forest = Forest()
    forest.begin_dissolution(FAR_WEST, now=True)
    position = forest.begun[FAR_WEST]
    forest.establish(FAR_WEST, now=True)
    forest.move(FAR_EAST, FAR_WEST, now=True)
    forest.dissolve(FAR_WEST, position, now=True)
    assert forest.units[FAR_WEST].standing == "dissolved"
    forest.nothing_live_stands_below_what_is_dissolved()
