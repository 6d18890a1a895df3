"""CPU time that each entry path's programs cost calls that are not watched: with and without the 32-bit watch.

    python -m benchmarks.entry_paths [--rounds 40] [--cpu 1] [--ordinary]

One process loads the programs of the default rules and switches them on and off between short runs of `dd bs=1` with
real-time priority on one CPU (`--ordinary`: without, where others need that CPU), so that the variants are
interleaved. For each: the least CPU time, and the median of what a round's run took beyond that round's run without any
program. Programs that do nothing are the least that each can cost.
"""

import argparse
import os
import resource
import statistics
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mozu.plugins.sources.ebpf import bpf_syscall, checks
from mozu.plugins.sources.ebpf.entry_paths import COMPAT, IO_URING, usable_entry_paths
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.objects import codegen, compiler

CALLS: Final = 200_000
TYPES: Final = (
    *("open", "openat", "openat2", "creat", "execve", "execveat", "procexit", "_fork", "connect", "socket", "sendto"),
    *("sendmsg", "unlink", "unlinkat", "rename", "renameat", "renameat2", "chmod", "fchmod", "fchmodat", "dup", "dup2"),
    *("dup3", "symlink", "symlinkat", "link", "linkat", "ptrace", "accept4", "chdir", "fchdir"),
)
"""About what Falco's stable rules demand; dd makes none of them in its loop."""


def nanoseconds(cpu: int, *, ordinary: bool) -> float:
    """CPU time of a call in one run of dd."""
    priority = () if ordinary else ("chrt", "-f", "10")
    command = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", f"count={CALLS // 2}", "status=none"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*priority, "taskset", "-c", str(cpu), *command], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / CALLS * 1e9


class Variants:
    """The programs that can be attached, by name; one at a time."""

    def __init__(self) -> None:
        paths = usable_entry_paths("on", codegen.read_types())
        self._each = Loader(1 << 20, [path for path in paths if path.name != COMPAT])
        self._all = Loader(1 << 20, paths)
        self._each.prepare(TYPES)
        self._all.prepare(TYPES)
        code = compiler.compile_text("int nothing(void *context) { return 0; }", Path.cwd(), ["nothing"])["nothing"]
        self._raw = bpf_syscall.load(bpf_syscall.RAW_TRACEPOINT, "nothing", code)
        self._of_call = bpf_syscall.load(bpf_syscall.TRACEPOINT, "nothing", code)
        self._held: list[int] = []
        self.named: dict[str, Callable[[], None]] = {
            "nothing": lambda: None,
            "a program that does nothing, at the exit of a call that is not made": self._hold_call,
            "a program that does nothing, at every exit": lambda: self._hold_raw("sys_exit"),
            "programs that do nothing, at every entry and every exit": lambda: self._hold_raw("sys_exit", "sys_enter"),
            "native calls, io_uring": lambda: self._watch(self._each),
            "native calls, io_uring, a program that does nothing at every exit": self._watch_beside_raw,
            "native calls, io_uring, 32-bit calls": lambda: self._watch(self._all),
        }

    def clear(self) -> None:
        """Detach all."""
        while self._held:
            os.close(self._held.pop())
        for loader in (self._each, self._all):
            loader.set_entry_paths(())
            loader.detach(set(loader.attached))

    def close(self) -> None:
        """Free everything."""
        self.clear()
        self._each.close()
        self._all.close()

    def _hold_call(self) -> None:
        place = checks.tracepoint_id(checks.tracefs(), "sys_exit_splice", "syscalls")
        assert place is not None
        self._held.append(bpf_syscall.attach_tracepoint(self._of_call, place))

    def _hold_raw(self, *names: str) -> None:
        self._held += [bpf_syscall.attach_raw_tracepoint(self._raw, name) for name in names]

    def _watch(self, loader: Loader) -> None:
        loader.attach(TYPES)
        loader.set_entry_paths([IO_URING])

    def _watch_beside_raw(self) -> None:
        self._watch(self._each)
        self._hold_raw("sys_exit")


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--cpu", type=int, default=1)
    parser.add_argument("--ordinary", action="store_true", help="without real-time priority")
    options = parser.parse_args()
    variants = Variants()
    times: dict[str, list[float]] = {name: [] for name in variants.named}
    for _ in range(options.rounds):
        for name, begin in variants.named.items():
            variants.clear()
            begin()
            times[name].append(nanoseconds(options.cpu, ordinary=options.ordinary))
    variants.close()
    print("| watched | least CPU time of a call, ns | beyond nothing | median of pairs |\n|---|---|---|---|")
    alone = times["nothing"]
    for name, found in times.items():
        added = statistics.median(one - other for one, other in zip(found, alone, strict=True))
        print(f"| {name} | {min(found):.0f} | {min(found) - min(alone):+.0f} | {added:+.0f} |")


if __name__ == "__main__":
    main()
