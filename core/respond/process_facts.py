"""Facts about a process from /proc at the moment of an act."""

import os
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.common.boot_clock import start_of_ticks
from mozu.core.common.unsynced_stat import unsynced_stat

PROC: Final = Path("/proc")
_KERNEL_THREAD: Final = 0x0020_0000
"""PF_KTHREAD, linux/sched.h."""
_ENDED: Final = (b"Z", b"X")
"""States of /proc/PID/stat: zombie, dead."""
_FIRST_NAMESPACES: Final = (("pid", 0xEFFFFFFC), ("user", 0xEFFFFFFD))
"""PROC_PID_INIT_INO and PROC_USER_INIT_INO of linux/proc_ns.h."""
_MOST: Final = 4096
"""Bytes read of a file; the needed parts are at its beginning."""


class ProcessFacts(msgspec.Struct, frozen=True):
    """Facts about one process."""

    pid: int
    name: str
    parent: int
    group: int
    is_kernel_thread: bool
    start: int
    """Start time, ns since boot, in steps of a hundredth of a second."""
    uids: tuple[int, ...]
    """Real, effective, saved and file system user id; empty if unknown."""
    is_of_host: bool
    """True if the process is in the initial pid and user namespaces, which a process that has left them cannot enter
    again."""
    tracer: int = 0
    """Pid of the tracer; 0 if none."""
    thread: int = 0
    """Id of a living thread: the first one, which has the process's id, or another one if that has ended."""

    @property
    def uid(self) -> int:
        """Real user id; -1 if unknown."""
        return self.uids[0] if self.uids else -1

    @property
    def is_roots(self) -> bool:
        """True if all user ids of the process are root's."""
        return self.runs_as(0)

    def runs_as(self, user: int) -> bool:
        """Return True if all user ids of the process are this one."""
        return bool(self.uids) and all(one == user for one in self.uids)


def process_facts(pid: int, proc: Path = PROC) -> ProcessFacts | None:
    """Return the facts about a process; None if there is no such process."""
    own = f"{proc}/{pid}"
    raw = _read(f"{own}/stat")
    if not raw:
        return None
    end = raw.rfind(b")")
    fields = raw[end + 2 :].split()
    thread = pid
    if fields[0] in _ENDED:
        # The first thread alone may have ended (pthread_exit): it is a zombie without files while other threads run.
        living = _living_thread(own)
        if living is None:
            return None
        thread, own = living, f"{own}/task/{living}"
    status = _read(f"{own}/status")
    return ProcessFacts(
        pid=pid,
        name=raw[raw.find(b"(") + 1 : end].decode("utf-8", "surrogateescape"),
        parent=int(fields[1]),
        group=int(fields[2]),
        is_kernel_thread=bool(int(fields[6]) & _KERNEL_THREAD),
        start=start_of_ticks(int(fields[19])),
        uids=tuple(_status(status, b"Uid")),
        is_of_host=all(_link(f"{own}/ns/{name}") == f"{name}:[{number}]" for name, number in _FIRST_NAMESPACES),
        tracer=next(iter(_status(status, b"TracerPid")), 0),
        thread=thread,
    )


def _living_thread(own: str) -> int | None:
    """Return the id of a living thread of a process whose first thread has ended; None if there is none."""
    try:
        threads = sorted(map(int, os.listdir(f"{own}/task")))
    except OSError:
        return None
    for thread in threads:
        state = _read(f"{own}/task/{thread}/stat").rpartition(b")")[2].split()
        if state and state[0] not in _ENDED:
            return thread
    return None


def executable_of(facts: ProcessFacts, proc: Path = PROC) -> tuple[int, int] | None:
    """Return device and inode of the process's executable, as in stat(2); None if they cannot be read."""
    try:
        found = unsynced_stat(f"{proc}/{facts.pid}/task/{facts.thread or facts.pid}/exe")
    except OSError:
        return None
    return found.dev, found.ino


def _read(path: str) -> bytes:
    """Return the beginning of a file of /proc; empty if it cannot be read. Hundreds of processes may have to be checked
    before an act, and a Path and a file object for each would double the time."""
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


def _status(status: bytes, name: bytes) -> list[int]:
    """Return the numbers of a line of /proc/PID/status."""
    rest = status.partition(b"\n" + name + b":")[2]
    return list(map(int, rest.partition(b"\n")[0].split()))


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
