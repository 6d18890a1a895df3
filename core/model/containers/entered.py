"""Processes that entered a running container from outside (`docker exec`, CRI's ExecSync), and whether they are probes.

A runtime runs health checks, and the kubelet's probes, as further processes in the container, next to its first one.
All descendants of such a process belong to the probe.
"""

from collections.abc import Callable

from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.core.model.event import Process, SyscallEvent

_SHELL = "CMD-SHELL"
_EXEC = "CMD"
_INIT = 1
"""Pid of a container's first process in its own pid namespace."""
_DEPTH = 64

Command = Callable[[ContainerMetadata], tuple[str, ...] | None]


def runs(command: Command) -> Callable[[SyscallEvent, ContainerMetadata], bool | None]:
    """Return a reader that is true if the event's process belongs to this command of its container; None if that is not
    known."""

    def value(event: SyscallEvent, metadata: ContainerMetadata) -> bool | None:
        words = command(metadata)
        if words is None or event.process is None or metadata.host_pid:
            return None  # in the host's pid namespace any orphan of the container is its first process's sibling
        first = _first(event.process, event.num)
        return bool(words) and first is not None and _is(first, words)

    return value


def words_of(command: Command) -> Callable[[ContainerMetadata], str | None]:
    """Return a reader of the command as text; empty if there is none, None if that is not known."""

    def value(metadata: ContainerMetadata) -> str | None:
        words = command(metadata)
        if words is None:
            return None
        return " ".join(words[1:] if words[:1] in ((_SHELL,), (_EXEC,)) else words)

    return value


def _first(process: Process, number: int) -> Process | None:
    """Return the topmost ancestor in the same container; None if that is the container's own first process."""
    for _ in range(_DEPTH):
        above = None if process.parent is None else process.parent.at(number)
        if above is None or above.container != process.container:
            return None if process.vpid == _INIT else process
        process = above
    return None


def _is(process: Process, words: tuple[str, ...]) -> bool:
    """Return True if the process runs these words; a shell may have replaced itself by its last command."""
    argv = (process.exe, *process.args)
    if words[0] == _SHELL:
        text = " ".join(words[1:])
        return argv[-2:] == ("-c", text) or " ".join(argv) == text
    return argv == (words[1:] if words[0] == _EXEC else words)
