"""What an event has done to the state, as far as that can be done again for an equal one without looking at it."""

from collections.abc import Callable, Mapping
from typing import Final

from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import event_types
from mozu.core.state.machine import changes_nothing
from mozu.core.state.observed import Opened
from mozu.core.state.transitions import OF_PROCESSES, memory

Effect = tuple[()] | tuple[int, File]
"""Nothing, or the descriptor that the event made and what it stands for."""

NOTHING: Final[Effect] = ()


def _nothing(_: SyscallEvent) -> Effect | None:
    return NOTHING


def _opened(event: SyscallEvent) -> Effect | None:
    """Where the record does not have the directory that a path starts from, the state had to look it up."""
    file, observed = event.file, event.observed
    if file is not None and file.raw[:1] != "/" and not (observed.__class__ is Opened and observed.base):
        return None
    return NOTHING if event.fd is None or event.fd < 0 or file is None else (event.fd, file)


EFFECTS: Final[Mapping[str, Callable[[SyscallEvent], Effect | None]]] = {
    **{name: _nothing for name in event_types() if changes_nothing(name)},
    **dict.fromkeys(("open", "openat", "openat2", "creat"), _opened),
}
"""Event type → from an event that the state has taken in to its effect; None: this one's is not known."""

CHANGES_ANOTHER: Final = frozenset({"prlimit", "setpgid"})
"""Event types from which the state may learn something of another process than the one whose event it is."""
CHANGES_ITS_PROCESS: Final = (OF_PROCESSES | memory.TRANSITIONS.keys()) - CHANGES_ANOTHER
"""Event types from which it may learn something of that process; all others leave processes as they are."""
