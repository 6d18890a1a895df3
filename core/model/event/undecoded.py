"""A system call as its source was given it, which is decoded only where that is of use."""

from collections.abc import Callable

from mozu.core.model.event.event import Event, SyscallEvent


class UndecodedEvent(Event, gc=False):
    """Stands in a batch for a `SyscallEvent`. Two with equal `task` and `key` differ in time, processor and number."""

    pid: int = 0
    task: bytes = b""
    """The task that called, as the source tells tasks apart."""
    key: bytes = b""
    """All that rules and the state can see of the event besides, in the source's own form."""
    record: object = None
    """What `decode` takes."""
    decode: Callable[..., SyscallEvent] = lambda record: record
    source_key: bytes = b""
    """What the source can recognise another one by, before it gives it (`DiscardsJudged`): equal `task` and `key`, and
    between both no event from which the state learns something of the process or of an ancestor. Empty: it cannot."""
