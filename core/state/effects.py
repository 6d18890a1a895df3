"""The effect of an event on the state, as far as it can be repeated for an equal event without decoding that."""

from collections.abc import Callable, Mapping
from typing import Final

from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import event_types
from mozu.core.state.machine import changes_nothing
from mozu.core.state.observed import Opened
from mozu.core.state.transitions import OF_PROCESSES, memory

Effect = tuple[()] | tuple[int, File]
"""Empty for no effect, or the descriptor that the event made and its file."""

NOTHING: Final[Effect] = ()


def _nothing(_: SyscallEvent) -> Effect | None:
    return NOTHING


def _opened(event: SyscallEvent) -> Effect | None:
    """Return the effect of an open; None if the state had to look up the directory that the path starts from, because
    the record does not hold it."""
    file, observed = event.file, event.observed
    if file is not None and file.raw[:1] != "/" and not (observed.__class__ is Opened and observed.base):
        return None
    return NOTHING if event.fd is None or event.fd < 0 or file is None else (event.fd, file)


EFFECTS: Final[Mapping[str, Callable[[SyscallEvent], Effect | None]]] = {
    **{name: _nothing for name in event_types() if changes_nothing(name)},
    **dict.fromkeys(("open", "openat", "openat2", "creat"), _opened),
}
"""Event type → function from an event that the state has taken in to its effect, or to None if that is not known."""

CHANGES_ANOTHER: Final = frozenset({"prlimit", "setpgid"})
"""Event types from which the state may learn something about a process other than the event's own."""
CHANGES_ITS_PROCESS: Final = (OF_PROCESSES | memory.TRANSITIONS.keys()) - CHANGES_ANOTHER
"""Event types from which the state may learn something about the event's own process; all others leave processes
unchanged."""
