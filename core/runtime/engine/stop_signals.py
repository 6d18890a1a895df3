"""Stop signals: SIGINT and SIGTERM begin the clean stop; another one, a second later or more, ends the process at once.

The handlers are Python's and not the loop's: they also run while a component holds the loop, which then has half a
second to release it. A thread that learns of signals as the kernel delivers them sets the end of the process, since no
handler runs while the main thread is in C code that does not check for signals.
"""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from mozu.core.isolation.interrupter import hasten
from mozu.core.runtime.early_signals import early_signals
from mozu.core.runtime.leaving import leave
from mozu.core.runtime.loop import Watchdog

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_AT_ONCE: Final = 0.5
"""Seconds for which a component may hold the loop after the first request, or the process may last after the second."""
_APART: Final = 1.0
"""Seconds after the first signal from which on another one asks for an end at once. Before, it is the same request:
timeout(1) signals its child, and then the process group, in which the child is."""
_MARGIN: Final = 2.0
"""Seconds beyond the stop deadline after which the process ends even if the loop does not answer."""


class _Requests:
    """Requests for the end, as they arrive."""

    def __init__(self) -> None:
        self.first: float | None = None
        """Time of the first request, on the clock of `time.monotonic`; None before it."""

    def add(self) -> bool:
        """Note a request; return True if it asks for an end at once."""
        now = time.monotonic()
        if self.first is None:
            self.first = now
        return now - self.first >= _APART


class StopSignals:
    """The stop signals of a run. `stop` is called in the loop with the reason, and how many seconds ago the signal
    came: the loop may have been held since. `deadline` returns the stop deadline in seconds."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        watchdog: Watchdog,
        stop: Callable[[str, float], None],
        deadline: Callable[[], float],
    ) -> None:
        self._loop, self._watchdog, self._stop, self._deadline = loop, watchdog, stop, deadline
        self._handled, self._delivered = _Requests(), _Requests()

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Handle the stop signals in a block; other signals that a run handles are kept."""
        before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        try:
            with early_signals.kept(), _watched(self._set_end):
                yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        """Begin the stop; runs between two instructions of whatever runs on the main thread."""
        again = self._handled.add()
        hasten(_AT_ONCE)
        self._loop.call_soon_threadsafe(self._in_loop, signal.Signals(number), again)

    def _set_end(self, number: int) -> None:
        """Set the latest end of the process; runs on the thread that learns of signals."""
        if number in _SIGNALS:
            again = self._delivered.add()
            self._watchdog.end_within(_AT_ONCE if again else self._deadline() + _MARGIN, 128 + number if again else 1)

    def _in_loop(self, number: signal.Signals, again: bool) -> None:
        if again:
            leave(128 + number, f"second {number.name}: what is left is not delivered")
        now = time.monotonic()
        self._stop(f"received {number.name}", now - (self._handled.first or now))


@contextmanager
def _watched(deliver: Callable[[int], None]) -> Iterator[None]:
    """Call `deliver` in a block, on a thread, with the number of each signal that has a handler of Python's. The
    numbers also go to the descriptor that the event loop has set (signal.set_wakeup_fd)."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    loops = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

    def read() -> None:
        while numbers := reader.recv(64):
            if loops >= 0:
                with suppress(OSError):  # it is full, and the loop wakes up in any case
                    os.write(loops, numbers)
            for number in numbers:
                deliver(number)

    thread = threading.Thread(target=read, name="mozu-signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(loops)
        writer.close()
        thread.join()
        reader.close()
