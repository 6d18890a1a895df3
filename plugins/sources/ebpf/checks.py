"""Checks of the machine (architecture, capabilities, tracefs), each with its own error, the processes in /proc, and the
causes of a refused bpf(2) or perf_event_open(2), from the error and the kernel's facts about this process.

Sources: proc_pid_status(5) (Seccomp, CapEff), kernel_lockdown(7), user_namespaces(7), the kernel's bpf(2).
"""

import ctypes
import errno
import logging
import os
import platform
import re
from pathlib import Path
from typing import Final

from mozu.core.api import SourceUnavailable
from mozu.core.common import linux_capabilities
from mozu.core.common.pid_namespace import PRIVATE, sees_all_processes
from mozu.core.model.arch import MACHINES

_NEEDED: Final = ("CAP_BPF", "CAP_PERFMON", "CAP_DAC_READ_SEARCH")
_TRACEFS: Final = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
_libc = ctypes.CDLL(None, use_errno=True)


def check_machine() -> None:
    """Raise SourceUnavailable unless registers and call numbers of this kind of machine are known."""
    if platform.machine() not in MACHINES:
        raise SourceUnavailable(
            f"source ebpf: this machine is {platform.machine()}; {' and '.join(MACHINES)} are supported"
        )


def missing_capabilities(effective: int) -> tuple[str, ...]:
    """Return the needed capabilities that a set lacks. CAP_SYS_ADMIN includes CAP_BPF and CAP_PERFMON."""
    return tuple(name for name in _NEEDED if not linux_capabilities.holds(name, effective))


def check_capabilities(status: Path = Path("/proc/self/status")) -> None:
    """Raise SourceUnavailable, with the names of missing capabilities, if any are missing."""
    missing = missing_capabilities(linux_capabilities.effective(status))
    if missing:
        raise SourceUnavailable(
            f"source ebpf: this process lacks {', '.join(missing)}; run mozu as root, or give it "
            f"{', '.join(_NEEDED)} (with systemd: AmbientCapabilities)"
        )


def tracefs(places: tuple[Path, ...] = _TRACEFS) -> Path:
    """Return the path of tracefs, mounting it if necessary. Raises SourceUnavailable, with a remedy."""
    for place in places:
        if _has_events(place):
            return place
    place = places[0]
    if _libc.mount(b"tracefs", os.fsencode(place), b"tracefs", 0, None) == 0 and (place / "events").is_dir():
        return place
    reason = os.strerror(ctypes.get_errno())
    raise SourceUnavailable(
        f"source ebpf: tracefs is not mounted and mounting it failed ({reason}); "
        f"as root: mount -t tracefs nodev {place}"
    )


def _has_events(place: Path) -> bool:
    """Return True if a tracefs is mounted there. Raises SourceUnavailable if it may not be read, the default for
    users."""
    try:
        with (place / "events" / "header_page").open("rb"):
            return True
    except PermissionError as error:
        raise SourceUnavailable(
            f"source ebpf: this process may not read {place}; run mozu as root, or give it CAP_DAC_READ_SEARCH"
        ) from error
    except OSError:
        return (place / "events").is_dir()


def tracepoint_id(root: Path, name: str, group: str = "syscalls") -> int | None:
    """Return the number of a tracepoint; None if this kernel has none of that name."""
    try:
        return int((root / "events" / group / name / "id").read_text())
    except FileNotFoundError:
        return None


def has_cgroup_tracepoint() -> bool:
    """Return True if this kernel reports moves of processes between cgroups."""
    try:
        return tracepoint_id(tracefs(), "cgroup_attach_task", "cgroup") is not None
    except (OSError, SourceUnavailable):
        return False


def running_pids() -> list[int]:
    """Return the ids of the processes in /proc."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def check_namespace() -> None:
    """Raises SourceUnavailable where the kernel reports processes that /proc does not list. The source starts there."""
    if not sees_all_processes():
        raise SourceUnavailable(f"source ebpf: {PRIVATE}")


def warn_of_namespace(log: logging.Logger) -> None:
    """Log a warning if the kernel reports processes that are missing in /proc."""
    if not sees_all_processes():
        log.warning("%s", PRIVATE)


_FORBIDDEN: Final = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS})
_FILTERED: Final = "2"
"""Value of `Seccomp:` for a process with filters."""
_WHOLE: Final = ["0", "0", "4294967295"]
"""The uid_map of the first user namespace."""


def remedy(error: OSError, proc: Path = Path("/proc/self"), security: Path = Path("/sys/kernel/security")) -> str:
    """Return the likely cause of a refusal with its remedy, as a clause; empty if unknown."""
    if error.errno in (errno.ENOMEM, errno.E2BIG, errno.ENOSPC):
        return "a smaller `ring_size` may help"
    if error.errno not in _FORBIDDEN:
        return ""
    missing = missing_capabilities(linux_capabilities.effective(proc / "status"))
    if missing:
        return f"CapEff in /proc/self/status lacks {', '.join(missing)}; give mozu these capabilities"
    if _row(proc / "status", "Seccomp") == _FILTERED:
        return (
            "a seccomp filter is in force (Seccomp: 2 in /proc/self/status), such as that of a container engine; allow "
            "bpf and perf_event_open in its profile"
        )
    if _mode(security / "lockdown") == "confidentiality":
        return (
            "the kernel is locked down (confidentiality in /sys/kernel/security/lockdown), and no program may read its "
            "memory; boot it with lockdown=integrity"
        )
    if _text(proc / "uid_map").split() != _WHOLE:
        return "capabilities of a user namespace do not hold for it; run mozu outside of user namespaces"
    return "/proc/sys/kernel/perf_event_paranoid or a security module may forbid it"


def clause(error: OSError) -> str:
    """Return the remedy to append to a sentence, after a semicolon; empty if unknown."""
    found = remedy(error)
    return f"; {found}" if found else ""


def _row(status: Path, name: str) -> str:
    found = re.search(rf"^{name}:\s*(\S+)", _text(status), re.MULTILINE)
    return "" if found is None else found[1]


def _mode(lockdown: Path) -> str:
    found = re.search(r"\[(\w+)\]", _text(lockdown))
    return "" if found is None else found[1]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
