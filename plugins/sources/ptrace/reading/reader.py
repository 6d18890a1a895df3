"""What the readers of all families share."""

import time
from collections.abc import Sequence
from typing import Any, Protocol

from mozu.core.model.event import File, SyscallEvent, as_text
from mozu.core.state.procfs import Procfs
from mozu.plugins.sources.ptrace import memory
from mozu.plugins.sources.ptrace.sockets import Sockets

Args = tuple[int, int, int, int, int, int]


class TracedTask:
    """A traced thread."""

    __slots__ = ("args", "given", "is_new", "pid", "reader", "tid")

    def __init__(self, tid: int, pid: int) -> None:
        self.tid, self.pid = tid, pid
        self.reader: Reader | None = None
        """Of the call that it is in, if the end of that is awaited."""
        self.args: Args = (0, 0, 0, 0, 0, 0)
        self.is_new = False
        """Its first stop is still to come."""
        self.given: Any = None
        """What the reader read at the beginning."""


class ReaderContext:
    """What readers need besides the task."""

    def __init__(self) -> None:
        self.procfs = Procfs()
        self.sockets = Sockets()
        self.births: dict[int, int] = {}
        """Process → when it began, ns since the epoch."""
        self.environment = False
        """Whether somebody wants the environments of programs."""


class Reader(Protocol):
    """Reads one call."""

    name: str

    def enter(self, task: TracedTask) -> Any:
        """What the call is given; it becomes `task.given`."""

    def leave(self, task: TracedTask, result: int) -> Sequence[SyscallEvent]:
        """The event, or one for each message that the call moved."""


def event(
    name: str, task: TracedTask, args: tuple[Any, ...], *,
    fd: int | None = None, file: File | None = None, observed: Any = None,
) -> SyscallEvent:  # fmt: skip
    """An event of this moment. Which processor the task ran on is not known: 0."""
    return SyscallEvent("syscall", name, time.time_ns(), 0, task.tid, task.pid, 0, args, None, fd, file, observed)


def text(task: TracedTask, address: int) -> str | None:
    """A text; None for a null pointer, empty where nothing can be read."""
    return as_text(memory.text(task.tid, address)) if address else None
