"""The pid namespace that mozu is in."""

import os
from pathlib import Path
from typing import Final

_OWN: Final = Path("/proc/self/ns/pid")
_FIRST: Final = 0xEFFFFFFC
"""Inode number PROC_PID_INIT_INO of linux/proc_ns.h."""


PRIVATE: Final = (
    "mozu is in a pid namespace of its own: names, executables, users and containers of processes that are older than "
    "mozu are unknown (<NA>), and responders find no process; run it in that of the host (Kubernetes: `hostPID: true`; "
    "docker and podman: `--pid=host`)"
)
"""The limits of a source of the whole machine if not all processes are visible, and the remedy."""


def sees_all_processes(own: Path = _OWN) -> bool:
    """Return True if it is the machine's first pid namespace, whose numbers are the kernel's, or if that cannot be
    seen."""
    try:
        return os.stat(own).st_ino == _FIRST
    except OSError:
        return True
