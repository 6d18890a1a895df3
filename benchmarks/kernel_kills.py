"""What a rule that kills in the kernel adds to opens of other files.

    python -m benchmarks.kernel_kills [--rounds 30] [--opens 200000]

In turns a program opens and closes one file while no program is attached, while the filter of a rule about opens
discards them, and while that rule kills, too. Given is its CPU time for an open and close: medians, and the median of
the differences of each round.
"""

import argparse
import resource
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.comparison import compare
from mozu.core.filter.formula import Formula
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import filter_function_of
from mozu.plugins.sources.ebpf.kernel_filter.kill import kill_functions
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import ProcessPredicates
from mozu.plugins.sources.ebpf.loader import Loader

_OPENAT: Final = SYSCALL_SPECS["openat"]
_SOURCE: Final = Path(__file__).parent / "workloads/one_file.c"
CONDITION: Final[Formula] = compare("fd.realpath", "=", ("/etc/shadow",))


def cpu_of(command: list[str]) -> float:
    """Seconds of CPU that it takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def states(loader: Loader) -> dict[str, Callable[[], object]]:
    """Name → what brings it about."""
    function = filter_function_of(_OPENAT, CONDITION, ProcessPredicates(()))
    assert function is not None
    kills = kill_functions([{_OPENAT: CONDITION}])

    def watched() -> None:
        loader.attach(["openat"])
        loader.set_filters({"openat": function})

    def killing() -> None:
        watched()
        loader.set_kills(kills)

    def alone() -> None:
        loader.set_kills({})
        loader.detach(["openat"])

    def filtered() -> None:
        watched()
        loader.set_kills({})

    return {"alone": alone, "filtered": filtered, "filtered, with a kill rule": killing}


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--opens", type=int, default=200_000)
    parser.add_argument("--path", default="/usr/lib/x86_64-linux-gnu/libc.so.6")
    options = parser.parse_args()
    loader = Loader(1 << 20)
    try:
        loader.prepare(["openat"])
        loader.configure()
        ways = states(loader)
        found: dict[str, list[float]] = {name: [] for name in ways}
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["gcc", "-O2", "-o", f"{folder}/one_file", _SOURCE], check=True)
            command = [f"{folder}/one_file", str(options.opens), options.path]
            for _ in range(options.rounds):
                for name, enter in ways.items():
                    enter()
                    found[name].append(cpu_of(command) / options.opens * 1e9)
    finally:
        loader.close()
    print("| an open and close | median | more than the row above |\n|---|---|---|")
    before: list[float] | None = None
    for name, times in found.items():
        more = (
            "" if before is None else f"{statistics.median(a - b for a, b in zip(times, before, strict=True)):.0f} ns"
        )
        print(f"| {name} | {statistics.median(times):.0f} ns | {more} |")
        before = times


if __name__ == "__main__":
    main()
