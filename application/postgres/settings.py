"""What the embedded server is told: its settings, and who may log in."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

MEGABYTE = 1 << 20

SERVER = {
    "max_connections": "200",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "max_wal_size": "4GB",
    "jit": "off",
    # A container may offer huge pages and kill whoever touches one.
    "huge_pages": "off",
    "dynamic_shared_memory_type": "posix",
    # Memory of the server's own, before any of /dev/shm: logind empties that when its user logs out.
    "min_dynamic_shared_memory": "16MB",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "default_text_search_config": "pg_catalog.simple",
    "unix_socket_permissions": "0700",
    # One file for each day of the week, written over a week later.
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_timezone": "UTC",
    # Details quote the values of rows, which may be personal: they do not belong in a log.
    "log_error_verbosity": "terse",
}

ACCESS = """\
# Written at every start.
local all all peer map=taizhang
"""


def server(changes: Mapping[str, str]) -> str:
    """The settings as a configuration file, with changes to them."""
    lines = ["# Written at every start: settings of your own go into postgresql.conf."]
    for name, value in {**SERVER, "shared_buffers": _shared_buffers(), **changes}.items():
        quoted = value.replace("'", "''")
        lines.append(f"{name} = '{quoted}'")
    return "\n".join(lines) + "\n"


def identities(names: Iterable[str]) -> str:
    """The map from accounts of the machine to roles: each may be any role of ours, and no other."""
    lines = [f'taizhang "{name}" "/^taizhang_"' for name in sorted(set(names))]
    return "\n".join(["# Written at every start.", *lines]) + "\n"


def _shared_buffers() -> str:
    """256 MB, or an eighth of the memory that there is."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            memory = min(memory, int(Path(limit).read_text()))
        except (OSError, ValueError):
            continue
    return f"{min(256, max(16, memory // 8 // MEGABYTE))}MB"
