"""Comparison of one ring buffer for all CPUs and one for each: a record's cost for writers, merging's for the reader.

    python -m benchmarks.rings [--rounds 9] [--calls 1000000]

A program at the exit of openat writes a record of the size of an open's into one of the ring buffers, while as many
processes as there are CPUs, or one alone, open and close a file; a thread frees the ring buffers at the same time.
Rounds are interleaved; medians, in brackets the least and the most. The reader's part is the time that it takes to put
batches of two ring buffers in order by time, in Python.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from operator import attrgetter
from pathlib import Path
from typing import Final

from benchmarks.concurrent_load import concurrent_load
from benchmarks.workloads.calls import BUILD
from benchmarks.workloads.workload import missing_packages
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ebpf import bpf_syscall, checks
from mozu.plugins.sources.ebpf.objects import compiler
from mozu.plugins.sources.ebpf.ring import RingBuffer

SIZE: Final = 32 << 20
"""Bytes of each ring buffer: more than is written between two iterations of the thread that frees them."""
BATCH: Final = 2000
_SOURCE: Final = Path(__file__).parent / "workloads/calls.c"
_RECORD: Final = """
struct record { u64 words[24]; }; /* 192 bytes: an open with a path of 60 */
"""


class DiscardingRingBuffer(RingBuffer):
    """Frees records without reading them."""

    def discard(self) -> None:
        """Move the consumer position to the producer's."""
        self._own[0] = self._positions[0]


def _function(name: str, body: str) -> str:
    head = "struct record record = {}; record.words[0] = bpf_ktime_get_boot_ns();"
    return f"int {name}(void *context) {{ {head} {body} return 0; }}\n"


def _output(fd: int) -> str:
    return f"bpf_ringbuf_output((void *)bpf_pseudo_fd(1, {fd}), &record, sizeof(record), 0);"


def program_text(shared: int, per_cpu: Sequence[int]) -> str:
    """Three programs: no output, into the one ring buffer, into that of the CPU."""
    cases = " ".join(f"if (cpu == {cpu}) {{ {_output(fd)} }}" for cpu, fd in enumerate(per_cpu))
    return (
        _RECORD
        + _function("nothing", "")
        + _function("one_for_all", _output(shared))
        + _function("one_for_each", f"u32 cpu = bpf_get_smp_processor_id(); {cases}")
    )


def discarding(rings: Sequence[DiscardingRingBuffer]) -> AbstractContextManager[None]:
    """Records are discarding soon after they are written."""

    def discard() -> None:
        for ring in rings:
            ring.discard()

    return concurrent_load(discard, 0.001)


def timed(command: Sequence[str]) -> float:
    """Wall seconds."""
    begun = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - begun


def merging() -> tuple[float, float]:
    """Microseconds an event to merge two batches by time, and to concatenate them."""
    halves = [[SyscallEvent("syscall", "openat", 2 * n + odd) for n in range(BATCH // 2)] for odd in (0, 1)]
    key = attrgetter("time")
    sorting, joining = [], []
    for _ in range(200):
        begun = time.perf_counter()
        sorted(halves[0] + halves[1], key=key)
        between = time.perf_counter()
        halves[0] + halves[1]
        joining.append(time.perf_counter() - between)
        sorting.append(between - begun)
    return statistics.median(sorting) / BATCH * 1e6, statistics.median(joining) / BATCH * 1e6


def spread(values: Sequence[float]) -> str:
    """Median (least … most)."""
    return f"{statistics.median(values):+.0f} ({min(values):+.0f} … {max(values):+.0f})"


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=1_000_000)
    options = parser.parse_args()
    if packages := missing_packages([BUILD]):
        raise SystemExit(f"a compiler is not installed: apt-get install {' '.join(packages)}")
    cpus = bpf_syscall.possible_cpus()
    ring = bpf_syscall.RINGBUF
    fds = [bpf_syscall.create_map(ring, f"rings_{n}", key=0, value=0, entries=SIZE) for n in range(cpus + 1)]
    rings = [DiscardingRingBuffer(fd, SIZE) for fd in fds]
    names = ("nothing", "one_for_all", "one_for_each")
    code = compiler.compile_text(program_text(fds[0], fds[1:]), Path.cwd(), names)
    programs = {name: bpf_syscall.load(bpf_syscall.TRACEPOINT, name, code[name]) for name in names}
    point = checks.tracepoint_id(checks.tracefs(), "sys_exit_openat")
    assert point is not None, "this kernel has no tracepoint of openat"
    print("| processes | into one ring buffer, ns a record | into one a CPU | difference |", flush=True)
    print("|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder, discarding(rings):
        target = Path(folder) / "target"
        target.touch()
        subprocess.run(["gcc", "-O2", "-o", f"{folder}/calls", _SOURCE], check=True)
        for processes in sorted({1, os.cpu_count() or 1}):
            command = [f"{folder}/calls", "open", str(processes), str(options.calls // processes), str(target)]
            found: dict[str, list[float]] = {name: [] for name in programs}
            for number in range(options.rounds):
                for name in names if number % 2 else reversed(names):
                    attachment = bpf_syscall.attach_tracepoint(programs[name], point)
                    found[name].append(timed(command) / options.calls * processes * 1e9)
                    os.close(attachment)
            costs = [[a - b for a, b in zip(found[n], found["nothing"], strict=True)] for n in names[1:]]
            between = [a - b for a, b in zip(*costs, strict=True)]
            print(f"| {processes} | {' | '.join(map(spread, (*costs, between)))} |", flush=True)
    sorting, joining = merging()
    print(f"\nordering by time: {sorting:.2f} µs an event; without: {joining:.2f} µs")


if __name__ == "__main__":
    main()
