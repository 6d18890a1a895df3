"""A client's connection with a limited time for the headers of a request; aiohttp's protocol does the rest."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from socket import SHUT_RDWR, socket
from typing import Final, cast

_IDLE_TIMEOUT: Final = 75.0
"""Seconds between two requests of a connection that is kept alive."""
_TOO_LATE: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class ClientConnection(asyncio.Protocol):
    """A connection that begins with the accepted socket: the TLS handshake belongs to it. `on_closed` is called
    once."""

    def __init__(
        self,
        accepted: socket,
        peer: str,
        inner: asyncio.Protocol,
        *,
        header_timeout: float,
        on_late: Callable[[], None],
        on_closed: Callable[["ClientConnection"], None],
    ) -> None:
        self.peer, self.inner = peer, inner
        self._socket: socket | None = accepted
        self._header_timeout, self._on_late, self._on_closed = header_timeout, on_late, on_closed
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_idle = self._closed = False

    # --- the requests on it

    def request_begun(self) -> None:
        """Note that the headers of a request have arrived."""
        self._is_idle = False
        self._disarm()

    def request_done(self) -> None:
        """Note the end of a request: the next one may begin late, but its headers must then arrive in time."""
        self._is_idle = True
        self._arm(_IDLE_TIMEOUT)

    def abort(self) -> None:
        """Close the connection immediately, in any state."""
        if self._transport is not None:
            self._transport.abort()
        elif self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(SHUT_RDWR)  # the handshake under way reads the end, and closes the socket
        self.closed()

    def closed(self) -> None:
        """Note that the connection has ended, or was never made. Idempotent."""
        self._disarm()
        if not self._closed:
            self._closed = True
            self._on_closed(self)

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the timer: the handshake, if there is one, has succeeded."""
        self._transport, self._socket = cast(asyncio.Transport, transport), None  # uvloop's is of no class of asyncio
        if self._closed:
            self._transport.abort()
        self.inner.connection_made(transport)
        self._arm(self._header_timeout)

    def data_received(self, data: bytes) -> None:
        """Start the time for the headers at the first bytes of a further request, and pass the bytes on."""
        if self._is_idle:
            self._is_idle = False
            self._arm(self._header_timeout)
        self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass the end of the input on."""
        return self.inner.eof_received()

    def pause_writing(self) -> None:
        """Pass the pause on."""
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass the resumption on."""
        self.inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass the end of the connection on."""
        self.inner.connection_lost(exc)
        self.closed()

    # --- the timer

    def _arm(self, seconds: float) -> None:
        self._disarm()
        if not self._closed:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._expired)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expired(self) -> None:
        transport = self._transport
        if not self._is_idle:
            self._on_late()
            if transport is not None and transport.get_extra_info("ssl_object") is None and not transport.is_closing():
                transport.write(_TOO_LATE)
                transport.close()
                self._timer = asyncio.get_running_loop().call_later(1.0, self.abort)
                return
        self.abort()
