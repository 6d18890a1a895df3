"""What watching costs calls that nobody watches, in CPU time: mozu's programs with and without the 32-bit watch.

    python -m benchmarks.ways [--rounds 15]

One process loads the programs of the default rules and switches them on and off between runs of `dd bs=1` (2 M calls),
so that the variants are interleaved within seconds; CPU time of dd, which minds a busy machine less. Nanoseconds a call
beyond dd alone of the same round: median (quartiles). A program that does nothing at the tracepoint of all exits is the
least that the 32-bit watch can cost.
"""

import argparse
import os
import resource
import statistics
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from mozu.plugins.sources.ebpf import kernel
from mozu.plugins.sources.ebpf.code import RAW_TRACEPOINT
from mozu.plugins.sources.ebpf.compiler import compile_text
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.ways import COMPAT, IO_URING, watched_ways

CALLS: Final = 2_000_000
TYPES: Final = (
    *("open", "openat", "openat2", "creat", "execve", "execveat", "procexit", "_fork", "connect", "socket", "sendto"),
    *("sendmsg", "unlink", "unlinkat", "rename", "renameat", "renameat2", "chmod", "fchmod", "fchmodat", "dup", "dup2"),
    *("dup3", "symlink", "symlinkat", "link", "linkat", "ptrace", "accept4", "chdir", "fchdir"),
)
"""About what Falco's stable rules demand; dd makes none of them in its loop."""


def burnt() -> float:
    """CPU seconds of one run of dd."""
    command = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", f"count={CALLS // 2}", "status=none"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def added(alone: Sequence[float], under: Sequence[float]) -> str:
    """Nanoseconds a call beyond the same round's dd alone."""
    each = [(b - a) / CALLS * 1e9 for a, b in zip(alone, under, strict=True)]
    low, middle, high = statistics.quantiles(each, n=4)
    return f"{middle:+.0f} ({low:+.0f} … {high:+.0f})"


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    loader = Loader(1 << 20, watched_ways("on"))
    loader.prepare(TYPES)

    idle = compile_text("int nothing(void *context) { return 0; }", Path.cwd()).load_func(b"nothing", RAW_TRACEPOINT)
    held: list[int] = []

    def stand(types: Sequence[str], ways: Sequence[str], *, nothing: bool = False) -> None:
        while held:
            os.close(held.pop())
        if nothing:
            held.append(kernel.attach_raw_tracepoint(idle.fd, "sys_exit"))
        loader.attach([name for name in types if name not in loader.attached])
        loader.open(ways)
        loader.detach(loader.attached - set(types))

    variants: dict[str, Callable[[], None]] = {
        "alone": lambda: stand((), ()),
        "native calls": lambda: stand(TYPES, ()),
        "native calls, io_uring": lambda: stand(TYPES, (IO_URING,)),
        "native calls, io_uring, 32-bit calls": lambda: stand(TYPES, (IO_URING, COMPAT)),
        "a program that does nothing": lambda: stand((), (), nothing=True),
        "32-bit calls alone": lambda: stand((), (COMPAT,)),
    }
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, begin in variants.items():
            begin()
            times[name].append(burnt())
    loader.close()
    print(f"dd alone: {statistics.median(times['alone']) / CALLS * 1e9:.0f} ns a call\n")
    print("| watched | ns added to a call |\n|---|---|")
    for name in list(variants)[1:]:
        print(f"| {name} | {added(times['alone'], times[name])} |")


if __name__ == "__main__":
    main()
