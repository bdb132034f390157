"""Where the installation is and how it is reached, from the environment."""

import os
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.event import Refused


@dataclass(frozen=True)
class Settings:
    """``database`` is empty for the embedded one, which lies under ``home``."""

    home: Path
    database: str
    host: str
    port: int
    zone: ZoneInfo

    @classmethod
    def read(cls) -> "Settings":
        """Read ``TAIZHANG_HOME``, ``_DATABASE``, ``_HOST``, ``_PORT`` and ``_TIMEZONE``; refuse what makes no sense."""
        port = os.environ.get("TAIZHANG_PORT", "8750")
        if not (port.isascii() and port.isdigit() and 0 <= int(port) < 65536):
            raise Refused("“{port}” is no port", field="TAIZHANG_PORT", port=port)
        zone = os.environ.get("TAIZHANG_TIMEZONE", "Asia/Shanghai")
        try:
            known = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Refused(
                "“{zone}” is no time zone such as Asia/Shanghai", field="TAIZHANG_TIMEZONE", zone=zone
            ) from None
        return cls(
            home=Path(os.environ.get("TAIZHANG_HOME", "var")),
            database=os.environ.get("TAIZHANG_DATABASE", ""),
            host=os.environ.get("TAIZHANG_HOST", "127.0.0.1"),
            port=int(port),
            zone=known,
        )
