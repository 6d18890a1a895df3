"""CPU time that each entry path's programs cost calls that are not watched: with and without the 32-bit watch.

    python -m benchmarks.entry_paths [--rounds 15]

One process loads the programs of the default rules and switches them on and off between short runs of `dd bs=1`, so
that the variants are interleaved; CPU time of dd in the least disturbed tenth of three times so many rounds. A program
that does nothing at the tracepoint of all exits is the least that the 32-bit watch can cost.
"""

import argparse
import os
import resource
import statistics
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.compiler import needed_compiler
from mozu.plugins.sources.ebpf.entry_paths import COMPAT, IO_URING, usable_entry_paths
from mozu.plugins.sources.ebpf.loader import Loader

CALLS: Final = 200_000
TYPES: Final = (
    *("open", "openat", "openat2", "creat", "execve", "execveat", "procexit", "_fork", "connect", "socket", "sendto"),
    *("sendmsg", "unlink", "unlinkat", "rename", "renameat", "renameat2", "chmod", "fchmod", "fchmodat", "dup", "dup2"),
    *("dup3", "symlink", "symlinkat", "link", "linkat", "ptrace", "accept4", "chdir", "fchdir"),
)
"""About what Falco's stable rules demand; dd makes none of them in its loop."""


def cpu_seconds() -> float:
    """CPU seconds of one run of dd."""
    command = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", f"count={CALLS // 2}", "status=none"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def quiet(seconds: Sequence[float]) -> float:
    """Nanoseconds a call in the run that a tenth of the runs beat: whatever else the machine does adds up."""
    return statistics.quantiles(seconds, n=10)[0] / CALLS * 1e9


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    loader = Loader(1 << 20, usable_entry_paths("on"))
    loader.prepare(TYPES)

    code = needed_compiler().compile("int nothing(void *context) { return 0; }", Path.cwd(), ["nothing"])
    idle = bpf_syscall.load(bpf_syscall.RAW_TRACEPOINT, "nothing", code["nothing"])
    held: list[int] = []

    def switch(types: Sequence[str], entry_paths: Sequence[str], *, nothing: bool = False) -> None:
        while held:
            os.close(held.pop())
        if nothing:
            held.append(bpf_syscall.attach_raw_tracepoint(idle, "sys_exit"))
        loader.attach([name for name in types if name not in loader.attached])
        loader.set_entry_paths(entry_paths)
        loader.detach(loader.attached - set(types))

    without: dict[str, Callable[[], None]] = {
        "nothing": lambda: switch((), ()),
        "a program that does nothing": lambda: switch((), (), nothing=True),
        "32-bit calls": lambda: switch((), (COMPAT,)),
    }
    beside: dict[str, Callable[[], None]] = {
        "native calls": lambda: switch(TYPES, ()),
        "native calls, io_uring": lambda: switch(TYPES, (IO_URING,)),
        "native calls, io_uring, 32-bit calls": lambda: switch(TYPES, (IO_URING, COMPAT)),
    }
    times: dict[str, list[float]] = {name: [] for name in (*without, *beside)}
    for group in (without, beside) * 3:
        for _ in range(rounds):
            for name, begin in group.items():
                begin()
                times[name].append(cpu_seconds())
    loader.close()
    print("| watched | CPU time of a call, ns | beyond nothing |\n|---|---|---|")
    least = quiet(times["nothing"])
    for name in times:
        print(f"| {name} | {quiet(times[name]):.0f} | {quiet(times[name]) - least:+.0f} |")


if __name__ == "__main__":
    main()
