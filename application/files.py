"""Files that are whole or not there, whatever happens while they are written."""

import errno
import fcntl
import os
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

# Bytes of a line at most.
_LONGEST = 1 << 20


def put(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file, in place of the one there may be; once this returns it is on the disk, but for its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    opened, draft = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(content)
            os.fchmod(opened, mode)
            file.flush()
            os.fsync(opened)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def put_together(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write a folder of files, whole or not at all; once this returns it is on the disk.

    Raise FileExistsError if it is there: it stays as it is.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
    try:
        for name, content in contents.items():
            put(draft / name, content)
        draft.chmod(0o755)
        settle(draft)
        draft.rename(folder)
    except BaseException as error:
        rmtree(draft)
        if isinstance(error, OSError) and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder)) from None
        raise
    settle(folder.parent)


def append(path: Path, line: bytes) -> None:
    """Add a line to a file, on the disk once this returns; one that was left half written before gives way."""
    with path.open("ab+") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - _LONGEST))
        tail = file.read()
        file.truncate(end - len(tail) + tail.rfind(b"\n") + 1)
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())


def settle(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def alone(folder: Path) -> Generator[bool]:
    """Yield whether this process is the only one that works in a folder, for as long as this lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
