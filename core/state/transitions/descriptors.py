"""Descriptors that come from no path (copies, pairs, numbers with a type), and the ends of descriptors."""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from mozu.core.model.event import File, SockTuple, SyscallEvent
from mozu.core.model.syscalls import flag_table
from mozu.core.state.state import State
from mozu.core.state.transitions.identities import new_user_namespace
from mozu.core.state.transitions.use import INDEX, has_flag, named, result_of, used

_FILE_FLAGS: Final = dict(flag_table("file_flags"))
CLOEXEC: Final = _FILE_FLAGS["O_CLOEXEC"]
_FCNTL: Final = dict(flag_table("fcntl_commands"))
_SETFD, _DUPFD, _DUPFD_CLOEXEC = _FCNTL["F_SETFD"], _FCNTL["F_DUPFD"], _FCNTL["F_DUPFD_CLOEXEC"]
_FD_CLOEXEC: Final = 1
_RANGE_CLOEXEC: Final = dict(flag_table("close_range_flags"))["CLOSE_RANGE_CLOEXEC"]
_BPF_MAKES: Final = frozenset(
    number for name, number in flag_table("bpf_commands")
    if name.endswith(("_CREATE", "_LOAD", "_GET_FD_BY_ID", "_OPEN")) or name in ("BPF_OBJ_GET", "BPF_ENABLE_STATS")
)  # fmt: skip
"""Commands of bpf(2) whose result is a descriptor."""


def _made(state: State, event: SyscallEvent, fd: int, file: File) -> None:
    """Set the descriptor that the event made; none if `fd` is negative."""
    if fd < 0:
        event.fd, event.file = -1, None
        return
    reported = event.file
    if reported is not None:
        file = named(replace(reported, name=reported.name or file.name, flags=reported.flags or file.flags))
    state.put(event, fd, replace(file, name_changed=True) if file.name else file)


# --- copies ---


def _copied(state: State, event: SyscallEvent, fd: int, file: File, *, cloexec: bool) -> None:
    flags = file.flags & ~CLOEXEC | (CLOEXEC if cloexec else 0)
    state.put(event, fd, file if flags == file.flags else replace(file, flags=flags))


def _dup(state: State, event: SyscallEvent) -> None:
    file = used(state, event, INDEX[event.type])
    fd = result_of(event)
    if fd >= 0 and file is not None:
        _copied(state, event, fd, file, cloexec=event.type == "dup3" and has_flag(event.args[3], CLOEXEC))


def _fcntl(state: State, event: SyscallEvent) -> None:
    file = used(state, event, INDEX["fcntl"])
    result, command = result_of(event), event.args[2]
    if result < 0 or file is None or event.fd is None:
        return
    if command in (_DUPFD, _DUPFD_CLOEXEC):
        _copied(state, event, result, file, cloexec=command == _DUPFD_CLOEXEC)
    elif command == _SETFD:
        _copied(state, event, event.fd, file, cloexec=has_flag(event.args[3], _FD_CLOEXEC))


def _pidfd_getfd(state: State, event: SyscallEvent) -> None:
    """Set a descriptor that was copied from another process."""
    fd, process, reported = result_of(event), event.process, event.file
    event.fd, event.file = fd if fd >= 0 else -1, None
    if fd < 0 or process is None:
        return
    pidfd = process.task.files.get(event.args[1])
    pid = pidfd.name.removeprefix("/proc/") if pidfd is not None and pidfd.kind == "pidfd" else ""
    other = state.node(int(pid)) if pid.isdecimal() else None
    file = None if other is None else other.files.get(event.args[2])
    if file is not None or reported is not None:
        _copied(state, event, fd, file or named(reported or File("unknown")), cloexec=True)


# --- ends ---


def _close(state: State, event: SyscallEvent) -> None:
    """Drop a descriptor that was closed; the event still sees it."""
    file = used(state, event, INDEX["close"])
    if result_of(event) >= 0 and file is not None and event.process is not None and event.fd is not None:
        state.drop(event.process.task.files, event.fd, state.number + 1)


def _close_range(state: State, event: SyscallEvent) -> None:
    process, args = event.process, event.args
    if process is None or result_of(event) < 0 or args[1] is None or args[2] is None:
        return
    files = process.task.files
    for fd in [fd for fd in files if args[1] <= fd <= args[2]]:
        if has_flag(args[3], _RANGE_CLOEXEC):
            file = files[fd]
            state.tables.put_file(files, fd, replace(file, flags=file.flags | CLOEXEC), state.number)
        else:
            state.drop(files, fd, state.number)


# --- pairs ---


def _pipe(state: State, event: SyscallEvent) -> None:
    """Set both ends of a pipe, from (result, read end, write end, inode[, flags]); the event's own descriptor is the
    write end."""
    args = event.args
    if result_of(event) < 0 or args[1] is None or args[2] is None:
        event.fd, event.file = -1, None
        return
    reported, event.file = event.file, None
    flags = (args[4] or 0) if len(args) > 4 else 0
    file = reported or File("pipe", flags=flags, ino=args[3] or 0)
    state.put(event, args[1], file)
    state.put(event, args[2], file)


def _socketpair(state: State, event: SyscallEvent) -> None:
    args = event.args
    if result_of(event) < 0 or args[1] is None or args[2] is None or args[1] == args[2]:
        event.fd, event.file = -1, None
        return
    sock = SockTuple(1, source_pointer=args[3] or 0, dest_pointer=args[4] or 0)
    file = File("unix", sock=sock)
    state.put(event, args[1], file)
    state.put(event, args[2], file)


# --- numbers with a type ---


def _plain(kind: str, flags_at: int | None = None) -> Callable[[State, SyscallEvent], None]:
    def made(state: State, event: SyscallEvent) -> None:
        flags = 0 if flags_at is None else event.args[flags_at] or 0
        _made(state, event, result_of(event), File(kind, flags=flags))

    return made


def _memfd(state: State, event: SyscallEvent) -> None:
    args: tuple[Any, ...] = event.args
    _made(state, event, result_of(event), File("memfd", name=args[1] or "", flags=args[2] or 0))


def _pidfd(state: State, event: SyscallEvent) -> None:
    args = event.args
    _made(state, event, result_of(event), File("pidfd", name=f"/proc/{args[1]}", flags=args[2] or 0))


def _bpf(state: State, event: SyscallEvent) -> None:
    fd = result_of(event)
    if fd >= 0 and event.args[1] not in _BPF_MAKES:
        event.fd, event.file = fd, None
        return
    _made(state, event, fd, File("bpf"))


def _setns(state: State, event: SyscallEvent) -> None:
    used(state, event, INDEX["setns"])
    new_user_namespace(state, event, event.args[2])


TRANSITIONS: Final = {
    "dup": _dup,
    "dup2": _dup,
    "dup3": _dup,
    "fcntl": _fcntl,
    "pidfd_getfd": _pidfd_getfd,
    "close": _close,
    "close_range": _close_range,
    "pipe": _pipe,
    "pipe2": _pipe,
    "socketpair": _socketpair,
    "eventfd": _plain("event"),
    "eventfd2": _plain("event", 1),
    "epoll_create": _plain("eventpoll"),
    "epoll_create1": _plain("eventpoll", 1),
    "inotify_init": _plain("inotify"),
    "inotify_init1": _plain("inotify", 1),
    "signalfd": _plain("signalfd"),
    "signalfd4": _plain("signalfd", 1),
    "timerfd_create": _plain("timerfd", 2),
    "userfaultfd": _plain("userfaultfd"),
    "io_uring_setup": _plain("io_uring"),
    "memfd_create": _memfd,
    "pidfd_open": _pidfd,
    "bpf": _bpf,
    "setns": _setns,
}
