"""Cost of the ring buffer's accounts for an event (bpf/accounts.h): a program below and above the watermark.

    python -m benchmarks.accounts [--rounds 60] [--cpu 1] [--processes 1 2 10 500]

Nothing is attached: the kernel runs the program for a made-up call (BPF_PROG_TEST_RUN) and counts the time itself
(`kernel.bpf_stats_enabled`). Below and above take turns, 2,000 runs each, into an empty ring buffer. The calls are
those of so many processes, another one each time.
"""

import argparse
import os
import statistics
import struct
from collections.abc import Iterator
from itertools import cycle
from typing import Final

from benchmarks.kernel_filters import counted
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.plugins.sources.ebpf import bpf_syscall, wire
from mozu.plugins.sources.ebpf.maps import make_maps
from mozu.plugins.sources.ebpf.objects import codegen
from mozu.plugins.sources.ebpf.objects.program_code import ProgramCode
from mozu.plugins.sources.ebpf.ring import FlowMap, RingBuffer
from mozu.plugins.sources.ebpf.tracepoints import PROGRAMS
from tests.support.bpf_run import FilterRunner, run_count

_RING: Final = 64 << 20
_RUNS: Final = 2000
_CALL: Final = SYSCALL_SPECS["kill"]
_NEVER, _ALWAYS = _RING, 0
"""Watermarks, in bytes."""


def call(pid: int) -> bytes:
    """struct syscall_ctx of a kill by this process."""
    found = bytearray(wire.size("syscall_ctx"))
    struct.pack_into("<i", found, wire.place("syscall_ctx", "number").offset, _CALL.number)
    struct.pack_into("<Q", found, wire.place("syscall_ctx", "task").offset, pid << 32 | pid)
    return bytes(found)


def mean(program: int, ring: RingBuffer, flow: FlowMap, meter: int, watermark: int, turns: Iterator[None]) -> float:
    """Nanoseconds of a run; before each one `turns` makes the call another process's."""
    flow.set_watermark(watermark)
    ring.drain(lambda record: None, _RING)
    flow.set_consumed(ring.consumer_position)
    bpf_syscall.update(meter, 0, bytes(wire.size("meter")) * bpf_syscall.possible_cpus())  # it asks anew
    FilterRunner.run(program)
    time, count = run_count(program)
    for _ in range(_RUNS):
        next(turns)
        FilterRunner.run(program)
    time_after, count_after = run_count(program)
    return (time_after - time) / (count_after - count)


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--cpu", type=int, default=1)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 10, 500])
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.cpu})
    maps = make_maps(_RING, requests=False)
    code = ProgramCode(maps, codegen.read_types())
    code.provide(PROGRAMS[_CALL.name])
    program = code.shared_program(PROGRAMS[_CALL.name][0], bpf_syscall.RAW_TRACEPOINT)
    ring, flow = RingBuffer(maps["RING"], _RING), FlowMap(maps["FLOW"], _RING)
    print("| processes in turn | below, least | above, least | median of the pairs |\n|---|---|---|---|")
    for processes in options.processes:
        turns = in_turn(maps["SYSCALL_CTX"], processes)
        next(turns)
        found: dict[int, list[float]] = {_NEVER: [], _ALWAYS: []}
        with counted():
            for number in range(options.rounds):
                for watermark in found if number % 2 else reversed(found):
                    found[watermark].append(mean(program, ring, flow, maps["METER"], watermark, turns))
        pairs = [above - below for below, above in zip(found[_NEVER], found[_ALWAYS], strict=True)]
        below, above = (min(found[watermark]) for watermark in (_NEVER, _ALWAYS))
        print(f"| {processes} | {below:.0f} ns | {above:.0f} ns | {statistics.median(pairs):+.0f} ns |", flush=True)


def in_turn(place: int, processes: int) -> Iterator[None]:
    """The map SYSCALL_CTX has the call of the next one."""
    calls = [call(4242 + number) * bpf_syscall.possible_cpus() for number in range(processes)]
    bpf_syscall.update(place, 0, calls[0])
    for one in cycle(calls):
        if processes > 1:
            bpf_syscall.update(place, 0, one)
        yield


if __name__ == "__main__":
    main()
