"""Messages over a connection that is made anew whenever it breaks."""

from collections import deque
from collections.abc import Sequence
from logging import Logger

from mozu.core import Metrics
from mozu.plugins.sinks.syslog.connection import Connection
from mozu.plugins.sinks.syslog.settings import SyslogSettings


class Stream:
    """Confirms by TCP, which proves that the receiver's kernel has a message and not that its program has read it.

    Syslog has no acknowledgement of its own. So the last messages are kept, and sent again after a connection that the
    receiver ended: it may have died with messages unread. They have the ids they had.
    """

    def __init__(self, settings: SyslogSettings, log: Logger, metrics: Metrics) -> None:
        self._settings, self._log = settings, log
        self._frame = _counted if settings.framing == "octets" else _line
        self._connection: Connection | None = None
        self._recent: deque[bytes] = deque(maxlen=settings.resend)
        self._resent = metrics.counter("sink_alerts_resent_total")

    async def send(self, messages: Sequence[bytes]) -> None:
        """All of them, or an exception: OSError, TimeoutError."""
        if not messages:
            return
        frames = [self._frame(message) for message in messages]
        try:
            connection = self._connection
            if connection is None:
                connection = self._connection = await self._open()
            await connection.send(b"".join(frames))
        except BaseException:
            self._abort()
            raise
        self._recent.extend(frames)

    async def stop(self) -> None:
        """Close in good order."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _open(self) -> Connection:
        connection = await Connection.open(self._settings)
        try:
            if self._recent:
                self._log.warning("connected again: the last %d messages are sent once more", len(self._recent))
                await connection.send(b"".join(self._recent))
                self._resent.value += len(self._recent)
        except BaseException:
            connection.abort()
            raise
        return connection

    def _abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()
            self._connection = None


def _counted(message: bytes) -> bytes:
    return b"%d %s" % (len(message), message)


def _line(message: bytes) -> bytes:
    return message + b"\n"
