"""One TCP connection, plain or TLS, on a socket of our own.

asyncio's transports would hide what decides here: whether the other side has closed (looked at before each send, so
that nothing is written into a dead connection), and how much of what was sent the other side's kernel has confirmed.
"""

import asyncio
import fcntl
import socket
import ssl
import struct
import termios
from typing import Final

from mozu.plugins.sinks.syslog.resolve import connected
from mozu.plugins.sinks.syslog.settings import SyslogSettings

_CHUNK: Final = 1 << 18
_FIRST_LOOK, _LONGEST_LOOK = 0.0002, 0.02
"""Seconds between two looks at what is still unconfirmed."""
_VERDICT: Final = 0.1
"""Seconds within which a TLS 1.3 server says that it refuses our certificate; the handshake is over before it looks."""
_FAREWELL: Final = 1.0
_KEEPALIVE: Final = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))


class SyslogConnection:
    """Made by `open`; after any exception it is good for nothing but `close`."""

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        self._socket, self._timeout = sock, timeout
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    @classmethod
    async def open(cls, settings: SyslogSettings) -> "SyslogConnection":
        """Connect, and shake hands. Raises OSError (ssl.SSLError is one) or TimeoutError."""
        context = await asyncio.to_thread(_context, settings) if settings.transport == "tls" else None
        sock = await connected(settings.host, settings.port_number, socket.SOCK_STREAM, settings.timeout)
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
        """Return when the other side's kernel has confirmed all of it. Raises OSError or TimeoutError."""
        self.look()
        view = memoryview(data)
        for start in range(0, len(view), _CHUNK):
            await self._write(view[start : start + _CHUNK])
        await self._confirmed()
        self.look()

    def look(self) -> None:
        """Take in whatever has arrived. Raises OSError if the other side has closed, or the connection broke."""
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
        """Say goodbye and read until the other side has: closing on unread input would be a reset, which may destroy
        what the other side has not read yet."""
        try:
            async with asyncio.timeout(_FAREWELL):
                if self._tls is not None:
                    self._goodbye(self._tls)
                    await self._flush()
                self._socket.shutdown(socket.SHUT_WR)
                while await asyncio.get_running_loop().sock_recv(self._socket, _CHUNK):
                    pass
        except OSError:
            pass  # it has gone already, or does not answer
        finally:
            self._socket.close()

    def abort(self) -> None:
        """Let go of a connection that has failed."""
        self._socket.close()

    # --- what the other side says

    def _decrypt(self, tls: ssl.SSLObject) -> None:
        """Receivers say nothing; what may come are tickets, alerts and the end."""
        try:
            while tls.read(_CHUNK):
                pass
        except ssl.SSLWantReadError:
            return
        raise ConnectionResetError("the receiver has closed the connection")

    # --- what we say

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

    async def _confirmed(self) -> None:
        """Wait until nothing that was sent is unconfirmed (SIOCOUTQ, tcp(7)); gives up when nothing moves."""
        loop = asyncio.get_running_loop()
        left, pause, deadline = self._unconfirmed(), _FIRST_LOOK, loop.time() + self._timeout
        while left:
            await asyncio.sleep(pause)
            before, left = left, self._unconfirmed()
            pause = min(pause * 2, _LONGEST_LOOK)
            if left < before:
                deadline = loop.time() + self._timeout
            elif loop.time() > deadline:
                raise TimeoutError(f"the receiver has confirmed nothing for {self._timeout:g} s")

    def _unconfirmed(self) -> int:
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
            while not self._shaken(tls):
                await self._flush()
                data = await loop.sock_recv(self._socket, _CHUNK)
                if not data:
                    raise ConnectionResetError("the receiver closed the connection during the TLS handshake")
                self._incoming.write(data)
            await self._flush()
        await asyncio.sleep(max(_VERDICT, 2 * (loop.time() - started)))
        self.look()

    @staticmethod
    def _shaken(tls: ssl.SSLObject) -> bool:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    @staticmethod
    def _goodbye(tls: ssl.SSLObject) -> None:
        try:
            tls.unwrap()
        except ssl.SSLError:
            return  # it wants the other side's goodbye; ours is on its way


def _keep_alive(sock: socket.socket, timeout: float) -> None:
    """Find out about a dead other side, idle (keepalive) or not (user timeout)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(timeout * 1000))


def _context(settings: SyslogSettings) -> ssl.SSLContext:
    """Read anew for each connection: certificates are renewed while mozu runs. Raises OSError."""
    tls = settings.tls
    context = ssl.create_default_context(cafile=tls.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate is not None:
        password = tls.key_password.get_secret_value() if tls.key_password is not None else ""
        context.load_cert_chain(tls.certificate, tls.key, lambda: password)
    return context
