"""CPU wait: how long threads of a process could have run while the scheduler ran others, or its quota was used up.

A deadline that judges a component's slowness counts wall time less this (`timeout`, core/isolation/deadline.py).
Deadlines that something outside waits for are wall time alone: that of a stop, the timeouts of networks.

The kernel counts the wait of each thread: the second number of /proc/PID/task/TID/schedstat (sched_info.run_delay, in
ns), which includes the time in which a throttled cgroup let the thread wait (measured on Linux 6.18: CPU time and wait
of a busy thread under a quota of 20 % add up to the wall time). Several threads wait at once, and one may hold the
interpreter's lock that another wants, so the process waits as long as the thread that waits most. If the kernel has no
such file (CONFIG_SCHED_INFO), the time counts in which the cgroup was throttled.
"""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

_FRESH: Final = 1.0
"""Seconds for which `so_far` reuses the last sample: one takes 0.1 ms."""
_LEAST: Final = 0.01
"""Seconds by which a deadline is extended at least; a shorter wait does not count."""
_CGROUPS: Final = Path("/sys/fs/cgroup")
_THROTTLED: Final = {"throttled_usec": 1e6, "throttled_time": 1e9}
"""Keys of cpu.stat in cgroup v2 and v1 → units a second."""


class CpuWait:
    """The CPU wait of one process, from the creation of this object. Thread-safe."""

    def __init__(
        self,
        process: int | str = "self",
        *,
        proc: Path = Path("/proc"),
        cgroups: Path = _CGROUPS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._cgroups, self._clock = proc / str(process), cgroups, clock
        self._lock = threading.Lock()
        self._seconds, self._at = 0.0, clock()
        self._threads = self._waits()
        self._is_ignored = False

    @contextmanager
    def ignored(self) -> Iterator[None]:
        """Count no wait in a block, for a loop with a clock of its own."""
        self._is_ignored = True
        try:
            yield
        finally:
            self._is_ignored = False

    def so_far(self) -> float:
        """Return the seconds up to a sample at most one second old; for the beginning of an interval."""
        return self._seconds if self._clock() - self._at < _FRESH else self.now()

    def now(self) -> float:
        """Return the seconds until now; for the end of an interval."""
        with self._lock:
            before, self._threads, began = self._threads, self._waits(), self._at
            self._at = self._clock()
            most = max((waited - before.get(thread, 0.0) for thread, waited in self._threads.items()), default=0.0)
            self._seconds += 0.0 if self._is_ignored else min(max(0.0, most), self._at - began)
            return self._seconds

    def _waits(self) -> Mapping[str, float]:
        """Return thread → seconds that it has waited since it began; threads that have just ended are left out."""
        found: dict[str, float] = {}
        with suppress(OSError):  # the process has ended
            for thread in os.listdir(self._folder / "task"):
                with suppress(OSError, IndexError):
                    found[thread] = int(_read(f"{self._folder}/task/{thread}/schedstat").split()[1]) / 1e9
        return found or {"": max(self._throttled(), default=0.0)}

    def _throttled(self) -> Iterator[float]:
        """Yield the seconds for which the cgroup, or one above it, was throttled, if there is a cpu.stat."""
        with suppress(OSError):
            for line in _read(f"{self._folder}/cgroup").decode().splitlines():
                _, controllers, path = line.split(":", 2)
                names = controllers.split(",")
                if controllers and "cpu" not in names:
                    continue
                folder = self._cgroups / controllers / path.lstrip("/")
                while folder != self._cgroups.parent:
                    yield from _throttled_in(folder)
                    folder = folder.parent


def _throttled_in(folder: Path) -> Iterator[float]:
    with suppress(OSError):
        for line in _read(f"{folder}/cpu.stat").decode().splitlines():
            key, _, value = line.partition(" ")
            if key in _THROTTLED:
                yield int(value) / _THROTTLED[key]


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 1 << 16)
    finally:
        os.close(fd)


cpu_wait: Final = CpuWait()
"""CPU wait of this process."""


class ExtraTime:
    """The time by which a deadline set now is extended. `others`: processes that are waited for, beside this one."""

    def __init__(self, *others: CpuWait) -> None:
        self._counted = {one: one.so_far() for one in (cpu_wait, *others)}

    def take(self) -> float:
        """Return the seconds waited for a CPU since the last call, by which the end of the interval is extended; 0.0 if
        too short to count, so that the interval is over."""
        before = self._counted
        self._counted = {one: one.now() for one in before}
        seconds = max(waited - before[one] for one, waited in self._counted.items())
        return seconds if seconds >= _LEAST else 0.0


@asynccontextmanager
async def timeout(seconds: float, *others: CpuWait) -> AsyncIterator[None]:
    """Cancel the block and raise TimeoutError after so many seconds, CPU wait aside, as `asyncio.timeout` does.
    `others`: see ExtraTime."""
    loop, extra, task = asyncio.get_running_loop(), ExtraTime(*others), asyncio.current_task()
    assert task is not None
    cancelling, is_over = task.cancelling(), False
    timer: asyncio.TimerHandle

    def end() -> None:
        nonlocal timer, is_over
        more = extra.take()
        if more:
            timer = loop.call_later(more, end)
        else:
            is_over = True
            task.cancel()

    timer = loop.call_later(seconds, end)
    try:
        yield
    except asyncio.CancelledError as error:
        if is_over and task.uncancel() <= cancelling:
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
