"""Records: each command once, on the newest state, relying on all that it read."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest

from application.database import Database
from application.records import ATTEMPTS, Act, Conflict, Records, Reused, Work
from domain.event import Refused
from domain.organisation import MemberAdmitted, Organisation, OrganisationEstablished, OrganisationRenamed
from domain.standard import Standard
from tests.spec import account

DAY = date(2026, 3, 1)


@pytest.fixture
def database(new_log: Callable[[], Database]) -> Database:
    return new_log()


@pytest.fixture
def other(database: Database) -> Iterator[Records]:
    """Another process on the same log."""
    with Records(database) as other:
        yield other


def act(expected: int | None = None, digest: bytes | None = None) -> Act:
    return Act(account(on=DAY, command_id=uuid4()), digest, expected)


def founded(records: Records, name: str = "鲁家村") -> UUID:
    id = uuid4()
    records.decide(act(), Organisation, id, lambda unit: unit.establish(name, "village"))
    return id


def name_of(records: Records, id: UUID) -> str:
    return records.load(Organisation, id, fresh=True).name


def test_a_receipt_tells_where_each_event_of_a_command_stands(records: Records) -> None:
    a, b = founded(records), founded(records)
    command = act()

    def run(work: Work) -> None:
        one, two = work.load(Organisation, a), work.load(Organisation, b)
        joined = MemberAdmitted(full=1, probationary=0)
        work.record(command.account, (one, [one.rename("甲"), joined]), (two, two.rename("乙")))

    receipt = records.transact(command, run)
    assert [(e.position, e.id, e.version, e.topic.partition(".")[2]) for e in receipt.events] == [
        (3, a, 2, "OrganisationRenamed"),
        (4, a, 3, "MemberAdmitted"),
        (5, b, 2, "OrganisationRenamed"),
    ]
    assert receipt.position == 5
    assert records.receipt(command.account.command_id) == receipt


def test_a_command_repeated_returns_its_first_receipt_whatever_the_record_has_become(
    records: Records, other: Records
) -> None:
    id, command = founded(records), act(expected=1, digest=b"one")
    first = records.decide(command, Organisation, id, lambda unit: unit.rename("甲"))
    other.decide(act(), Organisation, id, lambda unit: unit.begin_dissolution())
    for again in (records, other):
        assert again.decide(command, Organisation, id, lambda unit: unit.rename("甲")) == first
    assert records.load(Organisation, id, fresh=True).version == 3


def test_a_command_id_stands_for_one_request_only(records: Records) -> None:
    id, command = founded(records), act(digest=b"one")
    records.decide(command, Organisation, id, lambda unit: unit.rename("甲"))
    with pytest.raises(Reused):
        records.decide(replace(command, digest=b"two"), Organisation, id, lambda unit: unit.rename("乙"))
    with pytest.raises(Reused):
        records.decide(replace(command, digest=b"two"), Organisation, id, lambda unit: unit.rename("甲"))
    assert name_of(records, id) == "甲"


def test_one_command_given_by_many_at_once_is_recorded_once(records: Records, other: Records) -> None:
    id, command = founded(records), act(digest=b"one")

    def give(n: int) -> object:
        return (records, other)[n % 2].decide(command, Organisation, id, lambda unit: unit.admit(1))

    with ThreadPoolExecutor(16) as threads:
        receipts = list(threads.map(give, range(32)))
    assert len(set(map(str, receipts))) == 1
    assert records.load(Organisation, id, fresh=True).members.full == 1


def test_a_command_made_for_another_version_is_told_the_current_one(records: Records, other: Records) -> None:
    id = founded(records)
    other.decide(act(expected=1), Organisation, id, lambda unit: unit.rename("甲"))
    with pytest.raises(Conflict) as conflict:
        records.decide(act(expected=1), Organisation, id, lambda unit: unit.rename("乙"))
    assert (conflict.value.id, conflict.value.version) == (id, 2)
    with pytest.raises(Conflict) as conflict:
        records.decide(act(expected=9), Organisation, id, lambda unit: unit.rename("乙"))
    assert conflict.value.version == 2
    records.decide(act(expected=2), Organisation, id, lambda unit: unit.rename("乙"))
    assert name_of(other, id) == "乙"


def test_a_stale_state_is_loaded_anew_and_decided_on_once_more(records: Records, other: Records) -> None:
    id = founded(records)
    other.decide(act(), Organisation, id, lambda unit: unit.rename("甲"))
    receipt = records.decide(act(), Organisation, id, lambda unit: unit.rename("乙"))
    assert receipt.events[0].version == 3


def test_nothing_is_refused_on_a_stale_state(records: Records, other: Records) -> None:
    id = founded(records)
    records.decide(act(), Organisation, id, lambda unit: unit.begin_dissolution())
    other.decide(act(), Organisation, id, lambda unit: unit.abandon_dissolution())
    records.decide(act(), Organisation, id, lambda unit: unit.admit(1))
    with pytest.raises(Refused, match="say how many"):
        records.decide(act(), Organisation, id, lambda unit: unit.admit(0))


def test_a_record_that_keeps_moving_is_a_conflict_in_the_end(records: Records, other: Records) -> None:
    id, attempts = founded(records), 0

    def overtaken(unit: Organisation) -> OrganisationRenamed:
        nonlocal attempts
        attempts += 1
        other.decide(act(), Organisation, id, lambda unit: unit.admit(1))
        return unit.rename("甲")

    with pytest.raises(Conflict) as conflict:
        records.decide(act(), Organisation, id, overtaken)
    assert attempts == ATTEMPTS
    assert conflict.value.version == 1 + ATTEMPTS


def test_a_stream_that_was_only_read_is_relied_on_too(records: Records, other: Records) -> None:
    """Nobody joins a parent that began to be dissolved meanwhile."""
    parent, child, command = founded(records), uuid4(), act()
    seen: list[str] = []

    def run(work: Work) -> None:
        above = work.load(Organisation, parent)
        seen.append(above.standing)
        if len(seen) == 1:
            other.decide(act(), Organisation, parent, lambda unit: unit.begin_dissolution())
        unit = work.load(Organisation, child)
        work.record(command.account, (unit, unit.establish("组", "branch", parent=above.as_neighbour)))

    with pytest.raises(Refused, match="about to be"):
        records.transact(command, run)
    assert seen == ["live", "closing"]


def test_a_command_that_decides_nothing_is_refused(records: Records) -> None:
    id = founded(records)
    with pytest.raises(Refused, match="changes nothing"):
        records.decide(act(), Organisation, id, lambda unit: unit.expire_terms(DAY))


def test_a_record_of_another_kind_is_refused(records: Records, other: Records) -> None:
    id = founded(records)
    for each in (records, other):
        with pytest.raises(Refused, match="another kind"):
            each.load(Standard, id)


@pytest.mark.parametrize(("text", "character"), [("a\0b", "U+0000"), ("a\ud800b", "U+D800")])
def test_a_text_that_no_record_can_hold_is_refused_before_it_reaches_the_log(
    records: Records, text: str, character: str
) -> None:
    id = founded(records)
    head = records.recorder.max_notification_id()
    with pytest.raises(Refused) as refusal:
        records.decide(act(), Organisation, id, lambda _: OrganisationRenamed(name_before="", name=text))
    assert (refusal.value.field, refusal.value.values) == ("name", {"character": character})
    with pytest.raises(Refused) as refusal:
        records.decide(replace(act(), account=account(reason=text)), Organisation, id, lambda unit: unit.rename("甲"))
    assert (refusal.value.field, refusal.value.values) == ("reason", {"character": character})
    assert records.recorder.max_notification_id() == head
    records.decide(act(), Organisation, id, lambda unit: unit.rename("甲"))


def test_an_escape_that_only_looks_like_nul_is_kept(records: Records) -> None:
    for n in range(5):
        text = "\\" * n + "u0000"
        assert name_of(records, founded(records, text)) == text


def test_an_identifier_made_of_half_a_character_is_refused(records: Records) -> None:
    def run(work: Work) -> None:
        work.load(Organisation, UUID(bytes="\ud800".encode()))

    with pytest.raises(Refused, match=r"U\+D800"):
        records.transact(act(), run)


def test_a_refused_command_leaves_no_trace_in_what_is_at_hand(records: Records) -> None:
    id = founded(records)

    def run(work: Work) -> None:
        unit = work.load(Organisation, id)
        work.record(act().account, (unit, unit.rename("甲")))
        raise Refused("after all, no")

    with pytest.raises(Refused, match="after all"):
        records.transact(act(), run)
    assert records.load(Organisation, id).name == "鲁家村"


def test_a_record_can_be_loaded_as_it_was_at_a_position(records: Records) -> None:
    id = founded(records)
    for n in range(3):
        records.decide(act(), Organisation, id, lambda unit, n=n: unit.rename(f"名{n}"))  # type: ignore[misc]
    assert [records.load_at(Organisation, id, position).name for position in range(5)] == [
        "", "鲁家村", "名0", "名1", "名2"
    ]  # fmt: skip


def test_many_threads_on_two_processes_lose_no_change_of_one_record(records: Records, other: Records) -> None:
    id, conflicts = founded(records), threading.Semaphore(0)

    def admit(n: int) -> None:
        while True:
            try:
                (records, other)[n % 2].decide(act(), Organisation, id, lambda unit: unit.admit(1))
            except Conflict:
                conflicts.release()
            else:
                return

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(admit, range(40)))
    assert records.load(Organisation, id, fresh=True).members.full == 40


def test_the_same_stream_founded_twice_at_once_is_founded_once(records: Records, other: Records) -> None:
    id, start = uuid4(), threading.Barrier(2)

    def found(by: Records) -> str:
        def establish(unit: Organisation) -> OrganisationEstablished:
            if not unit.version:
                start.wait()
            return unit.establish("鲁家村", "village")

        try:
            return by.decide(act(), Organisation, id, establish).events[0].topic
        except Refused as refusal:
            return str(refusal)

    with ThreadPoolExecutor(2) as threads:
        outcomes = sorted(threads.map(found, (records, other)))
    assert outcomes == ["organisation.OrganisationEstablished", "the organisation exists already, as “鲁家村”"]
