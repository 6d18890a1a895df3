"""Tokens of an authorization server: for client credentials (OAuth 2.0, RFC 6749, 4.4), and for a service account's
signature (RFC 7523, 2.1)."""

import base64
import importlib.util
import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import Field, field_validator

from mozu.core.api import Settings
from mozu.core.api.secret import Secret

if TYPE_CHECKING:  # settings are imported by commands that send nothing
    from aiohttp import BaseConnector
    from yarl import URL

_EXPIRY_MARGIN: Final = 30.0
"""Seconds before its expiry from which a token is no longer used."""
_TIMEOUT: Final = 10.0
_JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_SECONDS: Final = 3600
"""Seconds for which a signed request for a token is valid, the most that Google's authorization server accepts."""
_KEY_FIELDS: Final = ("client_email", "private_key", "private_key_id", "token_uri")
"""Members of a service account's key file that a request for a token is made of."""


class TokenRequest(NamedTuple):
    """A request for a token: a form that is posted to an authorization server."""

    url: str
    form: dict[str, str]
    headers: Mapping[str, str]


class ClientCredentials(Settings):
    """An account at an authorization server, which exchanges it for tokens that expire."""

    token_url: str = Field(pattern=r"^https?://", description="Where the credentials are exchanged for a token.")
    client_id: str = Field(min_length=1, description="The client.")
    client_secret: Secret = Field(description="Its secret.")
    scope: str | None = Field(None, min_length=1, description="The requested scope.")

    def request(self) -> TokenRequest:
        """Return the request for a token."""
        form = {"grant_type": "client_credentials", **({} if self.scope is None else {"scope": self.scope})}
        pair = f"{self.client_id}:{self.client_secret.get_secret_value()}".encode()
        return TokenRequest(self.token_url, form, {"Authorization": f"Basic {base64.b64encode(pair).decode()}"})


class ServiceAccount(Settings):
    """A service account of Google Cloud, whose private key signs requests for tokens (RS256)."""

    key: Secret = Field(description="The account's key as the console issues it: JSON, best as {file: PATH}.")
    scope: str = Field(
        "https://www.googleapis.com/auth/cloud-platform", min_length=1, description="The requested scope."
    )

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, value: Secret) -> Secret:
        if importlib.util.find_spec("cryptography") is None:
            raise ValueError("signing for a service account needs cryptography; install it: pip install 'mozu[google]'")
        try:
            document = json.loads(value.get_secret_value())
        except ValueError:
            document = None
        missing = [name for name in _KEY_FIELDS if not (isinstance(document, dict) and _is_text(document.get(name)))]
        if missing:
            raise ValueError(f"expected a service account's key in JSON; {', '.join(missing)} missing")
        try:
            _signer(document["private_key"])
        except (ValueError, TypeError):
            raise ValueError("private_key of the service account's key is no RSA key in PEM") from None
        return value

    def request(self) -> TokenRequest:
        """Return a request for a token that is signed now."""
        key = json.loads(self.key.get_secret_value())
        now = int(time.time())
        header = {"alg": "RS256", "typ": "JWT", "kid": key["private_key_id"]}
        claims = {
            "iss": key["client_email"], "scope": self.scope, "aud": key["token_uri"], "iat": now,
            "exp": now + _ASSERTION_SECONDS,
        }  # fmt: skip
        signed = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
        assertion = f"{signed}.{_encoded(_signer(key['private_key'])(signed.encode()))}"
        return TokenRequest(key["token_uri"], {"grant_type": _JWT_BEARER, "assertion": assertion}, {})


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _encoded(part: bytes) -> str:
    """Return a part of a token in base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _signer(pem: str) -> Callable[[bytes], bytes]:
    """Return a function that signs with an RSA key (RFC 7518, 3.3). Raises ValueError or TypeError for other keys."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("expected an RSA key")
    return lambda text: key.sign(text, PKCS1v15(), SHA256())


class NoToken(Exception):
    """The authorization server gives no token; the text says why, without the secret."""


class TokenSource:
    """A token that is renewed before it expires. `connector` makes the connector of a request (None: aiohttp's own),
    which goes through `proxy`."""

    def __init__(
        self,
        credentials: ClientCredentials | ServiceAccount,
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

        url, form, headers = self._credentials.request()
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
