"""Demand, the clock, the ring: the parts of the source that need no kernel program; and the source as a plugin."""

import asyncio
import mmap
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from mozu.core.abi.syscall_specs import DEFAULT_TYPES
from mozu.core.api import Source
from mozu.core.filter.demand import Demand, Interest
from mozu.plugins.sources import ebpf
from mozu.plugins.sources.ebpf.decode import reading
from mozu.plugins.sources.ebpf.decode.reading import Clock
from mozu.plugins.sources.ebpf.ring import RingBuffer
from mozu.plugins.sources.ebpf.settings import EbpfSettings
from mozu.plugins.sources.ebpf.source import EbpfSource
from mozu.plugins.sources.ebpf.tracepoints import PROCESS_EVENTS, wanted_types
from tests.support import requirements
from tests.support.acts import floods
from tests.support.live import Live, context, demand
from tests.support.requirements import ROOT

SIZE = 8192
PAGE = mmap.PAGESIZE
BUSY, DISCARDED = 1 << 31, 1 << 30


def need(*state_dependencies: str) -> Interest:
    """Return the interest in a type."""
    return Interest(frozenset(state_dependencies))


def test_only_the_named_types_and_the_tree_are_watched() -> None:
    assert wanted_types(demand("connect")) == (PROCESS_EVENTS | {"connect"}, frozenset())


def test_facets_bring_the_types_that_change_them() -> None:
    types, _ = wanted_types(demand("connect", state_dependencies=("cwd", "ids")))

    assert types >= {"chdir", "fchdir", "chroot", "setuid", "setresgid"}


def test_descriptors_are_asked_for_and_not_followed() -> None:
    types, _ = wanted_types(demand("connect", state_dependencies=("fds",)))

    assert types == PROCESS_EVENTS | {"connect"}


def test_everything_is_everything() -> None:
    assert wanted_types(demand("*")) == (DEFAULT_TYPES | PROCESS_EVENTS, frozenset())


def test_types_that_nobody_knows_are_reported() -> None:
    assert wanted_types(demand("connect", "teleport"))[1] == {"teleport"}


def test_other_source_classes_are_not_ours() -> None:
    assert wanted_types(Demand({"k8s_audit": {"get": need()}})) == (PROCESS_EVENTS, frozenset())


def test_a_ring_size_that_is_no_power_of_two_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a power of two such as 16384"):
        EbpfSettings(ring_size=10_000)


@pytest.mark.parametrize(("cpus", "mebibytes"), [(1, 8), (2, 8), (3, 16), (4, 16), (16, 64), (17, 128), (256, 128)])
def test_a_ring_grows_with_the_machine(cpus: int, mebibytes: int) -> None:
    assert mebibytes << 20 == ebpf.ring_size(cpus)


def test_the_source_keeps_its_contract() -> None:
    declared = ebpf.mozu_components()

    assert (declared.name, declared.event_source, declared.live) == ("ebpf", "syscall", True)
    assert isinstance(declared.build(EbpfSettings(), context()), Source)


def test_a_step_of_the_wall_clock_is_noticed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    offsets = iter([1_000, 1_500, 60_000_001_000, 60_000_001_000])
    monkeypatch.setattr(reading, "measure", lambda: next(offsets))
    found = Clock()

    steps = [found.check() for _ in range(3)]
    assert (steps[0], steps[1] is not None and steps[1].by, steps[2], found.offset) == (
        None, 60_000_000_000, None, 60_000_001_000,
    )  # fmt: skip


@pytest.mark.parametrize("by", [7_000_000, -7_000_000, 99_999_999])
def test_a_slewed_clock_is_followed_and_is_no_step(monkeypatch: pytest.MonkeyPatch, by: int) -> None:
    offsets = iter([1_000, 1_000 + by])
    monkeypatch.setattr(reading, "measure", lambda: next(offsets))
    found = Clock()

    assert (found.check(), found.offset) == (None, 1_000 + by)


@pytest.mark.parametrize("by", [reading.STEP, -reading.STEP])
def test_the_least_step_is_reported_in_either_direction(monkeypatch: pytest.MonkeyPatch, by: int) -> None:
    offsets = iter([1_000, 1_000 + by])
    monkeypatch.setattr(reading, "measure", lambda: next(offsets))
    step = Clock().check()

    assert step is not None
    assert step.by == by


@pytest.fixture
def ring() -> Iterator[tuple[RingBuffer, mmap.mmap]]:
    """Yield a ring as the kernel lays it out, in a file in memory; its data is written by hand."""
    fd = os.memfd_create("ring")
    os.ftruncate(fd, 2 * PAGE + 2 * SIZE)
    writable = mmap.mmap(fd, 2 * PAGE + 2 * SIZE)
    made = RingBuffer(fd, SIZE)
    yield made, writable
    made.close()
    writable.close()
    os.close(fd)


def put(memory: mmap.mmap, at: int, data: bytes, flags: int = 0) -> int:
    """Write a record at a position; return the position after it."""
    start = 2 * PAGE + (at & (SIZE - 1))
    memory[start : start + 8] = (len(data) | flags).to_bytes(4, "little") + bytes(4)
    memory[start + 8 : start + 8 + len(data)] = data
    after = at + (len(data) + 15 & ~7)
    memory[PAGE : PAGE + 8] = after.to_bytes(8, "little")
    return after


def taken(made: RingBuffer, limit: int = 100) -> list[bytes]:
    """Drain the ring; return the first four bytes of each record."""
    return made.drain(lambda record: record[:4], limit)


def test_records_come_in_order_and_their_room_is_freed(ring: tuple[RingBuffer, mmap.mmap]) -> None:
    made, memory = ring
    at = 0
    for data in (b"one.", b"two.22", b"thre3"):
        at = put(memory, at, data)

    assert (taken(made), made.pending(), int.from_bytes(memory[:8], "little")) == ([b"one.", b"two.", b"thre"], 0, at)


def test_a_drain_stops_at_its_limit(ring: tuple[RingBuffer, mmap.mmap]) -> None:
    made, memory = ring
    put(memory, put(memory, 0, b"one."), b"two.")

    assert (taken(made, 1), taken(made, 1), taken(made, 1)) == ([b"one."], [b"two."], [])


def test_nothing_behind_a_record_that_is_being_written_is_read(ring: tuple[RingBuffer, mmap.mmap]) -> None:
    made, memory = ring
    after = put(memory, put(memory, 0, b"one."), b"two.", BUSY)
    put(memory, after, b"late")

    assert taken(made) == [b"one."]
    memory[2 * PAGE + 16 : 2 * PAGE + 20] = (4).to_bytes(4, "little")
    assert taken(made) == [b"two.", b"late"]


def test_a_discarded_record_is_skipped(ring: tuple[RingBuffer, mmap.mmap]) -> None:
    made, memory = ring
    put(memory, put(memory, 0, b"gone", DISCARDED), b"here")

    assert taken(made) == [b"here"]


@pytest.mark.parametrize("before_end", range(8, 40, 8))
def test_a_record_that_goes_on_at_the_beginning_is_given_whole(
    ring: tuple[RingBuffer, mmap.mmap], before_end: int
) -> None:
    made, memory = ring
    at = SIZE - before_end
    memory[:8] = at.to_bytes(8, "little")
    data = bytes(range(32))
    memory[2 * PAGE + at : 2 * PAGE + at + 8] = len(data).to_bytes(4, "little") + bytes(4)
    behind = before_end - 8
    memory[2 * PAGE + SIZE - behind : 2 * PAGE + SIZE] = data[:behind]
    memory[2 * PAGE : 2 * PAGE + len(data) - behind] = data[behind:]
    put(memory, at + 40, b"next")

    found = made.drain(lambda record: record, 100)

    assert [data, b"next"] == [found[0], found[1][:4]]


@pytest.mark.ebpf
def test_the_source_runs_under_the_standard_loop_too() -> None:
    requirements.ebpf()
    with Live(EbpfSource(1 << 20, context()), demand("openat2"), asyncio.new_event_loop()) as live:
        act = live.act(floods.numbered, 50)

    assert len(act.of("openat2")) == 50


_UNPRIVILEGED = """
import asyncio
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support.live import context, demand

async def main():
    source = EbpfSource(1 << 20, context())
    await source.start(demand("openat"))
    await source.stop()
    async for batch in source.batches():
        pass
    print("seen", source.counts()["openat"].seen)

asyncio.run(main())
"""


@pytest.mark.ebpf
@pytest.mark.parametrize(
    ("names", "expected"),
    [("bpf,perfmon,dac_read_search", "seen"), ("bpf,dac_read_search", "this process lacks CAP_PERFMON")],
)
def test_three_capabilities_are_enough_and_fewer_are_named(names: str, expected: str) -> None:
    requirements.ebpf()
    sets = ",".join(["-all", *(f"+{name}" for name in names.split(","))])
    privileges = ("--inh-caps", sets, "--ambient-caps", sets, "--bounding-set", sets)
    done = subprocess.run(
        [
            *(requirements.program("setpriv"), "--reuid", "65534", "--regid", "65534", "--clear-groups", *privileges),
            *(sys.executable, "-B", "-c", _UNPRIVILEGED),
        ],
        cwd="/",
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert expected in done.stdout + done.stderr
