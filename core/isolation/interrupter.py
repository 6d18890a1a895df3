"""Interruption of a call that holds the event loop too long, by a signal whose handler raises in the call's code.

A thread waits for the earliest deadline of the calls under way. If one is late, it sends the main thread a signal;
Python runs the handler there between two instructions, or out of a system call that the signal has interrupted (sleep,
connect, a lock). The handler finds the running call by a context variable, and raises only if that call is late, or if
code of a component without a deadline holds the event loop for too long (`break_off`): other code is never interrupted.
C code that neither returns nor checks for signals cannot be interrupted.

Python drops exceptions raised in a finalizer (`__del__`, the callback of a weak reference), where a signal may arrive
as well; signals are therefore repeated until the call has ended.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Final

from mozu.core.cpu_wait import ExtraTime
from mozu.core.isolation.owner import OWNER

SIGNAL: Final = signal.SIGRTMAX - 2
"""A signal that nothing else uses."""
_AGAIN: Final = 0.1
"""Seconds after its deadline in which a call may end by itself (the loop's own timer), and between two signals to
it."""
SLOW_SECONDS: Final = 5.0
"""Seconds after which a call that is waited for is reported."""
_NEVER: Final = float("inf")
_MOST_SIGNALS: Final = 50
"""Most signals for one call: it was abandoned and does not hold the loop, or no signal interrupts it."""


class Interrupted(BaseException):
    """Raised in the code of a late call. Not an Exception, so that code which continues after any failure does not
    catch it."""


class LimitedCall:
    """A call with a deadline on the clock of `time.monotonic`, which is put off by the time spent waiting for a CPU.
    `on_slow` is called once, on the interrupter's thread, if it has not ended after SLOW_SECONDS."""

    def __init__(self, seconds: float, on_slow: Callable[[], None] | None = None) -> None:
        now = time.monotonic()
        self.until = now + seconds
        self.on_slow = on_slow
        self.slow_at = _NEVER if on_slow is None else now + SLOW_SECONDS
        self._extra: ExtraTime | None = ExtraTime()
        """Time to put off; None if the deadline is no longer put off."""
        self.ended = False
        self.signals = 0
        """Number of signals sent because of this call."""

    def is_late(self) -> bool:
        """Return True if the call should have ended. The thread has determined that: a signal handler must not wait for
        its locks."""
        return not self.ended and self.signals > 0

    def put_off(self, now: float) -> None:
        """Put off what is due by the time spent waiting for a CPU, unless the call was late before. Called on the
        interrupter's thread."""
        if now >= self.next_look() and self._extra is not None and not self.signals:
            more = self._extra.take()
            self.until += more
            self.slow_at += more

    def count_late(self, now: float) -> bool:
        """Return True if the call is late and a signal is due, which is counted. Called on the interrupter's thread."""
        is_due = self.until + _AGAIN <= now
        self.signals += is_due
        return is_due

    def hasten(self, until: float) -> None:
        """Advance the deadline to this time at the latest, because mozu is to stop."""
        self.until, self._extra = min(self.until, until), None

    def next_look(self) -> float:
        """Return the time of the next action, unless the call has ended."""
        return min(self.until + _AGAIN, self.slow_at)

    def report_slow(self, now: float) -> None:
        """Call `on_slow` if it is due."""
        report = self.on_slow
        if now >= self.slow_at and report is not None:
            self.slow_at = _NEVER
            report()


_current: ContextVar[LimitedCall | None] = ContextVar("limited call", default=None)
"""The call whose code is running; kept also by tasks that it has started, after its end."""


@contextmanager
def limited(seconds: float, on_slow: Callable[[], None] | None = None) -> Iterator[None]:
    """Run code with a deadline, in this context; after it, Interrupted is raised in the code if it runs on the main
    thread. A nested call has no more time than the outer one. `on_slow`: see LimitedCall."""
    call, outer = LimitedCall(seconds, on_slow), _current.get()
    if outer is not None and not outer.ended:
        call.until = min(call.until, outer.until)
    token = _current.set(call)
    _interrupter.add(call)
    try:
        yield
    finally:
        call.ended, call.on_slow = True, None  # tasks that were started meanwhile keep the call
        _interrupter.remove(call)
        _current.reset(token)


def hasten(seconds: float) -> None:
    """Give the calls under way no more than this time, because mozu is to stop."""
    _interrupter.hasten(seconds)


def break_off(holds: Callable[[object], bool], *, limited_too: bool) -> None:
    """Interrupt the code of a component that holds the event loop. `holds` is called when the signal arrives, with the
    component whose code runs, and returns True if it is the right one. `limited_too`: also in a call that has time
    left."""
    _interrupter.break_off(holds, limited_too=limited_too)


def _on_signal(number: int, frame: FrameType | None) -> None:
    call = _current.get()
    if call is not None and call.is_late():
        raise Interrupted
    owner = OWNER.get()
    is_limited = call is not None and not call.ended
    if owner is not None and (_interrupter.limited_too or not is_limited) and _interrupter.holds(owner):
        raise Interrupted("it held the event loop")


class _Interrupter:
    """The interrupter's thread, which starts when the first call is added on the main thread."""

    def __init__(self) -> None:
        self._calls: set[LimitedCall] = set()
        self._changed = threading.Condition()
        self._runs = False
        self.holds: Callable[[object], bool] = lambda component: False
        self.limited_too = False
        """Arguments of the last `break_off`, read when a signal arrives."""

    def add(self, call: LimitedCall) -> None:
        if not self._runs and threading.current_thread() is threading.main_thread():
            self._runs = True
            signal.signal(SIGNAL, _on_signal)
            threading.Thread(target=self._watch, name="mozu-interrupter", daemon=True).start()
        with self._changed:
            self._calls.add(call)
            self._changed.notify()

    def remove(self, call: LimitedCall) -> None:
        with self._changed:
            self._calls.discard(call)

    def break_off(self, holds: Callable[[object], bool], *, limited_too: bool) -> None:
        main = threading.main_thread().ident
        if self._runs and main is not None:
            self.holds, self.limited_too = holds, limited_too
            signal.pthread_kill(main, SIGNAL)

    def hasten(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with self._changed:
            for call in self._calls:
                call.hasten(until)
            self._changed.notify()

    def _watch(self) -> None:
        main = threading.main_thread().ident
        assert main is not None
        while True:
            with self._changed:
                first = min((call.next_look() for call in self._calls), default=None)
                self._changed.wait(None if first is None else max(_AGAIN, first - time.monotonic()))
                now, calls = time.monotonic(), tuple(self._calls)
                for call in calls:
                    call.put_off(now)
                late = [call for call in calls if call.count_late(now)]
                self._calls.difference_update([call for call in late if call.signals == _MOST_SIGNALS])
            for call in calls:  # without the lock: a log's handler may take its time
                call.report_slow(now)
            if late:
                signal.pthread_kill(main, SIGNAL)


_interrupter: Final = _Interrupter()
