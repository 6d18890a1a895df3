"""Loads of known length whose wall time is the measure: system calls in a loop, and a build."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.ptrace import PARTS, project
from benchmarks.workloads.workload import Run, Workload

_SOURCE: Final = Path(__file__).with_name("calls.c")
_GCC: Final = {"gcc": "gcc"}
_DD: Final = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=3000000", "status=none"]


_BUILDS: Final = 5
"""Number of builds: one takes less than half a second, in which variations of the machine show."""


def _timed(command: Sequence[str], count: int, times: int = 1) -> Run:
    start = time.perf_counter()
    for _ in range(times):
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return Run(times * count / (time.perf_counter() - start))


@contextmanager
def _dd() -> Iterator[Callable[[], Run]]:
    yield lambda: _timed(_DD, 6_000_000)


def _own(count: int, *arguments: str) -> Callable[[], AbstractContextManager[Callable[[], Run]]]:
    """The program beside this file; `TARGET` among the arguments is an empty file."""

    @contextmanager
    def prepared() -> Iterator[Callable[[], Run]]:
        with tempfile.TemporaryDirectory() as folder:
            program, target = Path(folder) / "calls", Path(folder) / "target"
            subprocess.run(["gcc", "-O2", "-o", program, _SOURCE], check=True)
            target.touch()
            command = [str(program), *(str(target) if word == "TARGET" else word for word in arguments)]
            yield lambda: _timed(command, count)

    return prepared


@contextmanager
def _build() -> Iterator[Callable[[], Run]]:
    with tempfile.TemporaryDirectory() as folder:
        project(Path(folder))
        command = ["make", "--silent", "--always-make", "-j2", "-C", folder]
        yield lambda: _timed(command, PARTS + 2, _BUILDS)


def _opens(name: str, processes: int, each: int) -> Workload:
    count = processes * each
    return Workload(name, "open", _GCC, _own(count, "open", str(processes), str(each), "TARGET"))


_MAKE: Final[Mapping[str, str]] = {"make": "make", "cc": "gcc"}
CALLS: Final = (
    Workload("dd bs=1, 6 M calls", "call", {}, _dd),
    _opens("10 processes × 20,000 open+close", 10, 20_000),
    Workload("10,000 posix_spawn", "exec", _GCC, _own(10_000, "exec", "10000", "/bin/true")),
    _opens("2 M open+close, 1 process", 1, 2_000_000),
    _opens("2 M open+close, 2 processes", 2, 1_000_000),
)
BUILD: Final = Workload(f"make -j2 of {PARTS + 1} C files", "command", _MAKE, _build)
"""A compilation of each file, and one program of them all, from nothing each time."""
