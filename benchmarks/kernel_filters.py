"""Kernel filters of sets of rules: the time to make and load them, the verifier's work, and the run of one `openat`.

    python -m benchmarks.kernel_filters [--rules FILE ...] [--rounds 20]

Nothing is attached: the kernel runs the filter of `openat` for a made-up call (BPF_PROG_TEST_RUN) and counts the time
itself (`kernel.bpf_stats_enabled`). Given is the least mean of a hundred runs: whatever else the machine does adds up.
"""

import argparse
import ctypes
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.api import Context
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import STANDARD, FalcoSettings
from mozu.plugins.sources.ebpf import bpf_syscall, filter_layout
from mozu.plugins.sources.ebpf.kernel_filter import choose
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import cacheable_fields
from mozu.plugins.sources.ebpf.source import filterable_types
from tests.support.bpf_run import filter_runner, run_time
from tests.support.filter_facts import put

T = TypeVar("T")
OPENAT: Final = SYSCALL_SPECS["openat"]
PATHS: Final = ("/usr/lib/x86_64-linux-gnu/libc.so.6", "/tmp/x", "/etc/ld.so.cache", "/proc/self/status")
_STATS: Final = Path("/proc/sys/kernel/bpf_stats_enabled")
_EACH: Final = 100


@contextmanager
def counted() -> Iterator[None]:
    """The kernel counts the time of programs."""
    before = _STATS.read_text()
    _STATS.write_text("1")
    try:
        yield
    finally:
        _STATS.write_text(before)


def timed(make: Callable[[], T]) -> tuple[T, float]:
    """What it gives, and milliseconds of CPU."""
    before = time.process_time()
    return make(), (time.process_time() - before) * 1e3


def opening(path: bytes, pid: int) -> tuple[bytes, object]:
    """struct syscall_ctx of an openat for reading that succeeded, and what its path lies in."""
    text = ctypes.create_string_buffer(path)
    call = bytearray(filter_layout.size("syscall_ctx"))
    for element, value in enumerate((-100, ctypes.addressof(text), os.O_RDONLY)):
        put(call, "syscall_ctx", "args", value, element)
    for member, value in (("result", 3), ("number", OPENAT.number), ("task", pid << 32 | pid)):
        put(call, "syscall_ctx", member, value)
    return bytes(call), text


def measure(rules: Sequence[Path], rounds: int) -> Iterator[str]:
    """The rows of one set of rules."""
    fields = FieldRegistry(builtin_fields())
    context = Context("filters", logging.getLogger("filters"), Metrics(), fields)
    demand = FalcoEvaluator(FalcoSettings(rules=tuple(rules)), context).demand()
    chosen, made = timed(lambda: choose(demand, filterable_types(demand), cacheable_fields(fields)))
    functions = {one.name: one for one in chosen.functions.values()}
    with filter_runner() as runner:
        runner.subprograms()
        loaded = 0.0
        for function in functions.values():
            programs, took = timed(partial(runner.load, function.code))
            loaded += took
            for fd in programs.values():
                os.close(fd)
        count = f"{len(functions)} filters of {len(chosen.functions)} types"
        yield f"| {count}: made, loaded | {made:.0f}, {loaded:.0f} ms |"
        code = chosen.functions[OPENAT.name].code
        with runner.loaded(code, OPENAT.number) as program:
            verified = bpf_syscall.program_info(program)[1]
            yield f"| `openat`: instructions made, verified | {len(code.instructions) // 8}, {verified} |"
            for path in PATHS:
                call, held = opening(path.encode(), os.getpid())
                least = min(run_time(runner, program, call, _EACH) for _ in range(rounds))
                del held
                yield f"| `openat` of {path}, discarded | {least:.0f} ns |"


def main() -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=Path, action="append", nargs="+", default=[], help="a set of rule files")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with counted():
        for rules in options.rules or [STANDARD[:1]]:
            print(f"\n| {', '.join(path.name for path in rules)} | |\n|---|---|")
            for row in measure(rules, options.rounds):
                print(row, flush=True)


if __name__ == "__main__":
    main()
