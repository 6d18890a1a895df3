"""The Kubernetes API over HTTP: single objects, lists in pages, watches line by line (aiohttp)."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar
from weakref import WeakSet

import aiohttp
import msgspec

from mozu.core.common.control_chars import visible
from mozu.plugins.enrichers.kubernetes.answers import RequestRefused, ServerUnreachable, VersionExpired
from mozu.plugins.enrichers.kubernetes.credentials import Credentials
from mozu.plugins.enrichers.kubernetes.objects import D, Metadata, Page, Status
from mozu.plugins.enrichers.kubernetes.resources import Resource

T = TypeVar("T")

_PAGE: Final = 250
"""Objects per page."""
_MAX_BODY: Final = 64 << 20
_MAX_LINE: Final = 8 << 20
"""Most bytes of a line; etcd accepts objects of 1.5 MiB by default."""
_EXCERPT: Final = 200
_CLOSE_SECONDS: Final = 1.0
_JSON: Final = "application/json"
_AS_METADATA: Final = f"{_JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_AS_METADATA_LIST: Final = f"{_JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_KEEPALIVE: Final = {socket.TCP_KEEPIDLE: 15, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3}
"""TCP keepalive with which a server that has silently gone is noticed within 30 s, although a watch may be silent for
longer."""


class KubernetesApi:
    """Client of one server, which must answer within `seconds`."""

    def __init__(self, credentials: Credentials, seconds: float) -> None:
        self._credentials, self._seconds = credentials, seconds
        self._session: aiohttp.ClientSession | None = None
        self._sockets: WeakSet[socket.socket] = WeakSet()

    async def close(self) -> None:
        """Close all connections, including those that TLS would keep open for the server's close_notify. Idempotent."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        for one in self._sockets:
            with suppress(OSError):  # it is closed, or was never connected
                one.shutdown(socket.SHUT_RDWR)
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                while any(one.fileno() >= 0 for one in self._sockets):  # noqa: ASYNC110  no event reports it
                    await asyncio.sleep(0.005)

    async def get(self, resource: Resource, namespace: str, name: str) -> Metadata | None:
        """Return one object; None if there is none. Raises NoAccess, ServerUnreachable, RequestRefused."""
        accept = _AS_METADATA if resource.metadata_only else _JSON
        try:
            async with self._request(resource.path_of(namespace, name), {}, accept) as response:
                return _decoded(await self._body(response), Metadata)
        except RequestRefused as error:
            if error.status == 404:
                return None
            raise

    async def pages(self, resource: Resource, kind: type[D], selector: str) -> AsyncIterator[Page[D]]:
        """Yield all objects in pages of one moment. Raises the errors of `get`, and VersionExpired if it takes too
        long."""
        parameters = {"limit": str(_PAGE), **_selected(selector)}
        while True:
            page = await self._page(resource, kind, parameters)
            yield page
            if not page.metadata.continue_:
                return
            parameters["continue"] = page.metadata.continue_

    async def version(self, resource: Resource) -> str:
        """Return the present resource version, from which a watch misses nothing."""
        return (await self._page(resource, Metadata, {"limit": "1"})).metadata.resource_version

    async def _page(self, resource: Resource, kind: type[D], parameters: Mapping[str, str]) -> Page[D]:
        accept = _AS_METADATA_LIST if resource.metadata_only else _JSON
        async with self._request(resource.path, parameters, accept) as response:
            return _decoded(await self._body(response), Page[kind])  # type: ignore[valid-type]  # made at run time

    @asynccontextmanager
    async def watch(
        self, resource: Resource, version: str, selector: str, seconds: int
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yield changes since a version, each a JSON line, until the server ends the watch. Raises the errors of
        `pages`."""
        parameters = {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
            **_selected(selector),
        }
        accept = _AS_METADATA if resource.metadata_only else _JSON
        async with self._request(resource.path, parameters, accept, seconds + self._seconds) as response:
            yield _lines(response)

    @asynccontextmanager
    async def _request(
        self, path: str, parameters: Mapping[str, str], accept: str, seconds: float | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and yield the response. `seconds`: for the whole exchange, None for the setting."""
        access, tls = await self._credentials.current()
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        if access.token:
            headers["Authorization"] = f"Bearer {access.token}"
        timeout = aiohttp.ClientTimeout(total=seconds or self._seconds, sock_connect=self._seconds)
        try:
            async with self._open().get(
                f"{access.server}{path}",
                params=parameters,
                headers=headers,
                timeout=timeout,
                ssl=True if tls is None else tls,
                server_hostname=access.server_name or None,
                allow_redirects=False,
            ) as response:
                try:
                    if response.status != 200:
                        raise await self._refusal(response)
                    yield response
                finally:
                    _abort_unread(response)
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            raise ServerUnreachable(_phrase(error, self._seconds)) from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, resolver=aiohttp.ThreadedResolver(), socket_factory=self._socket)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Return a socket for an entry of getaddrinfo."""
        family, kind, protocol, *_ = info
        made = socket.socket(family, kind, protocol)
        self._sockets.add(made)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE.items():
            made.setsockopt(socket.IPPROTO_TCP, option, value)
        return made

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > _MAX_BODY:
                raise ServerUnreachable(f"its answer exceeds {_MAX_BODY} bytes")
        return bytes(body)

    async def _refusal(self, response: aiohttp.ClientResponse) -> RequestRefused:
        message = ""
        with suppress(ServerUnreachable, msgspec.DecodeError):
            message = msgspec.json.decode(await self._body(response), type=Status).message
        kind = VersionExpired if response.status == VersionExpired.CODE else RequestRefused
        return kind(response.status, visible(message)[:_EXCERPT])


def _abort_unread(response: aiohttp.ClientResponse) -> None:
    """Close the connection of an unfinished answer at once: TLS would wait for the server's close_notify."""
    connection = response.connection
    if connection is not None and connection.transport is not None and not response.content.at_eof():
        connection.transport.abort()


def _selected(selector: str) -> dict[str, str]:
    return {"fieldSelector": selector} if selector else {}


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise ServerUnreachable(f"its answer is none of the Kubernetes API: {error}") from error


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    rest = bytearray()
    async for piece in response.content.iter_any():
        rest += piece
        if b"\n" in piece:
            *lines, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            for line in lines:
                if line:
                    yield line
        if len(rest) > _MAX_LINE:
            raise ServerUnreachable(f"a line of its watch exceeds {_MAX_LINE} bytes")


def _phrase(error: Exception, seconds: float) -> str:
    """Return a phrase for the exception, whose own text may contain the whole URL."""
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:g} s"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
        text = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else type(cause).__name__
        return f"its certificate is refused: {text}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection: {error.os_error.strerror or error.os_error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"the connection broke ({type(error).__name__})"
