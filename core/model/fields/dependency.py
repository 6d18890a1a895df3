"""The dependencies of a field's value: what invalidates a cached answer about it."""

from enum import Enum
from typing import Final


class Dependency(Enum):
    """A dependency, with which a value can change."""

    EVENT = "event"
    """The event: its type, parameters, result, and how it entered the kernel."""
    FILE = "file"
    """The file of the event's own descriptor, as the state has it."""
    CLOCK = "clock"
    """Time, processor and number of the event; durations."""
    IMAGE = "image"
    """The program that the process executes: execve(2) replaces it, a child begins with its parent's."""
    CGROUP = "cgroup"
    """The cgroups of the process, and with them its container: a write to `cgroup.procs` moves it without an exec, a
    child begins in its parent's."""
    PROCESS = "process"
    """The process: its number and start, its threads, its resource usage."""
    PARENT = "parent"
    """The parent and further ancestors, which can end before the process."""
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
    """Answers of an enricher or the host at that moment: names of users, images of containers, addresses."""


EVERYTHING: Final = frozenset(Dependency)
"""Dependencies of fields that declare none: no answer about them may be kept."""
EXEC_INVARIANT: Final = frozenset({Dependency.IMAGE})
"""Dependencies of fields that keep their value from one exec to the next."""
OF_EVENT: Final = frozenset({Dependency.EVENT, Dependency.FILE})
"""Dependencies of fields that only the event decides: the call's input and its outcome."""
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
"""Dependencies of fields whose value is the same for all events of one task until its state, or another task's,
changes."""


def is_lasting(depends: frozenset[Dependency]) -> bool:
    """Return True if a verdict on an event that has read such a field may be kept (`core/flow/verdict_memory.py`)."""
    return depends <= OF_EVENT or depends <= OF_TASK
