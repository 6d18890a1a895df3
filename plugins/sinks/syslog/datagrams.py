"""Syslog messages, one per datagram: the local daemon's socket, and UDP. There is no acknowledgement."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Final

from mozu.core.api import Outcome, Retry
from mozu.plugins.sinks.syslog.resolve import connect
from mozu.plugins.sinks.syslog.settings import SyslogSettings

_RESOLVE_INTERVAL: Final = 300.0
"""Seconds after which a host name is resolved again."""


class Datagrams:
    """Sender on a connected socket, so that a refusal (ICMP port unreachable, a daemon that has gone) is an error."""

    def __init__(self, settings: SyslogSettings) -> None:
        self._settings = settings
        self._socket: socket.socket | None = None
        self._since = 0.0

    async def send(self, messages: Sequence[bytes]) -> Sequence[Outcome] | None:
        """Send the messages in order. Raises OSError if the first was refused; else returns the outcome of each, None
        for all sent."""
        sock = await self._connected()
        done = 0
        try:
            for message in messages:
                await self._one(sock, message)
                done += 1
            refused = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if refused:
                raise OSError(refused, f"{self._settings.host} refused a datagram")
        except OSError:
            self._close()
            if not done or done == len(messages) or self._settings.transport == "udp":
                raise  # UDP: the refusal is of an earlier datagram, and ICMP does not say of which
            return [None] * done + [Retry()] + [Retry(tried=False)] * (len(messages) - done - 1)
        return None

    async def connect(self) -> None:
        """Make the socket if there is none. Raises OSError."""
        await self._connected()

    async def stop(self) -> None:
        """Close the socket; nothing is buffered."""
        self._close()

    async def _one(self, sock: socket.socket, message: bytes) -> None:
        try:
            sock.send(message)
        except BlockingIOError:  # the daemon reads slower than we write
            async with asyncio.timeout(self._settings.timeout):
                await asyncio.get_running_loop().sock_sendall(sock, message)

    async def _connected(self) -> socket.socket:
        now = asyncio.get_running_loop().time()
        if self._socket is not None and (now - self._since < _RESOLVE_INTERVAL or self._settings.transport == "local"):
            return self._socket
        fresh = await self._connect()
        self._close()
        self._socket, self._since = fresh, now
        return fresh

    async def _connect(self) -> socket.socket:
        settings = self._settings
        if settings.transport == "udp":
            return await connect(settings.host, settings.port_number, socket.SOCK_DGRAM, settings.timeout)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.setblocking(False)
        try:
            sock.connect(str(settings.path))
        except OSError as error:
            sock.close()
            raise OSError(error.errno, f"{settings.path}: {error.strerror}") from None
        return sock

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
