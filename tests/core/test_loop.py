"""The watchdog names whoever holds the loop, and leaves a loop alone that waits."""

import asyncio
import time
from collections.abc import Callable

from mozu.core import loop
from mozu.core.loop import Watchdog


def void(_: object) -> None:
    """For a value that nobody wants."""


def watched(work: Callable[[asyncio.AbstractEventLoop], None], seconds: float) -> tuple[list[tuple[str, float]], int]:
    """What the watchdog reported while a loop did that work, and how often it woke the loop."""
    reports: list[tuple[str, float]] = []
    asked = 0

    async def main() -> None:
        nonlocal asked
        running = asyncio.get_running_loop()
        dog = Watchdog(running, {__name__: "this test"}, patience=0.05, report=lambda *told: reports.append(told))
        original = dog._alive.set

        def counted() -> None:
            nonlocal asked
            asked += 1
            original()

        dog._alive.set = counted  # type: ignore[method-assign]
        dog.start()
        work(running)
        await asyncio.sleep(seconds)
        dog.stop()

    loop.run(main())
    return reports, asked


def test_whoever_holds_the_loop_is_named() -> None:
    reports, _ = watched(lambda running: time.sleep(0.5), 0.2)

    assert [one[0].startswith("this test") for one in reports] == [True]
    assert reports[0][1] >= 0.3


def test_code_without_a_frame_of_its_own_is_found_in_the_end() -> None:
    reports, _ = watched(lambda running: void(running.call_soon(time.sleep, 2.0)), 2.2)

    assert 1 == len(reports)


def test_a_loop_that_waits_is_seldom_woken() -> None:
    _, asked = watched(lambda running: None, 2.0)

    assert 1 <= asked <= 8
