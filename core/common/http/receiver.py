"""A receiver: an HTTP server that authorizes, limits and reads, and responds once what was sent is safe, with one
sentence if not."""

import asyncio
import base64
import binascii
import errno
import hmac
import math
import ssl
from collections import Counter as Multiset
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Final, Generic, TypeVar

from aiohttp import HttpVersion11, web

from mozu.core.api import Dropped, Metrics, Obstacle
from mozu.core.common.http.allowance import Allowance
from mozu.core.common.http.http_protocol import HttpServer
from mozu.core.common.http.listener import ConnectionLimits, Listener, try_bind
from mozu.core.common.http.receiver_settings import ReceiverSettings
from mozu.core.common.http.request_queue import RequestBatch, RequestQueue
from mozu.core.common.tls import server_context

_MAX_READ_BYTES: Final = 64 << 20
"""Most bytes of all incomplete bodies together; bounds memory."""
_SHUTDOWN_TIMEOUT: Final = 2.0
_LINGERING: Final = 2.0
"""Seconds for which aiohttp continues to read after a response that was sent before the body's end."""
_RETRY_AFTER: Final = {"Retry-After": "1"}
_NO_ROOM: Final = {"Retry-After": "10"}
T = TypeVar("T")

_ANONYMOUS: Final = ""
"""Name of all clients if no token is required."""


def why_not_listening(settings: ReceiverSettings, error: OSError) -> str:
    """Return a sentence with the remedy for an error of a receiver's start."""
    reason = getattr(error, "reason", None) or error.strerror or error
    return (
        f"cannot listen on {settings.listen}: {reason}; change `listen` or `tls`, "
        f"or stop what holds the port{settings.PORT_HINT}"
    )


def listen_obstacles(settings: ReceiverSettings) -> Sequence[Obstacle]:
    """Return an obstacle if the certificates cannot be used, or the address is not free."""
    try:
        server_context(settings.tls)
        try_bind(settings.address())
    except OSError as error:
        return [Obstacle(why_not_listening(settings, error), refuses=True, held=error.errno == errno.EADDRINUSE)]
    return []


class _HttpError(Exception):
    """Response other than 200. `reason` labels the counter of refused requests."""

    def __init__(self, status: int, reason: str, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.reason, self.headers = status, reason, headers


class Receiver(Generic[T]):
    """HTTP server that responds to a request once the queue has acknowledged its items. `parse` returns the items of a
    body, or raises ValueError with one sentence."""

    def __init__(
        self,
        settings: ReceiverSettings,
        requests: RequestQueue[T],
        parse: Callable[[bytes], Sequence[T]],
        metrics: Metrics,
    ) -> None:
        self._settings, self._requests, self._parse, self._metrics = settings, requests, parse, metrics
        self._noun = settings.NOUN
        self._tokens: dict[str, bytes] = {}
        self._allowances: dict[str, Allowance] = {}
        self._tls: ssl.SSLContext | None = None
        self._allow(settings, fresh=True)
        self._read_bytes = 0
        self._stopping = False
        self._runner: web.ServerRunner | None = None
        self._listener: Listener | None = None
        self.port = 0
        """The port on which it listens."""
        metrics.gauge("http_connections", lambda: float(self._listener.count() if self._listener else 0))

    @property
    def url(self) -> str:
        """The URL at which clients reach it, without a path."""
        scheme = "http" if self._settings.tls.certificate is None else "https"
        return f"{scheme}://{self._settings.address().host}:{self.port}"

    async def open(self) -> None:
        """Listen. Raises OSError, such as ssl.SSLError if a certificate cannot be used."""
        tls = self._tls = server_context(self._settings.tls)
        protocol = HttpServer(self._handle, self._count_malformed, access_log=None, lingering_time=_LINGERING)
        self._runner = web.ServerRunner(protocol, shutdown_timeout=_SHUTDOWN_TIMEOUT)
        await self._runner.setup()
        most = self._settings
        limits = ConnectionLimits(most.max_connections, most.max_connections_per_peer, most.read_timeout)
        self._listener = Listener(most.address(), limits, protocol, self._count_refused)
        try:
            await self._listener.open(tls)
        except BaseException:
            await self.close()
            raise
        self.port = self._listener.port

    def change(self, settings: ReceiverSettings) -> None:
        """Use other tokens and limits from the next request on, and the present certificate from the next connection
        on. Raises OSError if the certificate cannot be used."""
        if self._tls is not None and settings.tls.certificate is not None:
            server_context(settings.tls)  # which fails before the one in use is touched
            self._tls.load_cert_chain(settings.tls.certificate, settings.tls.key, "")
        limits = (settings.rate, settings.quota)
        self._allow(settings, fresh=limits != (self._settings.rate, self._settings.quota))
        self._settings = settings

    def _allow(self, settings: ReceiverSettings, *, fresh: bool) -> None:
        """Allow these clients, with fresh allowances or those that they have."""
        self._tokens = settings.secrets()
        before = {} if fresh else self._allowances
        self._allowances = {
            name: before.get(name) or Allowance(settings.rate, settings.quota) for name in self._tokens or [_ANONYMOUS]
        }

    async def refuse(self) -> None:
        """Accept no more connections, and no more requests on existing ones."""
        self._stopping = True
        if self._listener is not None:
            await self._listener.stop()

    async def close(self) -> None:
        """Finish responses and close. Idempotent."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        listener, self._listener = self._listener, None
        if listener is not None:
            await listener.close()

    def _count_refused(self, reason: str) -> None:
        self._metrics.counter("http_refused_total", reason=reason).value += 1

    def _count_malformed(self) -> None:
        self._count_refused("malformed")
        self._metrics.counter("http_requests_total", status="400").value += 1

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        connection = self._listener.find(request.protocol) if self._listener is not None else None
        if connection is not None:
            connection.request_begun()
        try:
            response = web.Response(text=await self._take(request))
        except _HttpError as error:
            self._count_refused(error.reason)
            response = web.Response(status=error.status, text=f"{error}\n", headers=error.headers)
        finally:
            if connection is not None:
                connection.request_done()
        self._metrics.counter("http_requests_total", status=str(response.status)).value += 1
        if self._stopping:
            response.force_close()
        return response

    async def _take(self, request: web.BaseRequest) -> str:
        """Return once the items are safe, with the text of the response. Raises _HttpError."""
        allowance = self._allowances[self._check(request)]
        self._check_allowance(allowance)
        await _continue(request)
        body = await self._read(request)
        key = blake2b(body, digest_size=16).digest()
        batch = self._requests.find(key)
        if batch is None:
            batch = self._put(key, body, allowance)
        try:
            async with asyncio.timeout(self._settings.response_timeout):
                await batch.done.wait()
        except TimeoutError:
            text = f"the {self._noun} are not safe yet; they have ids, so send them again"
            raise _HttpError(503, "not safe in time", text, _RETRY_AFTER) from None
        if not batch.acked:
            text = f"mozu stops before the {self._noun} are safe; send them again"
            raise _HttpError(503, "stopping", text, _RETRY_AFTER)
        return self._report(batch)

    def _put(self, key: bytes, body: bytes, allowance: Allowance) -> RequestBatch[T]:
        try:
            items = self._parse(body)
        except ValueError as error:
            allowance.take(1)
            raise _HttpError(400, "invalid", str(error)) from None
        batch = self._requests.put(key, items, len(body))
        if batch is None:
            raise _HttpError(503, "pending", f"too many {self._noun} are pending; send them again", _RETRY_AFTER)
        allowance.take(len(items))
        return batch

    # --- who, and how much

    def _check(self, request: web.BaseRequest) -> str:
        """Return the client's name after a check of the headers. Raises _HttpError."""
        if self._stopping:
            raise _HttpError(503, "stopping", f"mozu stops; send the {self._noun} again", _RETRY_AFTER)
        if "Origin" in request.headers:
            raise _HttpError(403, "browser", f"pages in a browser may not send {self._noun}")
        client = self._client(request.headers.get("Authorization", "")) if self._tokens else _ANONYMOUS
        if client is None:
            raise _HttpError(401, "token", "the token is missing or wrong", {"WWW-Authenticate": "Bearer"})
        if self._listener is not None and (connection := self._listener.find(request.protocol)) is not None:
            self._listener.authorized(connection)
        if request.method != "POST":
            raise _HttpError(405, "method", f"{self._noun} are sent with POST", {"Allow": "POST"})
        if (request.content_length or 0) > self._settings.max_bytes:
            raise self._too_large()
        return client

    def _client(self, authorization: str) -> str | None:
        """Return the name of the token's client; the token is a bearer, or the password in a URL. None if unknown."""
        scheme, _, credentials = authorization.partition(" ")
        given = credentials.strip().encode("utf-8", "surrogateescape")
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).partition(b":")[2]
            except binascii.Error:
                return None
        elif scheme.lower() != "bearer":
            return None
        same = [name for name, token in self._tokens.items() if hmac.compare_digest(given, token)]
        return same[0] if same else None

    def _check_allowance(self, allowance: Allowance) -> None:
        refused = allowance.refusal()
        if refused is not None:
            reason, seconds = refused
            text = f"this client has used up its {reason} of {self._noun}; send them again later"
            raise _HttpError(429, reason, text, {"Retry-After": str(max(1, math.ceil(seconds)))})

    # --- the body

    async def _read(self, request: web.BaseRequest) -> bytes:
        """Return the body, unpacked. A slow client holds only its own connection and data, and delays no other."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.read_timeout):
                async for chunk in request.content.iter_any():
                    body += chunk
                    self._read_bytes += len(chunk)
                    if len(body) > self._settings.max_bytes:
                        raise self._too_large()
                    if self._read_bytes > _MAX_READ_BYTES:
                        text = "too many requests are being read; send it again"
                        raise _HttpError(503, "reading", text, _RETRY_AFTER)
        except TimeoutError:
            text = f"the request did not come within {self._settings.read_timeout:g} s"
            raise _HttpError(408, "body late", text) from None
        except web.RequestPayloadError:
            raise _HttpError(400, "broken", "the request broke off, or cannot be unpacked") from None
        except ConnectionError:
            raise _HttpError(400, "broken", "the request broke off") from None
        finally:
            self._read_bytes -= len(body)
        return bytes(body)

    def _report(self, batch: RequestBatch[T]) -> str:
        """Return the text of a 200: empty, or the items dropped by policy. Raises _HttpError if sending again may
        help."""
        if not batch.dropped:
            return ""
        again = [one for one in batch.dropped if one.can_retry]
        text = f"{len(batch.dropped)} of {len(batch.items)} {self._noun} were dropped: {_reasons(batch.dropped)}"
        if again:
            raise _HttpError(503, "dropped", f"{text}; send them all again, they have ids", _NO_ROOM)
        return f"{text}\n"

    def _too_large(self) -> _HttpError:
        return _HttpError(413, "too large", f"a request may have {self._settings.max_bytes} bytes at most")


async def _continue(request: web.BaseRequest) -> None:
    """Send 100 Continue to a client that waits for it before the body (RFC 9110, 10.1.1), as curl does for large
    ones."""
    expected = request.headers.get("Expect", "")
    if not expected or request.version < HttpVersion11:
        return
    if expected.lower() != "100-continue":
        raise _HttpError(417, "expectation", "no expectation but 100-continue can be met")
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0


def _reasons(dropped: Sequence[Dropped]) -> str:
    counts: Iterable[tuple[str, int]] = Multiset(one.reason for one in dropped).most_common()
    return ", ".join(f"{count} ({reason})" for reason, count in counts)
