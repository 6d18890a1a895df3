"""Preflight checks (architecture, capabilities, tracefs), each with its own error, and the processes in /proc."""

import ctypes
import logging
import os
import platform
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
