"""The session's cookie: for this host alone, out of the reach of scripts, and of no use to pages of other sites."""

from datetime import timedelta
from urllib.parse import urlsplit

from fastapi import Request

from application.sessions import LONGEST

# Over TLS the browser itself sees to it that no other host, and no connection without TLS, has set it (RFC 6265bis).
_OVER_TLS = "__Host-"
SESSION, ARRIVAL = "taizhang", "taizhang-arrival"
PROOF = "Taizhang-Proof"


def given(request: Request, name: str = SESSION) -> str | None:
    """Return the secret that somebody came with."""
    return request.cookies.get(_named(request, name))


def kept(request: Request, secret: str, name: str = SESSION, span: timedelta = LONGEST) -> str:
    """Return the header that lets the browser keep a secret for a while."""
    secure = "; Secure" if request.url.scheme == "https" else ""
    seconds = int(span.total_seconds())
    # Lax: whoever comes back from a provider brings it along.
    return f"{_named(request, name)}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def dropped(request: Request, name: str = SESSION) -> str:
    """Return the header that lets the browser forget it."""
    return kept(request, "", name, timedelta())


def from_elsewhere(request: Request) -> bool:
    """Whether a browser says that a page of another site sent this (Fetch Metadata, else RFC 6454)."""
    if site := request.headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def _named(request: Request, name: str) -> str:
    return _OVER_TLS + name if request.url.scheme == "https" else name


__all__ = ["ARRIVAL", "PROOF", "dropped", "from_elsewhere", "given", "kept"]
