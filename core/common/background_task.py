"""A background task of a component: started through the engine's task group, ended by the component."""

import asyncio
from collections.abc import Awaitable, Callable

from mozu.core.api import Context


class BackgroundTask:
    """A task that runs `work` until `stop`. Without an engine (`Context.spawn` is None) it has no owner, and does not
    start."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def start(self, context: Context, name: str) -> bool:
        """Start the task; return False if that is not possible."""
        if context.offline or context.spawn is None:
            return False
        context.spawn(self._run(), name)
        return True

    async def stop(self) -> None:
        """Cancel the task, and wait until it has ended. Idempotent; also before its first step."""
        self._stopped = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        self._task = asyncio.current_task()
        if not self._stopped:
            await self._work()
