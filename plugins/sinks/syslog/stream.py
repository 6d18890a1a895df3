"""Messages over a connection that is made anew whenever it breaks."""

import asyncio
from collections import deque
from collections.abc import Sequence
from logging import Logger
from typing import Final

from mozu.core.api import Metrics
from mozu.plugins.sinks.syslog.connection import SyslogConnection
from mozu.plugins.sinks.syslog.settings import SyslogSettings

_LOOK_EVERY: Final = 1.0
"""Seconds between two looks at a connection that has nothing to do."""


class SyslogStream:
    """Confirms by TCP, which proves that the receiver's kernel has a message and not that its program has read it.

    Syslog has no acknowledgement of its own. So the last messages are kept, and sent again after a connection that the
    receiver ended: it may have died with messages unread. They have the ids they had.
    """

    def __init__(self, settings: SyslogSettings, log: Logger, metrics: Metrics) -> None:
        self._settings, self._log = settings, log
        self._frame = _counted if settings.framing == "octets" else _line
        self._connection: SyslogConnection | None = None
        self._recent: deque[bytes] = deque(maxlen=settings.resend)
        self._owed = False
        """The connection that carried the recent ones broke."""
        self._one_at_a_time = asyncio.Lock()
        self._resent = metrics.counter("sink_alerts_resent_total")

    async def send(self, messages: Sequence[bytes]) -> None:
        """All of them, or an exception: OSError, TimeoutError."""
        if not messages:
            return
        frames = [self._frame(message) for message in messages]
        async with self._one_at_a_time:
            try:
                connection = await self._connected()
                await connection.send(b"".join(frames))
            except BaseException:
                self._abort()
                raise
            self._recent.extend(frames)

    async def keep(self) -> None:
        """Notice a connection that breaks while there is nothing to send, and send again what it may have lost."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            async with self._one_at_a_time:
                try:
                    self._notice()
                    if self._owed:
                        await self._connected()
                except OSError as error:
                    self._abort()
                    self._log.debug("%s", error)

    async def stop(self) -> None:
        """Close in good order. Raises OSError if what a broken connection may have lost cannot be sent again."""
        async with self._one_at_a_time:
            self._notice()
            connection = await self._connected() if self._owed else self._connection
            self._connection = None
            if connection is not None:
                await connection.close()

    async def _connected(self) -> SyslogConnection:
        if self._connection is None:
            self._connection = await SyslogConnection.open(self._settings)
            self._log.info("connected to %s, port %d", self._settings.host, self._settings.port_number)
            if self._owed:
                await self._connection.send(b"".join(self._recent))
                self._owed = False
                self._resent.value += len(self._recent)
                self._log.warning("the last %d messages were sent again: the connection broke", len(self._recent))
        return self._connection

    def _notice(self) -> None:
        try:
            if self._connection is not None:
                self._connection.look()
        except OSError as error:
            self._log.warning("%s", error)
            self._abort()

    def _abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
            self._owed = bool(self._recent)


def _counted(message: bytes) -> bytes:
    return b"%d %s" % (len(message), message)


def _line(message: bytes) -> bytes:
    return message + b"\n"
