"""A nation: `taizhang import organisations` of 660,000 organisations, views included, in a process of its own.

Its seconds, and the most memory that it held at once; the server's memory is its own.
"""

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from application.database import Database
from application.migrate import migrate
from benchmarks.measure import Comparison
from benchmarks.nation import nation
from benchmarks.server import Server

UNITS = int(os.environ.get("TAIZHANG_BENCH_UNITS", "660000"))
IMPORT = "import sys; from interface.cli import main; sys.argv[0] = 'taizhang'; main()"


def run(server: Server) -> Iterator[Comparison]:
    with server.database() as dsn, tempfile.TemporaryDirectory() as folder:
        migrate(Database(dsn, Path(folder) / "keys"))
        file = Path(folder) / "nation.csv"
        with file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(("code", "name", "parent_code", "level"))
            writer.writerows(nation(UNITS))
        begun = perf_counter()
        with subprocess.Popen(
            [sys.executable, "-c", IMPORT, "import", "organisations", str(file)],
            env={**os.environ, "TAIZHANG_DATABASE": dsn, "TAIZHANG_HOME": folder},
            stdout=subprocess.DEVNULL,
        ) as running:
            _, status, used = os.wait4(running.pid, 0)
            running.returncode = os.waitstatus_to_exitcode(status)
        seconds = perf_counter() - begun
        assert running.returncode == 0, "the import failed"
        what = f"import of {UNITS:,} organisations, views included"
        yield Comparison(what, "", "seconds", [seconds], at_most=180)
        # Linux gives kilobytes.
        yield Comparison(f"{what}: most memory resident", "", "MB", [used.ru_maxrss / 1024], at_most=1024)
