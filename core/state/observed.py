"""Observations: what a syscall source knows of an event beyond its parameters, for the state machine alone.

A source attaches at most one of them to `SyscallEvent.observed`. Events whose type begins with `_` exist only for the
state: they are consumed there and no evaluator sees them.

Two kinds of source exist. A *live* one asks the kernel (`Forked`, `Executed`, `Opened`, `Cwd`, `Identity`,
`Descriptor`); a *recording* has only the parameters, and brings what existed before its first event as `_process`,
`_file` and `_seeded` events.

Live, the state follows processes: `_fork` of a thread and its `_exit` only count it (sources leave both out if no rule
asks for the number of threads), an event of a thread belongs to the process in `pid`, which must be set, and `procexit`
means that the last thread of its process has ended.

| event type | observation | meaning |
|---|---|---|
| `_fork` | Forked | a task was made; `tid`/`pid` are the creator's |
| `_cgroup` | Moved | live: a process was moved to other cgroups; `tid`/`pid` are its own |
| `_exit` | None | live: a thread has ended and others of its process live on; `tid`/`pid` are its own |
| `_process` | KnownProcess | a task that existed before the recording; `tid`/`pid` are its own |
| `_file` | KnownFile | a descriptor of the task `tid`; its `_process` comes first |
| `_seeded` | Seeded or None | the last `_process` and `_file` have been sent: directions of sockets are inferred |
| `_enter` | Entered | a call begins whose parameters are more reliable at its entry than at its exit |
| `_unseen` | SyscallEvent | an event that was recorded for the state and not for rules |
| `_reset` | None | forget everything (a recording that follows another in the same file) |
| `_state` | Restored | forget everything; a saved state of the machine follows |
| `_saved` | Saved | one task of the saved state |
| `_restored` | None | the last `_saved` has been sent |
| `_looked` | ProcSnapshot | what /proc answers at the next look-up of the task |
| `_repaired` | ProcSnapshot | live: what /proc says of a process that lost events have left wrong |
"""

from typing import Any, Final

import msgspec
from msgspec.structs import fields

from mozu.core.model.event import Address, File, Process


class Forked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A new thread or process, seen from its creator; event type `_fork`, `tid`/`pid` are the creator's."""

    tid: int
    pid: int
    """Process id of the child; equal to the creator's for a thread."""
    vtid: int
    vpid: int
    start: int = 0
    """Start of the child, ns since the epoch."""
    pidns_start: int = 0
    ptid: int = 0
    """Thread id of the parent that the kernel set (differs from the creator under CLONE_PARENT); 0: the creator."""
    shares_files: bool = False
    boot_start: int = 0
    """Start of the child, the same as `Process.boot_start`."""


class Moved(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cgroups of a process that was moved to others, and executed nothing; event type `_cgroup`."""

    cgroups: tuple[tuple[str, str], ...]
    """(controller, path) pairs."""


class Executed(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts about a successful exec that its parameters do not hold."""

    sid: int = -1
    pgid: int = -1
    vpid: int = -1
    vtid: int = -1
    ptid: int = -1
    ruid: int = 0
    suid: int = 0
    rgid: int = 0
    sgid: int = 0
    start: int = 0
    """Start of the process, ns since the epoch."""
    stack: int = 0
    """`Process.stack` of the program."""
    args_truncated: bool = False
    old_tid: int = 0
    """Thread id of the caller, if that was not the main thread (it takes over the main thread's id); otherwise 0."""
    namespaces: int = 0
    """`Process.namespaces` of the process."""
    exe_uid: int = -1
    """`Process.exe_uid` of the program; likewise `exe_mode`."""
    exe_mode: int = -1
    stdio: tuple[File | None, ...] = ()
    """Files of the program's descriptors 0, 1 and 2, None for a closed one; empty if not requested."""
    boot_start: int = 0
    """`Process.boot_start` of the process."""
    exe_genuine: bool | None = None
    """`Process.exe_genuine` of the program, but without regard to the environment."""
    script: str | None = None
    """`Process.script` of the program, as the call named it."""
    cwd_of_root: bool = False
    """True if only root can write into the working directory, and it lies in the process's own tree of mounts."""


class Opened(msgspec.Struct, frozen=True, omit_defaults=True):
    """The kernel's resolution of a path that was given to a call."""

    base: str | None = None
    """Directory that a relative path starts from, as the kernel resolved it; None: use the process's cwd."""
    realpath: str | None = None
    """Path of the file that was reached, with symlinks followed, from the process's own root."""
    named: bool = False
    """True if the event's descriptor and file are already as the state would make them."""


class Bases(msgspec.Struct, frozen=True, omit_defaults=True):
    """The directories of paths given to a call that opens nothing (unlinkat, renameat2, mkdir …)."""

    bases: tuple[str | None, ...]
    """Directory that each path of the call starts from if it is relative, in order; None if not known."""


class Cwd(msgspec.Struct, frozen=True, omit_defaults=True):
    """The directory that chdir or fchdir led to, as the kernel sees it."""

    path: str


class Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    """The ids and capabilities of a thread after a call of the setuid family, whether that succeeded or not."""

    ruid: int
    uid: int
    """Effective user id, the same as `Process.uid`."""
    suid: int
    rgid: int
    gid: int
    sgid: int
    cap_permitted: int
    cap_effective: int


class Descriptor(msgspec.Struct, frozen=True, omit_defaults=True):
    """The kernel's description of a descriptor; becomes `SyscallEvent.file` unless the state knows a better name."""

    file: File
    as_opened: bool = False
    """True if the file's name is the one that was given when it was opened."""


class KnownProcess(msgspec.Struct, frozen=True, omit_defaults=True):
    """A task that existed before the first event; event type `_process`. Names and units are those of `Process`."""

    ptid: int = -1
    sid: int = -1
    pgid: int = -1
    vpgid: int = -1
    vtid: int = -1
    vpid: int = -1
    name: str = ""
    exe: str = ""
    exepath: str = ""
    args: tuple[str, ...] = ()
    env: tuple[str, ...] | None = None
    cwd: str = ""
    root: str = ""
    flags: int = 0
    """Clone flags in Falco's numbering (table `clone_flags`)."""
    uid: int = 0
    gid: int = 0
    ruid: int | None = None
    """Real user id; None: equal to `uid`. Likewise suid, and rgid and sgid with `gid`."""
    suid: int | None = None
    rgid: int | None = None
    sgid: int | None = None
    loginuid: int = -1
    tty: int = 0
    cap_permitted: int = 0
    cap_effective: int = 0
    cap_inheritable: int = 0
    exe_ino: int = 0
    exe_ctime: int = 0
    exe_mtime: int = 0
    exe_uid: int = -1
    exe_mode: int = -1
    exe_genuine: bool | None = None
    script: str | None = None
    exe_flags: int = 0
    """Bits of the table `execve_flags`."""
    start: int = 0
    pidns_start: int = 0
    namespaces: int = 0
    stack: int = 0
    cgroups: tuple[tuple[str, str], ...] = ()
    fdlimit: int = -1
    vm_size: int = 0
    vm_rss: int = 0
    vm_swap: int = 0
    pfmajor: int = 0
    pfminor: int = 0
    boot_start: int = 0


class KnownFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A descriptor that was open before the first event; event type `_file`, `tid` is its owner.

    `file.kind`, `name` (paths), `flags`, `dev`, `ino`, `sock` and `l4proto` (or `protocol`: the transport) are enough:
    the state machine writes the names of sockets and infers their roles. A listening socket has `role="listening"` and
    its own address in `sock.dest`.
    """

    fd: int
    file: File


class Seeded(msgspec.Struct, frozen=True, omit_defaults=True):
    """The end of the seeds; event type `_seeded`."""

    addresses: tuple[Address, ...] = ()
    """IPv4 addresses of the recorded machine's own interfaces, in order."""
    netmasks: tuple[Address, ...] = ()
    """Network masks of these interfaces, in the order of `addresses`; may be left out."""
    boot_time: int = 0
    """Start of the recorded machine, ns since the epoch; 0 if unknown."""


class Entered(msgspec.Struct, frozen=True, omit_defaults=True):
    """The beginning of a call; event type `_enter`. The exit event of the same type and thread prefers these
    parameters."""

    type: str
    """Event type: open, openat, openat2, creat, connect, execve, execveat."""
    args: tuple[Any, ...]
    """Parameters of the enter event, in the order of the recording's table."""


class Restored(msgspec.Struct, frozen=True, omit_defaults=True):
    """The beginning of a saved state; event type `_state`. Later events are read as they were when the state was
    saved."""

    live: bool
    """True if the events are those of a live source; `_looked` events then hold what it read from /proc."""
    number: int
    """Number of the last event before."""
    boot_time: int = 0
    addresses: tuple[Address, ...] = ()
    netmasks: tuple[Address, ...] = ()
    waiting: dict[int, tuple[int, ...]] = {}
    """Thread id of an unknown parent → thread ids of its children."""
    recent_exits: tuple[tuple[int, int, int], ...] = ()
    """(parent's tid, tid, time) of the last few ends."""


class ProcSnapshot(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer of /proc about a task; event types `_looked` and `_repaired`. Recordings call it `Looked`."""

    tid: int
    pid: int = 0
    known: KnownProcess | None = None
    """The task; None if there was none."""
    others: int = 0
    """Number of further threads of the process."""


LINKS: Final = frozenset({"task", "parent", "leader", "since", "older"})
"""Members of a process version that are not written: other versions and tasks."""


class _SavedLinks(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    parent: int = -1
    """Thread id of the parent's main thread; -1 if there is none."""
    files: dict[int, File] | None = None
    """Descriptors; None: shared with the main thread."""
    reaper: bool = False
    inverted: bool = False


Saved: Any = msgspec.defstruct(
    "Saved",
    [
        (field.name, field.type) if field.required else (field.name, field.type, field.default)
        for field in fields(Process)
        if field.name not in LINKS
    ],
    bases=(_SavedLinks,),
    frozen=True,
    omit_defaults=True,
    kw_only=True,
    module=__name__,
)
"""A task of a saved state; event type `_saved`. Names and units are those of `Process`."""
