"""Thread pool and worker thread: hangs, limits, cancellation, exceptions of calls."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from mozu.core.common.thread_pool import ThreadPool, WorkerThread
from mozu.core.runtime.loop import run


def test_a_call_that_hangs_is_given_up_and_the_next_one_served() -> None:
    async def main() -> str:
        pool = ThreadPool("test", 2)
        gate = asyncio.Event()
        loop = asyncio.get_running_loop()
        stuck = asyncio.run_coroutine_threadsafe
        with pytest.raises(TimeoutError):
            await pool.run(lambda: stuck(gate.wait(), loop).result(), 0.05)
        answer = await pool.run(lambda: "served", 5)
        gate.set()
        pool.stop()
        return answer

    assert run(main()) == "served"


def test_what_a_call_raises_reaches_who_waits() -> None:
    async def main() -> None:
        pool = ThreadPool("test", 1)
        try:
            await pool.run(lambda: [][0], 5)
        finally:
            pool.stop()

    with pytest.raises(IndexError):
        run(main())


def test_too_many_calls_are_refused_at_once() -> None:
    async def main() -> None:
        pool = ThreadPool("test", 1)
        gate = asyncio.Event()
        loop = asyncio.get_running_loop()

        def hang() -> bool:
            return asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()

        async with asyncio.TaskGroup() as group:
            for _ in range(64):
                group.create_task(pool.run(hang, 30))
            await asyncio.sleep(0)
            with pytest.raises(BlockingIOError):
                await pool.run(hang, 30)
            gate.set()
        pool.stop()

    run(main())


def test_a_call_whose_caller_has_given_up_before_it_began_is_skipped() -> None:
    async def main() -> list[str]:
        pool, gate, made = ThreadPool("test", 1), threading.Event(), list[str]()
        hanging = asyncio.ensure_future(pool.run(gate.wait, 30))
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            await pool.run(lambda: made.append("given up"), 0.01)
        gate.set()
        await hanging
        await pool.run(lambda: made.append("awaited"), 30)
        pool.stop()
        return made

    assert run(main()) == ["awaited"]


def test_what_hangs_takes_half_of_the_threads_and_the_rest_of_its_lane_is_refused() -> None:
    async def main() -> tuple[list[str], int]:
        pool, gate, made = ThreadPool("lanes", 4), threading.Event(), list[str]()
        hanging = [asyncio.ensure_future(pool.run(gate.wait, 0.2, ("device 0:54",))) for _ in range(9)]
        made.append(await pool.run(lambda: "beside", 30, ("device 0:55",)))
        found = await asyncio.gather(*hanging, return_exceptions=True)
        assert all(isinstance(one, TimeoutError) for one in found)
        with pytest.raises(BlockingIOError, match="2 calls of lanes hang at device 0:54"):
            await pool.run(gate.wait, 30, ("device 0:54", "user 7"))
        hung = _threads("mozu-lanes")
        gate.set()
        made.append(await until_made(pool, "device 0:54"))
        pool.stop()
        return made, hung

    made, hung = run(main())
    assert ["beside", "device 0:54"] == made
    assert hung <= 6


async def until_made(pool: ThreadPool, lane: str) -> str:
    """Return the result of a call of a lane, as soon as the hung calls have returned."""
    while True:
        try:
            return await pool.run(lambda: lane, 30, (lane,))
        except BlockingIOError:
            await asyncio.sleep(0)


def test_threads_that_hang_are_replaced_and_end_when_their_calls_return() -> None:
    async def main() -> tuple[str, int]:
        pool, gate = ThreadPool("replaced", 2), threading.Event()
        hanging = [pool.run(gate.wait, 0.05, (f"user {number}",)) for number in range(6)]
        found = await asyncio.gather(*hanging, return_exceptions=True)
        assert all(isinstance(one, TimeoutError) for one in found)
        answer = await pool.run(lambda: "served", 30)
        gate.set()
        while _threads("mozu-replaced") > 2:
            await asyncio.sleep(0)
        left = _threads("mozu-replaced")
        pool.stop()
        return answer, left

    assert ("served", 2) == run(main())


def test_where_every_thread_hangs_for_good_calls_are_refused_until_one_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mozu.core.common.thread_pool._MOST_HUNG", 1)

    async def main() -> None:
        pool, release, begun = ThreadPool("test", 1), threading.Event(), list[int]()

        def hang() -> None:
            begun.append(1)
            release.wait()

        for number in (1, 2):
            hanging = asyncio.ensure_future(pool.run(hang, None))
            while len(begun) < number:
                await asyncio.sleep(0)
            hanging.cancel()
            await asyncio.wait([hanging])
        with pytest.raises(BlockingIOError, match="2 calls of test hang, and no other is made"):
            await pool.run(hang, None)
        release.set()
        async with asyncio.timeout(30):
            while pool._stuck:
                await asyncio.sleep(0)
            assert await pool.run(lambda: "made", None) == "made"
        pool.stop()

    asyncio.run(main())


def test_threads_are_spawned_as_they_are_needed_and_no_more_than_the_size() -> None:
    async def main() -> tuple[int, int]:
        pool, gate = ThreadPool("spawned", 2), threading.Event()
        before = _threads("mozu-spawned")
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(pool.run(gate.wait, 30))
            await asyncio.sleep(0)
            during = _threads("mozu-spawned")
            gate.set()
        pool.stop()
        return before, during

    assert run(main()) == (0, 2)


def _threads(name: str) -> int:
    return sum(thread.name.startswith(name) for thread in threading.enumerate())


def test_a_worker_thread_makes_calls_in_order_and_one_at_a_time() -> None:
    async def main() -> list[int]:
        worker, made = WorkerThread("test"), list[int]()

        def call(number: int) -> Callable[[], None]:
            return lambda: made.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(100):
                group.create_task(worker.run(call(number)))
        worker.close()
        return made

    assert run(main()) == list(range(100))


def test_a_worker_thread_makes_a_call_whose_caller_was_cancelled() -> None:
    """Check because a commit in progress must end: its rows are on disk."""

    async def main() -> list[str]:
        worker, gate, made = WorkerThread("test"), threading.Event(), list[str]()
        hanging = asyncio.ensure_future(worker.run(gate.wait))
        cancelled = asyncio.ensure_future(worker.run(lambda: made.append("cancelled")))
        await asyncio.sleep(0)
        cancelled.cancel()
        gate.set()
        await hanging
        await worker.run(lambda: made.append("awaited"))
        worker.close()
        return made

    assert run(main()) == ["cancelled", "awaited"]


def test_a_worker_thread_hands_over_whatever_a_call_raises() -> None:
    def leave() -> None:
        raise SystemExit(3)

    async def main() -> str:
        worker = WorkerThread("test")
        with pytest.raises(SystemExit):
            await worker.run(leave)
        answer = await worker.run(lambda: "alive")
        worker.close()
        return answer

    assert run(main()) == "alive"
