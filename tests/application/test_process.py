"""Processes that work for another end with it, however it ends, and leave Ctrl-C to it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.application.clusters import until

PARENT = """
import os, signal, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from application.process import serve_parent

if __name__ == "__main__":
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=serve_parent) as pool:
        child = pool.submit(os.getpid).result()
        os.kill(child, signal.SIGINT)
        assert pool.submit(os.getpid).result() == child
        pool.submit(time.sleep, {busy})
        print(child, flush=True)
        time.sleep(60)
"""


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("busy", [0, 60])
def test_it_ends_when_the_process_that_it_works_for_is_killed(tmp_path: Path, busy: int) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(busy=busy))
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert runs(child)
        parent.send_signal(signal.SIGKILL)
    until(lambda: not runs(child))
