"""Causes of a refused bpf(2) or perf_event_open(2), from the error and the kernel's facts about this process.

Sources: proc_pid_status(5) (Seccomp, CapEff), kernel_lockdown(7), user_namespaces(7), the kernel's bpf(2).
"""

import errno
import re
from pathlib import Path
from typing import Final

from mozu.core.common import linux_capabilities
from mozu.plugins.sources.ebpf import checks

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
    missing = checks.missing_capabilities(linux_capabilities.effective(proc / "status"))
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
