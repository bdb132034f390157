"""Asking machines of other parties over HTTP: they may be slow, away, or hostile."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Thread
from typing import Final, Self, TypeVar
from urllib.parse import quote, urlsplit

T = TypeVar("T")

PATIENCE: Final = 10.0
"""Seconds that another party has to answer in."""

# Bytes of an answer at most.
_LARGEST = 1 << 16
_SCHEMES = {"http": HTTPConnection, "https": HTTPSConnection}
_PATH = "/%:@!$&'()*+,;=~"


class Unanswered(Exception):
    """No answer was had, or none that is good; the sentence goes on after the name of whoever was asked."""


@dataclass(frozen=True, slots=True)
class Reply:
    """``kind`` is the media type."""

    status: int
    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Address:
    """Where somebody is asked."""

    scheme: str
    host: str
    port: int | None
    path: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read it; raise Unanswered for what is no address of http or https, or has more to it than a path."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise Unanswered(f"has no good address: {url}") from None
        if not host or parts.scheme not in _SCHEMES or parts.username or parts.query or parts.fragment:
            raise Unanswered(f"has no http or https address: {url}")
        return cls(parts.scheme, host, port, quote(parts.path, safe=_PATH))

    def below(self, path: str) -> "Address":
        return Address(self.scheme, self.host, self.port, self.path.rstrip("/") + path)

    def post(self, body: bytes, kind: str, patience: float) -> Reply:
        """Send a body of a media type, and return what is answered; raise Unanswered if nothing is, or too much.

        A redirect is not followed: who is asked was decided. ``patience``, in seconds, is had with each step; whoever
        answers drop by drop takes longer, so that this is best done ``aside``.
        """
        try:
            with closing(_SCHEMES[self.scheme](self.host, self.port, timeout=patience)) as connection:
                connection.request("POST", self.path or "/", body, {"Content-Type": kind})
                with connection.getresponse() as answer:
                    content = answer.read(_LARGEST + 1)
        except TimeoutError:
            raise late(patience) from None
        except (OSError, HTTPException, UnicodeError) as error:
            raise Unanswered(f"cannot be reached: {str(error) or type(error).__name__}") from None
        if len(content) > _LARGEST:
            raise Unanswered(f"answered with more than {_LARGEST} bytes")
        return Reply(answer.status, answer.headers.get_content_type(), content)


def aside(run: Callable[[], T], name: str) -> Future[T]:
    """Do something in a thread of its own, which keeps no process from ending."""
    future = Future[T]()

    def fulfil() -> None:
        try:
            future.set_result(run())
        except BaseException as error:  # noqa: BLE001  # is raised again where the outcome is asked for
            future.set_exception(error)

    Thread(target=fulfil, name=name, daemon=True).start()
    return future


def late(patience: float) -> Unanswered:
    return Unanswered(f"did not answer within {patience:g} seconds")
