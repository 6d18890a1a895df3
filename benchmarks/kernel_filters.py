"""Kernel filters of sets of rules: the time to make and load them, the verifier's work, and the run of one `openat`.

    python -m benchmarks.kernel_filters [--rules FILE ...] [--level low ...] [--rounds 20]

Nothing is attached: the kernel runs the filter of `openat` for a made-up call (BPF_PROG_TEST_RUN) and counts the time
itself (`kernel.bpf_stats_enabled`). Given is the least mean of a hundred runs: whatever else the machine does adds up.
"""

import argparse
import ctypes
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from benchmarks.rule_sets import RuleSet, add_options, chosen
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.api import Context
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.sources.ebpf import bpf_syscall, wire
from mozu.plugins.sources.ebpf.kernel_filter import choose
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import cacheable_fields
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode
from mozu.plugins.sources.ebpf.tracepoints import filterable_types
from tests.support.bpf_run import FilterRunner, filter_runner, run_time
from tests.support.filter_facts import put

T = TypeVar("T")
OPENAT: Final = SYSCALL_SPECS["openat"]
PATHS: Final = (
    *("/usr/lib/x86_64-linux-gnu/libc.so.6", "/tmp/x", "/etc/ld.so.cache", "/proc/self/status", "/var/x/depth"),
    "/var/x/of/a/path/that/has/twelve/names/till/its/file",
)
"""Files that are opened; missing ones are created."""
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
    """Return the result of a function, and milliseconds of CPU."""
    before = time.process_time()
    return make(), (time.process_time() - before) * 1e3


@contextmanager
def opened(path: str) -> Iterator[int]:
    """A descriptor of a file, which is made if it is not there."""
    made = [place for place in (Path(path), *Path(path).parents) if not place.exists()]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDONLY | (os.O_CREAT if made else 0))
    try:
        yield fd
    finally:
        os.close(fd)
        for place in made:
            place.unlink() if place.is_file() else place.rmdir()


def opening(path: bytes, fd: int, pid: int) -> tuple[bytes, object]:
    """struct syscall_ctx of an openat for reading that gave this descriptor, and what its path lies in."""
    text = ctypes.create_string_buffer(path)
    call = bytearray(wire.size("syscall_ctx"))
    for element, value in enumerate((-100, ctypes.addressof(text), os.O_RDONLY)):
        put(call, "syscall_ctx", "args", value, element)
    for member, value in (("result", fd), ("number", OPENAT.number), ("task", pid << 32 | pid)):
        put(call, "syscall_ctx", member, value)
    return bytes(call), text


class Filters(NamedTuple):
    """The filters of one set of rules."""

    name: str
    code: RelocatableCode
    """Code of the filter of `openat`."""
    rows: list[str]
    """Observations when the filters were made."""


def made(runner: FilterRunner, rules: RuleSet) -> Filters:
    """The kernel filters of a set of rules, loaded once to see how long it takes."""
    fields = FieldRegistry(builtin_fields())
    context = Context("filters", logging.getLogger("filters"), Metrics(), fields)
    demand = FalcoEvaluator(rules.settings, context).demand()
    selected, took = timed(lambda: choose(demand, filterable_types(demand), cacheable_fields(fields)))
    functions = {one.name: one for one in selected.functions.values()}
    loaded = 0.0
    for function in functions.values():
        programs, milliseconds = timed(partial(runner.load, function.code))
        loaded += milliseconds
        for fd in programs.values():
            os.close(fd)
    code = selected.functions[OPENAT.name].code
    count = f"{len(functions)} filters of {len(selected.functions)} types"
    with runner.loaded(code, OPENAT.number) as program:
        verified = bpf_syscall.program_info(program)[1]
    return Filters(rules.name, code, [
        f"| {count}: made, loaded | {took:.0f}, {loaded:.0f} ms |",
        f"| `openat`: instructions made, verified | {len(code.instructions) // 8}, {verified} |",
    ])  # fmt: skip


def least(runner: FilterRunner, sets: Sequence[Filters], path: str, rounds: int) -> list[str]:
    """The nanoseconds of an openat that is discarded, under each set of rules, in turns; or that it passes."""
    with opened(path) as fd, ExitStack() as stack:
        call, held = opening(path.encode(), fd, os.getpid())
        programs = [runner.load(one.code) for one in sets]
        for fds in programs:
            for one in fds.values():
                stack.callback(os.close, one)
        best = [float("inf")] * len(sets)
        try:
            for _ in range(rounds):
                for at, fds in enumerate(programs):
                    best[at] = min(best[at], run_time(runner, next(iter(fds.values())), call, _EACH))
        except ValueError as error:
            return [str(error)] * len(sets)
        del held
    return [f"{one:.0f} ns" for one in best]


def main() -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with counted(), filter_runner() as runner:
        runner.subprograms()
        sets = [made(runner, rules) for rules in chosen(options)]
        for one in sets:
            print(f"\n| {one.name} | |\n|---|---|", *one.rows, sep="\n", flush=True)
        print("\n| an `openat` that is discarded |", *(f" {one.name} |" for one in sets))
        print("|---|", *["---|"] * len(sets))
        for path in PATHS:
            print(f"| {path} |", *(f" {cell} |" for cell in least(runner, sets, path, options.rounds)), flush=True)


if __name__ == "__main__":
    main()
