"""The sink `stdout`: one alert per line on the standard output."""

import errno
import os
import select
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from mozu.core.api import Context, Record, Settings, SinkClosed, SinkDeclaration, hookimpl
from mozu.core.common.alert_output import alert_output

_TIME: Final = 8
"""Bytes of `HH:MM:SS`."""
_REPLACED: Final = (
    "the descriptor of the standard output was closed by a plugin or a library in this process and is that of another "
    "file now; start mozu again, and give plugins a process of their own (`isolation: process`)"
)


class StdoutSettings(Settings):
    """Settings of the sink `stdout`, which has none of its own; `format` (falco, json) and `queue` are the core's."""


class StdoutSink:
    """Sink that writes whole lines; a closed pipe (EPIPE) ends mozu in order. If other code of the process closes the
    descriptor, nothing is written to the file that gets its number: deliveries fail, and alerts wait."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._identity = _identity(descriptor)
        self._folds = os.isatty(descriptor)

    def start(self) -> None:
        """Do nothing."""

    def deliver(self, records: Sequence[Record]) -> None:
        """Write one line per record. Raises SinkClosed if the reader has closed the pipe, OSError (EBADF) if the
        descriptor is no longer that of the standard output."""
        if _identity(self._descriptor) != self._identity:
            raise OSError(errno.EBADF, _REPLACED)
        bodies = [record.body for record in records]
        data = memoryview(b"".join(line + b"\n" for line in (_folded(bodies) if self._folds else bodies)))
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # another process made the shared file description non-blocking
                select.select([], [self._descriptor], [])
            except BrokenPipeError:
                raise SinkClosed("the reader of the standard output has gone") from None

    def stop(self) -> None:
        """Do nothing: nothing is buffered."""


def _folded(bodies: Sequence[bytes]) -> Iterator[bytes]:
    """Yield lines for a terminal: of equal ones that follow each other the first, and how many more there were. They
    are equal if they differ in the time of day alone, with which the format `compact` begins."""
    for _, equal in groupby(bodies, key=lambda body: body[_TIME:]):
        first, *others = equal
        yield first
        if others:
            yield f"{' ' * _TIME} … {len(others)} more like this".encode()


def _identity(descriptor: int) -> tuple[int, int, int]:
    """Return (device, inode, device number of a special file) of an open file. Raises OSError."""
    about = os.fstat(descriptor)
    return about.st_dev, about.st_ino, about.st_rdev


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
