"""The HTTP endpoint: an aiohttp session behind the SSRF guard, TLS, proxy, and one request with its response."""

import base64
import gzip
import ssl
import time
from typing import Final
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from yarl import URL

from mozu.core.common.oauth import NoToken, TokenSource
from mozu.core.common.secret_mask import SecretMask
from mozu.core.common.tls import client_context
from mozu.core.delivery.encode.escape import escaped
from mozu.plugins.sinks.webhook import signature
from mozu.plugins.sinks.webhook.private_addresses import literal_address
from mozu.plugins.sinks.webhook.response import Response, Verdict, classify, refuses_credentials
from mozu.plugins.sinks.webhook.settings import WebhookSettings, address
from mozu.plugins.sinks.webhook.ssrf_guard import SsrfGuard

_EXCERPT: Final = 200
"""Most characters of a response's body that are logged."""
_UNAUTHORIZED: Final = 401
_GZIP_LEVEL: Final = 5
"""Level with most of the compression at a third of the time."""


class Endpoint:
    """Client of one URL. Building it reads the certificates; raises ValueError."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._url = address(settings.url)
        self._proxy = _proxy(settings, self._url)
        self._tls = client_context(settings.tls, verify=settings.tls.verify)
        self._keys = [signature.key(secret.get_secret_value()) for secret in settings.signing_secrets]
        self._headers = _headers(settings)
        self._session: aiohttp.ClientSession | None = None
        account = settings.oauth or settings.service_account
        self._tokens = None if account is None else TokenSource(account, self._connector, self._proxy)
        self._authorized = "Authorization" in self._headers or account is not None
        self._mask = SecretMask([*settings.secrets(), self._headers.get("Authorization", "").partition(" ")[2]])

    def __str__(self) -> str:
        """Return scheme, host and port, the parts of the URL that may be logged."""
        return str(self._url.origin())

    @property
    def is_cleartext(self) -> bool:
        """True if credentials are sent over plain http to another machine."""
        host = self._url.host or ""
        found = literal_address(host)
        is_loopback = host == "localhost" if found is None else found.is_loopback
        return self._url.scheme == "http" and not is_loopback and bool(self._settings.headers or self._authorized)

    @property
    def is_unverified(self) -> bool:
        """True if every certificate is accepted."""
        return self._url.scheme == "https" and not self._settings.tls.verify

    def open(self) -> None:
        """Make the session; requests make the connections."""
        settings = self._settings
        self._session = aiohttp.ClientSession(
            connector=self._connector(),
            timeout=aiohttp.ClientTimeout(total=settings.timeout, sock_connect=settings.connect_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
        )

    def _connector(self) -> aiohttp.TCPConnector:
        settings = self._settings
        guard = SsrfGuard(allow_private=settings.allow_private, allow=settings.networks())
        return aiohttp.TCPConnector(
            limit=settings.concurrency,
            ssl=self._tls,
            resolver=aiohttp.ThreadedResolver(),
            # through a proxy that the operator named, the only address seen here is the proxy's
            socket_factory=None if self._proxy is not None else guard,
        )

    async def close(self) -> None:
        """Close the session. Idempotent."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def check(self) -> str | None:
        """Ask with HEAD, which sends no alert. Return why alerts would be retried: no answer, or one that refuses the
        credentials. Other statuses return None: many receivers know no HEAD."""
        response = await self._request("HEAD", None, {})
        if response.verdict is Verdict.RETRY and (not response.status or refuses_credentials(response.status)):
            return f"{self} does not take alerts, asked with HEAD: {response.reason}"
        return None

    async def post(self, body: bytes, request_id: str, content_type: str) -> Response:
        """Send one request. Never raises for errors of the server."""
        headers = {"Content-Type": content_type, **signature.headers(self._keys, request_id, int(time.time()), body)}
        if self._settings.gzip:
            body = gzip.compress(body, _GZIP_LEVEL)
            headers["Content-Encoding"] = "gzip"
        return await self._request(self._settings.method, body, headers)

    async def _request(self, method: str, body: bytes | None, headers: dict[str, str]) -> Response:
        if self._session is None:
            raise RuntimeError("the endpoint is not open")
        now = time.time()
        if self._tokens is not None:
            try:
                headers["Authorization"] = f"{self._settings.scheme()} {await self._tokens.token()}"
            except NoToken as error:
                return Response(Verdict.RETRY, self._excerpt(str(error)))
        try:
            async with self._session.request(
                method, self._url, data=body, headers=headers, allow_redirects=False, proxy=self._proxy
            ) as response:
                read = await self._read(response)
                excerpt = self._excerpt(read.decode("utf-8", "replace"))
                found = classify(response.status, response.headers, excerpt, now=now)
                if self._tokens is not None and response.status == _UNAUTHORIZED:
                    self._tokens.forget()
                if found.verdict is not Verdict.ACCEPTED:
                    return found
                return msgspec.structs.replace(found, body=read, reason=f"{response.status}: {excerpt}")
        except (aiohttp.ClientError, OSError) as error:
            return self._classify_error(error)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """Return the beginning of the response's body. The status counts even if the body cannot be read."""
        read = bytearray()
        try:
            while not response.content.at_eof():
                read += await response.content.read(self._settings.response_bytes + 1 - len(read))
                if len(read) > self._settings.response_bytes:
                    response.close()
                    break
        except (aiohttp.ClientError, OSError):
            response.close()
        return bytes(read)

    def _excerpt(self, text: str) -> str:
        return escaped(self._mask(" ".join(text.split())))[:_EXCERPT]

    def _classify_error(self, error: Exception) -> Response:
        """Return the response for an exception, whose own text may contain the URL and is not logged."""
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return Response(Verdict.RETRY, f"no connection within {self._settings.connect_timeout:g} s")
        if isinstance(error, TimeoutError):
            return Response(Verdict.RETRY, f"no answer within {self._settings.timeout:g} s", blames_body=True)
        if isinstance(error, aiohttp.ClientHttpProxyError):
            return Response(Verdict.RETRY, f"the proxy answered {error.status}")
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return Response(Verdict.RETRY, f"the server's certificate is refused: {_of_certificate(error)}")
        if isinstance(error, aiohttp.ClientConnectorError):
            cause = error.os_error
            return Response(Verdict.RETRY, f"no connection: {self._excerpt(cause.strerror or str(cause))}")
        if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError | BrokenPipeError):
            return Response(Verdict.RETRY, "the connection was closed before an answer came", blames_body=True)
        if isinstance(error, aiohttp.ClientOSError):
            broken = self._excerpt(error.strerror or str(error))
            return Response(Verdict.RETRY, f"the connection broke: {broken}", blames_body=True)
        return Response(Verdict.RETRY, f"no answer that can be read ({type(error).__name__})", blames_body=True)


def _of_certificate(error: aiohttp.ClientConnectorCertificateError) -> str:
    cause = error.certificate_error
    return cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else type(cause).__name__


def _headers(settings: WebhookSettings) -> dict[str, str]:
    headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
    if not any(name.lower() == "user-agent" for name in headers):
        headers["User-Agent"] = "mozu"
    if settings.token is not None:
        headers["Authorization"] = f"{settings.scheme()} {settings.token.get_secret_value()}"
    elif settings.user is not None and settings.password is not None:
        pair = f"{settings.user}:{settings.password.get_secret_value()}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return headers


def _proxy(settings: WebhookSettings, url: URL) -> URL | None:
    if settings.proxy is not None:
        return address(settings.proxy)
    if not settings.proxy_from_environment or proxy_bypass(f"{url.host}:{url.port}"):
        return None
    found = getproxies().get(url.scheme)
    return None if found is None else URL(found)
