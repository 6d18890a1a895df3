"""The HTTP server: authorization, limits, TLS; it responds once the alerts are safe, with one sentence if not 200."""

import asyncio
import base64
import binascii
import hmac
import time
from hashlib import blake2b
from typing import Final

from aiohttp import web

from mozu.core.api import Metrics
from mozu.core.common.falco_alerts import InvalidAlert
from mozu.core.common.tls import server_context
from mozu.plugins.sources.falco_http.body import parse
from mozu.plugins.sources.falco_http.request_queue import RequestQueue
from mozu.plugins.sources.falco_http.settings import FalcoHttpSettings

_MAX_READS: Final = 64
"""Requests whose bodies are read at the same time; bounds memory."""
_READ_TIMEOUT: Final = 10.0
"""Seconds for the body of a request."""
_SHUTDOWN_TIMEOUT: Final = 2.0
_RETRY_AFTER: Final = {"Retry-After": "1"}


class _HttpError(Exception):
    """A response other than 200."""

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.headers = status, headers


class Server:
    """Listens, and responds to a request once its alerts are acknowledged by the queue."""

    def __init__(self, settings: FalcoHttpSettings, requests: RequestQueue, metrics: Metrics) -> None:
        self._settings, self._requests, self._metrics = settings, requests, metrics
        self._token = None if settings.token is None else settings.token.get_secret_value().encode()
        self._readers = asyncio.Semaphore(_MAX_READS)
        self._stopping = False
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self.port = 0
        """Where it listens."""

    async def open(self) -> None:
        """Listen. Raises OSError, or ssl.SSLError where a certificate cannot be used."""
        app = web.Application(client_max_size=self._settings.max_bytes)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT)
        await self._runner.setup()
        try:
            self._site = web.TCPSite(
                self._runner,
                self._settings.host(),
                self._settings.port(),
                ssl_context=server_context(self._settings.tls),
            )
            await self._site.start()
        except BaseException:
            await self.close()
            raise
        self.port = self._runner.addresses[0][1]

    async def refuse(self) -> None:
        """No more connections, and no more requests on those there are."""
        self._stopping = True
        site, self._site = self._site, None
        if site is not None:
            await site.stop()

    async def close(self) -> None:
        """Finish responses and end. Idempotent."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        try:
            await self._take(request)
            response = web.Response(text="")
        except _HttpError as error:
            response = web.Response(status=error.status, text=f"{error}\n", headers=error.headers)
        self._metrics.counter("http_requests_total", status=str(response.status)).value += 1
        if self._stopping:
            response.force_close()
        return response

    async def _take(self, request: web.Request) -> None:
        """Return once the alerts are safe. Raises _HttpError."""
        self._check(request)
        body = await self._read(request)
        key = blake2b(body, digest_size=16).digest()
        batch = self._requests.find(key)
        if batch is None:
            try:
                batch = self._requests.put(key, parse(body, time.time()), len(body))
            except InvalidAlert as error:
                raise _HttpError(400, str(error)) from None
        if batch is None:
            raise _HttpError(503, "too many alerts are pending; send them again", _RETRY_AFTER)
        try:
            async with asyncio.timeout(self._settings.response_timeout):
                await batch.done.wait()
        except TimeoutError:
            text = "the alerts are not safe yet; they have ids, so send them again"
            raise _HttpError(503, text, _RETRY_AFTER) from None
        if not batch.acked:
            raise _HttpError(503, "mozu stops before the alerts are safe; send them again", _RETRY_AFTER)

    def _check(self, request: web.Request) -> None:
        if self._stopping:
            raise _HttpError(503, "mozu stops; send the alerts again", _RETRY_AFTER)
        if "Origin" in request.headers:
            raise _HttpError(403, "pages in a browser may not send alerts")
        if self._token is not None and not self._is_authorized(request.headers.get("Authorization", "")):
            raise _HttpError(401, "the token is missing or wrong", {"WWW-Authenticate": "Bearer"})
        if request.method != "POST":
            raise _HttpError(405, "alerts are sent with POST", {"Allow": "POST"})
        if (request.content_length or 0) > self._settings.max_bytes:
            raise self._too_large()

    def _is_authorized(self, authorization: str) -> bool:
        """The token as bearer, or as the password that is in a URL."""
        scheme, _, credentials = authorization.partition(" ")
        given = credentials.strip().encode()
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).partition(b":")[2]
            except binascii.Error:
                return False
        elif scheme.lower() != "bearer":
            return False
        return self._token is not None and hmac.compare_digest(given, self._token)

    async def _read(self, request: web.Request) -> bytes:
        try:
            async with self._readers, asyncio.timeout(_READ_TIMEOUT):
                return await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise self._too_large() from None
        except TimeoutError:
            raise _HttpError(408, f"the request did not come within {_READ_TIMEOUT:g} s") from None
        except web.RequestPayloadError:
            raise _HttpError(400, "the request broke off, or cannot be unpacked") from None

    def _too_large(self) -> _HttpError:
        return _HttpError(413, f"a request may have {self._settings.max_bytes} bytes at most")

