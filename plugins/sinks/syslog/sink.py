"""The sink `syslog`: messages from a formatter to a transport (datagrams, or a stream)."""

from collections.abc import Sequence

from mozu.core.api import Context, Outcome, Record
from mozu.plugins.sinks.syslog.datagrams import Datagrams
from mozu.plugins.sinks.syslog.message import Formatter
from mozu.plugins.sinks.syslog.settings import SyslogSettings
from mozu.plugins.sinks.syslog.stream import SyslogStream


class SyslogSink:
    """Connects when there is something to send; retry and back-off are the core's (core/delivery/sink_worker.py)."""

    def __init__(self, settings: SyslogSettings, context: Context) -> None:
        self._formatter = Formatter(settings)
        self._transport: Datagrams | SyslogStream
        if settings.transport in ("tcp", "tls"):
            self._transport = stream = SyslogStream(settings, context.log, context.metrics)
            if context.spawn is not None and settings.resend:
                context.spawn(stream.watch(), f"watch {context.id}")
        else:
            self._transport = Datagrams(settings)

    async def start(self) -> None:
        """Nothing to prepare: a receiver that is absent is found out with the first alert."""

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome] | None:
        """Raises OSError or TimeoutError."""
        return await self._transport.send([self._formatter.format(record) for record in records])

    async def stop(self) -> None:
        """Close the socket."""
        await self._transport.stop()
