"""Clusters of an embedded PostgreSQL for tests, and other processes that use them."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from application.postgres import EmbeddedPostgres
from application.postgres.place import locate, programs

REPOSITORY = Path(__file__).resolve().parents[2]
QUICK = {"fsync": "off", "shared_buffers": "16MB"}
USER = """
import sys
from pathlib import Path
from application.postgres import EmbeddedPostgres, Unavailable
try:
    with EmbeddedPostgres(Path(sys.argv[1]), {"fsync": "off", "shared_buffers": "16MB"}) as postgres:
        print(postgres.dsn, flush=True)
        print(postgres.notice, flush=True)
        sys.stdin.read()
except Unavailable as refusal:
    print(f"refused: {refusal}", flush=True)
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")


@contextmanager
def folder(mode: int = 0o755) -> Generator[Path]:
    """A folder of our own that others can pass, where pytest's are for one user alone."""
    made = Path(tempfile.mkdtemp(prefix="taizhang-test-")).resolve()
    made.chmod(mode)
    try:
        yield made
    finally:
        for door in made.rglob("postgres"):
            if door.is_symlink():
                shutil.rmtree(door.resolve())
        shutil.rmtree(made)


@contextmanager
def user(home: Path, program: str = sys.executable, **more: Any) -> Generator[tuple[subprocess.Popen[str], str, str]]:
    """Another process that uses a home: the process, what it connects to, and what it was told."""
    options: dict[str, Any] = {"cwd": REPOSITORY, "start_new_session": True, **more}
    process = subprocess.Popen([program, "-c", USER, home], stdin=-1, stdout=-1, text=True, **options)
    assert process.stdin and process.stdout
    try:
        yield process, process.stdout.readline().strip(), process.stdout.readline().strip()
        process.stdin.close()
        process.wait(20)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        with suppress(BrokenPipeError):
            process.stdin.close()


def run(dsn: str, statement: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        found = cursor.fetchone() if cursor.description else None
        return found[0] if found else None


def postmaster(home: Path) -> int:
    return int((home / "postgres/data/postmaster.pid").read_text().split("\n")[0])


def keeper(home: Path) -> int:
    return int(Path(f"/proc/{postmaster(home)}/stat").read_text().rpartition(")")[2].split()[1])


def until(true: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def answers(dsn: str) -> bool:
    try:
        return run(dsn, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False


def state(home: Path) -> str:
    """What the cluster says of how it was last left."""
    program = programs(locate(home).account) / "pg_controldata"
    said = subprocess.run([program, home / "postgres/data"], capture_output=True, text=True, check=True).stdout
    return next(
        line.partition(":")[2].strip() for line in said.splitlines() if line.startswith("Database cluster state")
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def cluster() -> Generator[Path]:
    """A home whose cluster has been made, and used before: a table ``kept`` is in it."""
    with folder() as there:
        with EmbeddedPostgres(there / "var", QUICK) as postgres:
            run(postgres.dsn, "CREATE TABLE kept AS SELECT 1 AS one")
        yield there / "var"
