"""Processes of other users that would be included in following all processes."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mozu.core.common import linux_capabilities
from mozu.plugins.sources.ptrace.attach import list_processes, read_stat

_FIRST_NAMESPACE: Final = 0xEFFFFFFC
"""Inode of a machine's initial pid namespace (PROC_PID_INIT_INO in include/linux/proc_ns.h)."""
_SHOWN: Final = 5
"""Most users named in a message."""


def others_in_sight() -> str | None:
    """Return a sentence about processes of other users that would be traced; None if there are none.

    Without CAP_SYS_PTRACE the kernel lets a process trace only those of its own user (ptrace(2), "Ptrace access mode
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
    """Return the reason for which all processes are not followed unless requested; None if there is none."""
    found = others_in_sight()
    remedy = "if that is meant, write `syscalls: {fallback: ptrace}` below `sources`; docs/operate/sources.md"
    return None if found is None else f"{found}, which was not asked for; {remedy}"


def is_first_namespace(place: Path = Path("/proc/self/ns/pid")) -> bool:
    """Return True in the initial pid namespace of the machine."""
    try:
        return place.stat().st_ino == _FIRST_NAMESPACE
    except OSError:
        return False


def _users() -> Mapping[int, int]:
    """Return the number of processes by user, without kernel threads, this process and its children."""
    found: dict[int, int] = {}
    own = os.getpid()
    for pid in list_processes():
        stat = read_stat(pid)
        uid = _user(pid)
        if stat is not None and uid is not None and not stat.is_kernel_thread and own not in (pid, stat.parent):
            found[uid] = found.get(uid, 0) + 1
    return found


def _user(pid: int) -> int | None:
    """Return the real user id of a process; None if it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    line = next((one for one in text.splitlines() if one.startswith("Uid:")), "")
    return int(line.split()[1]) if line else None
