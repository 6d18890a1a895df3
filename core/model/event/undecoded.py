"""A system call as its source was given it, which is decoded only where that is of use."""

from collections.abc import Callable

from mozu.core.model.event.event import Event, SyscallEvent


class UndecodedEvent(Event, gc=False):
    """Stands in a batch for a `SyscallEvent`. Two with equal `task` and `key` differ in time, processor and number."""

    pid: int = 0
    task: bytes = b""
    """The task that called, as the source distinguishes tasks."""
    key: bytes = b""
    """All that rules and the state can see of the event besides, in the source's own form."""
    record: object = None
    """What `decode` takes."""
    decode: Callable[..., SyscallEvent] = lambda record: record
    source_key: bytes = b""
    """What the source can recognise another one by, before it gives it (`DiscardsJudged`): equal `key`, and a caller of
    the same class. Empty: it cannot."""
    source_caller: bytes = b""
    """What the source knows the task by that has no class so far: another one after each event from which the state
    learns something of the process or of an ancestor. Empty: it has one, or the source can recognise no call of it."""
    boot_time: int = 0
    """`SyscallEvent.boot_time`."""
