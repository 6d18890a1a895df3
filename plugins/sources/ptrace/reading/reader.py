"""Readers of stopped calls: their protocol, the traced task, their context."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from mozu.core.abi.limits import DATA_MAX
from mozu.core.common.boot_clock import both_clocks
from mozu.core.model.event import File, SyscallEvent, as_text
from mozu.core.state.procfs import Procfs
from mozu.plugins.sources.ptrace import memory
from mozu.plugins.sources.ptrace.proc_fs import FdInfo, RealPaths
from mozu.plugins.sources.ptrace.sockets import SocketLookup

Args = tuple[int, int, int, int, int, int]


class TracedTask:
    """A traced thread."""

    __slots__ = ("args", "at_entry", "is_confined", "is_new", "own_mask", "pid", "reader", "result", "tid")

    def __init__(self, tid: int, pid: int) -> None:
        self.tid, self.pid = tid, pid
        self.reader: SyscallReader | None = None
        """The reader of the current call, if its exit will be read."""
        self.args: Args = (0, 0, 0, 0, 0, 0)
        self.is_new = False
        """True until the first stop of a new task."""
        self.result: int | None = None
        """The result of the current call if it does not run; None: it runs."""
        self.own_mask: int | None = None
        """The signals that it blocks itself, while it is given what it opens (injected_opens.py); its last argument is
        then not its own either."""
        self.is_confined = False
        """True if the task may have rules of Landlock, which no other process can read."""
        self.at_entry: Any = None
        """The reader's result at the entry of the call."""


class ReaderContext:
    """The look-ups and settings of the readers."""

    def __init__(self) -> None:
        self.procfs = Procfs()
        self.sockets = SocketLookup()
        self.real_paths = RealPaths()
        self.start_times: dict[int, int] = {}
        """Process → start time, ns since the epoch."""
        self.snaplen = DATA_MAX
        """Bytes of a buffer that are read."""
        self.environment = False
        """True if the environments of programs are demanded."""
        self.stdio = False
        """True if the files of the descriptors 0, 1 and 2 are demanded."""
        self.realpath = False
        """True if the real paths of files are demanded."""

    def real_path(self, tid: int, fd: int, seen: FdInfo) -> str:
        """Return the real path of a descriptor's file, or, if it is not demanded, the path that was used."""
        return self.real_paths.find(tid, fd, seen) if self.realpath else seen.link


class SyscallReader(Protocol):
    """Reads one system call of stopped tasks."""

    name: str

    def enter(self, task: TracedTask) -> Any:
        """Read what the call is about to use, at its entry; becomes `task.at_entry`."""

    def leave(self, task: TracedTask, result: int) -> Sequence[SyscallEvent]:
        """The event, at the exit of the call; or one for each message that it moved."""


@runtime_checkable
class ForeseesCalls(Protocol):
    """A reader of calls that can be judged before they run."""

    def foresee(self, task: TracedTask) -> Sequence[SyscallEvent]:
        """The event as it would be if the call ran, or one for each message; after `enter`, at the entry."""


def event(
    name: str, task: TracedTask, args: tuple[Any, ...], *,
    fd: int | None = None, file: File | None = None, observed: Any = None,
) -> SyscallEvent:  # fmt: skip
    """An event, with the time of now. Which processor the task ran on is not known: 0."""
    wall, since_boot = both_clocks()
    return SyscallEvent(
        "syscall", name, wall, 0, task.tid, task.pid, 0, args, None, fd, file, observed, boot_time=since_boot
    )


def text(task: TracedTask, address: int) -> str | None:
    """A string argument; None for a null pointer, empty where nothing can be read."""
    return as_text(memory.text(task.tid, address)) if address else None
