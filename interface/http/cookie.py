"""The session's cookie: for this host alone, out of the reach of scripts, and of no use to pages of other sites."""

from urllib.parse import urlsplit

from fastapi import Request

from application.sessions import LONGEST

# Over TLS the browser itself sees to it that no other host, and no connection without TLS, has set it (RFC 6265bis).
_OVER_TLS, _PLAIN = "__Host-taizhang", "taizhang"
PROOF = "Taizhang-Proof"


def given(request: Request) -> str | None:
    """Return the secret that somebody came with."""
    return request.cookies.get(_name(request))


def kept(request: Request, secret: str) -> str:
    """Return the header that lets the browser keep a secret."""
    return _cookie(request, secret, int(LONGEST.total_seconds()))


def dropped(request: Request) -> str:
    """Return the header that lets the browser forget it."""
    return _cookie(request, "", 0)


def from_elsewhere(request: Request) -> bool:
    """Whether a browser says that a page of another site sent this (Fetch Metadata, else RFC 6454)."""
    if site := request.headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def _name(request: Request) -> str:
    return _OVER_TLS if request.url.scheme == "https" else _PLAIN


def _cookie(request: Request, value: str, seconds: int) -> str:
    secure = "; Secure" if request.url.scheme == "https" else ""
    return f"{_name(request)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


__all__ = ["PROOF", "dropped", "from_elsewhere", "given", "kept"]
