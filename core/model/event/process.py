"""A process (or thread) and its versions.

A `Task` is the identity: one per thread id, as long as the thread lives. It points to its newest `Process` version;
each version points to the one before. An event holds the version of its own thread directly; for every *other* task
(parents, leaders) `Task.at(number)` finds the version that held at a given event. The state machine cuts `older` once
no event in flight can ask for it.
"""

from typing import Protocol

import msgspec

from mozu.core.model.event.container import Container
from mozu.core.model.event.fd_table import FdTable
from mozu.core.model.event.file import File


class Tasks(Protocol):
    """Every task of one machine or recording, by thread id: for ids that are no links (session and group leaders)."""

    def find(self, tid: int, number: int) -> "Process | None":
        """The version that held at event `number` of the task that had this thread id then; None where unknown."""


class Task:
    """The identity of a thread: what parents and leaders are referred to by."""

    __slots__ = ("files", "newest", "tasks", "tid")

    def __init__(self, tid: int, tasks: Tasks | None = None, files: FdTable | None = None) -> None:
        self.tid = tid
        self.newest: Process | None = None
        self.files = FdTable() if files is None else files
        """Descriptors, shared between the tasks that share them (threads)."""
        self.tasks = tasks
        """The table this task stands in."""

    def at(self, number: int) -> "Process | None":
        """The version that held when event `number` happened (the oldest kept, if all are later)."""
        version = self.newest
        while version is not None and version.since > number and version.older is not None:
            version = version.older
        return version


class Process(msgspec.Struct, eq=False):
    """One version of a thread. Numbers are those of the host's namespaces unless the name begins with `v`."""

    task: Task
    tid: int
    pid: int
    parent: Task | None = None
    """The parent's task (its main thread); None where it is unknown or has gone."""
    leader: Task | None = None
    """The main thread's task; None when this is the main thread."""
    since: int = 0
    """Number of the event that made this version."""
    older: "Process | None" = None
    name: str = ""
    """The kernel's comm: at most 15 bytes."""
    exe: str = ""
    """argv[0] as it was given to exec."""
    args: tuple[str, ...] = ()
    """argv[1:]."""
    args_truncated: bool = False
    exepath: str = ""
    """Path of the executable, symlinks followed."""
    cwd: str = "/"
    """Always ends with a slash; threads of a process always have the same."""
    root: str = "/"
    """What the process sees as `/`."""
    env: tuple[str, ...] | None = None
    """None where it was not demanded."""
    ptid: int = -1
    vtid: int = -1
    vpid: int = -1
    pgid: int = -1
    vpgid: int = -1
    sid: int = -1
    """Session id as seen in the process's own pid namespace."""
    tty: int = 0
    """Device number of the controlling terminal, 0 for none."""
    uid: int = 0
    """Effective."""
    gid: int = 0
    """Effective."""
    ruid: int = 0
    suid: int = 0
    rgid: int = 0
    sgid: int = 0
    loginuid: int = -1
    """-1 when unset."""
    cap_permitted: int = 0
    cap_effective: int = 0
    cap_inheritable: int = 0
    exe_ino: int = 0
    exe_ctime: int = 0
    """ns since the epoch, 0 where unknown; so is exe_mtime."""
    exe_mtime: int = 0
    exe_uid: int = -1
    """Owner of the executable as of the exec, as the host counts; -1 where unknown; so is exe_mode."""
    exe_mode: int = -1
    """Permission bits (07777) of the executable."""
    exe_genuine: bool | None = None
    """Only root can have put the executable where its path says, and nothing of another user's is loaded into it; None
    where unknown."""
    script: str | None = None
    """Path of the script that the interpreter was started for, which only root can have put there; empty: there is
    none, or another user may have put it there; None where unknown."""
    exe_flags: int = 0
    """Bits of `core.model.syscalls` table `execve_flags`: writable, upper layer, memfd, lower layer."""
    start: int = 0
    """ns since the epoch at which the process began (clone), 0 where unknown. `boot_start` identifies it."""
    pidns_start: int = 0
    """ns since the epoch at which the init of its pid namespace began, 0 where unknown."""
    namespaces: int = 0
    """Its namespaces that are not the host's, as of its start, its last exec or unshare: bits of NAMESPACES."""
    stack: int = 0
    """Where the stack of its program begins, which the kernel draws anew at each exec; 0 where unknown."""
    exec_time: int = 0
    """ns since the epoch of its last successful exec, 0 where unknown."""
    cgroups: tuple[tuple[str, str], ...] = ()
    """(subsystem, path) pairs; the unified hierarchy has the empty subsystem."""
    container: Container | None = None
    """None on the host."""
    fdlimit: int = -1
    others: int = 0
    """On the main thread's versions: how many threads live besides it."""
    exited: bool = False
    """The thread has ended; a main thread stays known while others of its process live."""
    exe_age: int = 0
    """ns from the executable's ctime to the start of the process, as of its exec or its ancestor's; 0 where unknown."""
    exe_novelty: int = 0
    """ns from the start of the pid namespace to the executable's ctime, as of its exec; 0 where it is not later."""
    vm_size: int = 0
    """kB; so are vm_rss and vm_swap."""
    vm_rss: int = 0
    vm_swap: int = 0
    pfmajor: int = 0
    pfminor: int = 0
    boot_start: int = 0
    """ns since the boot at which the process began: to the ns, or rounded down to hundredths of a second as in /proc;
    0 where unknown. No setting of the wall clock changes it."""

    def parent_at(self, number: int) -> "Process | None":
        """The parent as it was at event `number`."""
        return None if self.parent is None else self.parent.at(number)

    def main_at(self, number: int) -> "Process":
        """The version of the main thread, or this one."""
        main = None if self.leader is None else self.leader.at(number)
        return self if main is None else main

    @property
    def files(self) -> FdTable:
        """The descriptors that the state has seen: the newest, and `files.at` for those of a moment."""
        return self.task.files

    def file_at(self, fd: int, number: int) -> File | None:
        """What a descriptor stood for at event `number`."""
        return self.task.files.at(fd, number)

    def find(self, tid: int, number: int) -> "Process | None":
        """Any other task of the same machine, as it was at event `number`."""
        tasks = self.task.tasks
        return None if tasks is None else tasks.find(tid, number)
