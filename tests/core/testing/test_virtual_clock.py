"""The virtual clock: waiting takes no time, and always ends."""

import asyncio

from mozu.core.testing import virtual_clock


def test_a_wait_shorter_than_the_clock_can_show_ends_all_the_same() -> None:
    async def until(moment: float) -> float:
        now = asyncio.get_running_loop().time
        await asyncio.sleep(11.1)
        steps = 0
        while now() < moment:
            await asyncio.sleep((moment - now()) / 4)
            steps += 1
            assert steps < 1000
        return now()

    assert 11.2 <= virtual_clock.run(until(11.2)) < 11.3
