"""From settings to the arguments of aiokafka's clients."""

import asyncio
import base64
import ssl
import time
from pathlib import Path
from typing import Any

import aiohttp
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError

from mozu.core.api import Secret
from mozu.plugins.sinks.kafka.access import Access, KafkaTls, Sasl

_EARLY = 30.0
"""Seconds before its end from which a token is not used any more."""


def arguments(settings: Access) -> dict[str, Any]:
    """What every client takes. Raises ValueError that names the setting; call it again for each client."""
    found: dict[str, Any] = {
        "bootstrap_servers": list(settings.servers),
        "client_id": settings.client_id,
        "request_timeout_ms": round(settings.timeout * 1000),
        "security_protocol": settings.protocol,
        "metadata_max_age_ms": 60_000,
    }
    if settings.protocol.endswith("SSL"):
        found["ssl_context"] = _context(settings.tls)
    sasl = settings.sasl
    if sasl is not None:
        found["sasl_mechanism"] = sasl.mechanism
        if sasl.mechanism == "OAUTHBEARER":
            found["sasl_oauth_token_provider"] = Tokens(sasl)
        else:
            found["sasl_plain_username"] = sasl.user
            found["sasl_plain_password"] = _text(sasl.password)
    return found


def _context(settings: KafkaTls) -> ssl.SSLContext:
    """Broker and name are always verified. Raises ValueError that names the setting."""
    try:
        made = ssl.create_default_context(cafile=settings.ca)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"tls.ca: {settings.ca} cannot be used: {_reason(error)}") from None
    if settings.certificate is not None:
        try:
            made.load_cert_chain(settings.certificate, settings.key, _text(settings.key_password))
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"tls.certificate: {settings.certificate} cannot be used: {_reason(error)}") from None
    return made


class Tokens(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka tells no types
    """Tokens for OAUTHBEARER: as written, from a file, or from an authorization server (RFC 6749, 4.4)."""

    def __init__(self, settings: Sasl) -> None:
        self._settings = settings
        self._fetched, self._ends = "", 0.0

    async def token(self) -> str:
        """A token that is valid now. Raises KafkaConnectionError that says why there is none."""
        settings = self._settings
        if settings.token_file is not None:
            return await asyncio.to_thread(_read, settings.token_file)
        if settings.token_url is not None:
            return await self._from_server(settings.token_url)
        return _text(settings.token)

    async def _from_server(self, url: str) -> str:
        if self._fetched and time.monotonic() < self._ends - _EARLY:
            return self._fetched
        form = {"grant_type": "client_credentials"}
        if self._settings.scope is not None:
            form["scope"] = self._settings.scope
        credentials = f"{self._settings.client_id}:{_text(self._settings.client_secret)}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}
        limit = aiohttp.ClientTimeout(total=10)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit, trust_env=False) as session,
                session.post(url, data=form, headers=headers, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise KafkaConnectionError(f"the authorization server {url} answers {answer.status}")
                document = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            told = str(error) or type(error).__name__
            raise KafkaConnectionError(f"no token from the authorization server {url}: {told}") from None
        if not isinstance(document, dict) or not isinstance(document.get("access_token"), str):
            raise KafkaConnectionError(f"the authorization server {url} answers without access_token")
        lives = document.get("expires_in")
        self._fetched = document["access_token"]
        self._ends = time.monotonic() + (lives if isinstance(lives, int | float) else 0)
        return self._fetched


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise KafkaConnectionError(f"the token's file {path} cannot be read: {error}") from None


def _text(secret: Secret | None) -> str:
    """Never None: OpenSSL would ask the terminal."""
    return "" if secret is None else secret.get_secret_value()


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or type(error).__name__
