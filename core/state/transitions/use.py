"""Events that use a descriptor and change nothing: which one it is, and what it stands for."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from mozu.core.abi.addresses import swap_ends, tuple_text
from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import EventType, event_types
from mozu.core.state.observed import Descriptor
from mozu.core.state.sockets import with_tuple
from mozu.core.state.state import State

_PATHS: Final = ("file", "directory")
_PREFERRED: Final = {"splice": "fd_out"}
"""Where an event has several descriptors, the one that it is said to be about; else `fd`, else the first."""


def descriptor_index(kind: EventType) -> int | None:
    """Position of the parameter with the descriptor that an event uses."""
    if "uses_fd" not in kind.traits:
        return None
    for name in (_PREFERRED.get(kind.name, ""), "fd"):
        index = kind.index(name)
        if index:
            return index
    return next((place for place, param in enumerate(kind.params) if place and param.type == "fd"), None)


INDEX: Final[Mapping[str, int]] = {
    name: index for name, kind in event_types().items() if (index := descriptor_index(kind)) is not None
}


def result_of(event: SyscallEvent) -> int:
    """What a call returned, its first parameter: below 0 where it failed, or where a recording does not say."""
    value = event.args[0] if event.args else None
    return -1 if value is None else int(value)


def has_flag(flags: int | None, flag: int) -> bool:
    """Whether a parameter holds it; one that is missing holds none."""
    return flags is not None and flags & flag != 0


def used(state: State, event: SyscallEvent, index: int) -> File | None:
    """Set `event.fd` and `event.file` of an event that uses the descriptor in parameter `index`."""
    args = event.args
    fd = args[index] if index < len(args) else None
    if fd is None:
        fd = -1 if event.fd is None else event.fd
    event.fd = fd
    process = event.process
    assert process is not None  # what no task causes uses no descriptor
    known = process.task.files.get(fd)
    if event.file is not None:
        found = reconciled(event, event.file, known)
        if found is not known and fd >= 0:
            state.put(event, fd, found)
        known = found
    elif known is not None and known.name_changed:
        known = replace(known, name_changed=False)
        process.task.files[fd] = known
    event.file = known
    return known


def reconciled(event: SyscallEvent, reported: File, known: File | None) -> File:
    """What a descriptor stands for: the kernel's word wins, but what earlier calls showed of the same file or socket is
    kept, and `known` given back."""
    if known is not None and _is_same(known, reported) and not _is_opened_otherwise(event, known, reported):
        return known
    return _directed(event, named(reported))


def _is_same(known: File, reported: File) -> bool:
    """Whether the kernel's file is the one the state knows: not every close is seen, so numbers may be in use again."""
    if reported.sock is not None:
        return known.sock in (reported.sock, swap_ends(reported.sock)) and reported.role in ("", known.role)
    if reported.kind in _PATHS:
        return known.kind in _PATHS and (known.ino, known.dev) == (reported.ino, reported.dev)
    return known.kind == reported.kind and (known == reported or known.role == "listening")


def _is_opened_otherwise(event: SyscallEvent, known: File, reported: File) -> bool:
    """Whether the same file was opened again under another name, or a directory as a file, by an open that was
    filtered."""
    observed = event.observed
    shown = (known.name, known.raw, known.kind), (reported.name, reported.raw, reported.kind)
    return observed.__class__ is Descriptor and observed.as_opened and shown[0] != shown[1]


def named(file: File) -> File:
    """A socket whose source gave it addresses but no name."""
    if file.sock is None or file.name:
        return file
    protocol = file.protocol or (file.l4proto or "").replace("<NA>", "")
    return replace(file, name=tuple_text(file.sock, protocol), protocol=protocol)


def _directed(event: SyscallEvent, file: File) -> File:
    """The kernel does not know who connected: a connection from a port that the process listens on was accepted."""
    sock = file.sock
    if sock is None or file.role or file.kind not in ("ipv4", "ipv6") or event.process is None:
        return file
    listening = (other.sock for other in event.process.task.files.values() if other.role == "listening")
    accepted = any(own is not None and own.dport == sock.sport for own in listening)
    return with_tuple(
        file, swap_ends(sock) if accepted else sock, role="server" if accepted else "client", connected=file.connected
    )


def _use(index: int) -> Callable[[State, SyscallEvent], None]:
    def use(state: State, event: SyscallEvent) -> None:
        used(state, event, index)

    return use


TRANSITIONS: Final = {name: _use(index) for name, index in INDEX.items()}
