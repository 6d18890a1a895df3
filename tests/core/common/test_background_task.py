"""A background task: its permitted owners, and its end."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from mozu.core.common.background_task import BackgroundTask
from mozu.core.runtime.loop import run
from mozu.core.testing import context


class Owner:
    """An owner that starts tasks as the engine's task group does."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[Any]] = []

    def spawn(self, work: Awaitable[None], name: str) -> None:
        self.tasks.append(asyncio.ensure_future(work))


class Work:
    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.ended = False

    async def forever(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


def test_stop_returns_when_the_work_has_ended() -> None:
    async def main() -> tuple[bool, bool, bool]:
        owner, work = Owner(), Work()
        task = BackgroundTask(work.forever)
        started = task.start(context(spawn=owner.spawn), "work")
        await work.begun.wait()
        await task.stop()
        await task.stop()
        return started, work.ended, owner.tasks[0].done()

    assert run(main()) == (True, True, True)


def test_what_is_stopped_before_its_first_step_does_no_work() -> None:
    async def main() -> bool:
        owner, work = Owner(), Work()
        task = BackgroundTask(work.forever)
        task.start(context(spawn=owner.spawn), "work")
        await task.stop()
        await asyncio.gather(*owner.tasks)
        return work.begun.is_set()

    assert run(main()) is False


def test_without_an_engine_and_for_recordings_it_does_not_start() -> None:
    async def main() -> tuple[bool, bool]:
        owner, work = Owner(), Work()
        outside = BackgroundTask(work.forever).start(context(), "work")
        offline = BackgroundTask(work.forever).start(context(spawn=owner.spawn, offline=True), "work")
        assert not owner.tasks
        return outside, offline

    assert run(main()) == (False, False)
