"""Arguments of aiokafka's clients from settings, and OAuth tokens (OAUTHBEARER)."""

import asyncio
import base64
import time
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError

from mozu.core.api.secret import Secret
from mozu.core.common.kafka.access import KafkaAccess, Sasl
from mozu.core.common.tls import client_context

_EXPIRY_MARGIN: Final = 30.0
"""Seconds before its expiry from which a token is no longer used."""
_TOKEN_TIMEOUT: Final = 10.0


def client_arguments(settings: KafkaAccess) -> dict[str, Any]:
    """Return the arguments of every client. Raises ValueError that names the setting. Call this again for each
    client."""
    arguments: dict[str, Any] = {
        "bootstrap_servers": list(settings.bootstrap_servers),
        "client_id": settings.client_id,
        "request_timeout_ms": round(settings.timeout * 1000),
        "security_protocol": settings.security_protocol,
        "metadata_max_age_ms": 60_000,
    }
    if settings.security_protocol.endswith("SSL"):
        arguments["ssl_context"] = client_context(settings.tls)
    sasl = settings.sasl
    if sasl is not None:
        arguments["sasl_mechanism"] = sasl.mechanism
        if sasl.mechanism == "OAUTHBEARER":
            arguments["sasl_oauth_token_provider"] = OAuthTokenProvider(sasl)
        else:
            arguments["sasl_plain_username"] = sasl.user
            arguments["sasl_plain_password"] = _text(sasl.password)
    return arguments


class OAuthTokenProvider(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """A provider of tokens for OAUTHBEARER: as written, from a file, or from an authorization server (RFC 6749,
    4.4)."""

    def __init__(self, settings: Sasl) -> None:
        self._settings = settings
        self._cached, self._expires = "", 0.0

    async def token(self) -> str:
        """Return a token that is valid now. Raises KafkaConnectionError that says why there is none."""
        settings = self._settings
        if settings.token_file is not None:
            return await asyncio.to_thread(_read, settings.token_file)
        if settings.token_url is not None:
            return await self._from_server(settings.token_url)
        return _text(settings.token)

    async def _from_server(self, url: str) -> str:
        if self._cached and time.monotonic() < self._expires - _EXPIRY_MARGIN:
            return self._cached
        form = {"grant_type": "client_credentials"}
        if self._settings.scope is not None:
            form["scope"] = self._settings.scope
        credentials = f"{self._settings.client_id}:{_text(self._settings.client_secret)}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TOKEN_TIMEOUT), trust_env=False) as session,
                session.post(url, data=form, headers=headers, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise KafkaConnectionError(f"the authorization server {url} answers {response.status}")
                document = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise KafkaConnectionError(f"no token from the authorization server {url}: {reason}") from None
        if not isinstance(document, dict) or not isinstance(document.get("access_token"), str):
            raise KafkaConnectionError(f"the authorization server {url} answers without access_token")
        lifetime = document.get("expires_in")
        self._cached = document["access_token"]
        self._expires = time.monotonic() + (lifetime if isinstance(lifetime, int | float) else 0)
        return self._cached


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise KafkaConnectionError(f"the token file {path} cannot be read: {error}") from None


def _text(secret: Secret | None) -> str:
    return "" if secret is None else secret.get_secret_value()
