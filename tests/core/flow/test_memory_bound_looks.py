"""The interval at which the memory bound looks: short if memory may reach the mark, at rest the tick."""

import asyncio
from collections.abc import Sequence

import pytest

from mozu.core.flow import memory_bound
from mozu.core.testing import virtual_clock
from tests.core.flow.test_memory_bound import LIMIT, Machine

FAST = 600
"""Growth per second: to a limit of 1,125 about as a burst of 64 MiB to 120 MiB."""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch, caches=0)


def moments(machine: Machine, sizes: Sequence[int], *, before: int = 0) -> list[float]:
    """Return the seconds at which the memory was read; each read finds the next of `sizes`, and the one a second before
    the first finds `before` (0: the same size).
    """
    looks: list[float] = []
    coming = iter(sizes)

    async def main() -> None:
        now = asyncio.get_running_loop().time
        begun = now()

        def resident() -> int:
            looks.append(round(now() - begun, 2))
            machine.rest = next(coming, machine.rest)
            return machine.rest

        machine.bound._resident = resident
        await machine.run_for(1.95)

    machine.bound._last = before or sizes[0]
    virtual_clock.run(main())
    return looks


def test_at_rest_a_look_a_second_is_enough_where_a_burst_does_not_reach_the_mark_before_the_next(
    machine: Machine,
) -> None:
    assert [0.0, 1.0] == moments(machine, [300]) == moments(machine, [850])


def test_the_nearer_memory_is_to_the_mark_the_sooner_is_the_next_look_a_tenth_of_a_second_at_the_least(
    machine: Machine,
) -> None:
    assert [0.0, 0.6, 1.2, 1.8] == moments(machine, [870])
    assert [0.0, 0.6, 1.0, 1.2, 1.3, 1.4] == moments(machine, [870, 880, 890, 899, 899, 700])[:6]
    assert [round(number / 10, 1) for number in range(20)] == moments(machine, [900])


def test_where_memory_falls_the_looks_follow_the_tick_again(machine: Machine) -> None:
    assert [0.0, 0.1, 1.0] == moments(machine, [899, 700])


def test_memory_that_grows_faster_than_a_burst_is_looked_at_as_that_growth_asks(machine: Machine) -> None:
    assert [0.0, 1.0] == moments(machine, [800], before=800) == moments(machine, [700], before=500)
    assert [0.0, 0.5, 1.0] == moments(machine, [800, 850, 850], before=600)[:3]


def test_a_burst_out_of_rest_passes_the_mark_and_never_the_limit(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rest at six tenths of the limit, then grow past the limit within a second."""
    monkeypatch.setattr(memory_bound, "_BURST", FAST)
    machine.held = {"caches": 300}
    sizes: list[int] = []

    async def main() -> None:
        now = asyncio.get_running_loop().time

        def resident() -> int:
            machine.rest = 400 + min(600, int(FAST * max(0.0, now() - 10.05)))
            return machine.all_held()

        machine.reading = resident
        async with asyncio.TaskGroup() as group:
            group.create_task(machine.run_for(20.0))
            for _ in range(2000):
                sizes.append(resident())
                await asyncio.sleep(0.01)

    virtual_clock.run(main())

    assert {"caches": 0} == machine.held
    assert 900 < max(sizes) < LIMIT
    assert [] == [rule for rule in machine.rules() if rule == "Memory limit exceeded"]
