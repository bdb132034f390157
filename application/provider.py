"""An OpenID Connect provider (统一身份认证), which vouches for people: authorisation code, PKCE, state, nonce."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

import httpx2
from authlib.integrations.base_client.sync_app import BaseApp, OAuth2Mixin  # type: ignore[import-untyped]
from authlib.integrations.base_client.sync_openid import OpenIDMixin  # type: ignore[import-untyped]
from authlib.integrations.httpx_client import OAuth2Client, OAuthError  # type: ignore[import-untyped]
from joserfc.errors import JoseError

from domain.event import Refused

SECONDS: Final = 10.0
"""That a provider has to answer in."""

# Their clock and ours may be this many seconds apart.
LEEWAY: Final = 60


class Unvouched(Exception):
    """The provider does not vouch for whoever came; the sentence says why, for the log of the service."""


class Unreachable(Exception):
    """The provider does not answer, or not as one."""


@dataclass(frozen=True, slots=True)
class Begun:
    """That somebody was sent to the provider: ``state`` comes back with them; the others are for us alone."""

    url: str
    state: str
    nonce: str
    verifier: str


class _App(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]  # the library has no types
    client_cls = OAuth2Client


class Provider:
    """One provider, by its issuer; ``client`` and ``secret`` are what it knows this installation by."""

    def __init__(self, issuer: str, client: str, secret: str) -> None:
        self.issuer = issuer
        self._client = client
        self._app = _App(
            None,
            client_id=client,
            client_secret=secret,
            server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid", "code_challenge_method": "S256", "timeout": SECONDS},
        )

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self | None:
        """Return the one that ``TAIZHANG_OIDC_ISSUER`` names, None without; refuse what makes no sense."""
        issuer = environment.get("TAIZHANG_OIDC_ISSUER")
        if not issuer:
            return None
        parts = urlsplit(issuer)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        schemes = ("https", "http") if local else ("https",)
        if not parts.hostname or parts.query or parts.fragment or parts.scheme not in schemes:
            raise Refused("“{url}” is no https address", field="TAIZHANG_OIDC_ISSUER", url=issuer)
        client, file = environment.get("TAIZHANG_OIDC_CLIENT"), environment.get("TAIZHANG_OIDC_SECRET_FILE")
        if not client or not file:
            raise Refused(
                "say as whom the provider knows this installation: TAIZHANG_OIDC_CLIENT, TAIZHANG_OIDC_SECRET_FILE",
                field="TAIZHANG_OIDC_CLIENT",
            )
        try:
            secret = Path(file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(
                "{file} cannot be read: {reason}", field="TAIZHANG_OIDC_SECRET_FILE", file=file, reason=error
            ) from None
        return cls(issuer, client, secret)

    def begin(self, redirect_uri: str) -> Begun:
        """Return where to send somebody; raise Unreachable."""
        self._metadata()
        begun = self._asked(lambda: self._app.create_authorization_url(redirect_uri))
        return Begun(begun["url"], begun["state"], begun["nonce"], begun["code_verifier"])

    def finish(self, given: Mapping[str, str], redirect_uri: str, nonce: str, verifier: str) -> str:
        """Return the subject for whom the provider vouches to whoever came back with ``given``.

        Raise Unvouched where it does not (OpenID Connect Core 1.0 §3.1.3.7, RFC 9207), Unreachable where it is away.
        """
        if "error" in given or "code" not in given:
            raise Unvouched(f"the provider says {given.get('error', 'nothing')!r}")
        if given.get("iss", self.issuer) != self.issuer:
            raise Unvouched("the answer is another provider's")
        self._metadata()

        def told() -> Any:
            token = self._app.fetch_access_token(redirect_uri, code=given["code"], code_verifier=verifier)
            return self._app.parse_id_token(token, nonce=nonce, leeway=LEEWAY)

        claims = self._asked(told)
        subject = claims.get("sub") if claims else None
        if not isinstance(subject, str) or not subject:
            raise Unvouched("the provider names nobody")
        return subject

    def farewell(self, back: str) -> str | None:
        """Return where somebody signs out of the provider as well, and comes back; None where it has no such place."""
        end = self._metadata().get("end_session_endpoint")
        return f"{end}?{urlencode({'client_id': self._client, 'post_logout_redirect_uri': back})}" if end else None

    def _metadata(self) -> Mapping[str, Any]:
        """What the provider says of itself, asked for once; raise Unreachable where it is not the one it should be."""
        found: Mapping[str, Any] = self._asked(self._app.load_server_metadata)
        if found.get("issuer") != self.issuer:
            self._app.server_metadata.clear()
            raise Unreachable(f"who answers at {self.issuer} calls itself {found.get('issuer')}")
        return found

    def _asked(self, ask: Any) -> Any:
        try:
            return ask()
        except (OAuthError, JoseError, AssertionError) as error:
            raise Unvouched(f"the provider's answer is not good: {error}") from error
        except (httpx2.HTTPError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise Unreachable(f"the provider does not answer: {error}") from error


__all__ = ["Begun", "Provider", "Unreachable", "Unvouched"]
