"""Namespaces that a process does not share with the host, as the flags of clone(2) that make them (linux/sched.h)."""

from collections.abc import Mapping
from typing import Final

NAMESPACES: Final[Mapping[str, int]] = {
    "ipc": 0x08000000,
    "mnt": 0x00020000,
    "net": 0x40000000,
    "pid": 0x20000000,
    "user": 0x10000000,
}
"""Name in /proc/PID/ns → flag."""
