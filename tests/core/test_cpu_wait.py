"""CPU wait: the kernel's count for each thread, and deadlines that it extends."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mozu.core.cpu_wait import CpuWait, timeout
from mozu.core.testing import virtual_clock


class Machine:
    """A /proc with one process, its cgroups, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.proc, self.cgroups, self.now = folder / "proc", folder / "cgroup", 100.0
        (self.proc / "7/task").mkdir(parents=True)

    def waits(self, clock: Callable[[], float] | None = None) -> CpuWait:
        return CpuWait(7, proc=self.proc, cgroups=self.cgroups, clock=clock or (lambda: self.now))

    def threads(self, waited: Mapping[str, float]) -> None:
        """Set thread → seconds that it has waited; each has run for a second."""
        for name, seconds in waited.items():
            (self.proc / "7/task" / name).mkdir(exist_ok=True)
            (self.proc / "7/task" / name / "schedstat").write_text(f"1000000000 {round(seconds * 1e9)} 12\n")

    def stat(self, folder: str, text: str) -> None:
        (self.cgroups / folder).mkdir(parents=True, exist_ok=True)
        (self.cgroups / folder / "cpu.stat").write_text(text)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_process_waits_as_long_as_the_thread_that_waits_most(machine: Machine) -> None:
    machine.threads({"7": 50.0, "8": 1.0})
    waits = machine.waits()
    machine.now += 4.0
    machine.threads({"7": 50.5, "8": 3.0, "9": 1.5})
    assert 2.0 == pytest.approx(waits.now())
    machine.now += 4.0
    machine.threads({"7": 53.5})
    assert 5.0 == pytest.approx(waits.now())


def test_an_interval_has_no_more_wait_than_it_has_seconds(machine: Machine) -> None:
    machine.threads({"7": 0.0})
    waits = machine.waits()
    machine.now += 0.5
    machine.threads({"7": 9.0})
    assert 0.5 == pytest.approx(waits.now())


def test_the_beginning_of_an_interval_is_a_second_old_at_most(machine: Machine) -> None:
    machine.threads({"7": 0.0})
    waits = machine.waits()
    machine.now += 0.9
    machine.threads({"7": 0.9})
    assert 0.0 == waits.so_far()
    machine.now += 0.2
    assert 0.9 == pytest.approx(waits.so_far())


def test_a_process_that_has_ended_waits_no_more(tmp_path: Path) -> None:
    assert 0.0 == CpuWait(7, proc=tmp_path, cgroups=tmp_path).now()


@pytest.mark.parametrize(
    ("membership", "folder", "before", "after"),
    [
        ("0::/a/b\n", "a/b", "usage_usec 5\nthrottled_usec 1000000\n", "usage_usec 6\nthrottled_usec 2500000\n"),
        ("0::/a/b\n", "a", "throttled_usec 1000000\n", "throttled_usec 2500000\n"),
        ("5:memory:/m\n3:cpu,cpuacct:/a\n0::/\n", "cpu,cpuacct/a", "throttled_time 0\n", "throttled_time 1500000000\n"),
    ],
    ids=["v2", "v2 above", "v1"],
)
def test_without_counts_of_threads_the_time_counts_in_which_the_cgroup_was_throttled(
    machine: Machine, membership: str, folder: str, before: str, after: str
) -> None:
    (machine.proc / "7/cgroup").write_text(membership)
    machine.stat(folder, before)
    waits = machine.waits()
    machine.now += 4.0
    machine.stat(folder, after)
    assert 1.5 == pytest.approx(waits.now())


def test_a_deadline_is_put_off_by_the_wait_and_no_longer(machine: Machine) -> None:
    """Use a component that never ends, starved for 3 of the first 5 seconds, and for 1 of the next 3."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        machine.threads({"7": 0.0})
        child = machine.waits(loop.time)
        loop.call_at(4.0, machine.threads, {"7": 3.0})
        loop.call_at(6.0, machine.threads, {"7": 4.0})
        with pytest.raises(TimeoutError):
            async with timeout(5.0, child):
                await asyncio.Event().wait()
        return loop.time()

    assert 9.0 == pytest.approx(virtual_clock.run(main()), abs=0.01)


def test_what_ends_in_time_is_not_cancelled_later(machine: Machine) -> None:
    async def main() -> str:
        async with timeout(5.0):
            await asyncio.sleep(4.0)
        await asyncio.sleep(10.0)
        return "went on"

    assert "went on" == virtual_clock.run(main())
