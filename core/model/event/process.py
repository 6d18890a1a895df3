"""A process (or thread) and its versions.

A `Task` is the identity: one per thread id, as long as the thread lives. It points to its newest `Process` version;
each version points to the one before. An event holds the version of its own thread directly; for every *other* task
(parents, leaders) `Task.at(number)` returns the version that was valid at a given event. The state machine cuts `older`
once no event in flight can ask for it.
"""

from typing import Protocol

import msgspec

from mozu.core.model.event.container import Container
from mozu.core.model.event.fd_table import FdTable
from mozu.core.model.event.file import File
from mozu.core.model.event.pipelines import Pipelines


class Tasks(Protocol):
    """The tasks of one machine or recording by thread id, for ids that are no links (session and group leaders)."""

    pipelines: Pipelines

    def find(self, tid: int, number: int) -> "Process | None":
        """Return the version, valid at event `number`, of the task that had this thread id then; None if unknown."""


class Task:
    """The identity of a thread, by which versions refer to parents and leaders."""

    __slots__ = ("files", "newest", "tasks", "tid")

    def __init__(self, tid: int, tasks: Tasks | None = None, files: FdTable | None = None) -> None:
        self.tid = tid
        self.newest: Process | None = None
        self.files = FdTable() if files is None else files
        """Descriptors, shared between the tasks that share them (threads)."""
        self.tasks = tasks
        """The table that holds this task."""

    def at(self, number: int) -> "Process | None":
        """Return the version that was valid at event `number` (the oldest kept, if all are later); None if none is
        kept."""
        version = self.newest
        while version is not None and version.since > number and version.older is not None:
            version = version.older
        return version


class Process(msgspec.Struct, eq=False):
    """A version of a thread. Numbers are those of the host's namespaces unless the name begins with `v`."""

    task: Task
    tid: int
    pid: int
    parent: Task | None = None
    """The parent's task (its main thread); None if it is unknown or has gone."""
    leader: Task | None = None
    """The main thread's task; None if this is the main thread."""
    since: int = 0
    """Number of the event that made this version."""
    older: "Process | None" = None
    name: str = ""
    """The kernel's comm: at most 15 bytes."""
    exe: str = ""
    """The text argv[0] given to exec."""
    args: tuple[str, ...] = ()
    """The texts argv[1:]."""
    args_truncated: bool = False
    exepath: str = ""
    """Path of the executable, symlinks followed."""
    cwd: str = "/"
    """The working directory, always with a slash at its end; the same for all threads of a process."""
    root: str = "/"
    """The directory that the process sees as `/`."""
    env: tuple[str, ...] | None = None
    """The environment; None if it was not demanded."""
    ptid: int = -1
    vtid: int = -1
    vpid: int = -1
    pgid: int = -1
    vpgid: int = -1
    sid: int = -1
    """Session id as seen in the process's own pid namespace."""
    tty: int = 0
    """Device number of the controlling terminal; 0 if there is none."""
    uid: int = 0
    """Effective user id."""
    gid: int = 0
    """Effective group id."""
    ruid: int = 0
    suid: int = 0
    rgid: int = 0
    sgid: int = 0
    loginuid: int = -1
    """Login user id; -1 if unset."""
    cap_permitted: int = 0
    cap_effective: int = 0
    cap_inheritable: int = 0
    exe_ino: int = 0
    exe_ctime: int = 0
    """Time of the last inode change, ns since the epoch, 0 if unknown. Likewise `exe_mtime`."""
    exe_mtime: int = 0
    exe_uid: int = -1
    """Owner of the executable at the exec, as the host counts; -1 if unknown. Likewise `exe_mode`."""
    exe_mode: int = -1
    """Permission bits (07777) of the executable."""
    exe_genuine: bool | None = None
    """True if only root can have put the executable at its path, and nothing of another user's is loaded into it; None
    if unknown."""
    script: str | None = None
    """Path of the script that the interpreter was started for, which only root can have put there; empty if there is
    none, or another user may have put it there; None if unknown."""
    exe_flags: int = 0
    """Bits of `core.model.syscalls` table `execve_flags`: writable, upper layer, memfd, lower layer."""
    start: int = 0
    """Start of the process (clone), ns since the epoch, 0 if unknown. `boot_start` identifies the process."""
    pidns_start: int = 0
    """Start of the init of the pid namespace, ns since the epoch, 0 if unknown."""
    namespaces: int = 0
    """Namespaces that are not the host's, as of the start, the last exec or unshare: bits of NAMESPACES."""
    stack: int = 0
    """Address at which the stack of the program begins, which the kernel draws anew at each exec; 0 if unknown."""
    exec_time: int = 0
    """Time of the last successful exec, ns since the epoch, 0 if unknown."""
    cgroups: tuple[tuple[str, str], ...] = ()
    """(subsystem, path) pairs; the unified hierarchy has the empty subsystem."""
    container: Container | None = None
    """The container; None on the host."""
    fdlimit: int = -1
    others: int = 0
    """Number of living threads besides the main thread; only on the main thread's versions."""
    exited: bool = False
    """True if the thread has ended; a main thread stays known while others of its process live."""
    exe_age: int = 0
    """Nanoseconds from the executable's ctime to the start of the process, at its exec or its ancestor's; 0 if
    unknown."""
    exe_novelty: int = 0
    """Nanoseconds from the start of the pid namespace to the executable's ctime, at the exec; 0 if that is not
    later."""
    vm_size: int = 0
    """Size of the address space, kB. Likewise in kB `vm_rss` and `vm_swap`."""
    vm_rss: int = 0
    vm_swap: int = 0
    pfmajor: int = 0
    pfminor: int = 0
    boot_start: int = 0
    """Start of the process, ns since the boot: exact, or rounded down to hundredths of a second as in /proc; 0 if
    unknown. Setting the wall clock does not change it."""

    def parent_at(self, number: int) -> "Process | None":
        """Return the parent as of event `number`; None if unknown."""
        return None if self.parent is None else self.parent.at(number)

    def main_at(self, number: int) -> "Process":
        """Return the version of the main thread, or this one."""
        main = None if self.leader is None else self.leader.at(number)
        return self if main is None else main

    @property
    def files(self) -> FdTable:
        """The descriptors that the state has seen: the newest, and `files.at` for those of a moment."""
        return self.task.files

    def file_at(self, fd: int, number: int) -> File | None:
        """Return the file of a descriptor at event `number`; None if it was closed."""
        return self.task.files.at(fd, number)

    def find(self, tid: int, number: int) -> "Process | None":
        """Return any other task of the same machine, as of event `number`; None if unknown."""
        tasks = self.task.tasks
        return None if tasks is None else tasks.find(tid, number)
