"""The loop or thread on which the methods of a sink are called, their time limits, and their ends."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from mozu.core.delivery.sink_caller import SinkCaller
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.testing.virtual_clock import run


class OnLoop:
    """A sink that records its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def start(self) -> None:
        self.calls.append("start")

    async def stop(self) -> None:
        self.calls.append("stop")


class OnThread:
    """A sink that blocks."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def start(self) -> None:
        self.calls.append(("start", threading.current_thread().name))

    def stop(self) -> None:
        self.calls.append(("stop", threading.current_thread().name))


def caller(sink: Any, *, blocking: bool = False) -> SinkCaller:
    return SinkCaller(Isolated("sink", "mine", sink, Metrics(), blocking=blocking))


def test_a_sink_on_the_loop_is_started_and_stopped_there() -> None:
    sink = OnLoop()

    async def scenario() -> None:
        one = caller(sink)
        await one.start()
        await one.stop()

    run(scenario())
    assert ["start", "stop"] == sink.calls


def test_a_sink_that_blocks_is_called_on_a_thread_of_its_own_which_ends_with_it() -> None:
    sink = OnThread()

    async def scenario() -> list[threading.Thread]:
        one = caller(sink, blocking=True)
        await one.start()
        own = [thread for thread in threading.enumerate() if thread.name.startswith("mozu-mine")]
        await one.stop()
        return own

    own = asyncio.run(scenario())
    assert ["start", "stop"] == [name for name, _ in sink.calls]
    assert all(thread.startswith("mozu-mine") for _, thread in sink.calls)
    for thread in own:
        thread.join(_DEADLINE)
    assert [False] == [thread.is_alive() for thread in own]


def test_a_call_gives_its_result_and_is_busy_as_long_as_it_lasts() -> None:
    async def scenario() -> list[float]:
        one = caller(OnLoop())
        await asyncio.sleep(5)
        seen = [one.busy()]

        async def slow() -> float:
            await asyncio.sleep(3)
            seen.append(one.busy())
            return 7.0

        call: Callable[[], Awaitable[float] | float] = slow
        result = await one.call(call)
        return [result, *seen, one.busy()]

    assert [7.0, 0.0, pytest.approx(3.0), 0.0] == run(scenario())


@pytest.mark.parametrize("error", [ValueError("no"), asyncio.CancelledError()])
def test_a_call_on_the_loop_that_fails_is_over(error: BaseException) -> None:
    async def scenario() -> float:
        one = caller(OnLoop())

        async def fails() -> None:
            await asyncio.sleep(1)
            raise error

        call: Callable[[], Awaitable[None] | None] = fails
        with pytest.raises(type(error)):
            await one.call(call)
        await asyncio.sleep(1)
        return one.busy()

    assert 0.0 == run(scenario())


def test_a_sink_whose_thread_may_still_be_in_a_call_is_not_stopped() -> None:
    sink = OnThread()

    async def scenario() -> bool:
        one = caller(sink, blocking=True)
        entered, leave = threading.Event(), threading.Event()

        def stuck() -> None:
            entered.set()
            leave.wait(_DEADLINE)

        async with asyncio.TaskGroup() as group:
            task = group.create_task(one.call(stuck))
            await asyncio.to_thread(entered.wait, _DEADLINE)
            task.cancel()
        is_busy = one.busy() > 0
        leave.set()
        await one.stop()
        return is_busy

    assert asyncio.run(scenario())
    assert [] == sink.calls


def test_a_call_on_a_thread_that_raises_is_over() -> None:
    async def scenario() -> float:
        one = caller(OnThread(), blocking=True)

        def fails() -> None:
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await one.call(fails)
        await one.stop()
        return one.busy()

    assert 0.0 == asyncio.run(scenario())


_DEADLINE = 60.0
"""Seconds after which a thread that is not woken goes on, so that the test fails and does not hang."""
