"""Timers that end together: everything due each second is done in one wake-up of the process."""

import asyncio


async def tick(interval: float) -> None:
    """Wait for the next multiple of `interval` seconds on the loop's clock."""
    await asyncio.sleep(until_tick(asyncio.get_running_loop().time(), interval))


def until_tick(now: float, interval: float) -> float:
    """Return the seconds until the next multiple, if the clock shows `now`; at least half an interval, for a timer that
    ends too early."""
    left = interval - now % interval
    return left if left >= interval / 2 else left + interval
