"""A system call as the source received it, which is decoded only if that is of use."""

from collections.abc import Callable

from mozu.core.model.event.event import Event, SyscallEvent


class UndecodedEvent(Event, gc=False):
    """A batch's placeholder for a `SyscallEvent`. Two with equal `task` and `key` differ only in time, processor and
    number."""

    pid: int = 0
    task: bytes = b""
    """The calling task, as the source distinguishes tasks."""
    key: bytes = b""
    """The remaining content that rules and the state can see of the event, in the source's own form."""
    record: object = None
    """The argument of `decode`."""
    decode: Callable[..., SyscallEvent] = lambda record: record
    source_key: bytes = b""
    """A key by which the source can recognise an equal call before it yields it (`DiscardsJudged`): equal `key`, and a
    caller of the same class. Empty if it cannot."""
    source_caller: bytes = b""
    """The source's key of a task that has no class so far; changes with each event from which the state learns
    something about the process or an ancestor. Empty if the task has a class, or the source can recognise no call of
    it."""
    boot_time: int = 0
    """Nanoseconds since the boot; see `SyscallEvent.boot_time`."""
