"""HTTP: who may, how much, and the answer. Every answer but 200 holds one sentence."""

import asyncio
import base64
import binascii
import hmac
import ssl
import time
from hashlib import blake2b
from typing import Final

from aiohttp import web

from mozu.core.api import Metrics
from mozu.plugins.sources.falco_http.alerts import BadInput
from mozu.plugins.sources.falco_http.body import parse
from mozu.plugins.sources.falco_http.intake import RequestQueue
from mozu.plugins.sources.falco_http.settings import FalcoHttpSettings

_READERS: Final = 64
"""Requests whose bodies are read at the same time; bounds memory."""
_READ_SECONDS: Final = 10.0
"""For the body of a request."""
_SHUTDOWN_SECONDS: Final = 2.0
_AGAIN: Final = {"Retry-After": "1"}


class _Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.headers = status, headers


class Server:
    """Listens, and answers a request once the intake says that its alerts are safe."""

    def __init__(self, settings: FalcoHttpSettings, intake: RequestQueue, metrics: Metrics) -> None:
        self._settings, self._intake, self._metrics = settings, intake, metrics
        self._token = None if settings.token is None else settings.token.get_secret_value().encode()
        self._readers = asyncio.Semaphore(_READERS)
        self._stopping = False
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self.port = 0
        """Where it listens."""

    async def open(self) -> None:
        """Listen. Raises OSError, or ssl.SSLError where a certificate cannot be used."""
        app = web.Application(client_max_size=self._settings.max_bytes)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        try:
            self._site = web.TCPSite(
                self._runner, self._settings.host(), self._settings.port(), ssl_context=_context(self._settings)
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
        """Finish answers and end. Idempotent."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        try:
            await self._take(request)
            answer = web.Response(text="")
        except _Refusal as refusal:
            answer = web.Response(status=refusal.status, text=f"{refusal}\n", headers=refusal.headers)
        self._metrics.counter("http_requests_total", status=str(answer.status)).value += 1
        if self._stopping:
            answer.force_close()
        return answer

    async def _take(self, request: web.Request) -> None:
        """Return once the alerts are safe. Raises _Refusal."""
        self._check(request)
        body = await self._read(request)
        key = blake2b(body, digest_size=16).digest()
        parcel = self._intake.find(key)
        if parcel is None:
            try:
                parcel = self._intake.put(key, parse(body, time.time()), len(body))
            except BadInput as error:
                raise _Refusal(400, str(error)) from None
        if parcel is None:
            raise _Refusal(503, "too many alerts wait to be safe; come again", _AGAIN)
        try:
            async with asyncio.timeout(self._settings.answer_seconds):
                await parcel.done.wait()
        except TimeoutError:
            raise _Refusal(503, "the alerts are not safe yet; they have ids, so send them again", _AGAIN) from None
        if not parcel.safe:
            raise _Refusal(503, "mozu stops before the alerts are safe; send them again", _AGAIN)

    def _check(self, request: web.Request) -> None:
        if self._stopping:
            raise _Refusal(503, "mozu stops; send the alerts again", _AGAIN)
        if "Origin" in request.headers:
            raise _Refusal(403, "pages in a browser may not send alerts")
        if self._token is not None and not self._knows(request.headers.get("Authorization", "")):
            raise _Refusal(401, "the token is missing or wrong", {"WWW-Authenticate": "Bearer"})
        if request.method != "POST":
            raise _Refusal(405, "alerts are sent with POST", {"Allow": "POST"})
        if (request.content_length or 0) > self._settings.max_bytes:
            raise self._too_large()

    def _knows(self, authorization: str) -> bool:
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
            async with self._readers, asyncio.timeout(_READ_SECONDS):
                return await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise self._too_large() from None
        except TimeoutError:
            raise _Refusal(408, f"the request did not come within {_READ_SECONDS:g} s") from None
        except web.RequestPayloadError:
            raise _Refusal(400, "the request broke off, or cannot be unpacked") from None

    def _too_large(self) -> _Refusal:
        return _Refusal(413, f"a request may have {self._settings.max_bytes} bytes at most")


def _context(settings: FalcoHttpSettings) -> ssl.SSLContext | None:
    """TLS as configured; None: plain."""
    own = settings.tls
    if own.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(own.certificate, own.key, "")
    if own.client_ca is not None:
        context.load_verify_locations(own.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
