"""The event loop of a run (uvloop), and a watchdog thread that names the component that blocks the loop."""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from inspect import CO_COROUTINE
from types import CodeType, FrameType
from typing import Final, TypeVar

from mozu.core.cpu_wait import cpu_wait
from mozu.core.isolation.interrupter import break_off
from mozu.core.isolation.isolated import Isolation
from mozu.core.runtime.contained_finalizers import ContainedFinalizers
from mozu.core.runtime.contained_loop import ContainedLoop, ContainedThreads
from mozu.core.runtime.leaving import leave
from mozu.core.runtime.stack_owners import StackOwners

T = TypeVar("T")

_log = logging.getLogger("mozu.loop")
_IDLE_CHECKS: Final = 10
"""Checks of an idle loop after which a heartbeat is requested all the same; after so many in a row pauses are
longer."""
_IDLE_PAUSES: Final = 3
"""Factor of the longer pauses: a check costs about 60 µs of CPU, most of it because checks are rare."""


_LOCKED_SECONDS: Final = 0.5
"""The watchdog's own delay, in seconds, from which it reports that the interpreter's lock was held."""

HOLD_SECONDS: Final = 5.0
"""Seconds for which a component may hold the loop; then its call is broken off and counts as failed."""
_HOLD_AGAIN_SECONDS: Final = 0.5
"""Seconds for the same once the run is stopping, for a component whose call was broken off before."""
_CLOSE_SECONDS: Final = 1.0
"""Seconds that tasks left at the end may take to be cancelled."""


def run(main: Coroutine[None, None, T]) -> T:
    """Run a coroutine to its end under uvloop and return its result. Tasks and threads of components that do not end
    are not waited for, and exceptions of components and of their callbacks end nothing else."""
    runner = asyncio.Runner(loop_factory=ContainedLoop)
    loop = runner.get_loop()
    assert isinstance(loop, ContainedLoop)
    try:
        with ContainedThreads(loop.owners), ContainedFinalizers(loop.owners):
            return runner.run(main)
    finally:
        _close(loop)


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """Close the loop; asyncio's runner would wait for ever for threads and for tasks that ignore their cancellation."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=_CLOSE_SECONDS))
    with suppress(TimeoutError):
        loop.run_until_complete(asyncio.wait_for(loop.shutdown_asyncgens(), _CLOSE_SECONDS))
    asyncio.set_event_loop(None)
    loop.close()


class _Hold:
    """A meter of how long the event loop's thread is held, from this object's creation on."""

    def __init__(self, thread: int) -> None:
        self._clock = time.pthread_getcpuclockid(thread)
        self._began, self._used, self._waited = time.monotonic(), time.clock_gettime(self._clock), cpu_wait.so_far()

    def wall(self) -> float:
        """Return the wall-clock seconds since the creation of this object."""
        return time.monotonic() - self._began

    def seconds(self) -> float:
        """Return the seconds for which the thread's code is to blame: it used the CPU, or waited for something other
        than a CPU."""
        used = time.clock_gettime(self._clock) - self._used
        return max(used, self.wall() - (cpu_wait.now() - self._waited))


class Watchdog:
    """A thread that requests a heartbeat of the loop, and reports the blocker if none comes within `threshold` seconds.

    Time counts only while code held the loop, not while the scheduler ran other threads (core/cpu_wait.py). A loop in
    which no Python code runs is asked every tenth time only: it is most likely idle, and need not be woken. After ten
    such checks in a row they are three times as far apart: a hold that begins then is seen four thresholds later at the
    latest, and a shorter one may stay unreported. `owners` name the component: by the context of the task that runs, or
    else by the stack.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        owners: StackOwners,
        *,
        threshold: float = 0.1,
        report: Callable[[str, float], None],
        report_wait: Callable[[float], None] = lambda seconds: None,
        is_offline: bool = False,
    ) -> None:
        """Make a watchdog. `report` is called with the blocker and the seconds for which it has held the loop,
        `report_wait` with the seconds for which the loop waited for a CPU. With `is_offline` nothing waits for the
        loop, so holds are neither reported nor broken off until the run is to stop."""
        self._loop, self._owners, self._threshold, self._report = loop, owners, threshold, report
        self._heartbeat = threading.Event()
        self._is_stopped = False
        self._end_of_pause = threading.Lock()
        """A lock that `stop` releases. Waiting for a lock costs half of what waiting for an event does, ten times a
        second."""
        self._end_of_pause.acquire()
        self._target = threading.get_ident()
        self._report_wait, self._is_offline = report_wait, is_offline
        self._end: tuple[float, int] | None = None
        """Time at which to end the process, on the clock of `time.monotonic`, and the exit code; None: not set."""
        self._runner: CodeType | None = None
        """The code that runs the loop."""
        self._sources_run = False
        self._thread = threading.Thread(target=self._watch, name="mozu-watchdog", daemon=True)

    def start(self) -> None:
        """Start the thread; call from a coroutine in the loop."""
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_flags & CO_COROUTINE:
            frame = frame.f_back
        self._runner = frame.f_code
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; a delay that the thread has seen is reported before this returns."""
        if not self._is_stopped:
            self._is_stopped = True
            self._end_of_pause.release()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def sources_run(self) -> None:
        """Note that events wait for the loop from now on: a start or an update may then hold the loop no longer than
        any other call."""
        self._sources_run = True

    def end_within(self, seconds: float, code: int) -> None:
        """End the process unless `stop` is called within this time, because a call holds the loop and cannot be broken
        off."""
        self._end = time.monotonic() + seconds, code

    def _end_if_overdue(self) -> None:
        if self._end is not None and time.monotonic() >= self._end[0] and not self._is_stopped:
            _, blocker = self._blocker(sys._current_frames().get(self._target))
            leave(self._end[1], f"the stop does not come to its end; the event loop's thread is in {blocker}")

    def _watch(self) -> None:
        checks = idle = 0
        while True:
            pause, hold = self._pause(idle), _Hold(self._target)
            if self._end_of_pause.acquire(timeout=pause):
                return
            self._report_late(hold, pause)
            self._end_if_overdue()
            checks += 1
            idle = idle + 1 if self._is_idle() else 0
            if checks % _IDLE_CHECKS and idle:
                continue
            self._heartbeat.clear()
            hold = _Hold(self._target)
            try:
                self._loop.call_soon_threadsafe(self._heartbeat.set)
            except RuntimeError:  # closed
                return
            if self._heartbeat.wait(self._threshold):
                continue
            if not self._is_offline or self._end is not None:
                self._watch_hold(hold)

    def _report_late(self, hold: "_Hold", pause: float) -> None:
        """Report C code that kept the interpreter's lock, so that this thread could not run either. The code has
        returned, and the loop's thread gave up the lock at its next instruction; the stack is read before anything that
        gives up the lock again."""
        if hold.wall() < pause + _LOCKED_SECONDS or self._is_idle() or self._is_offline:
            return
        _, blocker = self._blocker(sys._current_frames().get(self._target))
        seconds = hold.seconds() - pause
        if seconds >= _LOCKED_SECONDS:
            self._report(blocker, seconds)

    def _pause(self, idle: int) -> float:
        """Return the seconds until the next check, after this many checks in a row of an idle loop."""
        is_long = idle >= _IDLE_CHECKS and self._end is None
        return self._threshold * (_IDLE_PAUSES if is_long else 1)

    def _watch_hold(self, hold: "_Hold") -> None:
        """Watch until the loop answers. Several components may hold the loop one after the other; each is reported."""
        who, blocker = self._blocker(sys._current_frames().get(self._target))
        while not self._heartbeat.wait(self._threshold) and not self._is_stopped:
            self._end_if_overdue()
            following, place = self._blocker(sys._current_frames().get(self._target))
            if following != who:
                self._report_hold(blocker, hold)
                who, blocker, hold = following, place, _Hold(self._target)
            seconds = hold.seconds()
            if seconds >= HOLD_SECONDS or (self._end is not None and hold.wall() >= _HOLD_AGAIN_SECONDS):
                # repeated, because an exception raised in a finalizer is dropped
                break_off(partial(self._still_holds, who, seconds), limited_too=self._sources_run)
        self._report_hold(blocker, hold)

    def _report_hold(self, blocker: str, hold: "_Hold") -> None:
        wall, seconds = hold.wall(), hold.seconds()
        if wall - seconds >= self._threshold:
            self._report_wait(wall - seconds)
        if seconds >= self._threshold:
            self._report(blocker, seconds)

    def _still_holds(self, who: str, seconds: float, component: object) -> bool:
        """Return True if this component still holds the loop, for longer than allowed."""
        if self._heartbeat.is_set() or str(component) not in who.split(" or "):
            return False
        return seconds >= HOLD_SECONDS or (isinstance(component, Isolation) and component.has_held)

    def _is_idle(self) -> bool:
        frame = sys._current_frames().get(self._target)
        return frame is not None and frame.f_code is self._runner

    def _blocker(self, frame: FrameType | None) -> tuple[str, str]:
        """Return the component whose code the loop's thread runs, empty if none; and the same with the innermost
        frame."""
        place = "unknown" if frame is None else f"{frame.f_globals.get('__name__', '')}:{frame.f_code.co_name}"
        owner = self._loop.owner() if isinstance(self._loop, ContainedLoop) else None
        found = self._owners.of_stack(frame) if owner is None else (owner,)
        who = " or ".join(map(str, found))
        return who, f"{who} ({place})" if who else place
