"""The server that everything is measured on, fresh databases in it, and the facts of the machine."""

import os
import platform
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from application.database import Database
from application.migrate import migrate
from application.postgres import temporary
from interface.app import Installation

# A power cut must lose nothing, on either side of a comparison.
SAFE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


@dataclass(frozen=True)
class Server:
    dsn: str

    @contextmanager
    def database(self) -> Generator[str]:
        """Yield the dsn of an empty database that is gone afterwards."""
        name = f"taizhang_bench_{uuid4().hex}"
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield make_conninfo(self.dsn, dbname=name)
        finally:
            with psycopg.connect(self.dsn, autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def installation(self) -> Generator[Installation]:
        """Yield an installation on an empty log."""
        with self.database() as dsn, tempfile.TemporaryDirectory() as home:
            database = Database(dsn, Path(home) / "keys")
            migrate(database)
            with Installation(database) as installation:
                yield installation

    def setting(self, name: str) -> str:
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        assert row
        return str(row[0])

    def facts(self) -> dict[str, str]:
        """The machine in words."""
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        return {
            "Processor": f"{_model()}, {len(os.sched_getaffinity(0))} cores, shared by server and clients",
            "Memory": f"{memory:.0f} GB",
            "Disk": f"a write of 8 kB with fsync takes {_sync() * 1000:.2f} ms (median)",
            "System": f"{platform.system()} {platform.release()} {platform.machine()}",
            "PostgreSQL": f"{self.setting('server_version')}, "
            + ", ".join(f"{name} {self.setting(name)}" for name in (*SAFE, "shared_buffers")),
            "Python": f"{platform.python_implementation()} {platform.python_version()}",
        }


@contextmanager
def serving() -> Generator[Server]:
    """Use the server of TAIZHANG_DATABASE, or one of our own for as long as this lasts."""
    if dsn := os.environ.get("TAIZHANG_DATABASE"):
        yield _safe(Server(dsn))
    else:
        with temporary(SAFE) as dsn:
            yield _safe(Server(dsn))


def _safe(server: Server) -> Server:
    for name, value in SAFE.items():
        assert server.setting(name) == value, f"nothing is measured with {name} {server.setting(name)}"
    return server


def _model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _sync() -> float:
    times = []
    with tempfile.TemporaryFile() as file:
        for _ in range(200):
            begun = perf_counter()
            file.write(bytes(8192))
            file.flush()
            os.fsync(file.fileno())
            times.append(perf_counter() - begun)
    return median(times)
