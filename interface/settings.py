"""Where the installation is and how it is reached, from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from application.asking import Address, Unanswered
from application.provider import Provider
from application.sealed import SEALED
from domain.event import Refused
from interface.span import seconds


@dataclass(frozen=True)
class Timestamping:
    """An authority's address, the file with the roots that it must lead to, and how often the sealer asks at most."""

    authority: str
    roots: Path
    every: timedelta

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Timestamping | None":
        authority = environment.get("TAIZHANG_TIMESTAMP")
        roots = environment.get("TAIZHANG_TIMESTAMP_ROOTS")
        if not authority:
            return None
        try:
            Address.parse(authority)
        except Unanswered:
            raise Refused("“{url}” is no http or https address", field="TAIZHANG_TIMESTAMP", url=authority) from None
        if not roots:
            raise Refused(
                "name the file with the certificates that the authority's must lead to",
                field="TAIZHANG_TIMESTAMP_ROOTS",
            )
        return cls(authority, Path(roots), _span(environment, "TAIZHANG_TIMESTAMP_EVERY", "1d"))


@dataclass(frozen=True)
class Settings:
    """``database`` is empty for the embedded one, which lies under ``home``; ``origin`` for a name by chance.

    ``verify_every`` and ``verify_fully_every`` say how often what is new is verified, and how often everything.
    ``policy`` names the witnesses that the sealer asks; ``hold``: it publishes nothing that too few cosigned.
    ``sign_command`` signs with those keys of which only the public half is here.
    ``timestamps`` is None where no time-stamping authority is asked, ``provider`` where none vouches for people.
    """

    home: Path
    origin: str
    database: str
    policy: Path | None
    hold: bool
    sign_command: str
    timestamps: "Timestamping | None"
    provider: Provider | None
    host: str
    port: int
    zone: ZoneInfo
    verify_every: timedelta
    verify_fully_every: timedelta

    @property
    def witness(self) -> Path:
        """The folder with what a witness saw."""
        return self.home / "witness"

    @property
    def keys(self) -> Path:
        """The folder with the keys that sign."""
        return self.home / "keys"

    @property
    def sealed(self) -> Path:
        """The folder that the sealer publishes."""
        return self.home / SEALED

    @property
    def sealer(self) -> Path:
        """The sealer's own folder."""
        return self.home / "sealer"

    @property
    def verified(self) -> Path | None:
        """The file that tells how far the log was verified; none for somebody who may not write there."""
        return self.home / "verified.json" if os.access(self.home, os.W_OK) else None

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read ``TAIZHANG_HOME`` and the like; refuse what makes no sense.

        One that is empty is as good as absent.
        """
        port = environment.get("TAIZHANG_PORT") or "8750"
        if not (port.isascii() and port.isdigit() and int(port) < 65536):
            raise Refused("“{port}” is no port", field="TAIZHANG_PORT", port=port)
        unwitnessed = environment.get("TAIZHANG_UNWITNESSED") or "publish"
        if unwitnessed not in ("publish", "hold"):
            raise Refused("it is publish or hold", field="TAIZHANG_UNWITNESSED")
        zone = environment.get("TAIZHANG_TIMEZONE") or "Asia/Shanghai"
        try:
            known = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Refused(
                "“{zone}” is no time zone such as Asia/Shanghai", field="TAIZHANG_TIMEZONE", zone=zone
            ) from None
        return cls(
            home=Path(environment.get("TAIZHANG_HOME") or "var"),
            origin=environment.get("TAIZHANG_ORIGIN") or "",
            policy=Path(policy) if (policy := environment.get("TAIZHANG_POLICY")) else None,
            hold=unwitnessed == "hold",
            sign_command=environment.get("TAIZHANG_SIGN_COMMAND") or "",
            timestamps=Timestamping.read(environment),
            provider=Provider.read(environment),
            database=environment.get("TAIZHANG_DATABASE") or "",
            host=environment.get("TAIZHANG_HOST") or "127.0.0.1",
            port=int(port),
            zone=known,
            verify_every=_span(environment, "TAIZHANG_VERIFY_EVERY", "1h"),
            verify_fully_every=_span(environment, "TAIZHANG_VERIFY_FULLY_EVERY", "7d"),
        )


def _span(environment: Mapping[str, str], name: str, usual: str) -> timedelta:
    text = environment.get(name) or usual
    try:
        return timedelta(seconds=seconds(text))
    except ValueError:
        raise Refused("“{text}” is no span of time such as 7d, 36h or 90m", field=name, text=text) from None
