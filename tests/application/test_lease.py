"""One process at a time may act for a log, as long as its connection lives."""

from collections.abc import Callable, Iterator

import pytest

from application.database import Database
from application.lease import Lease
from tests.application.clusters import run, until
from tests.faults.proxy import Proxy

HOLDER = "(SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE"
ENDED = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN {HOLDER} datname = current_database()))"


@pytest.fixture
def leases(database: Database) -> Iterator[list[Lease]]:
    made = [Lease(database, "work") for _ in range(2)]
    yield made
    for each in made:
        each.release()


def test_one_has_it_and_another_only_once_it_is_released(leases: list[Lease]) -> None:
    one, other = leases
    assert one.take()
    assert one.take(), "it is ours still"
    assert not other.take()
    assert one.holds()
    one.release()
    until(other.take)
    assert not one.take()


def test_whoever_loses_the_connection_has_lost_it(database: Database, leases: list[Lease]) -> None:
    one, other = leases
    assert one.take()
    assert run(database.dsn, ENDED)
    assert not one.holds()
    assert other.take()
    assert not one.take()
    assert other.holds()


def test_a_server_that_is_away_gives_nothing(wired: Database, proxy: Proxy) -> None:
    lease = Lease(wired, "work")
    assert lease.take()
    proxy.cut()
    assert not lease.holds()
    lease.release()


def test_each_log_has_its_own(new_log: Callable[[], Database]) -> None:
    leases = [Lease(new_log(), "work") for _ in range(2)]
    assert all(each.take() for each in leases)
    for each in leases:
        each.release()
