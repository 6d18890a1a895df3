"""An event loop whose clock is a number: waiting costs nothing, and how busy the machine is decides nothing.

When nothing is ready, the clock jumps to the next timer. What is given to a thread runs at once, in its place.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Final, TypeVar, TypeVarTuple

from mozu.core.cpu_wait import cpu_wait

T = TypeVar("T")
_Ts = TypeVarTuple("_Ts")
_SHORTEST: Final = 1e-6
"""Seconds."""


class ClockStuck(AssertionError):
    """Every task waits, and there is no timer that could end it."""


class _Selector(selectors.SelectSelector):
    """Looks at files without waiting; the time that it should have waited passes on the loop's clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise ClockStuck("every task waits, and no timer is set")
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop."""

    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._clock.now

    def call_later(
        self, delay: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """asyncio calls back up to a nanosecond early, which on a real clock is over at once. Here a delay is longer,
        or who waits for so near a moment would wait for ever."""
        return super().call_later(max(delay, _SHORTEST) if delay > 0 else delay, callback, *args, context=context)

    def run_in_executor(self, executor: object, func: Callable[..., T], *args: object) -> "asyncio.Future[T]":
        """Run it here and now."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  # set as the exception of the future
            done.set_exception(error)
        return done


def run(main: Coroutine[None, None, T]) -> T:
    """`asyncio.run` on such a loop."""
    with cpu_wait.ignored(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
