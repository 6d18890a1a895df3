"""Early signals: signals that arrive while mozu is imported, configured and built take effect once it runs.

SIGHUP, SIGUSR1 and SIGUSR2 have one handler from the first import to the end of the process. The handler keeps a signal
until a run takes it: without a handler the kernel's default action would end mozu, and systemd counts an end by SIGHUP
as a clean one. SIGTERM raises Terminated until the run handles it, as SIGINT raises KeyboardInterrupt.
"""

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    import asyncio  # it takes 40 ms, in which a signal would end the process

KEPT: Final = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_RUNNING: Final = frozenset({"run", "replay"})
"""Commands that run the engine until it is stopped; any signal ends the other commands, as it ends other programs."""
_EXIT_INTERRUPTED: Final = 130


class Terminated(KeyboardInterrupt):
    """SIGTERM before a run handles it."""


class EarlySignals:
    """The handlers of one process."""

    def __init__(self) -> None:
        self._kept: dict[signal.Signals, None] = {}
        """Pending signals in the order of first arrival. Repeats of a signal count once, as in the kernel."""
        self._take: Callable[[signal.Signals], None] | None = None
        self._is_terminated = False

    @property
    def exit_code(self) -> int:
        """The exit code of a start that a signal has ended: 0 after SIGTERM, as of a run, and 130 after SIGINT."""
        return 0 if self._is_terminated else _EXIT_INTERRUPTED

    def hold(self, arguments: Sequence[str]) -> None:
        """Install the handlers if this command line (without the program) runs the engine."""
        if _RUNNING.isdisjoint(arguments[:1]):
            return
        for number in KEPT:
            signal.signal(number, self._keep)
        signal.signal(signal.SIGTERM, self._terminate)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep signals in a block, also in a process whose entry point does not hold them."""
        before = {number: signal.signal(number, self._keep) for number in KEPT}
        try:
            yield
        finally:
            self._take = None
            for number, handler in before.items():
                signal.signal(number, handler)

    def give(self, loop: "asyncio.AbstractEventLoop", actions: Mapping[signal.Signals, Callable[[], object]]) -> None:
        """Call back in the loop for each signal that was kept, and until `kept` ends, for each that arrives.

        A handler runs between two instructions of whatever runs on the main thread, and in its context, which may be a
        component's; the actions run in a context of their own.
        """

        def take(number: signal.Signals) -> None:
            loop.call_soon_threadsafe(actions[number], context=Context())

        self._take = take
        while self._kept:
            number = next(iter(self._kept))
            del self._kept[number]
            take(number)

    def _keep(self, number: int, _frame: FrameType | None) -> None:
        if self._take is None:
            self._kept[signal.Signals(number)] = None
        else:
            self._take(signal.Signals(number))

    def _terminate(self, _number: int, _frame: FrameType | None) -> NoReturn:
        self._is_terminated = True
        raise Terminated


early_signals: Final = EarlySignals()
