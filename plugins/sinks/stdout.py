"""The sink `stdout`: one alert per line on the standard output."""

import os
import select
from collections.abc import Sequence

from mozu.core.api import Context, Record, Settings, SinkClosed, SinkDeclaration, hookimpl
from mozu.core.common.alert_output import alert_output


class StdoutSettings(Settings):
    """Settings of the sink `stdout`, which has none of its own; `format` (falco, json) and `queue` are the core's."""


class StdoutSink:
    """Sink that writes whole lines; a closed pipe (EPIPE) ends mozu in order."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def start(self) -> None:
        """Do nothing."""

    def deliver(self, records: Sequence[Record]) -> None:
        """Write one line per record. Raises SinkClosed if the reader has closed the pipe."""
        data = memoryview(b"".join(record.body + b"\n" for record in records))
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # another process made the shared file description non-blocking
                select.select([], [self._descriptor], [])
            except BrokenPipeError:
                raise SinkClosed("the reader of the standard output has gone") from None

    def stop(self) -> None:
        """Do nothing: nothing is buffered."""


def _build(settings: StdoutSettings, context: Context) -> StdoutSink:
    return StdoutSink(alert_output())


@hookimpl
def mozu_components() -> SinkDeclaration[StdoutSettings]:
    """Declare the sink."""
    return SinkDeclaration(
        name="stdout",
        build=_build,
        settings=StdoutSettings,
        summary="One alert a line on the standard output.",
        blocking=True,
    )
