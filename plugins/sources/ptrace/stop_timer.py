"""Stop timer: ends mozu where the handling of one stop takes too long, for every traced process waits meanwhile.

The tracer reads files and memory of what it traces. A file system whose server is traced itself, or one that does not
answer, could hold it for ever. The timer's signal is SIGALRM, which the kernel delivers whatever Python waits for; its
handler writes where the tracer was held, and mozu ends. The kernel then lets all traced processes run on.
"""

import faulthandler
import signal
from types import TracebackType
from typing import Final

SECONDS: Final = 10.0
_STDERR: Final = 2


class StopTimer:
    """A context manager, around the handling of each stop."""

    def __init__(self) -> None:
        faulthandler.register(signal.SIGALRM, file=_STDERR, all_threads=True, chain=True)

    def __enter__(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
