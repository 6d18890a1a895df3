"""The identity of a process: its pid and its start. The same pid with another start is a reused pid.

A start comes from `start_boottime` (events of fork and exec) or from /proc/PID/stat (hundredths of a second). Both
count from the boot, and setting the wall clock does not change them. Reused pids are found at a fork
(transitions/forks.py `forked`), when the state is compared with /proc (repair.py `_is_reused`), and, if the start is
unknown, when the process of a thread differs (machine.py, placeholders.py `evict_reused_pid`). The kernel filter
compares pid and `start_boottime` before it uses a verdict again (`struct caller` of bpf/kernel_filter.h).
"""

from mozu.core.common.boot_clock import same_start
from mozu.core.model.event import Process


def same_process(version: Process, pid: int, boot_start: int) -> bool:
    """Return True if pid and start (ns since the boot) are those of this process; if not, the pid was reused."""
    return version.pid == pid and same_start(version.boot_start, boot_start)
