"""Processes that entered a running container from outside (`docker exec`, CRI's ExecSync): whether that was a probe.

A runtime runs health checks, and the kubelet's probes, as further processes in the container, next to its first one.
All that such a process begins belongs to it.
"""

from collections.abc import Callable

from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.core.model.event import Process, SyscallEvent

_SHELL = "CMD-SHELL"
_EXEC = "CMD"
_INIT = 1
"""Number of a container's first process in its own pid namespace."""
_DEPTH = 64

Command = Callable[[ContainerMetadata], tuple[str, ...] | None]


def runs(command: Command) -> Callable[[SyscallEvent, ContainerMetadata], bool | None]:
    """Whether the event's process belongs to this command of its container; None where the command is not known."""

    def value(event: SyscallEvent, metadata: ContainerMetadata) -> bool | None:
        words = command(metadata)
        if words is None or event.process is None or metadata.host_pid:
            return None  # with the host's pid namespace any orphan of the container stands beside its first process
        first = _first(event.process, event.num)
        return bool(words) and first is not None and _is(first, words)

    return value


def words_of(command: Command) -> Callable[[ContainerMetadata], str | None]:
    """The command as text; empty where there is none."""

    def value(metadata: ContainerMetadata) -> str | None:
        words = command(metadata)
        if words is None:
            return None
        return " ".join(words[1:] if words[:1] in ((_SHELL,), (_EXEC,)) else words)

    return value


def _first(process: Process, number: int) -> Process | None:
    """Its topmost ancestor in the same container; None where that is the container's own first process."""
    for _ in range(_DEPTH):
        above = None if process.parent is None else process.parent.at(number)
        if above is None or above.container != process.container:
            return None if process.vpid == _INIT else process
        process = above
    return None


def _is(process: Process, words: tuple[str, ...]) -> bool:
    """A shell may have executed the last command in its own place."""
    argv = (process.exe, *process.args)
    if words[0] == _SHELL:
        text = " ".join(words[1:])
        return argv[-2:] == ("-c", text) or " ".join(argv) == text
    return argv == (words[1:] if words[0] == _EXEC else words)
