"""What the value of a field depends on: what invalidates a cached answer about it."""

from enum import Enum
from typing import Final


class Dependency(Enum):
    """Something that a value can change with."""

    EVENT = "event"
    """The one event: its type, parameters, result and time."""
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
    DESCRIPTORS = "descriptors"
    """The descriptor table."""
    METADATA = "metadata"
    """What an enricher or the host answers at that moment: names of users, images of containers, addresses."""


EVERYTHING: Final = frozenset(Dependency)
"""Of fields that declare nothing: no answer about them may be kept."""
EXEC_INVARIANT: Final = frozenset({Dependency.IMAGE})
"""What depends on no more than this keeps its value from one exec to the next."""
