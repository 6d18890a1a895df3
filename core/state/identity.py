"""Identity of a process: its pid and its start. The same pid with another start is a reused pid.

A start comes from `start_boottime` (events of fork and exec) or from /proc/PID/stat (hundredths of a second). Both are
converted to ns since the epoch by the wall clock, which may have been slewed between two readings: hence the two
tolerances.

Reused pids are found at a fork (transitions/forks.py `forked`), when the state is compared with /proc (repair.py
`_is_reused`), and without a start where the process of a thread differs (machine.py, placeholders.py
`evict_reused_pid`). The kernel filter compares pid and `start_boottime` before it uses a verdict again (`struct caller`
of bpf/kernel_filter.h).
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
