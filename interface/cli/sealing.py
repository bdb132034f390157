"""The sealer beside a service: a process of its own, started and stopped with it."""

import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

from application import keys
from interface.cli.common import note
from interface.cli.seal import REFUSED
from interface.settings import Settings

# Seconds after which a sealer that ended is started again, and that it is given to end.
PAUSE = 1.0
GRACE = 10.0
# In a session of its own: Ctrl-C is for the service, which stops it in turn.
COMMAND = (sys.executable, "-m", "interface", "seal")


@contextmanager
def sealing(settings: Settings) -> Generator[None]:
    """Keep the sealer running meanwhile; where the log's key is not, it is another host that seals."""
    if not keys.has(settings.keys, keys.LOG):
        yield
        return
    never = not (settings.sealer / "state.json").exists() and not (settings.sealed / "checkpoint").exists()
    keeper = _Keeper(["--begin"] if never else [])
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


class _Keeper(threading.Thread):
    """Starts the sealer whenever it has ended, unless it refused."""

    def __init__(self, first: list[str]) -> None:
        super().__init__(name="taizhang sealing")
        self._stopped = threading.Event()
        self._running = self._begin(first)

    def run(self) -> None:
        while (ended := self._running.wait()) != REFUSED and not self._stopped.wait(PAUSE):
            note(f"the sealer ended (status {ended}) and is started again")
            self._running = self._begin([])
        if self._stopped.is_set():
            self._end()

    def stop(self) -> None:
        """Return once the sealer has ended."""
        self._stopped.set()
        self._end()
        self.join()

    def _begin(self, words: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*COMMAND, *words], start_new_session=True)

    def _end(self) -> None:
        self._running.terminate()
        try:
            self._running.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
