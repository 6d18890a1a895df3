"""The kernel's clock that counts from the boot, and starts of processes by it.

Setting the wall clock does not move it, so only this clock identifies a process. The kernel's programs read it as in
the first time namespace (bpf_ktime_get_boot_ns, task_struct.start_boottime). A process in another time namespace sees
CLOCK_BOOTTIME, and the starts in /proc/PID/stat, with its own namespace's offset (time_namespaces(7),
timens_add_boottime_ns of fs/proc/array.c); the functions here subtract it. The time namespace of the examined process
makes no difference.
"""

import os
import time
from functools import cache
from pathlib import Path
from typing import Final

TICK: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
"""Nanoseconds to which starts in /proc/PID/stat are rounded down."""


_MOMENT: Final = 100_000
"""ns between the first and the last clock that is read, within which all of them are of one moment."""


def boot_time() -> int:
    """Return the ns since the boot, as the kernel's programs count them."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - namespace_offset()


def both_clocks() -> tuple[int, int]:
    """Return the wall clock (ns since the epoch) and the ns since the boot at one moment, to a tenth of a millisecond.

    They are read again if the thread lost its processor between them; after five tries the last pair counts.
    """
    for _ in range(5):
        before, wall, after = boot_time(), time.time_ns(), boot_time()
        if after - before < _MOMENT:
            break
    return wall, before


def start_of_ticks(ticks: int) -> int:
    """Return the start of a process in ns since the boot, from the 22nd number of /proc/PID/stat: the earliest
    possible."""
    return ticks * TICK - namespace_offset()


def same_start(one: int, other: int) -> bool:
    """Return True if two starts, each exact or from /proc, can be those of one process. An unknown start, 0, matches
    none."""
    early, late = min(one, other), max(one, other)
    if early == late:
        return early > 0
    return early > 0 and late - early < TICK and (early + namespace_offset()) % TICK == 0


@cache
def namespace_offset(own: Path = Path("/proc/self")) -> int:
    """Return the offset in ns of this process's view from the kernel's count; a process keeps its time namespace."""
    try:
        if os.readlink(own / "ns/time") != os.readlink(own / "ns/time_for_children"):
            return 0  # the file is about the namespace of the children
        rows = [line.split() for line in (own / "timens_offsets").read_text().splitlines()]
    except OSError:  # Linux before 5.6
        return 0
    return next((int(seconds) * 1_000_000_000 + int(ns) for name, seconds, ns in rows if name == "boottime"), 0)
