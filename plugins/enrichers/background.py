"""Background work of a component: owned by the core, ended by the component."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from mozu.core.api.hookspecs import Context


class Background:
    """One piece of work that goes on until `stop`. Outside an engine nobody would own it, and it does not begin."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._task: asyncio.Task[Any] | None = None
        self._stopped = False

    def start(self, context: Context, name: str) -> bool:
        """Begin; whether it did."""
        if context.offline or context.spawn is None:
            return False
        context.spawn(self._run(), name)
        return True

    async def stop(self) -> None:
        """End it, and wait until it has ended. Idempotent; also before its first step."""
        self._stopped = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        self._task = asyncio.current_task()
        if not self._stopped:
            await self._work()
