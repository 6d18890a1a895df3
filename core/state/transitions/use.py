"""Events that use a descriptor and change nothing: which descriptor, and its file."""

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
"""Parameter with the descriptor that an event with several is said to be about; otherwise `fd`, or the first."""


def descriptor_index(kind: EventType) -> int | None:
    """Return the position of the parameter with the descriptor that an event uses; None if it uses none."""
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
    """Return the result of a call, its first parameter: negative if it failed, or if a recording does not say."""
    value = event.args[0] if event.args else None
    return -1 if value is None else int(value)


def has_flag(flags: int | None, flag: int) -> bool:
    """Return True if a parameter has this flag; an absent parameter has none."""
    return flags is not None and flags & flag != 0


def used(state: State, event: SyscallEvent, index: int) -> File | None:
    """Set `event.fd` and `event.file` of an event that uses the descriptor in parameter `index`, and return the
    file."""
    args = event.args
    fd = args[index] if index < len(args) else None
    if fd is None:
        fd = -1 if event.fd is None else event.fd
    event.fd = fd
    process = event.process
    assert process is not None  # an event without a task uses no descriptor
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
    """Return the file of a descriptor. The kernel's report wins, but `known` is returned, with what earlier calls
    showed, if it is the same file or socket."""
    if known is not None and _is_same(known, reported) and not _is_opened_otherwise(event, known, reported):
        return known
    return _directed(event, named(reported))


def _is_same(known: File, reported: File) -> bool:
    """Return True if the kernel's file is the one the state knows: not every close is seen, so numbers may be in use
    again."""
    if reported.sock is not None:
        return known.sock in (reported.sock, swap_ends(reported.sock)) and reported.role in ("", known.role)
    if reported.kind in _PATHS:
        return known.kind in _PATHS and (known.ino, known.dev) == (reported.ino, reported.dev)
    return known.kind == reported.kind and (known == reported or known.role == "listening")


def _is_opened_otherwise(event: SyscallEvent, known: File, reported: File) -> bool:
    """Return True if an open that was filtered has opened the same file again under another name, or a directory as a
    file."""
    observed = event.observed
    shown = (known.name, known.raw, known.kind), (reported.name, reported.raw, reported.kind)
    return observed.__class__ is Descriptor and observed.as_opened and shown[0] != shown[1]


def named(file: File) -> File:
    """Return a file with a name made from its addresses, if it is a socket that lacks one."""
    if file.sock is None or file.name:
        return file
    protocol = file.protocol or (file.l4proto or "").replace("<NA>", "")
    return replace(file, name=tuple_text(file.sock, protocol), protocol=protocol)


def _directed(event: SyscallEvent, file: File) -> File:
    """Return a connection with its direction, which the kernel does not know: accepted if the process listens on its
    port."""
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
