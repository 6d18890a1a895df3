"""Timers that end together: what is due every second is due in one wake-up of the process, for all that wait."""

import asyncio


async def tick(interval: float) -> None:
    """Wait for the next multiple of `interval` seconds on the loop's clock."""
    await asyncio.sleep(until_tick(asyncio.get_running_loop().time(), interval))


def until_tick(now: float, interval: float) -> float:
    """Seconds until then, where the clock shows `now`; at least half an interval, for a timer that ends too soon."""
    left = interval - now % interval
    return left if left >= interval / 2 else left + interval
