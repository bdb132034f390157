"""The embedded PostgreSQL, run for real: how it is made, shared, stopped and killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from application.postgres import EmbeddedPostgres, Unavailable, using
from application.postgres.place import Place, locate
from tests.application.clusters import (
    QUICK,
    REPOSITORY,
    answers,
    cluster,
    folder,
    keeper,
    mode,
    postmaster,
    run,
    state,
    until,
    user,
)


@pytest.fixture
def home() -> Iterator[Path]:
    with folder() as there:
        yield there / "var"


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    with cluster() as there:
        yield there


def test_a_first_start_makes_a_cluster_as_promised_and_changes_no_permission_and_a_stop_leaves_it_clean(
    home: Path,
) -> None:
    home.mkdir(mode=0o751)
    ancestors = [home, *home.parents]
    before = [mode(each) for each in ancestors]
    with EmbeddedPostgres(home) as postgres:
        assert [mode(each) for each in ancestors] == before
        expected = {
            "fsync": "on",
            "data_checksums": "on",
            "synchronous_commit": "on",
            "listen_addresses": "",
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
            "jit": "off",
            "max_connections": "200",
            "logging_collector": "on",
        }
        assert {name: run(postgres.dsn, f"SHOW {name}") for name in expected} == expected
        provider = "SELECT datlocprovider::text || ' ' || datlocale FROM pg_database WHERE datname = current_database()"
        assert run(postgres.dsn, provider) == "b C.UTF-8"
        assert run(postgres.dsn, "SELECT current_database() || ' ' || current_user") == "taizhang taizhang_owner"
        assert {mode(home / "postgres" / name) for name in ("", "data", "socket", "log")} == {0o700}
    assert not (home / "postgres/data/postmaster.pid").exists()
    assert state(home) == "shut down"


def test_a_second_start_finds_everything_again(made: Path) -> None:
    with using(made) as dsn:
        assert run(dsn, "SELECT one FROM kept") == 1


def test_starting_twice_and_stopping_twice_is_once(made: Path) -> None:
    postgres = EmbeddedPostgres(made, QUICK)
    postgres.start()
    first = postmaster(made)
    postgres.start()
    assert postmaster(made) == first
    postgres.stop()
    postgres.stop()
    assert state(made) == "shut down"


def test_the_account_that_runs_it_may_be_any_role_of_ours_and_no_other(made: Path) -> None:
    with using(made) as dsn:
        run(dsn, "DROP ROLE IF EXISTS taizhang_reader")
        run(dsn, "DROP ROLE IF EXISTS stranger")
        run(dsn, "CREATE ROLE taizhang_reader LOGIN")
        run(dsn, "CREATE ROLE stranger LOGIN SUPERUSER")
        assert run(f"{dsn} user=taizhang_reader", "SELECT current_user") == "taizhang_reader"
        with pytest.raises(psycopg.OperationalError, match="Peer authentication failed"):
            run(f"{dsn} user=stranger", "SELECT 1")


def test_a_home_is_known_by_every_path_that_leads_to_it(made: Path) -> None:
    other = made.with_name("other")
    other.symlink_to(made)
    with using(made) as dsn, using(other) as same:
        assert dsn == same


def test_whoever_ends_first_leaves_the_server_to_the_other(made: Path) -> None:
    with user(made) as (_, dsn, _):
        with EmbeddedPostgres(made) as joined:
            assert joined.dsn == dsn
        assert answers(dsn)
        with EmbeddedPostgres(made) as joined:
            with suppress(subprocess.TimeoutExpired), user(made) as (short, _, _):
                short.kill()
            assert answers(joined.dsn)
    assert state(made) == "shut down"


def test_the_starter_may_end_before_who_joined_it(made: Path) -> None:
    with user(made) as (starter, dsn, _), EmbeddedPostgres(made):
        server = postmaster(made)
        assert starter.stdin
        starter.stdin.close()
        starter.wait(10)
        time.sleep(0.3)
        assert answers(dsn)
        assert postmaster(made) == server
    assert state(made) == "shut down"


def test_two_processes_that_start_at_once_where_a_first_start_was_broken_off_share_one_whole_cluster(
    home: Path,
) -> None:
    place = locate(home)
    half = place.directory / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    for path in (half, half / "PG_VERSION"):
        os.chown(path, place.account.pw_uid, place.account.pw_gid)
    with user(home) as (_, first, _), user(home) as (_, second, _):
        assert first == second
        assert answers(first)
        assert not half.exists()


def test_many_short_uses_in_a_row_and_at_once_never_meet_a_server_that_goes_away(made: Path) -> None:
    script = """
import sys, psycopg
from pathlib import Path
from application.postgres import using
for _ in range(4):
    with using(Path(sys.argv[1])) as dsn, psycopg.connect(dsn) as connection:
        connection.execute("SELECT pg_sleep(0.01)")
"""
    several = [subprocess.Popen([sys.executable, "-c", script, made], cwd=REPOSITORY) for _ in range(3)]
    assert [each.wait(30) for each in several] == [0, 0, 0]
    assert state(made) == "shut down"


def test_the_server_stops_cleanly_when_its_only_user_is_killed(made: Path) -> None:
    with user(made) as (process, dsn, _):
        server = postmaster(made)
        run(dsn, "CREATE TABLE IF NOT EXISTS late AS SELECT 2 AS two")
        process.kill()
        until(lambda: not Path(f"/proc/{server}").exists())
    assert state(made) == "shut down"
    with using(made) as dsn:
        assert run(dsn, "SELECT two FROM late") == 2


def test_a_signal_to_the_group_of_its_user_does_not_reach_the_server(made: Path) -> None:
    with user(made) as (process, _, _), EmbeddedPostgres(made) as postgres:
        server = postmaster(made)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(10)
        assert answers(postgres.dsn)
        assert postmaster(made) == server


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_ends_while_it_is_used_comes_back_with_what_it_acknowledged(made: Path, number: int) -> None:
    with EmbeddedPostgres(made, QUICK | {"fsync": "on"}) as postgres:
        run(postgres.dsn, "CREATE TABLE IF NOT EXISTS acknowledged (number int)")
        run(postgres.dsn, f"INSERT INTO acknowledged VALUES ({int(number)})")
        server = postmaster(made)
        os.kill(server, number)
        until(lambda: not Path(f"/proc/{server}").exists())
        until(lambda: answers(postgres.dsn))
        assert run(postgres.dsn, f"SELECT count(*) FROM acknowledged WHERE number = {int(number)}") == 1
    assert state(made) == "shut down"


def test_a_stop_while_the_server_is_coming_back_is_quick(made: Path) -> None:
    postgres = EmbeddedPostgres(made, QUICK)
    postgres.start()
    server = postmaster(made)
    os.kill(server, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{server}").exists())
    begun = time.monotonic()
    postgres.stop()
    assert time.monotonic() - begun < 10


def test_the_server_stops_cleanly_when_its_keeper_is_killed_and_starts_again(made: Path) -> None:
    with EmbeddedPostgres(made, QUICK) as postgres:
        server = postmaster(made)
        os.kill(keeper(made), signal.SIGKILL)
        until(lambda: not (made / "postgres/data/postmaster.pid").exists())
        assert state(made) == "shut down"
        postgres.start()
        assert answers(postgres.dsn)
        assert postmaster(made) != server


def test_after_everything_was_killed_a_pid_that_is_somebody_elses_by_now_is_no_server(made: Path) -> None:
    place = locate(made)
    with user(made) as (process, _, _):
        server, watcher = postmaster(made), keeper(made)
        for each in (watcher, server, process.pid):
            os.kill(each, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{server}").exists())
    with sleeper(place) as somebody:
        for file in ("data/postmaster.pid", "socket/.s.PGSQL.5432.lock"):
            left = place.directory / file
            left.write_text(left.read_text().replace(f"{server}\n", f"{somebody}\n", 1))
        with using(made) as dsn:
            assert run(dsn, "SELECT one FROM kept") == 1


@contextmanager
def sleeper(place: Place) -> Generator[int]:
    """A process of the server's account that is not a server."""
    owner = place.account.pw_uid
    process = subprocess.Popen(["/bin/sleep", "60"], user=owner if os.geteuid() == 0 else None, cwd="/")
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def test_what_keeps_a_server_from_starting_is_said_in_its_words_and_at_once(made: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(Unavailable, match=r'configuration file ".*" contains errors'):
        EmbeddedPostgres(made, QUICK | {"shared_buffers": "much"}).start()
    assert time.monotonic() - begun < 3
    with using(made) as dsn:
        assert answers(dsn)
