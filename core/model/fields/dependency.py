"""What the value of a field depends on: what invalidates a cached answer about it."""

from enum import Enum
from typing import Final


class Dependency(Enum):
    """Something that a value can change with."""

    EVENT = "event"
    """The one event: its type, parameters, result, and how it entered the kernel."""
    FILE = "file"
    """What the event's own descriptor stands for, as the state has it."""
    CLOCK = "clock"
    """When, where and as which one the event happened: time, processor, number; durations."""
    IMAGE = "image"
    """What the process executes: execve(2) replaces it, a child begins with its parent's."""
    CGROUP = "cgroup"
    """The cgroups of the process, and with them its container: a write to `cgroup.procs` moves it without an exec, a
    child begins in its parent's."""
    PROCESS = "process"
    """The one process: its number and start, its threads, what it has used."""
    PARENT = "parent"
    """Its parent and further ancestors, which can end before it."""
    IDENTITY = "identity"
    """User and group ids, capabilities: the setuid family, setns(2)."""
    SESSION = "session"
    """Session, process group, terminal."""
    CWD = "cwd"
    """Working directory and root."""
    TASKS = "tasks"
    """Any other task: leaders of sessions and groups, a process that a parameter names."""
    DESCRIPTORS = "descriptors"
    """The descriptor table."""
    METADATA = "metadata"
    """What an enricher or the host answers at that moment: names of users, images of containers, addresses."""


EVERYTHING: Final = frozenset(Dependency)
"""Of fields that declare nothing: no answer about them may be kept."""
EXEC_INVARIANT: Final = frozenset({Dependency.IMAGE})
"""What depends on no more than this keeps its value from one exec to the next."""
OF_EVENT: Final = frozenset({Dependency.EVENT, Dependency.FILE})
"""Of fields that only the event decides: what its call was given, and what came of it."""
OF_TASK: Final = frozenset(
    {
        Dependency.IMAGE,
        Dependency.CGROUP,
        Dependency.PROCESS,
        Dependency.PARENT,
        Dependency.IDENTITY,
        Dependency.SESSION,
        Dependency.TASKS,
        Dependency.CWD,
    }
)
"""Of fields whose value is the same for all events of one task until the state of it, or of another task, changes."""


def is_lasting(depends: frozenset[Dependency]) -> bool:
    """Whether a verdict on an event may be kept that has read such a field (`core/flow/verdict_memory.py`)."""
    return depends <= OF_EVENT or depends <= OF_TASK
