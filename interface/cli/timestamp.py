"""Third-party time for what is sealed, from a time-stamping authority (RFC 3161)."""

from datetime import UTC, datetime

from application.sealed import Sealed
from application.timestamps import Authority, Roots, Timestamps
from domain.event import Refused
from interface.cli.common import Json, show
from interface.settings import Settings, Timestamping


def timestamp(as_json: Json = False) -> None:
    """Have the newest checkpoint stamped by the authority of TAIZHANG_TIMESTAMP, and keep the token beside it."""
    settings = Settings.read()
    if settings.timestamps is None:
        raise Refused("name a time-stamping authority (RFC 3161): https://…", field="TAIZHANG_TIMESTAMP")
    found = timestamps(settings.timestamps, Sealed(settings.sealed)).obtain()
    assert found.at is not None
    at = datetime.fromtimestamp(found.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    show(
        {"size": found.size, "timestamped_at": at, "authority": settings.timestamps.authority},
        lambda: [f"the checkpoint of {found.size} events is stamped: {at}"],
        as_json=as_json,
    )


def timestamps(settings: Timestamping, sealed: Sealed) -> Timestamps:
    """What asks the authority of the settings."""
    try:
        roots = Roots.read(settings.roots.read_bytes())
    except ValueError:
        raise Refused(
            "{file} holds no certificates in PEM", field="TAIZHANG_TIMESTAMP_ROOTS", file=settings.roots
        ) from None
    return Timestamps(sealed, Authority(settings.authority, roots))
