"""Messages over TCP or TLS: reconnects, and resends the last messages after a broken connection."""

import asyncio
from collections import deque
from collections.abc import Sequence
from logging import Logger
from typing import Final

from mozu.core.api import Metrics
from mozu.plugins.sinks.syslog.connection import SyslogConnection
from mozu.plugins.sinks.syslog.settings import SyslogSettings

_POLL_INTERVAL: Final = 1.0
"""Seconds between two checks of an idle connection."""


class SyslogStream:
    """Stream acknowledged by TCP, which proves that the receiver's kernel has a message, but not that its program has
    read it.

    Syslog has no acknowledgement of its own. The last messages are therefore kept, and resent with their ids after a
    connection that the receiver ended: it may have died with messages unread.
    """

    def __init__(self, settings: SyslogSettings, log: Logger, metrics: Metrics) -> None:
        self._settings, self._log = settings, log
        self._frame = _octet_counted if settings.framing == "octets" else _line_ended
        self._connection: SyslogConnection | None = None
        self._recent: deque[bytes] = deque(maxlen=settings.resend)
        self._resend_due = False
        """True if the connection broke over which the recent messages were sent."""
        self._lock = asyncio.Lock()
        self._resent = metrics.counter("sink_alerts_resent_total")

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send all messages. Raises OSError or TimeoutError."""
        if not messages:
            return
        frames = [self._frame(message) for message in messages]
        async with self._lock:
            try:
                connection = await self._connected()
                await connection.send(b"".join(frames))
            except BaseException:
                self._abort()
                raise
            self._recent.extend(frames)

    async def connect(self) -> None:
        """Connect if not connected. Raises OSError."""
        async with self._lock:
            await self._connected()

    async def watch(self) -> None:
        """Notice a connection that breaks while there is nothing to send, and resend messages that it may have lost."""
        while True:
            await asyncio.sleep(_POLL_INTERVAL)
            async with self._lock:
                try:
                    self._check_open()
                    if self._resend_due:
                        await self._connected()
                except OSError as error:
                    self._abort()
                    self._log.debug("%s", error)

    async def stop(self) -> None:
        """Close in order. Raises OSError if messages that a broken connection may have lost cannot be resent."""
        async with self._lock:
            self._check_open()
            connection = await self._connected() if self._resend_due else self._connection
            self._connection = None
            if connection is not None:
                await connection.close()

    async def _connected(self) -> SyslogConnection:
        if self._connection is None:
            self._connection = await SyslogConnection.open(self._settings)
            self._log.info("connected to %s, port %d", self._settings.host, self._settings.port_number)
            if self._resend_due:
                await self._connection.send(b"".join(self._recent))
                self._resend_due = False
                self._resent.value += len(self._recent)
                self._log.warning("the last %d messages were resent: the connection broke", len(self._recent))
        return self._connection

    def _check_open(self) -> None:
        try:
            if self._connection is not None:
                self._connection.check_open()
        except OSError as error:
            self._log.warning("%s", error)
            self._abort()

    def _abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
            self._resend_due = bool(self._recent)


def _octet_counted(message: bytes) -> bytes:
    return b"%d %s" % (len(message), message)


def _line_ended(message: bytes) -> bytes:
    return message + b"\n"
