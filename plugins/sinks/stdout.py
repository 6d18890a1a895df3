"""The sink `stdout`: one alert a line on the standard output."""

import os
import select
from collections.abc import Sequence

from mozu.core.api import Context, Record, Settings, SinkClosed, SinkDeclaration, hookimpl
from mozu.core.common.alert_output import alert_output


class StdoutSettings(Settings):
    """None of its own; `format` (falco, json) and `queue` are the core's."""


class StdoutSink:
    """Writes whole lines; a closed pipe (EPIPE) ends mozu in good order."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def start(self) -> None:
        """Nothing to prepare."""

    def deliver(self, records: Sequence[Record]) -> None:
        """Write one line a record. Raises SinkClosed when the reader has closed the pipe."""
        data = memoryview(b"".join(record.body + b"\n" for record in records))
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # another process made the shared file description non-blocking
                select.select([], [self._descriptor], [])
            except BrokenPipeError:
                raise SinkClosed("the reader of the standard output has gone") from None

    def stop(self) -> None:
        """Nothing is buffered."""


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
