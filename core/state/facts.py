"""What a source of system calls tells the state machine beyond an event's parameters.

A source attaches at most one of these to `SyscallEvent.facts`. Events whose type begins with `_` exist only for the
state: they are consumed there and no evaluator sees them.
"""

import msgspec

from mozu.core.event import File


class Forked(msgspec.Struct, frozen=True):
    """A new thread or process, told by its creator; event type `_fork`, `tid`/`pid` are the creator's."""

    tid: int
    pid: int
    """Of the child; equal to the creator's pid for a thread."""
    vtid: int
    vpid: int
    start: int = 0
    """ns since the epoch."""
    pidns_start: int = 0
    ptid: int = 0
    """The parent the kernel gave it (differs from the creator under CLONE_PARENT); 0: the creator."""
    shares_files: bool = False


class Executed(msgspec.Struct, frozen=True):
    """What a successful exec's parameters do not hold."""

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
    """ns since the epoch at which the process began."""
    args_truncated: bool = False
    old_tid: int = 0
    """The thread that called, where it was not the main one (it takes over the main thread's number)."""


class Opened(msgspec.Struct, frozen=True):
    """Where the kernel stood when a path was given to a call."""

    base: str | None = None
    """The directory that a relative path starts from, as the kernel resolved it; None: use the process's cwd."""
    realpath: str | None = None
    """Path of the file that was reached, symlinks followed, from the process's own root."""


class Cwd(msgspec.Struct, frozen=True):
    """Where chdir or fchdir led, as the kernel sees it."""

    path: str


class Descriptor(msgspec.Struct, frozen=True):
    """What the kernel says a descriptor is; goes into `SyscallEvent.file` unless the state knows a better name."""

    file: File
