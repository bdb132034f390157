"""Many commands in one go: each once, in the order given, whoever else writes and whichever of them are refused."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4, uuid5

import pytest

from application.bulk import ATTEMPTS, CHUNK, Item, Tally, check_all, record_all
from application.database import Database
from application.log import Unavailable
from application.records import Act, Records, Work
from domain.event import Refused
from domain.organisation import Organisation
from tests.spec import account

# Two chunks and a half.
MANY = 5 * CHUNK // 2
Decide = Callable[[Work], None]


@pytest.fixture
def records(new_log: Callable[[], Database]) -> Iterator[Records]:
    with Records(new_log()) as records:
        yield records


@pytest.fixture
def other(records: Records) -> Iterator[Records]:
    """Another process on the same log."""
    with Records(records.database) as other:
        yield other


@pytest.fixture
def seed() -> UUID:
    return uuid4()


def founding(seed: UUID, n: int, *, presumed: bool = True, before: Decide = lambda _: None) -> Item:
    """The command that founds a seed's village n, and lets two members join it; the third of every ten has no name."""
    id, command = uuid5(seed, f"village {n}"), account(command_id=uuid5(seed, f"founding {n}"))
    streams = ((Organisation, id),)

    def run(work: Work) -> None:
        before(work)
        unit = work.load(Organisation, id)
        established = unit.establish("" if n % 10 == 3 else f"村{n}", "village")
        work.record(command, (unit, [established, unit.after(command, established).admit(2)]))

    return Item(command.command_id, () if presumed else streams, run, n, streams if presumed else ())


def admission(seed: UUID, n: int, id: UUID, count: int = 1, before: Decide = lambda _: None) -> Item:
    """The command n of a seed, by which members join one village; that none joins is refused."""
    command = account(command_id=uuid5(seed, f"admission {n}"))

    def run(work: Work) -> None:
        before(work)
        unit = work.load(Organisation, id)
        work.record(command, (unit, unit.admit(count)))

    return Item(command.command_id, ((Organisation, id),), run, n)


def found(records: Records) -> UUID:
    id = uuid4()
    records.decide(Act(account(command_id=uuid4())), Organisation, id, lambda unit: unit.establish("鲁家村", "village"))
    return id


def join(records: Records, id: UUID) -> None:
    """Let one more member join, as somebody else does meanwhile."""
    records.decide(Act(account(command_id=uuid4())), Organisation, id, lambda unit: unit.admit(1))


def commands(records: Records) -> list[UUID]:
    """Every command of the log, in its order; one of several events stands once, or it is in two places."""
    entries = records.recorder.select_notifications(1, 10 * MANY)
    assert [entry.id for entry in entries] == list(range(1, len(entries) + 1))
    ids = [records.recorded(entry).account.command_id for entry in entries]
    return [id for n, id in enumerate(ids) if n == 0 or ids[n - 1] != id]


def nothing_is_refused(item: Item, refusal: Refused) -> None:
    pytest.fail(f"{item.label} is refused: {refusal}")


@pytest.mark.parametrize("presumed", [True, False])
def test_items_are_recorded_in_their_order_and_those_refused_are_told(
    records: Records, seed: UUID, presumed: bool
) -> None:
    items = [founding(seed, n, presumed=presumed) for n in range(MANY)]
    told: list[tuple[int, str]] = []
    steps: list[int] = []
    tally = record_all(records, items, lambda item, refusal: told.append((item.label, refusal.field)), steps.append)
    good = [item for item in items if item.label % 10 != 3]
    assert told == [(item.label, "name") for item in items if item.label % 10 == 3]
    assert commands(records) == [item.command_id for item in good]
    assert tally == Tally(len(good), 0, len(told), 2 * len(good))
    assert sum(steps) == MANY
    assert records.load(Organisation, uuid5(seed, f"village {MANY - 1}"), fresh=True).members.full == 2


@pytest.mark.parametrize("presumed", [True, False])
def test_repeated_it_records_nothing_and_after_an_interruption_only_what_is_missing(
    records: Records, other: Records, seed: UUID, presumed: bool
) -> None:
    items = [founding(seed, n, presumed=presumed) for n in range(MANY) if n % 10 != 3]
    part = 3 * CHUNK // 2
    assert record_all(records, items[:part], nothing_is_refused).recorded == part
    assert record_all(other, items, nothing_is_refused) == Tally(len(items) - part, part, 0, 2 * len(items))
    for again in (records, other):
        assert record_all(again, items, nothing_is_refused) == Tally(0, len(items), 0, 0)
    assert commands(records) == [item.command_id for item in items]


def test_what_is_recorded_already_is_not_refused_for_what_has_become_of_it_since(records: Records, seed: UUID) -> None:
    items = [admission(seed, n, found(records)) for n in range(1, 4)]
    record_all(records, items, nothing_is_refused)
    for item in items:
        closing = Act(account(command_id=uuid4()))
        records.decide(closing, Organisation, item.reads[0][1], lambda unit: unit.begin_dissolution())
    assert record_all(records, items, nothing_is_refused) == Tally(0, 3, 0, 0)


def test_each_is_decided_once_and_sees_what_those_before_it_record_in_its_chunk_and_in_the_one_on_its_way(
    records: Records, seed: UUID
) -> None:
    id, seen = found(records), list[int]()

    def look(work: Work) -> None:
        seen.append(work.load(Organisation, id).members.full)

    record_all(records, [admission(seed, n, id, before=look) for n in range(MANY)], nothing_is_refused)
    assert seen == list(range(MANY))
    assert records.load(Organisation, id, fresh=True).version == 1 + MANY


@pytest.mark.parametrize("apart", [1, CHUNK])
def test_an_item_given_twice_is_recorded_once(records: Records, seed: UUID, apart: int) -> None:
    id = found(records)
    items = [admission(seed, n % (apart + 1), id) for n in range(2 * apart + 1)]
    assert record_all(records, items, nothing_is_refused) == Tally(apart + 1, apart, 0, apart + 2)
    assert records.load(Organisation, id, fresh=True).members.full == apart + 1
    assert record_all(records, [founding(seed, n) for n in (0, 1, 0)], nothing_is_refused).recorded == 2


@pytest.mark.parametrize("overtaken", [0, CHUNK, MANY - 1])
def test_a_chunk_that_proves_stale_is_decided_anew_and_so_is_what_builds_on_it(
    records: Records, other: Records, seed: UUID, overtaken: int
) -> None:
    """Somebody writes what one item has just read; the refusals of its chunk are told once all the same."""
    id, decided, told = found(records), list[int](), list[int]()

    def watch(n: int) -> Decide:
        def look(work: Work) -> None:
            work.load(Organisation, id)
            decided.append(n)
            if decided.count(overtaken) == 1 and n == overtaken:
                join(other, id)

        return look

    items = [admission(seed, n, id, 0 if n % 10 == 3 else 1, watch(n)) for n in range(MANY)]
    tally = record_all(records, items, lambda item, _: told.append(item.label))
    assert decided.count(overtaken) > 1
    assert told == list(range(3, MANY, 10))
    assert (tally.recorded, tally.repeated, tally.refused) == (MANY - len(told), 0, len(told))
    assert records.load(Organisation, id, fresh=True).members.full == tally.recorded + 1
    assert commands(records)[-1] == items[-1].command_id


def test_what_builds_on_a_chunk_that_came_out_otherwise_is_decided_anew_though_the_versions_are_the_same(
    records: Records, other: Records, seed: UUID
) -> None:
    """The last of a chunk is refused in the end, for what somebody wrote in its place."""
    id, told = found(records), list[str]()

    def overtake(work: Work) -> None:
        if work.load(Organisation, id).standing == "live":
            other.decide(Act(account(command_id=uuid4())), Organisation, id, lambda unit: unit.begin_dissolution())

    items = [founding(seed, n, presumed=False) for n in range(2 * CHUNK) if n % 10 != 3][: CHUNK - 1]
    items += [admission(seed, 1, id, before=overtake), admission(seed, 2, id)]
    tally = record_all(records, items, lambda item, refusal: told.append(f"{item.label}: {refusal}"))
    reason = "the organisation “鲁家村” is being dissolved; abandon that first"
    assert told == [f"1: {reason}", f"2: {reason}"]
    assert (tally.recorded, tally.refused) == (CHUNK - 1, 2)


def test_what_was_taken_for_new_and_is_not_is_decided_on_as_it_is(records: Records, other: Records, seed: UUID) -> None:
    items, told = [founding(seed, n) for n in range(3)], list[str]()
    taken = Act(account(command_id=uuid4()))
    other.decide(taken, Organisation, uuid5(seed, "village 1"), lambda unit: unit.establish("鲁家村", "village"))
    tally = record_all(records, items, lambda item, refusal: told.append(f"{item.label}: {refusal}"))
    assert told == ["1: the organisation exists already, as “鲁家村”"]
    assert tally == Tally(2, 0, 1, 5)


def test_a_chunk_of_which_nothing_is_left_is_judged_on_what_stands(
    records: Records, other: Records, seed: UUID
) -> None:
    """A refusal on a state that has moved on is no refusal."""
    id = found(records)
    records.decide(Act(account(command_id=uuid4())), Organisation, id, lambda unit: unit.begin_dissolution())
    other.decide(Act(account(command_id=uuid4())), Organisation, id, lambda unit: unit.abandon_dissolution())
    assert records.load(Organisation, id).standing == "closing"
    assert record_all(records, [admission(seed, 1, id)], nothing_is_refused).recorded == 1


def test_what_somebody_else_records_at_this_moment_is_not_refused_for_being_there(
    records: Records, other: Records, seed: UUID
) -> None:
    """The command is not in the log when it is looked up, and is when its record is loaded."""
    same = founding(seed, 0, presumed=False)

    def overtake(_: Work) -> None:
        record_all(other, [same], nothing_is_refused)

    item = replace(founding(seed, 0, presumed=False, before=overtake), reads=())
    assert record_all(records, [item], nothing_is_refused) == Tally(0, 1, 0, 0)


def test_records_that_never_rest_end_it_with_nothing_of_the_chunk_recorded(
    records: Records, other: Records, seed: UUID
) -> None:
    id, decided = found(records), 0

    def overtake(work: Work) -> None:
        nonlocal decided
        decided += 1
        work.load(Organisation, id)
        join(other, id)

    items = [founding(seed, 0, presumed=False), admission(seed, 1, id, before=overtake)]
    with pytest.raises(Unavailable, match="run it again"):
        record_all(records, items, nothing_is_refused)
    assert decided == 1 + ATTEMPTS
    assert records.recorder.recordings([item.command_id for item in items]) == {}
    assert record_all(records, [items[0], admission(seed, 1, id)], nothing_is_refused).recorded == 2


@pytest.mark.parametrize("presumed", [True, False])
def test_two_at_once_over_the_same_items_record_each_of_them_once(
    records: Records, other: Records, seed: UUID, presumed: bool
) -> None:
    items = [founding(seed, n, presumed=presumed) for n in range(MANY) if n % 10 != 3]
    with ThreadPoolExecutor(2) as threads:
        one, two = threads.map(lambda by: record_all(by, items, nothing_is_refused), (records, other))
    assert one.recorded + two.recorded == one.repeated + two.repeated == len(items)
    assert sorted(commands(records)) == sorted(item.command_id for item in items)


def test_two_at_once_over_the_same_records_lose_no_change(records: Records, other: Records, seed: UUID) -> None:
    ids = [found(records) for _ in range(3)]
    given = [[admission(uuid5(seed, of), n, id) for n, id in enumerate(ids)] for of in "ab"]
    with ThreadPoolExecutor(2) as threads:
        tallies = threads.map(lambda by, items: record_all(by, items, nothing_is_refused), (records, other), given)
    assert [tally.recorded for tally in tallies] == [3, 3]
    assert [records.load(Organisation, id, fresh=True).members.full for id in ids] == [2, 2, 2]


def test_items_are_read_only_as_the_log_takes_them(records: Records, seed: UUID) -> None:
    taken = settled = lead = 0

    def items() -> Iterator[Item]:
        nonlocal taken, lead
        for n in range(4 * CHUNK):
            taken += 1
            lead = max(lead, taken - settled)
            yield founding(seed, n)

    def settle(count: int) -> None:
        nonlocal settled
        settled += count

    record_all(records, items(), lambda *_: None, settle)
    assert settled == 4 * CHUNK
    assert lead <= 2 * CHUNK


def test_what_came_before_an_input_broke_off_is_recorded(records: Records, seed: UUID) -> None:
    def items() -> Iterator[Item]:
        yield from (founding(seed, n) for n in range(CHUNK) if n % 10 != 3)
        yield from (founding(seed, CHUNK + n) for n in range(CHUNK) if n % 10 != 3)
        raise OSError("the file broke off")

    with pytest.raises(OSError, match="broke off"):
        record_all(records, items(), nothing_is_refused)
    assert len(commands(records)) == CHUNK
    assert record_all(records, [founding(seed, n) for n in range(5) if n != 3], nothing_is_refused).repeated == 4


def test_a_check_tells_what_would_be_refused_and_records_nothing(records: Records, seed: UUID) -> None:
    id, told = found(records), list[int]()
    items = [admission(seed, n, id, 0 if n in (3, MANY - 1) else 1) for n in range(MANY)]
    check_all(records, items, lambda item, _: told.append(item.label))
    assert told == [3, MANY - 1]
    assert records.recorder.max_notification_id() == 1
    assert records.load(Organisation, id).version == 1
    record_all(records, items[:3], nothing_is_refused)
    told.clear()
    check_all(records, [admission(seed, n, id, 0) for n in range(5)], lambda item, _: told.append(item.label))
    assert told == [3, 4], "what is in the log is not decided again"


def test_a_check_decides_on_what_the_items_before_would_have_recorded(records: Records, seed: UUID) -> None:
    id, seen = found(records), list[int]()
    each = [
        admission(seed, n, id, 1, lambda work: seen.append(work.load(Organisation, id).members.full))
        for n in range(MANY)
    ]
    check_all(records, each, nothing_is_refused)
    assert seen == list(range(MANY))
