"""Bounds of a component's process: a cgroup of its own if this machine lets mozu make one, or else rlimits.

In a cgroup (version 2) memory is bounded with all that the process maps, and CPU is throttled. rlimits bound the data
segment, and the limit of CPU time is raised as time passes: a process that uses more on average is killed by SIGXCPU.
"""

import contextlib
import os
import resource
import time
from pathlib import Path
from typing import Final

from mozu.core.common.own_cgroup import own_cgroup

_PERIOD: Final = 100_000
"""The cgroup's CPU period in microseconds."""
_SLACK: Final = 10.0
"""Seconds over which the average of CPU is taken."""


class ProcessLimits:
    """The bounds of one process, in force until `release`."""

    def __init__(self, pid: int, name: str, memory: int, cpus: float) -> None:
        self._pid, self._cpus, self._began = pid, cpus, time.monotonic()
        self._cgroup = _cgroup_for(pid, name, memory, cpus)
        self.by_cgroup = self._cgroup is not None
        if self._cgroup is None:
            resource.prlimit(pid, resource.RLIMIT_DATA, (memory, memory))
            self.renew()

    def renew(self) -> None:
        """Raise the rlimit of CPU time by what the process may use of the time that has passed."""
        if self._cgroup is None:
            seconds = int(self._cpus * (time.monotonic() - self._began + _SLACK)) + 1
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(self._pid, resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))

    def release(self) -> None:
        """Remove the cgroup of the process, which has ended."""
        if self._cgroup is not None:
            with contextlib.suppress(OSError):  # still in use: the kernel takes a moment; an empty one costs nothing
                self._cgroup.rmdir()


def _cgroup_for(pid: int, name: str, memory: int, cpus: float) -> Path | None:
    own = own_cgroup()
    if own is None:
        return None
    folder = own / f"mozu-{name}-{os.getpid()}-{pid}"
    try:
        (own / "cgroup.subtree_control").write_text("+memory +cpu")
        folder.mkdir()
        (folder / "memory.max").write_text(str(memory))
        with contextlib.suppress(OSError):  # a kernel without swap has no such file
            (folder / "memory.swap.max").write_text("0")
        (folder / "cpu.max").write_text(f"{int(cpus * _PERIOD)} {_PERIOD}")
        (folder / "cgroup.procs").write_text(str(pid))
    except OSError:  # not version 2, not ours to change, or a group that has processes of its own
        with contextlib.suppress(OSError):
            folder.rmdir()
        return None
    return folder
