"""Files that are whole or not there, whatever happens while they are written."""

import fcntl
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


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
