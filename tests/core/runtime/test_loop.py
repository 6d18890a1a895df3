"""The watchdog names the component that blocks the loop, and leaves an idle loop alone."""

import asyncio
import time
from collections.abc import Callable
from typing import cast

from mozu.core.runtime import loop
from mozu.core.runtime.loop import Watchdog


def void(_: object) -> None:
    """For a value that is not used."""


class Counted:
    """A loop as the watchdog sees it: how often it is woken."""

    def __init__(self, running: asyncio.AbstractEventLoop) -> None:
        self._running, self.woken = running, 0

    def call_soon_threadsafe(self, callback: Callable[[], object]) -> asyncio.Handle:
        self.woken += 1
        return self._running.call_soon_threadsafe(callback)


def watched(work: Callable[[asyncio.AbstractEventLoop], None], seconds: float) -> tuple[list[tuple[str, float]], int]:
    """What the watchdog reported while a loop did that work, and how often it woke the loop."""
    reports: list[tuple[str, float]] = []

    async def main() -> int:
        running = asyncio.get_running_loop()
        seen = Counted(running)
        dog = Watchdog(
            cast("asyncio.AbstractEventLoop", seen),
            {__name__: "this test"},
            threshold=0.05,
            report=lambda *delay: reports.append(delay),
        )
        dog.start()
        work(running)
        await asyncio.sleep(seconds)
        dog.stop()
        return seen.woken

    woken = loop.run(main())
    return reports, woken


def test_what_blocks_the_loop_is_named() -> None:
    reports, _ = watched(lambda running: time.sleep(0.5), 0.2)  # the sleep is what holds the loop

    assert [one[0].startswith("this test") for one in reports] == [True]
    assert reports[0][1] >= 0.3


def test_code_without_a_frame_of_its_own_is_found_in_the_end() -> None:
    reports, _ = watched(lambda running: void(running.call_soon(time.sleep, 2.0)), 2.2)

    assert 1 == len(reports)


def test_a_loop_that_waits_is_seldom_woken() -> None:
    _, asked = watched(lambda running: None, 2.0)

    assert 1 <= asked <= 8
