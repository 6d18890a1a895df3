"""The watchdog names the component that blocks the loop, and leaves an idle loop alone.

The blocking code blocks until the watchdog has looked: no test depends on how soon that is.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import cast

import pytest

from mozu.core.cpu_wait import cpu_wait
from mozu.core.isolation.isolated import Isolation
from mozu.core.metrics import Metrics
from mozu.core.runtime import loop
from mozu.core.runtime.loop import Watchdog
from mozu.core.runtime.stack_owners import StackOwners

PATIENCE = 60.0


class Counted:
    """A loop that counts how often the watchdog wakes it."""

    def __init__(self, running: asyncio.AbstractEventLoop) -> None:
        self._running, self.woken = running, 0

    def call_soon_threadsafe(self, callback: Callable[[], object]) -> asyncio.Handle:
        self.woken += 1
        return self._running.call_soon_threadsafe(callback)


class Blamed(StackOwners):
    """Owners of code that name this test."""

    def of_stack(self, frame: FrameType | None) -> tuple[Isolation, ...]:
        while frame is not None and frame.f_globals.get("__name__") != __name__:
            frame = frame.f_back
        return () if frame is None else (Isolation("this", "test", Metrics()),)


class Watched(Watchdog):
    """A watchdog that releases `looked` when it has found the blocking code, and calls `when_idle` when the loop is
    idle.
    """

    def __init__(self, running: asyncio.AbstractEventLoop, when_idle: Callable[[], None]) -> None:
        self.counted, self.reports = Counted(running), list[str]()
        self.looked = threading.Lock()
        self.looked.acquire()
        self._when_idle = when_idle
        seen = cast("asyncio.AbstractEventLoop", self.counted)
        self.waits = list[float]()
        super().__init__(
            seen, Blamed(), threshold=0.02, report=lambda blocker, _: self.reports.append(blocker),
            report_wait=self.waits.append,
        )  # fmt: skip

    def _blocker(self, frame: FrameType | None) -> tuple[str, str]:
        found = super()._blocker(frame)
        if self.looked.locked():
            self.looked.release()
        return found

    def _is_idle(self) -> bool:
        found = super()._is_idle()
        if found:
            self._when_idle()
        return found


def watched(
    scene: Callable[[Watched], Awaitable[None]],
    rest: Callable[[asyncio.AbstractEventLoop], None] = lambda running: None,
) -> Watched:
    """Play the scene in a loop with a watchdog; return the watchdog."""

    async def main() -> Watched:
        running = asyncio.get_running_loop()
        dog = Watched(running, lambda: rest(running))
        dog.start()
        await scene(dog)
        dog.stop()
        return dog

    with cpu_wait.ignored():  # the loop may have waited for a CPU whenever it is blocked
        return loop.run(main())


async def reported(dog: Watched) -> None:
    async with asyncio.timeout(PATIENCE):
        while not dog.reports:
            await asyncio.sleep(0.001)  # the watchdog looks in a thread


def test_what_blocks_the_loop_is_named() -> None:
    def hold(dog: Watched) -> None:
        assert dog.looked.acquire(timeout=PATIENCE)

    async def scene(dog: Watched) -> None:
        hold(dog)
        await reported(dog)

    assert watched(scene).reports[0] == f"this test ({__name__}:hold)"


def test_code_without_a_frame_of_its_own_is_found_in_the_end() -> None:
    async def scene(dog: Watched) -> None:
        asyncio.get_running_loop().call_soon(dog.looked.acquire, True, PATIENCE)
        await reported(dog)

    assert watched(scene).reports


def test_a_loop_that_waits_is_seldom_woken() -> None:
    rests, over = 0, asyncio.Event()

    def rest(running: asyncio.AbstractEventLoop) -> None:
        nonlocal rests
        rests += 1
        if rests == 36:
            running.call_soon_threadsafe(over.set)

    async def scene(dog: Watched) -> None:
        await over.wait()

    assert 3 <= watched(scene, rest).counted.woken <= 8


def test_checks_of_a_loop_that_waits_are_further_apart_until_it_is_found_at_work() -> None:
    idle = 0

    class Pauses:
        """A stand-in for the lock that `stop` releases; a pause is over at once."""

        def __init__(self) -> None:
            self.seconds: list[float] = []

        def acquire(self, timeout: float) -> bool:
            self.seconds.append(timeout)
            return len(self.seconds) > 40

        def release(self) -> None:
            pass

    class Dog(Watched):
        def _is_idle(self) -> bool:
            nonlocal idle
            idle += 1
            return idle != 20

    pauses = Pauses()

    async def main() -> None:
        running = asyncio.get_running_loop()
        dog = Dog(running, lambda: None)
        dog._end_of_pause = pauses  # type: ignore[assignment]  # in the place of the lock: no time passes
        dog.start()
        while dog._thread.is_alive():
            await asyncio.sleep(0.001)  # the watchdog looks in a thread

    loop.run(main())
    assert [0.02] * 10 + [0.06] * 10 + [0.02] * 10 + [0.06] == [round(one, 9) for one in pauses.seconds[:31]]


def test_what_was_broken_off_before_may_hold_the_loop_for_half_a_second_once_a_stop_was_asked_for() -> None:
    first, again = Isolation("sink", "first", Metrics()), Isolation("sink", "again", Metrics())
    again.suspend()
    held: dict[tuple[str, float], bool] = {}

    async def main() -> None:
        dog = Watchdog(asyncio.get_running_loop(), StackOwners(), report=lambda blocker, seconds: None)
        for one in (first, again):
            for seconds in (0.5, loop.HOLD_SECONDS):
                held[one.name, seconds] = dog._still_holds("sink first or sink again", seconds, one)

    loop.run(main())
    assert held == {("first", 0.5): False, ("first", 5.0): True, ("again", 0.5): True, ("again", 5.0): True}


class Starved:
    """The CPU wait of a process with a thread that waits all the time."""

    so_far = now = staticmethod(time.monotonic)


def test_a_loop_that_waits_for_a_cpu_blames_no_component(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "cpu_wait", Starved)

    def hold(dog: Watched) -> None:
        assert dog.looked.acquire(timeout=PATIENCE)

    async def scene(dog: Watched) -> None:
        hold(dog)
        async with asyncio.timeout(PATIENCE):
            while not dog.waits:
                await asyncio.sleep(0.001)  # the watchdog looks in a thread

    dog = watched(scene)
    assert ([], True) == (dog.reports, all(seconds >= 0.015 for seconds in dog.waits))


def test_code_that_uses_the_cpu_is_to_blame_however_long_other_threads_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "cpu_wait", Starved)

    def hold(dog: Watched) -> None:
        assert dog.looked.acquire(timeout=PATIENCE)
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            pass

    async def scene(dog: Watched) -> None:
        hold(dog)
        await reported(dog)

    assert watched(scene).reports[0].startswith("this test")
