"""Programs that gain privilege at exec: traced by a tracer without CAP_SYS_PTRACE they would run without it.

The kernel ignores set-uid, set-gid and file capabilities then (LSM_UNSAFE_PTRACE in fs/exec.c and
security/commoncap.c). So a task that mozu attached to is let go before it executes such a program: `sudo` works, and
what it does is not seen.
"""

import os
import stat

from mozu.core.common import linux_capabilities
from mozu.plugins.sources.ptrace.reading.reader import TracedTask


def has_ptrace_capability() -> bool:
    """Return whether programs that mozu traces keep their privilege."""
    return linux_capabilities.holds("CAP_SYS_PTRACE", linux_capabilities.effective())


def gains_privilege(task: TracedTask, path: str | None) -> bool:
    """Return whether the program at a path, as the task sees it, is set-uid, set-gid or has capabilities."""
    if not path:
        return False
    start = "root" if path.startswith("/") else "cwd/"
    place = f"/proc/{task.tid}/{start}{path}"
    try:
        found = os.stat(place)
        changes_user = found.st_mode & stat.S_ISUID and found.st_uid != os.geteuid()
        changes_group = found.st_mode & stat.S_ISGID and found.st_mode & stat.S_IXGRP and found.st_gid != os.getegid()
        if changes_user or changes_group:
            return True
        os.getxattr(place, "security.capability")
    except OSError:  # not there, not to be read, or without capabilities (ENODATA)
        return False
    return True
