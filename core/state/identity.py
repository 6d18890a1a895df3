"""Identity of a process: its pid and its start. The same pid with another start is a reused pid.

Starts come from three clocks: the kernel's `start_boottime` in events of fork and exec, the hundredths of a second of
/proc/PID/stat, and the wall clock by which both became ns since the epoch, which may have been slewed in between. The
kernel filter compares its own two, pid and `start_boottime`, before it reuses a verdict (`struct caller` of
bpf/kernel_filter.h).
"""

from typing import Final

from mozu.core.model.event import Process

PROCFS_TOLERANCE: Final = 20_000_000
"""ns between an event's start and that of /proc, which counts hundredths of a second."""
SLEW_TOLERANCE: Final = 1_000_000_000
"""ns between two starts that were read at different times: the wall clock may have been slewed in between."""


def same_process(version: Process, pid: int, start: int, tolerance: int) -> bool:
    """Whether pid and start (ns since the epoch) are those of this process; if not, the pid was reused."""
    return version.pid == pid and abs(version.start - start) <= tolerance
