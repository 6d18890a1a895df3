"""Starvation: programs that get little of the CPU, by a quota or beside many busy processes."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

CONDITIONS: Final = ("quota", "busy")
_PERIOD: Final = 100_000
"""Microseconds, as the kernel's default."""
_CGROUPS: Final = Path("/sys/fs/cgroup")
_SECONDS: Final = 900
"""After which a busy process ends by itself, whatever becomes of the test."""


@contextmanager
def starved(condition: str, *, percent: int = 20, processes: int = 60) -> Iterator[Sequence[str]]:
    """Give the beginning of a command line whose program is starved; empty: of none.

    `quota`: it has so many percent of one CPU. `busy`: so many processes are busy meanwhile, each in a session of its
    own, which the scheduler gives the same share (sched_autogroup_enabled). Takes root.
    """
    if condition == "quota":
        with _quota(percent) as procs:
            yield ["sh", "-c", f'echo $$ > {procs}; exec "$@"', "sh"]
    elif condition == "busy":
        with _busy(processes):
            yield []
    else:
        yield []


@contextmanager
def _quota(percent: int) -> Iterator[Path]:
    """A cgroup; gives the file that takes a process into it."""
    folder = next((one for one in (_CGROUPS / "cpu", _CGROUPS / "cpu,cpuacct", _CGROUPS) if one.is_dir()), _CGROUPS)
    group = folder / f"mozu-starved-{os.getpid()}"
    group.mkdir()
    try:
        if folder == _CGROUPS:
            (group / "cpu.max").write_text(f"{percent * _PERIOD // 100} {_PERIOD}")
        else:
            (group / "cpu.cfs_quota_us").write_text(str(percent * _PERIOD // 100))
        yield group / "cgroup.procs"
    finally:
        group.rmdir()


@contextmanager
def _busy(processes: int) -> Iterator[None]:
    command = ["timeout", str(_SECONDS), "sh", "-c", "while :; do :; done"]
    made = [subprocess.Popen(command, start_new_session=True) for _ in range(processes)]
    try:
        yield
    finally:
        for one in made:
            one.terminate()  # timeout(1) hands it on
        for one in made:
            one.wait(60)
