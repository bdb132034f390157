"""Starting, sharing and leaving the cluster of a home folder."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from application.postgres import settings, watch
from application.postgres.place import PORT, Place, Unavailable, locate, programs

# Seconds: for a server to answer at all, and for one that says it is starting up or shutting down.
SILENT = 60.0
BUSY = 600.0
PAUSE = 0.01


class EmbeddedPostgres:
    """A PostgreSQL cluster of our own under a home folder.

    Any number of processes may use the same home at once, each through an object of its own. The
    first starts the server, the others join it, and it runs until the last has stopped or died, by
    ``kill -9`` too. A server that crashes is started again while anybody uses it. ``settings`` are
    changes to the server's settings, in force if this object is the one that starts it.

    ``notice`` is a sentence for the person who starts it, where there is something to say.
    """

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        self.home = Path(home).resolve()
        self.settings = dict(settings or {})
        self.notice = ""
        self._place: Place | None = None
        self._users: int | None = None

    def start(self) -> None:
        """Return when the server accepts connections; it may run already. The first start makes the cluster.

        Raises Unavailable, with a sentence that says what to do.
        """
        place = self._place = locate(self.home)
        self.notice = place.notice
        try:
            if self._users is None:
                self._users = _open(place, "users")
                _join(place, self._users)
            self._await(place)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Use the server no more, and stop it cleanly unless somebody else does."""
        users, self._users = self._users, None
        if users is None or self._place is None:
            return
        try:
            # Whoever cannot have the lock alone, and can still share it, shares it with another user.
            shared = not _flock(users, fcntl.LOCK_EX) and _flock(users, fcntl.LOCK_SH)
            fcntl.flock(users, fcntl.LOCK_UN)
            if not shared:
                _await_end(self._place, users)
        finally:
            os.close(users)

    @property
    def dsn(self) -> str:
        """The libpq connection string of the database "taizhang", as the cluster's owner, over its socket."""
        if self._place is None:
            raise Unavailable("the database has not been started")
        return make_conninfo(
            host=str(self._place.socket),
            port=PORT,
            dbname=watch.DATABASE,
            user=watch.OWNER,
            # Whoever else might listen there is not our server.
            requirepeer=self._place.account.pw_name,
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _await(self, place: Place) -> None:
        """Wait for the server's answer. Start it if nobody does; whoever did may die before it answers."""
        dsn = self.dsn.encode()
        begun = time.monotonic()
        keeper: _Keeper | None = None
        while (answer := PGconn.ping(dsn)) != Ping.OK:
            waited = time.monotonic() - begun
            if waited > (BUSY if answer == Ping.REJECT else SILENT):
                raise Unavailable(
                    f"the database in {place.directory} does not answer; its log is in {place.directory}/log"
                )
            if keeper and not keeper.is_alive():
                if keeper.words:
                    raise Unavailable(f"the database in {place.directory} does not start: {keeper.words}")
                keeper = None
            lock = None if keeper else _open(place, "server")
            if lock is not None:
                try:
                    if _flock(lock, fcntl.LOCK_EX):
                        keeper = _Keeper(place, self.settings, lock)
                finally:
                    os.close(lock)
            time.sleep(PAUSE)


@contextmanager
def using(home: Path) -> Generator[str]:
    """Yield the dsn of a home's database: of the server that runs there, else of one started for this time."""
    with EmbeddedPostgres(home) as postgres:
        yield postgres.dsn


@contextmanager
def temporary(settings: Mapping[str, str] | None = None) -> Generator[str]:
    """Yield the dsn of a new cluster that is gone afterwards: for tests. It is not kept safe from a power cut."""
    home = Path(tempfile.mkdtemp(prefix="taizhang-"))
    # Ours to open: the server's account, where it is another, must be able to pass.
    home.chmod(0o755)
    try:
        with EmbeddedPostgres(home, {"fsync": "off", "full_page_writes": "off", **(settings or {})}) as postgres:
            yield postgres.dsn
    finally:
        shutil.rmtree((home / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(home)


class _Keeper(Thread):
    """The keeper's process as its starter sees it; watch.py says what it does. ``words`` is its reason to end."""

    def __init__(self, place: Place, changes: Mapping[str, str], lock: int) -> None:
        super().__init__(name="keeper of PostgreSQL", daemon=True)
        self.words = ""
        account = place.account
        root = os.geteuid() == 0
        order: watch.Order = {
            "directory": str(place.directory),
            "socket": str(place.socket),
            "port": PORT,
            "programs": str(programs(account)),
            "files": {
                "taizhang.conf": settings.server(changes),
                "pg_hba.conf": settings.ACCESS,
                "pg_ident.conf": settings.identities([account.pw_name, "root"]),
            },
            "sync": changes.get("fsync") != "off",
            "lock": lock,
            "account": (account.pw_uid, account.pw_gid, os.getgrouplist(account.pw_name, account.pw_gid))
            if root
            else None,
        }
        self._order = json.dumps(order).encode()
        # Its own session: a Ctrl-C at the terminal is for its users. No environment: that may hold secrets.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-X", "utf8", watch.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            env={
                "LC_ALL": "C",
                **{name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ},
            },
            pass_fds=[lock],
            start_new_session=True,
        )
        self.start()

    def run(self) -> None:
        """Reap the process, whenever it ends."""
        said = self._process.communicate(self._order)[1].decode(errors="replace").strip()
        if self._process.returncode:
            self.words = said.rpartition("\n")[2] or f"its keeper ended with code {self._process.returncode}"


def _join(place: Place, users: int) -> None:
    """Become a user of the server; not while its keeper stops it."""
    begun = time.monotonic()
    while not _flock(users, fcntl.LOCK_SH):
        if time.monotonic() - begun > BUSY:
            raise Unavailable(
                f"the database in {place.directory} does not finish shutting down; its log is in {place.directory}/log"
            )
        time.sleep(PAUSE)


def _await_end(place: Place, users: int) -> None:
    """Wait until no process of the server is left, or until somebody else has come to use it."""
    lock = _open(place, "server")
    try:
        idle = time.monotonic()
        while not _flock(lock, fcntl.LOCK_SH):
            if not _flock(users, fcntl.LOCK_SH):
                idle = time.monotonic()
            fcntl.flock(users, fcntl.LOCK_UN)
            if time.monotonic() - idle > 1:
                return
            time.sleep(PAUSE)
    finally:
        os.close(lock)


def _open(place: Place, name: str) -> int:
    """Open one of the two files that are locked; they belong to the server's account whoever makes them."""
    opened = os.open(place.directory / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0 and os.fstat(opened).st_uid != place.account.pw_uid:
        os.fchown(opened, place.account.pw_uid, place.account.pw_gid)
    return opened


def _flock(opened: int, kind: int) -> bool:
    """Try to have a lock at once; a lock already held is exchanged, or lost."""
    try:
        fcntl.flock(opened, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
