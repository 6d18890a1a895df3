"""Background tasks that no other task awaits: owned by the engine's task group, contained, cancelled at the end."""

import asyncio
from collections.abc import Awaitable, Callable

from mozu.core.isolation.isolated import Isolation


class BackgroundTasks:
    """Starts them once the engine runs; one that is spawned earlier starts then."""

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None
        self._early: list[tuple[Awaitable[None], str]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def own(self, group: asyncio.TaskGroup) -> None:
        """The group that owns them from now on."""
        self._group = group
        for work, name in self._early:
            self.spawn(work, name)
        self._early.clear()

    def of(self, isolation: Isolation) -> Callable[[Awaitable[None], str], None]:
        """`spawn` for one component: its failures are its own."""

        def spawn(work: Awaitable[None], name: str) -> None:
            self.spawn(_contained(isolation, work, name), name)

        return spawn

    def spawn(self, work: Awaitable[None], name: str) -> None:
        """Start a task, or keep it until `own` is called."""
        if self._group is None:
            self._early.append((work, name))
            return
        task = self._group.create_task(_await(work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """Cancel all of them."""
        for task in self._tasks:
            task.cancel()


async def _await(work: Awaitable[None]) -> None:
    await work


async def _contained(isolation: Isolation, work: Awaitable[None], name: str) -> None:
    with isolation.contained(name):
        await work
