"""The pid namespace that mozu is in."""

import os
from pathlib import Path
from typing import Final

_OWN: Final = Path("/proc/self/ns/pid")
_FIRST: Final = 0xEFFFFFFC
"""Inode number PROC_PID_INIT_INO of linux/proc_ns.h."""


def sees_all_processes(own: Path = _OWN) -> bool:
    """Return True if it is the machine's first pid namespace, whose numbers are the kernel's, or if that cannot be
    seen."""
    try:
        return os.stat(own).st_ino == _FIRST
    except OSError:
        return True
