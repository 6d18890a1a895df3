"""Retries of failed starts: a new instance each time, with back-off, until the stop begins."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from mozu.core.isolation.isolated import Isolated

FIRST: Final = 1.0
LONGEST: Final = 30.0
"""Seconds before the first retry, and at most between two."""


async def retry_start(
    component: Isolated[object], attempt: Callable[[], Awaitable[None]], stopping: asyncio.Event
) -> bool:
    """Build and start the component until an attempt succeeds. Return True if one did, False if the stop began or a
    reload removed the component."""
    pause = FIRST
    while not await _is_set_within(stopping, pause) and not component.is_retired:
        pause = min(2 * pause, LONGEST)
        with component.contained("start again") as call:
            await attempt()
        if call.failed is None:
            component.is_ready = True
            component.log.info("%s has started", component)
            return True
    return False


async def _is_set_within(stopping: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
    return stopping.is_set()
