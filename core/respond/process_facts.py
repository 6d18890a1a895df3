"""What /proc says of a process at the moment of an act."""

import os
from pathlib import Path
from typing import Final

import msgspec

PROC: Final = Path("/proc")
_KERNEL_THREAD: Final = 0x0020_0000
"""PF_KTHREAD, linux/sched.h."""
_TICK: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class Executable(msgspec.Struct, frozen=True):
    """The file that a process runs: not a name, which anyone can take."""

    device: int
    inode: int
    owner: int
    others_write: bool
    """Its group or all may write to it."""

    @property
    def identity(self) -> tuple[int, int]:
        """What makes it this file."""
        return self.device, self.inode


class ProcessFacts(msgspec.Struct, frozen=True):
    """Of one process."""

    pid: int
    name: str
    parent: int
    group: int
    is_kernel_thread: bool
    start: int
    """ns since boot, in steps of a hundredth of a second."""
    uid: int
    """Real; -1 where unknown."""
    mount_namespace: str
    executable: Executable | None
    """None for kernel threads, and where it may not be read."""


def process_facts(pid: int, proc: Path = PROC) -> ProcessFacts | None:
    """None: there is no such process."""
    try:
        raw = (proc / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    end = raw.rfind(b")")
    fields = raw[end + 2 :].split()
    if fields[0] in (b"Z", b"X"):
        return None
    return ProcessFacts(
        pid=pid,
        name=raw[raw.find(b"(") + 1 : end].decode("utf-8", "surrogateescape"),
        parent=int(fields[1]),
        group=int(fields[2]),
        is_kernel_thread=bool(int(fields[6]) & _KERNEL_THREAD),
        start=int(fields[19]) * _TICK,
        uid=_uid(proc / str(pid) / "status"),
        mount_namespace=_link(proc / str(pid) / "ns/mnt"),
        executable=executable(proc / str(pid) / "exe"),
    )


def executable(path: Path) -> Executable | None:
    """The file at a path, symlinks followed; None where it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Executable(found.st_dev, found.st_ino, found.st_uid, bool(found.st_mode & 0o022))


def _uid(status: Path) -> int:
    try:
        lines = status.read_bytes().splitlines()
    except OSError:
        return -1
    return next((int(line.split()[1]) for line in lines if line.startswith(b"Uid:")), -1)


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""
