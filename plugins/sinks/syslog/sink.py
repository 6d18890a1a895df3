"""The sink `syslog`: messages from a formatter to a transport (datagrams or a stream)."""

from collections.abc import Sequence

from mozu.core.api import ChecksDestination, ChecksStart, Context, Obstacle, Outcome, Record
from mozu.core.common.file_access import why_no_socket
from mozu.core.common.tls import client_context
from mozu.plugins.sinks.syslog.datagrams import Datagrams
from mozu.plugins.sinks.syslog.message import Formatter
from mozu.plugins.sinks.syslog.settings import SyslogSettings
from mozu.plugins.sinks.syslog.stream import SyslogStream


class SyslogSink(ChecksStart, ChecksDestination):
    """Sink that connects when there is something to send; retry and back-off are the core's
    (core/delivery/sink_worker.py)."""

    def __init__(self, settings: SyslogSettings, context: Context) -> None:
        self._settings, self._formatter = settings, Formatter(settings)
        self._transport: Datagrams | SyslogStream
        if settings.transport in ("tcp", "tls"):
            self._transport = stream = SyslogStream(settings, context.log, context.metrics)
            if context.spawn is not None and settings.resend:
                context.spawn(stream.watch(), f"watch {context.id}")
        else:
            self._transport = Datagrams(settings)

    def obstacles(self) -> Sequence[Obstacle]:
        """Return an obstacle if the local daemon does not listen, or the certificates cannot be used."""
        if self._settings.transport == "local":
            reason = why_no_socket(self._settings.path)
            return [] if reason is None else [Obstacle(f"{reason}; start a syslog daemon, or set `path`")]
        if self._settings.transport == "tls":
            try:
                client_context(self._settings.tls)
            except ValueError as error:
                return [Obstacle(str(error))]
        return []

    async def start(self) -> None:
        """Do nothing: an absent receiver is noticed with the first alert."""

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome] | None:
        """Send the records. Raises OSError or TimeoutError."""
        return await self._transport.send([self._formatter.format(record) for record in records])

    async def check(self) -> str | None:
        """Return the reason for which the receiver cannot be reached; None if it can. Over UDP only the name is
        resolved."""
        try:
            await self._transport.connect()
        except OSError as error:  # ssl.SSLError and TimeoutError are OSErrors
            return f"{self._settings.destination} cannot be reached: {error.strerror or error or 'no answer in time'}"
        return None

    async def stop(self) -> None:
        """Close the socket."""
        await self._transport.stop()
