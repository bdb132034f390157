"""The keeper of a cluster: makes it, runs its server, and stops that when the last user is gone, however they went.

A program of its own, run by path and from the standard library alone, since it may have given up root by the time it
works. Two locks (flock) carry the whole protocol, because the kernel lets go of them when a process ends in any way:

- ``users``: shared by every process that uses the server; the keeper takes it alone, which is when nobody does.
- ``server``: held by the keeper and inherited by every process of the server. Who gets it knows that none is left.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

DATABASE = "taizhang"
OWNER = "taizhang_owner"
# Seconds: for what is left of a crashed server to go, and for a clean stop before the server is made to stop.
PATIENCE = 30
STOPPING = 300
# Seconds in which a server that cannot start says so and ends.
REFUSAL = 2
# What a server says while another's processes, or another's pid file, are in its way.
IN_THE_WAY = re.compile("is still in use|already exists")


class Order(TypedDict):
    """What the keeper is told, as JSON on its standard input."""

    directory: str
    socket: str
    port: int
    programs: str
    files: dict[str, str]
    sync: bool
    lock: int
    account: tuple[int, int, list[int]] | None


def main() -> None:
    order: Order = json.load(sys.stdin)
    # Nobody stops a server that is in use by stopping its keeper: it goes when its users have gone. Blocked and not
    # ignored, so that a new server, which inherits the mask, gets what was sent before it could take it.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    if order["account"]:
        user, group, groups = order["account"]
        os.setgroups(groups)
        os.setgid(group)
        os.setuid(user)
    os.umask(0o077)
    # What a server leaves behind when it ends becomes ours to reap: not every container's first process does.
    _control(36, 1)  # PR_SET_CHILD_SUBREAPER
    directory, programs = Path(order["directory"]), Path(order["programs"])
    data, log = directory / "data", directory / "log"
    _own(Path(order["socket"]))
    log.mkdir(exist_ok=True)
    if not data.exists():
        _initialise(data, programs, order["sync"], order["lock"])
    for name, text in order["files"].items():
        _write(data / name, text)
    # On the command line, where no configuration file can undo it.
    place = ["-k", _quoted(order["socket"]), "-p", str(order["port"]), "-c", "listen_addresses="]
    users = os.open(directory / "users", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    _keep([str(programs / "postgres"), "-D", str(data), *place], data, log / "start.log", users, order["lock"])


def _keep(command: list[str], data: Path, log: Path, users: int, lock: int) -> None:
    """Run the server while anybody uses it: one that ends before that, for whatever reason, is started again."""

    def serve() -> None:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(1, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.execve(command[0], command, {**os.environ, **_stale(data)})  # noqa: S606  # our server

    def wait_for_users() -> None:
        os.close(lock)
        fcntl.flock(users, fcntl.LOCK_EX)

    # The lock is the keeper's too: a child shares its open file.
    waiter = _child(wait_for_users, signal.SIGKILL)
    patience = time.monotonic() + PATIENCE
    while True:
        started = time.monotonic()
        server = _child(serve, signal.SIGINT)
        while True:
            child, status = os.wait()
            if child == waiter and status:
                waiter = _child(wait_for_users, signal.SIGKILL)
            elif child == waiter:
                return _stop(server)
            elif child == server:
                break
        code = os.waitstatus_to_exitcode(status)
        ended = time.monotonic()
        if served := ended - started > REFUSAL:
            patience = ended + PATIENCE
        said = log.read_text(errors="replace")
        if ended > patience or (code > 0 and not served and not IN_THE_WAY.search(said)):
            sys.exit(_last_words(said, f"it ended with code {code}; its log is in {log.parent}"))
        time.sleep(0.2)


def _child(work: Callable[[], None], end: signal.Signals) -> int:
    """Fork a process that does the work and ends, or is sent a signal when the keeper dies."""
    keeper = os.getpid()
    if pid := os.fork():
        return pid
    try:
        _control(1, end)  # PR_SET_PDEATHSIG
        if os.getppid() == keeper:
            work()
            os._exit(0)
    finally:
        os._exit(127)


def _control(option: int, value: int) -> None:
    """Call prctl(2), where there is one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


def _stop(server: int) -> None:
    """Stop the server cleanly, whatever its clients do, without ceremony if that takes minutes; see all of it gone."""
    signal.signal(signal.SIGALRM, lambda *_: os.kill(server, signal.SIGQUIT))
    signal.alarm(STOPPING)
    os.kill(server, signal.SIGINT)
    with contextlib.suppress(ChildProcessError):
        while True:
            if os.wait()[0] == server:
                signal.alarm(0)


def _stale(data: Path) -> dict[str, str]:
    """Tell the server which pid in its pid file is stale: that number may by now be somebody else's.

    Nobody else runs while we hold the lock; and the server still looks for users of the old one's memory.
    """
    try:
        return {"PG_GRANDPARENT_PID": str(int((data / "postmaster.pid").read_text().split("\n", 1)[0]))}
    except (FileNotFoundError, ValueError):
        return {}


def _initialise(data: Path, programs: Path, sync: bool, lock: int) -> None:
    """Make the cluster and its database beside its place, then move it there: it is whole or it is not."""
    new = data.with_name("data.new")
    shutil.rmtree(new, ignore_errors=True)
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    access = ["--auth-local=peer", "--auth-host=reject", f"--username={OWNER}", "--no-instructions"]
    rest = ["--data-checksums", "--set=huge_pages=off", *([] if sync else ["--no-sync"])]
    _run([str(programs / "initdb"), "-D", str(new), *locale, *access, *rest], lock)
    single = [
        "--single",
        "-D",
        str(new),
        "-c",
        "exit_on_error=on",
        "-c",
        f"fsync={'on' if sync else 'off'}",
        "postgres",
    ]
    _run([str(programs / "postgres"), *single], lock, f"CREATE DATABASE {DATABASE}\n")
    _write(new / "postgresql.conf", "include 'taizhang.conf'\n# Settings of your own go below this line.\n")
    new.rename(data)
    _sync(data.parent)


def _run(command: list[str], lock: int, text: str = "") -> None:
    """Run a program; it holds the lock too, in case the keeper dies before it ends."""
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, errors="replace", check=False, pass_fds=[lock]
    )
    if done.returncode:
        sys.exit(_last_words(done.stderr, f"{command[0]} ended with code {done.returncode}"))


def _last_words(said: str, otherwise: str) -> str:
    """The message that a program ended on, in its own words."""
    found = re.findall(r"(?:FATAL|PANIC|ERROR|error):\s+(.+)", said)
    return str(found[-1]) if found else otherwise


def _own(folder: Path) -> None:
    """Make a folder that nobody else may enter, or make sure that it is one: its parent may be open to all."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        sys.exit(f"{folder} should be a folder of user {os.geteuid()}'s alone, and is not; remove it")


def _write(path: Path, text: str) -> None:
    """Have a file hold a text, whole or not at all."""
    if path.exists() and path.read_text() == text:
        return
    new = path.with_name(f"{path.name}.new")
    with new.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    os.fsync(opened)
    os.close(opened)


def _quoted(path: str) -> str:
    """One path as an element of a list of paths."""
    return '"' + path.replace('"', '""') + '"'


def _end(kind: type[BaseException], error: BaseException, _: object) -> None:
    """Say an unforeseen error in one line: whoever started the keeper shows it to a person."""
    sys.stderr.write(f"{str(error) or kind.__name__}\n")


if __name__ == "__main__":
    sys.excepthook = _end
    main()
