"""A TCP connection, plain or TLS, whose sends wait until the receiver's kernel has acknowledged them (SIOCOUTQ).

It has a socket of its own: asyncio's transports hide if the receiver has closed (checked before each send, so that
nothing is written into a dead connection), and how much of the sent data is not acknowledged yet.
"""

import asyncio
import fcntl
import socket
import ssl
import struct
import termios
from typing import Final

from mozu.core.common.tls import client_context
from mozu.plugins.sinks.syslog.resolve import connect
from mozu.plugins.sinks.syslog.settings import SyslogSettings

_CHUNK: Final = 1 << 18
_MIN_POLL_INTERVAL, _MAX_POLL_INTERVAL = 0.0002, 0.02
"""Shortest and longest seconds between two calls of SIOCOUTQ."""
_TLS_ALERT_WAIT: Final = 0.1
"""Seconds within which a TLS 1.3 server that refuses the client's certificate sends an alert: it verifies the
certificate after the client's part of the handshake is over."""
_CLOSE_TIMEOUT: Final = 1.0
"""Seconds in which the receiver may close its side."""
_KEEPALIVE: Final = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))


class SyslogConnection:
    """Connection made by `open`; after any exception only `close` or `abort` may be called."""

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        self._socket, self._timeout = sock, timeout
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    @classmethod
    async def open(cls, settings: SyslogSettings) -> "SyslogConnection":
        """Connect, with the TLS handshake. Raises OSError (such as ssl.SSLError) or TimeoutError."""
        context = await asyncio.to_thread(_context, settings) if settings.transport == "tls" else None
        sock = await connect(settings.host, settings.port_number, socket.SOCK_STREAM, settings.timeout)
        _keep_alive(sock, settings.timeout)
        made = cls(sock, settings.timeout)
        try:
            if context is not None:
                await made._handshake(context, settings.tls.server_name or settings.host)
        except BaseException:
            sock.close()
            raise
        return made

    async def send(self, data: bytes) -> None:
        """Return when the receiver's kernel has acknowledged all of the data. Raises OSError or TimeoutError."""
        self.check_open()
        view = memoryview(data)
        for start in range(0, len(view), _CHUNK):
            await self._write(view[start : start + _CHUNK])
        await self._until_acked()
        self.check_open()

    def check_open(self) -> None:
        """Read and drop received data. Raises OSError if the receiver has closed, or the connection broke."""
        while True:
            try:
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                return
            if not data:
                raise ConnectionResetError("the receiver has closed the connection")
            if self._tls is not None:
                self._incoming.write(data)
                self._decrypt(self._tls)

    async def close(self) -> None:
        """Shut down and read until the receiver has, too: close(2) with unread input sends RST, which may destroy data
        that the receiver's program has not read yet."""
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                if self._tls is not None:
                    self._send_close_notify(self._tls)
                    await self._flush()
                self._socket.shutdown(socket.SHUT_WR)
                while await asyncio.get_running_loop().sock_recv(self._socket, _CHUNK):
                    pass
        except OSError:
            pass  # the receiver has gone already, or does not answer
        finally:
            self._socket.close()

    def abort(self) -> None:
        """Close a failed connection at once."""
        self._socket.close()

    # --- receiving

    def _decrypt(self, tls: ssl.SSLObject) -> None:
        """Let TLS process received data (session tickets, alerts), and drop it.

        Raises ConnectionResetError if the receiver has closed (close_notify).
        """
        try:
            while tls.read(_CHUNK):
                pass
        except ssl.SSLWantReadError:
            return
        raise ConnectionResetError("the receiver has closed the connection")

    # --- sending

    async def _write(self, data: memoryview) -> None:
        async with asyncio.timeout(self._timeout):
            if self._tls is None:
                await asyncio.get_running_loop().sock_sendall(self._socket, data)
                return
            while data:
                data = data[self._tls.write(data) :]
            await self._flush()

    async def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def _until_acked(self) -> None:
        """Wait until all sent data is acknowledged (SIOCOUTQ, tcp(7)). Raises TimeoutError without progress."""
        loop = asyncio.get_running_loop()
        left, interval, deadline = self._unacked(), _MIN_POLL_INTERVAL, loop.time() + self._timeout
        while left:
            await asyncio.sleep(interval)
            before, left = left, self._unacked()
            interval = min(interval * 2, _MAX_POLL_INTERVAL)
            if left < before:
                deadline = loop.time() + self._timeout
            elif loop.time() > deadline:
                raise TimeoutError(f"the receiver has acknowledged nothing for {self._timeout:g} s")

    def _unacked(self) -> int:
        failure = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, "the connection broke")
        return int(struct.unpack("i", fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0])

    # --- TLS

    async def _handshake(self, context: ssl.SSLContext, name: str) -> None:
        tls = self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with asyncio.timeout(self._timeout):
            while not self._step_handshake(tls):
                await self._flush()
                data = await loop.sock_recv(self._socket, _CHUNK)
                if not data:
                    raise ConnectionResetError("the receiver closed the connection during the TLS handshake")
                self._incoming.write(data)
            await self._flush()
        await asyncio.sleep(max(_TLS_ALERT_WAIT, 2 * (loop.time() - started)))
        self.check_open()

    @staticmethod
    def _step_handshake(tls: ssl.SSLObject) -> bool:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    @staticmethod
    def _send_close_notify(tls: ssl.SSLObject) -> None:
        try:
            tls.unwrap()
        except ssl.SSLError:
            return  # it waits for the receiver's close_notify; ours is sent


def _keep_alive(sock: socket.socket, timeout: float) -> None:
    """Detect a dead receiver: while idle by TCP keepalive, else by TCP_USER_TIMEOUT."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(timeout * 1000))


def _context(settings: SyslogSettings) -> ssl.SSLContext:
    """Return the TLS context, read for each connection, because certificates are renewed while mozu runs. Raises
    OSError."""
    try:
        return client_context(settings.tls)
    except ValueError as error:
        raise OSError(str(error)) from None
