"""Background tasks of a run that is refused: every coroutine is awaited or closed."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine

import pytest

from mozu.core.common.background_task import BackgroundTask
from mozu.core.isolation.isolated import Isolation
from mozu.core.metrics import Metrics
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.testing import context

ran: list[str] = []


async def work() -> None:
    ran.append("work")


def spawn(tasks: BackgroundTasks, *, contained: bool) -> Coroutine[None, None, None]:
    made = work()
    how: Callable[[Coroutine[None, None, None], str], None]
    how = tasks.of(Isolation("sink", "a", Metrics())) if contained else tasks.spawn
    how(made, "work")
    return made


@pytest.mark.parametrize("contained", [True, False])
def test_those_of_an_engine_that_never_ran_are_closed(contained: bool) -> None:
    tasks = BackgroundTasks()
    made = spawn(tasks, contained=contained)
    tasks.cancel()
    assert inspect.getcoroutinestate(made) == inspect.CORO_CLOSED


@pytest.mark.parametrize("contained", [True, False])
def test_those_that_are_cancelled_before_their_first_step_are_closed(contained: bool) -> None:
    tasks = BackgroundTasks()
    made = spawn(tasks, contained=contained)

    async def refused() -> None:
        async with asyncio.TaskGroup() as group:
            tasks.own(group)
            raise ValueError("a source cannot start")

    ran.clear()
    with pytest.raises(ExceptionGroup):
        asyncio.run(refused())
    assert (inspect.getcoroutinestate(made), ran) == (inspect.CORO_CLOSED, [])


def test_one_that_comes_after_the_end_is_refused_and_closed() -> None:
    tasks, made = BackgroundTasks(), work()

    async def ended() -> None:
        async with asyncio.TaskGroup() as group:
            tasks.own(group)
        with pytest.raises(RuntimeError):
            tasks.spawn(made, "late")

    asyncio.run(ended())
    assert inspect.getcoroutinestate(made) == inspect.CORO_CLOSED


@pytest.mark.parametrize("contained", [True, False])
def test_those_of_a_run_are_run(contained: bool) -> None:
    tasks = BackgroundTasks()
    made = spawn(tasks, contained=contained)

    async def running() -> None:
        async with asyncio.TaskGroup() as group:
            tasks.own(group)

    ran.clear()
    asyncio.run(running())
    assert (inspect.getcoroutinestate(made), ran) == (inspect.CORO_CLOSED, ["work"])


def test_one_that_its_component_cancels_has_not_failed() -> None:
    tasks, isolation = BackgroundTasks(), Isolation("sink", "a", Metrics())
    own = BackgroundTask(asyncio.Event().wait)  # type: ignore[arg-type]  # it never gives its True

    async def running() -> None:
        async with asyncio.TaskGroup() as group:
            tasks.own(group)
            assert own.start(context(spawn=tasks.of(isolation)), "watch")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await own.stop()

    asyncio.run(running())
    assert isolation.failures.value == 0


def test_one_that_a_cancelled_one_begins_never_starts() -> None:
    tasks, made = BackgroundTasks(), work()

    async def begins_another() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            tasks.spawn(made, "another")

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            tasks.own(group)
            tasks.spawn(begins_another(), "first")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            tasks.cancel()

    ran.clear()
    asyncio.run(main())
    assert (inspect.getcoroutinestate(made), ran) == (inspect.CORO_CLOSED, [])
