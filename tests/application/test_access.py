"""Who may come in: tokens of which only the hash is kept, what they are narrowed to, and people known by name."""

import hashlib
import re
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import sleep
from uuid import UUID

import pytest

from application import access as module
from application.access import Access, Bearer, person_id
from application.database import Database, Role
from domain.action import duty_of
from domain.authority import Limits
from domain.event import Refused
from tests.application.clusters import until

VILLAGE = UUID(int=20)


@contextmanager
def opened(database: Database) -> Generator[Access]:
    access = Access(database, database.reads(Role.writer, 2))
    try:
        yield access
    finally:
        access.close()


@pytest.fixture
def database(new_log: Callable[[], Database]) -> Database:
    return new_log()


@pytest.fixture
def access(database: Database) -> Iterator[Access]:
    with opened(database) as access:
        yield access


@pytest.fixture
def other(database: Database) -> Iterator[Access]:
    """Another process on the same log."""
    with opened(database) as other:
        yield other


def token_of(access: Access, name: str, duty: str, organisation: UUID | None = None) -> str:
    """A token of a person by this name, narrowed to one duty."""
    [person] = access.introduce([name])
    return access.create(person, Limits(duty_of(duty), None, organisation))


def everything(database: Database) -> str:
    """Every value of every table beside the log, as text."""
    with database.connect(Role.owner) as connection:
        tables = [connection.execute(f"SELECT t::text FROM {each} AS t".encode()) for each in ("people", "tokens")]
        return "\n".join(row for table in tables for (row,) in table)


def count(database: Database, table: str) -> int:
    with database.connect(Role.owner) as connection:
        [(count,)] = connection.execute(f"SELECT count(*) FROM {table}".encode())
        return int(count)


def test_a_token_stands_for_a_person_a_role_and_an_organisation_in_every_process(access: Access, other: Access) -> None:
    token = token_of(access, "王芳", "filer", VILLAGE)
    ann = person_id("王芳")
    found = [each.recognise(token) for each in (access, other, access)]
    assert found == [Bearer(ann, access.issued()[0].id, Limits("filer", None, VILLAGE))] * 3
    again = other.recognise(token_of(access, "王芳", "auditor"))
    assert again is not None
    assert (again.id, again.limits) == (ann, Limits("auditor"))


def test_a_token_is_narrowed_to_actions(access: Access) -> None:
    [ann] = access.introduce(["Ann"])
    bearer = access.recognise(access.create(ann, Limits(actions=frozenset({"ledger.file", "ledger.attach"}))))
    assert bearer is not None
    assert bearer.limits == Limits(actions=frozenset({"ledger.attach", "ledger.file"}))
    assert access.issued()[0].actions == ["ledger.attach", "ledger.file"]
    with pytest.raises(Refused, match=r"ledger\.fly"):
        access.create(ann, Limits(actions=frozenset({"ledger.fly"})))


def test_a_token_runs_out(access: Access, other: Access) -> None:
    [ann] = access.introduce(["Ann"])
    token = access.create(ann, expires_at=datetime.now(UTC) + timedelta(seconds=0.4))
    assert access.recognise(token)
    sleep(0.5)
    assert access.remembered(token) is None
    assert [each.recognise(token) for each in (access, other)] == [None, None]
    with pytest.raises(Refused) as refused:
        access.create(ann, expires_at=datetime.now(UTC))
    assert refused.value.field == "expires_at"


def test_a_person_lists_their_own_tokens_alone(access: Access) -> None:
    ann, bo = access.introduce(["Ann", "Bo"])
    access.create(ann, purpose="import")
    access.create(bo)
    assert [(each.person, each.purpose) for each in access.issued(ann)] == [(ann, "import")]
    assert [each.person for each in access.issued()] == [ann, bo]


def test_only_the_hash_of_a_token_is_stored(access: Access, database: Database) -> None:
    token = token_of(access, "Ann", "administrator")
    stored = everything(database)
    assert hashlib.sha256(token.encode()).hexdigest() in stored
    assert not any(token[n : n + 6] in stored for n in range(len(token) - 5))


def test_tokens_are_256_random_bits_each(access: Access) -> None:
    tokens = {token_of(access, "Ann", "auditor") for _ in range(20)}
    assert len(tokens) == 20
    assert all(re.fullmatch(r"tz_[A-Za-z0-9_-]{43}", token) for token in tokens)
    assert len({token[3:9] for token in tokens}) == 20


def test_what_is_no_token_is_nobody(access: Access) -> None:
    token = token_of(access, "Ann", "administrator")
    digest = hashlib.sha256(token.encode())
    last = "B" if token[-1] != "B" else "C"
    tried = [
        *("", "tz_", token[:-1], token[:-1] + last, token + "=", f" {token}", f"{token}\n", token.swapcase()),
        *(digest.hexdigest(), "\\x" + digest.hexdigest(), f"tz_{'x' * 43}", "Ann", "' OR true --", "%", "\0"),
        *("\ud800", "口令", "x" * 1_000_000),
    ]
    assert [access.recognise(each) for each in tried] == [None] * len(tried)
    assert [access.remembered(each) for each in tried] == [None] * len(tried)
    assert access.recognise(token) is not None


def test_a_revoked_token_is_nobody_at_once_elsewhere_and_soon_where_it_was_just_seen(
    access: Access, other: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRUSTED", 0.3)
    token, kept = token_of(access, "Ann", "administrator"), token_of(access, "Ann", "administrator")
    assert access.recognise(token) == access.remembered(token) != None  # noqa: E711  # it is somebody
    [id, _] = [each.id for each in other.issued()]
    revoked = other.revoke(id)
    assert revoked.revoked_at
    assert other.revoke(id) == revoked, "it was taken back then, and not again"
    assert other.recognise(token) is None
    sleep(0.3)
    assert access.remembered(token) is None
    assert access.recognise(token) is None
    assert access.recognise(kept) is not None


def test_tokens_are_listed_with_all_but_themselves(access: Access) -> None:
    token = token_of(access, "Ann", "auditor", VILLAGE)
    token_of(access, "Bo", "filer")
    [first, second] = access.issued()
    assert first.id == hashlib.sha256(token.encode()).hexdigest()[:16]
    assert (first.person, first.role, first.organisation) == (person_id("Ann"), "auditor", VILLAGE)
    assert first.revoked_at is None
    assert (second.person, second.role, second.organisation) == (person_id("Bo"), "filer", None)


def test_only_a_token_that_was_made_is_taken_back(access: Access) -> None:
    token = token_of(access, "Ann", "auditor")
    for id in ("", token, "0" * 15, "0" * 16, "G" * 16, access.issued()[0].id.upper() + "0"):
        with pytest.raises(Refused) as refused:
            access.revoke(id)
        assert refused.value.field == "id"
    assert access.recognise(token)


def test_a_token_just_seen_is_known_without_the_database_and_one_never_seen_is_not(
    access: Access, other: Access
) -> None:
    token = token_of(access, "Ann", "auditor")
    assert access.remembered(token) is None
    known = access.recognise(token)
    access._reads.close()
    assert known is not None
    assert access.recognise(token) == access.remembered(token) == known
    assert other.remembered(token) is None


def test_no_more_tokens_are_remembered_than_fit(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    tokens = [token_of(access, name, "auditor") for name in ("Ann", "Bo", "Cai")]
    people = [access.recognise(token) for token in tokens]
    assert [access.remembered(token) for token in tokens] == [None, *people[1:]]
    assert access.recognise(tokens[0]) == people[0]


def test_a_name_is_one_person_for_ever(access: Access, other: Access, database: Database) -> None:
    """The identifier stands in every event that the person answers for."""
    assert person_id("王芳") == UUID("1d2db64b-07d7-525e-85a4-ed7e411b94bd")
    token_of(access, "王芳", "filer")
    token_of(other, "王芳", "verifier")
    assert other.introduce(["王芳", "Bo", "王芳"]) == [person_id("王芳"), person_id("Bo"), person_id("王芳")]
    assert count(database, "people") == 2


def test_names_are_told_of_those_who_were_introduced(access: Access) -> None:
    known = access.introduce(["王芳", "Łukasz O'Brien", "阿依古丽·买买提"])
    stranger = person_id("Bo")
    assert access.names([*known, stranger]) == dict(
        zip(known, ["王芳", "Łukasz O'Brien", "阿依古丽·买买提"], strict=True)
    )
    assert access.names([]) == {}


@pytest.mark.parametrize("name", ["", " ", " Ann", "Ann ", "Ann\n", "A\tnn", "A\0nn", "A\u200bnn", "\ud800", "x" * 201])
def test_what_is_no_name_is_refused_and_nobody_beside_it_is_introduced(
    access: Access, database: Database, name: str
) -> None:
    with pytest.raises(Refused) as refusal:
        access.introduce(["Bo", name])
    assert refusal.value.field == "person"
    assert (count(database, "people"), count(database, "tokens")) == (0, 0)


def test_two_who_introduce_the_same_people_in_another_order_do_not_wait_for_each_other_in_a_ring(
    access: Access, database: Database
) -> None:
    names = ["Ann", "Bo", "Cai"]
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with (
        ThreadPoolExecutor(2) as threads,
        database.connect(Role.owner) as third,
        database.connect(Role.owner) as seer,
    ):
        with third.transaction(force_rollback=True):
            third.execute("INSERT INTO people VALUES (%s, 'Bo')", (person_id("Bo"),))
            both = [threads.submit(access.introduce, each) for each in (names, names[::-1])]
            until(lambda: seer.execute(waiting).fetchone() == (2,))
        assert [each.result(20) for each in both] == [[person_id(name) for name in n] for n in (names, names[::-1])]
    assert count(database, "people") == 3
