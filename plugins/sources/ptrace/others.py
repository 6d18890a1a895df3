"""The processes of other users that following all processes would include."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mozu.core.common import linux_capabilities
from mozu.plugins.sources.ptrace.attach import list_processes, read_stat

_FIRST_NAMESPACE: Final = 0xEFFFFFFC
"""Inode of the pid namespace that every machine begins with (PROC_PID_INIT_INO in include/linux/proc_ns.h)."""
_SHOWN: Final = 5
"""Users that a message names."""


def others_in_sight() -> str | None:
    """Return a sentence about the processes of others that would be traced; None: there would be none.

    Without CAP_SYS_PTRACE the kernel lets a process trace those of its own user alone (ptrace(2), "Ptrace access mode
    checking").
    """
    if not linux_capabilities.holds("CAP_SYS_PTRACE", linux_capabilities.effective()):
        return None
    users = _users()
    if is_first_namespace():
        found = sum(users.values())
        return f"it would stop every process of this machine, {found} now, at each of their calls"
    foreign = sorted(uid for uid in users if uid != os.geteuid())
    if not foreign:
        return None
    shown = ", ".join(map(str, foreign[:_SHOWN])) + (" …" if len(foreign) > _SHOWN else "")
    count = sum(users[uid] for uid in foreign)
    return f"it would stop {count} processes of other users ({shown}) at each of their calls"


def unasked() -> str | None:
    """Return why all processes are not followed unless that is asked for; None: nothing speaks against it."""
    found = others_in_sight()
    remedy = "if that is meant, write `syscalls: {fallback: ptrace}` below `sources`; docs/sources.md"
    return None if found is None else f"{found}, which was not asked for; {remedy}"


def is_first_namespace(place: Path = Path("/proc/self/ns/pid")) -> bool:
    """Return true in the pid namespace of the machine itself."""
    try:
        return place.stat().st_ino == _FIRST_NAMESPACE
    except OSError:
        return False


def _users() -> Mapping[int, int]:
    """Return how many processes each user has, without kernel threads, this process and its children."""
    found: dict[int, int] = {}
    own = os.getpid()
    for pid in list_processes():
        stat = read_stat(pid)
        uid = _user(pid)
        if stat is not None and uid is not None and not stat.is_kernel_thread and own not in (pid, stat.parent):
            found[uid] = found.get(uid, 0) + 1
    return found


def _user(pid: int) -> int | None:
    """Return the real user id of a process; None: it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    line = next((one for one in text.splitlines() if one.startswith("Uid:")), "")
    return int(line.split()[1]) if line else None
