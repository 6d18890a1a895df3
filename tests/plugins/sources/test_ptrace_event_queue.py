"""The queue of the source ptrace: a question waits for the events before it, and its answer does not wait for
others.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from mozu.core.api import CallVerdict, SyscallEvent
from mozu.plugins.sources.ptrace.event_queue import EventQueue


def run(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Return a test that runs on a loop of its own."""

    async def whole() -> None:
        await test()

    def made() -> None:
        asyncio.run(whole())

    return made


def call(name: str) -> SyscallEvent:
    return SyscallEvent("syscall", name, 0, tid=1, pid=1)


async def ask(queue: EventQueue, thread: ThreadPoolExecutor, *, denied: bool) -> tuple[bool, list[str]]:
    """Return (the answer, the order of events up to it)."""
    order: list[str] = []

    def judge(event: SyscallEvent) -> CallVerdict:
        order.append(f"judged {event.type}")
        return CallVerdict(denied)

    asked = asyncio.get_running_loop().run_in_executor(thread, queue.ask, call("openat"))
    while not asked.done():
        await queue.arrived.wait()
        order += [event.type for event in queue.take(1)]
        queue.answer(judge)
        await asyncio.sleep(0)
        if order and order[-1].startswith("judged"):
            await asked
    return asked.result(), order


@run
async def test_a_call_is_judged_once_behind_all_events_before_it() -> None:
    queue = EventQueue(asyncio.get_running_loop())
    queue.put(call("fork"))
    queue.put(call("execve"))
    with ThreadPoolExecutor(1) as thread:
        found = await ask(queue, thread, denied=False)
    assert (False, ["fork", "execve", "judged openat"]) == found


@run
async def test_questions_follow_each_other() -> None:
    queue = EventQueue(asyncio.get_running_loop())
    with ThreadPoolExecutor(1) as thread:
        answers = [(await ask(queue, thread, denied=denied))[0] for denied in (True, False, True)]
    assert [True, False, True] == answers


@run
async def test_a_call_that_is_asked_about_when_the_reader_has_gone_is_denied() -> None:
    queue = EventQueue(asyncio.get_running_loop())
    queue.abandoned = True
    with ThreadPoolExecutor(1) as thread:
        assert await asyncio.get_running_loop().run_in_executor(thread, queue.ask, call("openat"))


@run
async def test_a_judge_that_fails_denies() -> None:
    queue = EventQueue(asyncio.get_running_loop())

    def fails(event: SyscallEvent) -> CallVerdict:
        raise ValueError("no")

    with ThreadPoolExecutor(1) as thread:
        asked = asyncio.get_running_loop().run_in_executor(thread, queue.ask, call("openat"))
        await queue.arrived.wait()
        with contextlib.suppress(ValueError):
            queue.answer(fails)
        assert await asked
