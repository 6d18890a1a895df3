"""Simultaneous calls of several components, so that one that hangs does not delay the others."""

import asyncio
from collections.abc import Coroutine


async def side_by_side(*works: Coroutine[None, None, None]) -> None:
    """Run all works to their ends. If one raises, the others are cancelled, and its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def until_first(*tasks: "asyncio.Task[None]") -> None:
    """Wait until one of the tasks has ended, and cancel the others."""
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
