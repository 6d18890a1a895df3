"""Capabilities of Linux (capabilities(7)) that this process has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_NAMES: Final = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
)  # fmt: skip
NUMBERS: Final[Mapping[str, int]] = {f"CAP_{name}": number for number, name in enumerate(_NAMES)}
"""Name → number, as in linux/capability.h."""
_HELD_BY: Final[Mapping[str, str]] = {
    "CAP_BPF": "CAP_SYS_ADMIN",
    "CAP_PERFMON": "CAP_SYS_ADMIN",
    "CAP_DAC_READ_SEARCH": "CAP_DAC_OVERRIDE",
}
"""Capability → a greater one that includes what mozu uses of it."""


def effective(status: Path = Path("/proc/self/status")) -> int:
    """Return the effective set, a bit for each number."""
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(lines["CapEff"], 16)


def holds(capability: str, capabilities: int) -> bool:
    """Return True if a set has this capability, or a greater one that includes it."""
    greater = _HELD_BY.get(capability)
    return bool(capabilities >> NUMBERS[capability] & 1) or (greater is not None and holds(greater, capabilities))
