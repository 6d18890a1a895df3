"""Arguments of aiokafka's clients from settings, and OAuth tokens (OAUTHBEARER)."""

import asyncio
from pathlib import Path
from typing import Any

from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError

from mozu.core.api.secret import Secret
from mozu.core.common.kafka.access import KafkaAccess, Sasl
from mozu.core.common.oauth import ClientCredentials, NoToken, TokenSource
from mozu.core.common.tls import client_context


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
        self._server = None if settings.token_url is None else TokenSource(_credentials(settings, settings.token_url))

    async def token(self) -> str:
        """Return a token that is valid now. Raises KafkaConnectionError with the reason if there is none."""
        settings = self._settings
        if settings.token_file is not None:
            return await asyncio.to_thread(_read, settings.token_file)
        if self._server is None:
            return _text(settings.token)
        try:
            return await self._server.token()
        except NoToken as error:
            raise KafkaConnectionError(str(error)) from None


def _credentials(settings: Sasl, url: str) -> ClientCredentials:
    assert settings.client_id is not None  # with `token_url` the settings have both
    assert settings.client_secret is not None
    return ClientCredentials(
        token_url=url, client_id=settings.client_id, client_secret=settings.client_secret, scope=settings.scope
    )


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise KafkaConnectionError(f"the token file {path} cannot be read: {error}") from None


def _text(secret: Secret | None) -> str:
    return "" if secret is None else secret.get_secret_value()
