"""Starvation: runs of mozu that get little of the CPU, by a quota or beside many busy processes.

`mozu_command` begins the command line of every run that a test starts, so that MOZU_STARVE (`quota` or `busy`) starves
all runs of a scenario (tests/delivery/conftest.py).
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

CONDITIONS: Final = ("quota", "busy")
CONDITION: Final = os.environ.get("MOZU_STARVE", "")
SLOWER: Final = 6 if CONDITION else 1
"""Factor by which a scenario may take longer."""
_PERIOD: Final = 100_000
"""Microseconds of a quota's period, the kernel's default."""
_CGROUPS: Final = Path("/sys/fs/cgroup")
_SECONDS: Final = 900
"""Seconds after which a busy process ends by itself, whatever becomes of the test."""
_prefix: list[str] = []


def mozu_command(*arguments: str, before: Sequence[str] = ()) -> list[str]:
    """Return the command line of a mozu, starved within `starved`; `before` stands in front of the interpreter."""
    return [*_prefix, *before, sys.executable, "-m", "mozu", *arguments]


@contextmanager
def starved(condition: str, *, percent: int = 20, processes: int = 60) -> Iterator[None]:
    """Starve each mozu that is started within a block; empty: none. Takes root.

    `quota`: each has `percent` of one CPU. `busy`: `processes` processes of a machine are busy meanwhile. To leave the
    machine to others, all of them and mozu have one CPU together, and their number is divided by the machine's count of
    CPUs. They are in one group with mozu, because in groups of their own below a quota mozu had a fourteenth of their
    time (Linux 6.18).
    """
    if not condition:
        yield
        return
    busy = 0 if condition == "quota" else max(1, processes // (os.cpu_count() or 1))
    with _group(0 if busy else percent, 1 + busy) as begin:
        before, _prefix[:] = list(_prefix), begin
        try:
            with _busy(begin, busy):
                yield
        finally:
            _prefix[:] = before


@contextmanager
def _group(percent: int, sessions: int) -> Iterator[list[str]]:
    """Make a cgroup with the share of `sessions` sessions, and yield the beginning of a command line that runs in a
    group below it with a quota.

    With 0 percent, the command runs in the cgroup itself, with one CPU for all.
    """
    folder = next((one for one in (_CGROUPS / "cpu", _CGROUPS / "cpu,cpuacct", _CGROUPS) if one.is_dir()), _CGROUPS)
    group, is_v2 = folder / f"mozu-starved-{os.getpid()}", folder == _CGROUPS
    group.mkdir()
    try:
        if is_v2 and percent:
            (group / "cgroup.subtree_control").write_text("+cpu")
        file = "cpu.max" if is_v2 else "cpu.cfs_quota_us"
        quota = f"{percent * _PERIOD // 100} {_PERIOD}" if is_v2 else str(percent * _PERIOD // 100)
        (group / ("cpu.weight" if is_v2 else "cpu.shares")).write_text(str((100 if is_v2 else 1024) * sessions))
        if not percent:
            (group / file).write_text(f"{_PERIOD} {_PERIOD}" if is_v2 else str(_PERIOD))
        own = f"own={group}/$$; mkdir $own; echo {quota} > $own/{file}" if percent else f"own={group}"
        yield ["sh", "-c", f'{own}; echo $$ > $own/cgroup.procs; exec "$@"', "sh"]
    finally:
        for made in [*(one for one in group.iterdir() if one.is_dir()), group]:
            _remove(made)


@contextmanager
def _busy(begin: Sequence[str], processes: int) -> Iterator[None]:
    command = [*begin, "timeout", str(_SECONDS), "sh", "-c", "while :; do :; done"]
    made = [subprocess.Popen(command, start_new_session=True) for _ in range(processes)]
    try:
        yield
    finally:
        for one in made:
            one.terminate()  # timeout(1) passes the signal on
        for one in made:
            one.wait(60)


def _remove(group: Path) -> None:
    """Remove a cgroup, with the processes left in it, once the kernel has emptied it."""
    for pid in (group / "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), 9)
    deadline = time.monotonic() + 10.0
    while group.exists():
        with suppress(OSError):
            group.rmdir()
        assert time.monotonic() < deadline, f"{group} is not empty"
        time.sleep(0.01)  # a cgroup of version 1 sends no event when it becomes empty
