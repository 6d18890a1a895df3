"""Components whose start has failed are tried again: a new instance each time, with back-off, until the stop begins."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from mozu.core.isolation.isolated import Isolated

FIRST: Final = 1.0
LONGEST: Final = 30.0
"""Seconds before a component is tried again."""


async def retry_start(
    component: Isolated[object], attempt: Callable[[], Awaitable[None]], stopping: asyncio.Event
) -> bool:
    """Make attempts to build and start the component until one succeeds; whether one did before the stop began, or a
    reload had no more use for it."""
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
