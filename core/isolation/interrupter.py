"""Breaks off a call that holds the event loop longer than it may, by a signal whose handler raises in its code.

A thread waits for the earliest end of the calls under way. If one is over its time it sends the main thread a signal;
Python runs the handler there between two instructions, or out of a system call that the signal has interrupted (sleep,
connect, a lock). The handler looks whose code it has come upon, by a context variable, and raises only if that call is
late, or if code of a component that has no end of its time holds the event loop for too long (`break_off`): other code
is never broken off. C code that neither returns nor looks at signals cannot be reached.

Python drops what is raised in a finalizer (`__del__`, the callback of a weak reference), where a signal may come as
well; so signals go on until the call has ended.
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
"""One that nothing else uses."""
_AGAIN: Final = 0.1
"""Seconds after its end in which a call may end by itself (the loop's own timer), and between two signals to one."""
SLOW_SECONDS: Final = 5.0
"""After which a call that is waited for is reported."""
_NEVER: Final = float("inf")
_MOST_SIGNALS: Final = 50
"""For one call: it was given up, and does not hold the loop, or nothing reaches it."""


class Interrupted(BaseException):
    """Raised in the code of a call that is late. Not an Exception: code that goes on after any failure must not."""


class LimitedCall:
    """A call with an end of its time, on the clock of `time.monotonic`, which CPU wait puts off. `on_slow` is called
    once, on the interrupter's thread, if it has not ended after SLOW_SECONDS."""

    def __init__(self, seconds: float, on_slow: Callable[[], None] | None = None) -> None:
        now = time.monotonic()
        self.until = now + seconds
        self.on_slow = on_slow
        self.slow_at = _NEVER if on_slow is None else now + SLOW_SECONDS
        self._extra: ExtraTime | None = ExtraTime()
        """None: CPU wait puts nothing off any more."""
        self.ended = False
        self.signals = 0
        """How many were sent because of it."""

    def is_late(self) -> bool:
        """Return if the call should have ended. The thread has found that out: a signal handler must not wait for its
        locks."""
        return not self.ended and self.signals > 0

    def put_off(self, now: float) -> None:
        """Put off what is due by the CPU wait, unless the call was found late before. On the interrupter's thread."""
        if now >= self.next_look() and self._extra is not None and not self.signals:
            more = self._extra.take()
            self.until += more
            self.slow_at += more

    def count_late(self, now: float) -> bool:
        """Return if the call's time is over and a signal is due, which is counted. On the interrupter's thread."""
        is_due = self.until + _AGAIN <= now
        self.signals += is_due
        return is_due

    def hasten(self, until: float) -> None:
        """Let the call end by then, whatever it waits for: mozu is to stop."""
        self.until, self._extra = min(self.until, until), None

    def next_look(self) -> float:
        """When something is to be done about it, unless it has ended."""
        return min(self.until + _AGAIN, self.slow_at)

    def report_slow(self, now: float) -> None:
        """Call `on_slow`, if it is time."""
        report = self.on_slow
        if now >= self.slow_at and report is not None:
            self.slow_at = _NEVER
            report()


_current: ContextVar[LimitedCall | None] = ContextVar("limited call", default=None)
"""Whose code is running; also in tasks that it has started, after its end."""


@contextmanager
def limited(seconds: float, on_slow: Callable[[], None] | None = None) -> Iterator[None]:
    """Code that may take so long, in this context; then Interrupted is raised in it, if it runs on the main thread. A
    call in another has no more time than that one. `on_slow`: as in LimitedCall."""
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
    """The calls under way have no more than so long: mozu is to stop."""
    _interrupter.hasten(seconds)


def break_off(holds: Callable[[object], bool], *, limited_too: bool) -> None:
    """Break off the code of a component that holds the event loop: `holds` is asked, when the signal comes, whether it
    is the one whose code the signal has come upon. `limited_too`: also in a call that has time left."""
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
    """The thread, which lives once the first call has been added on the main thread."""

    def __init__(self) -> None:
        self._calls: set[LimitedCall] = set()
        self._changed = threading.Condition()
        self._runs = False
        self.holds: Callable[[object], bool] = lambda component: False
        self.limited_too = False
        """As the last `break_off` says; asked when a signal comes."""

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
