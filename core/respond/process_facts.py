"""What /proc says of a process at the moment of an act."""

import os
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.common.boot_clock import start_of_ticks

PROC: Final = Path("/proc")
_KERNEL_THREAD: Final = 0x0020_0000
"""PF_KTHREAD, linux/sched.h."""
_ENDED: Final = (b"Z", b"X")
"""States of /proc/PID/stat: zombie, dead."""
_MOST: Final = 4096
"""Bytes of a file: what is wanted stands in front."""


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
    exepath: str = ""
    """Where that file is, or was when it was deleted."""
    thread: int = 0
    """A thread that lives: the first one, whose number is the process's, or where that has ended another."""


def process_facts(pid: int, proc: Path = PROC) -> ProcessFacts | None:
    """None: there is no such process."""
    own = f"{proc}/{pid}"
    raw = _read(f"{own}/stat")
    if not raw:
        return None
    end = raw.rfind(b")")
    fields = raw[end + 2 :].split()
    thread = pid
    if fields[0] in _ENDED:
        # The first thread alone may have ended (pthread_exit): it is a zombie while the others go on, and has no files.
        living = _living_thread(own)
        if living is None:
            return None
        thread, own = living, f"{own}/task/{living}"
    return ProcessFacts(
        pid=pid,
        name=raw[raw.find(b"(") + 1 : end].decode("utf-8", "surrogateescape"),
        parent=int(fields[1]),
        group=int(fields[2]),
        is_kernel_thread=bool(int(fields[6]) & _KERNEL_THREAD),
        start=start_of_ticks(int(fields[19])),
        uid=_uid(_read(f"{own}/status")),
        mount_namespace=_link(f"{own}/ns/mnt"),
        executable=executable(f"{own}/exe"),
        exepath=_link(f"{own}/exe").removesuffix(" (deleted)"),
        thread=thread,
    )


def _living_thread(own: str) -> int | None:
    """Of a process whose first thread has ended."""
    try:
        threads = sorted(map(int, os.listdir(f"{own}/task")))
    except OSError:
        return None
    for thread in threads:
        state = _read(f"{own}/task/{thread}/stat").rpartition(b")")[2].split()
        if state and state[0] not in _ENDED:
            return thread
    return None


def executable(path: str | Path) -> Executable | None:
    """The file at a path, symlinks followed; None where it cannot be looked at."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return Executable(found.st_dev, found.st_ino, found.st_uid, bool(found.st_mode & 0o022))


def _read(path: str) -> bytes:
    """The beginning of a file of /proc; empty where it cannot be read. Hundreds of processes may have to be looked at
    before one is acted on: a Path and a file object for each would take twice as long."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _MOST)
    except OSError:  # it has ended
        return b""
    finally:
        os.close(descriptor)


def _uid(status: bytes) -> int:
    _, name, rest = status.partition(b"\nUid:")
    return int(rest.split(None, 1)[0]) if name else -1


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
