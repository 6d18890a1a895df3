"""The effect of each event type on the state: one family of calls per file, all of them in one table."""

from collections.abc import Callable, Mapping
from typing import Final

from mozu.core.model.event import SyscallEvent
from mozu.core.state.state import State
from mozu.core.state.transitions import (
    descriptors,
    directories,
    exec,
    exits,
    forks,
    identities,
    memory,
    opening,
    seeds,
    sessions,
    sockets,
    transfers,
    use,
)

Transition = Callable[[State, SyscallEvent], None]

TRANSITIONS: Final[Mapping[str, Transition]] = {
    **use.TRANSITIONS,
    **forks.TRANSITIONS,
    **exec.TRANSITIONS,
    **exits.TRANSITIONS,
    **directories.TRANSITIONS,
    **identities.TRANSITIONS,
    **sessions.TRANSITIONS,
    **memory.TRANSITIONS,
    **opening.TRANSITIONS,
    **descriptors.TRANSITIONS,
    **sockets.TRANSITIONS,
    **transfers.TRANSITIONS,
}
"""Event type → its effect on the state; `event.process` is set (None if the task is unknown and must stay so). The
general transitions of events that merely use a descriptor come first, so that a family can replace them."""

CHANGING: Final = (
    frozenset(name for name, change in TRANSITIONS.items() if change is not use.TRANSITIONS.get(name)) - transfers.PLAIN
)
"""Event types that can change the state. A source that can cheaply read more (a recording) sends all of them, whatever
is demanded; a live one sends those that the demanded state dependencies need."""

OF_PROCESSES: Final = frozenset[str]().union(
    forks.TRANSITIONS, forks.INTERNAL, exec.TRANSITIONS, exits.TRANSITIONS, exits.INTERNAL, directories.TRANSITIONS,
    identities.TRANSITIONS, sessions.TRANSITIONS,
)  # fmt: skip
"""Event types without which the state of processes is wrong."""

INTERNAL: Final[Mapping[str, Transition]] = {**forks.INTERNAL, **exits.INTERNAL, **seeds.INTERNAL}
"""Event type → its effect, for events that exist only for the state."""
