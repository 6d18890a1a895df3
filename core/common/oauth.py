"""Tokens of an authorization server for client credentials (OAuth 2.0, RFC 6749, 4.4)."""

import base64
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pydantic import Field

from mozu.core.api import Settings
from mozu.core.api.secret import Secret

if TYPE_CHECKING:  # settings are imported by commands that send nothing
    from aiohttp import BaseConnector
    from yarl import URL

_EXPIRY_MARGIN: Final = 30.0
"""Seconds before its expiry from which a token is no longer used."""
_TIMEOUT: Final = 10.0


class ClientCredentials(Settings):
    """An account at an authorization server, which exchanges it for tokens that expire."""

    token_url: str = Field(pattern=r"^https?://", description="Where the credentials are exchanged for a token.")
    client_id: str = Field(min_length=1, description="The client.")
    client_secret: Secret = Field(description="Its secret.")
    scope: str | None = Field(None, min_length=1, description="The requested scope.")


class NoToken(Exception):
    """The authorization server gives no token; the text says why, without the secret."""


class TokenSource:
    """A token that is renewed before it expires. `connector` makes the connector of a request (None: aiohttp's own),
    which goes through `proxy`."""

    def __init__(
        self,
        credentials: ClientCredentials,
        connector: "Callable[[], BaseConnector] | None" = None,
        proxy: "URL | None" = None,
    ) -> None:
        self._credentials, self._connector, self._proxy = credentials, connector, proxy
        self._token, self._expires = "", 0.0

    def forget(self) -> None:
        """Ask for a new token next time: this one was refused."""
        self._expires = 0.0

    async def token(self) -> str:
        """Return a token that is valid now. Raises NoToken."""
        if time.monotonic() >= self._expires - _EXPIRY_MARGIN:
            self._token, lifetime = await self._asked()
            self._expires = time.monotonic() + lifetime
        return self._token

    async def _asked(self) -> tuple[str, float]:
        """Return a new token, and how many seconds it lives."""
        import aiohttp

        given, url = self._credentials, self._credentials.token_url
        form = {"grant_type": "client_credentials", **({} if given.scope is None else {"scope": given.scope})}
        pair = f"{given.client_id}:{given.client_secret.get_secret_value()}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        connector = None if self._connector is None else self._connector()
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, connector=connector, trust_env=False) as session,
                session.post(url, data=form, headers=headers, allow_redirects=False, proxy=self._proxy) as response,
            ):
                if response.status != 200:
                    raise NoToken(f"the authorization server {url} answers {response.status}")
                document = await response.json(content_type=None)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise NoToken(f"no token from the authorization server {url}: {reason}") from None
        if not isinstance(document, dict) or not isinstance(document.get("access_token"), str):
            raise NoToken(f"the authorization server {url} answers without access_token")
        lifetime = document.get("expires_in")
        return document["access_token"], lifetime if isinstance(lifetime, int | float) else 0
