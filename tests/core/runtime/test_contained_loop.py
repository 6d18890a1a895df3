"""Exceptions in callbacks, tasks, protocols and threads of a component end nothing else, and are blamed on the
component.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from mozu.core.isolation.isolated import Isolated, Isolation
from mozu.core.metrics import Metrics
from mozu.core.runtime.contained_loop import ContainedLoop
from mozu.core.runtime.loop import run

ENDS = [SystemExit(0), KeyboardInterrupt(), ValueError("bad")]


class Component:
    """A component that raises a given exception, at the place of the test."""

    def __init__(self, raised: BaseException) -> None:
        self.raised = raised

    def fail(self, *_: object) -> None:
        raise self.raised

    async def fail_soon(self) -> None:
        self.fail()


def blamed(raised: BaseException, cause: Callable[[Component], Awaitable[None]]) -> tuple[int, int]:
    """Return how often each of two components of one module was blamed for an act of the first."""
    first = Isolated("sink", "first", Component(raised), Metrics())
    second = Isolated("sink", "second", Component(raised), Metrics())

    async def main() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ContainedLoop)
        loop.owners.use([first, second])
        with first.owned():
            await cause(first.component)
        for _ in range(5):
            await asyncio.sleep(0)
        return first.failures.value, second.failures.value

    return run(main())


@pytest.fixture(autouse=True)
def signals_raise_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mozu.core.isolation.ends.is_by_signal", lambda: False)


@pytest.mark.parametrize("raised", ENDS)
def test_a_callback(raised: BaseException) -> None:
    async def cause(component: Component) -> None:
        asyncio.get_running_loop().call_soon(component.fail)

    assert (1, 0) == blamed(raised, cause)


def test_a_callback_that_runs_is_its_components() -> None:
    async def main() -> Isolation | None:
        loop, owners = asyncio.get_running_loop(), list[Isolation | None]()
        assert isinstance(loop, ContainedLoop)
        with Isolation("sink", "first", Metrics()).owned():
            loop.call_soon(lambda: owners.append(loop.owner()))
        await asyncio.sleep(0)
        return owners[0]

    assert "sink first" == str(run(main()))


@pytest.mark.parametrize("raised", ENDS)
def test_a_timer(raised: BaseException) -> None:
    async def cause(component: Component) -> None:
        asyncio.get_running_loop().call_later(0.001, component.fail)
        await asyncio.sleep(0.01)

    assert (1, 0) == blamed(raised, cause)


@pytest.mark.parametrize("raised", ENDS[:2])
def test_a_task_that_nothing_awaits(raised: BaseException) -> None:
    async def cause(component: Component) -> None:
        asyncio.ensure_future(component.fail_soon())  # noqa: RUF006  what a component must not do
        await asyncio.sleep(0)

    found, other = blamed(raised, cause)
    assert found >= 1  # once when it is raised, and once more when the task is collected
    assert other == 0


@pytest.mark.parametrize("raised", ENDS)
def test_a_reader_of_a_descriptor(raised: BaseException) -> None:
    async def cause(component: Component) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            loop = asyncio.get_running_loop()

            def readable() -> None:
                loop.remove_reader(ours)
                component.fail()

            loop.add_reader(ours, readable)
            theirs.send(b"x")
            await asyncio.sleep(0.01)

    assert (1, 0) == blamed(raised, cause)


@pytest.mark.parametrize("raised", ENDS)
def test_a_protocol(raised: BaseException) -> None:
    async def cause(component: Component) -> None:
        class Failing(asyncio.Protocol):
            def data_received(self, data: bytes) -> None:
                component.fail()

        loop = asyncio.get_running_loop()
        server = await loop.create_server(Failing, "127.0.0.1", 0)
        address: Any = server.sockets[0].getsockname()
        _, writer = await asyncio.open_connection(*address)
        writer.write(b"x")
        await asyncio.sleep(0.02)
        writer.close()
        server.close()

    assert (1, 0) == blamed(raised, cause)


@pytest.mark.parametrize("raised", [SystemExit(0), ValueError("bad")])
def test_a_thread_is_found_by_whose_object_runs_there(raised: BaseException) -> None:
    async def cause(component: Component) -> None:
        thread = threading.Thread(target=component.fail)
        thread.start()
        await asyncio.to_thread(thread.join)

    found, other = blamed(raised, cause)
    assert (1, 0) == (found, other)


def test_what_the_run_itself_raises_ends_it() -> None:
    async def main() -> None:
        raise SystemExit(7)

    with pytest.raises(SystemExit):
        run(main())


def test_tasks_are_made_as_python_3_13_asks_for_them() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ContainedLoop)
        task = loop._make_task(loop, asyncio.sleep(0), name="named", eager_start=None)
        await task
        return task.get_name()

    assert run(main()) == "named"


def test_a_component_uses_timeouts_in_a_task_of_mozu_and_that_is_no_failure() -> None:
    async def cause(component: Component) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()

    assert (0, 0) == blamed(ValueError(), cause)


def test_a_task_of_mozu_that_a_component_cancels_while_it_waits_in_its_call_goes_on() -> None:
    first = Isolated("source", "first", Component(ValueError()), Metrics())

    async def main() -> tuple[str, int]:
        task = asyncio.current_task()
        assert task is not None
        with first.contained("read events") as call:
            asyncio.get_running_loop().call_soon(task.cancel)
            await asyncio.Event().wait()
        await asyncio.sleep(0)  # the request has no pending work
        return type(call.failed).__name__, task.cancelling()

    assert run(main()) == ("CancelledError", 0)


def test_a_component_cancels_the_task_that_its_context_has_spawned() -> None:
    """Check with a context that has an isolation of its own, and a reload with another for the same component."""
    metrics = Metrics()
    spawning, running = (Isolated("enricher", "containers", Component(ValueError()), metrics) for _ in range(2))

    async def main() -> tuple[bool, int]:
        with spawning.owned():
            task = asyncio.ensure_future(asyncio.Event().wait())
        await asyncio.sleep(0)
        with running.owned():
            task.cancel()
        await asyncio.wait([task], timeout=5)
        return task.cancelled(), running.failures.value

    assert run(main()) == (True, 0)


def test_mozu_cancels_tasks_of_components() -> None:
    first = Isolated("source", "first", Component(ValueError()), Metrics())

    async def main() -> tuple[bool, int]:
        with first.owned():
            task = asyncio.ensure_future(asyncio.Event().wait())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled(), first.failures.value

    assert run(main()) == (True, 0)
