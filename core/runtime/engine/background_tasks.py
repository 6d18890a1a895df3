"""Background tasks that no other task awaits: owned by the engine's task group, contained, cancelled at the end."""

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable

from mozu.core.isolation.detached import CancelledByItself, detached
from mozu.core.isolation.isolated import Isolation

Contained = Callable[[], contextlib.AbstractContextManager[object]]


class BackgroundTasks:
    """The starter of background tasks once the engine runs; tasks that are spawned earlier start then."""

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None
        self._early: list[tuple[Awaitable[None], str, Contained]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_over = False

    def own(self, group: asyncio.TaskGroup) -> None:
        """Have the group own the tasks, the waiting ones too."""
        self._group = group
        early, self._early = self._early, []
        for work, name, contained in early:
            self._spawn(work, name, contained)

    def of(self, isolation: Isolation) -> Callable[[Awaitable[None], str], None]:
        """Return a `spawn` for one component, to which failures of its tasks are attributed."""

        def spawn(work: Awaitable[None], name: str) -> None:
            self._spawn(work, name, lambda: isolation.contained(name))

        return spawn

    def spawn(self, work: Awaitable[None], name: str) -> None:
        """Start a task, or keep it until `own` is called."""
        self._spawn(work, name, contextlib.nullcontext)

    def cancel(self) -> None:
        """Cancel all tasks, and forget those that never started (the start was refused). None starts afterwards: a
        cancelled task may have begun the next one."""
        self._is_over = True
        for task in self._tasks:
            task.cancel()
        for work, _, _ in self._early:
            _close(work)
        self._early.clear()

    def _spawn(self, work: Awaitable[None], name: str, contained: Contained) -> None:
        if self._is_over:
            _close(work)
            return
        if self._group is None:
            self._early.append((work, name, contained))
            return
        waiting = _await(work, name, contained)
        try:
            task = self._group.create_task(waiting, name=name)
        except RuntimeError:  # the group is shutting down
            waiting.close()
            _close(work)
            raise
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, work))

    def _ended(self, task: asyncio.Task[None], work: Awaitable[None]) -> None:
        self._tasks.discard(task)
        _close(work)  # of a task that was cancelled before its first step


async def _await(work: Awaitable[None], name: str, contained: Contained) -> None:
    with contained(), contextlib.suppress(CancelledByItself):  # a component ends its own task
        await detached(work, name)


def _close(work: Awaitable[None]) -> None:
    """Close a coroutine that never ran, which would otherwise warn that it was never awaited."""
    if inspect.iscoroutine(work) and inspect.getcoroutinestate(work) == inspect.CORO_CREATED:
        work.close()
