"""Event structs: Event (the base), SyscallEvent, DataEvent."""

from typing import Any, Final

import msgspec

from mozu.core.model.event.file import File
from mozu.core.model.event.process import Process


class Event(msgspec.Struct, gc=False):
    """The base of all events: source class, type, time and number."""

    source: str
    """The source class that rules name: `syscall`, `k8s_audit`, `json` …"""
    type: str
    """The event type: `openat`, `execve` …; for log events the record's own kind."""
    time: int
    """Time by the wall clock, ns since the epoch."""
    num: int = 0
    """Position in the source, from 1. The core numbers events as they arrive; a recording brings its own numbers."""


_STEP: Final = 10**7
"""Least ns by which the wall clock is set: otherwise it runs as fast as the clock since the boot (NTP slews both)."""


class SyscallEvent(Event, gc=False):
    """A system call that returned (or a scheduler event of the same table).

    A source fills everything but `process`; the state machine adds that, and `file` if the source could not report it.
    """

    tid: int = 0
    pid: int = 0
    cpu: int = 0
    args: tuple[Any, ...] = ()
    """The parameters in the order of `core.model.syscalls`, as native values: int; str for paths and texts (None for
    NULL); bytes; SockTuple; SockAddr; flags and enumerations in Falco's numbering."""
    process: Process | None = None
    fd: int | None = None
    """The descriptor that the event is about (-1 after a failed open); None for events without one."""
    file: File | None = None
    observed: Any = None
    """Facts known to the source beyond the parameters, which only the state machine reads (see
    `core.state.observed`)."""
    boot_time: int = 0
    """Nanoseconds since the boot, which setting the wall clock does not change; 0 if the source does not know."""
    entry_path: str = ""
    """The entry by which the call reached the kernel if it was not the native one: `compat32`, `io_uring`;
    `io_uring_submitted` for a request that was reported at its submission, whose success is assumed."""
    kernel_act: str = ""
    """The source's action in the kernel: `kill`: the process was sent SIGKILL before the call returned; `would`: the
    same in a dry run. Read only by responses (`KillsInKernel`)."""

    def age(self, began: int, process: Process) -> int:
        """Return the ns from a moment of a process (ns since the epoch) to the event, by the clock since the boot.

        The wall clock may have been set between the two. If one of them has no time since the boot, as in a recording,
        that cannot be known, and the difference of the wall clock is used; it is also used if the clocks disagree by
        less than a step, which is the precision of their offset.
        """
        set_by = 0
        if self.boot_time and process.boot_start:
            set_by = (self.time - self.boot_time) - (process.start - process.boot_start)
        return self.time - began - (set_by if abs(set_by) >= _STEP else 0)


class DataEvent(Event, gc=False):
    """A record of a log-like source: decoded JSON."""

    data: Any = None
