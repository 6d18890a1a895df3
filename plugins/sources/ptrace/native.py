"""libc through ctypes: ptrace, waitpid with __WALL | __WNOTHREAD, pidfd_getfd, which Python does not have.

Numbers and layouts are those of linux/ptrace.h, linux/wait.h and linux/elf.h; differences between machines are in
`mozu.core.model.arch`. Short calls keep the GIL (`PyDLL`), because releasing it would take longer than the calls. Only
waiting releases it.
"""

import ctypes
import errno
import os
import signal
import struct
from typing import Final, NamedTuple

from mozu.core.model.arch import MACHINE

_short = ctypes.PyDLL(None, use_errno=True)
_long = ctypes.CDLL(None, use_errno=True)
_ptrace = _short.ptrace
_ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_ptrace.restype = ctypes.c_long
_waitpid = _long.waitpid
_poll = _short.waitpid
_syscall = _short.syscall
_syscall.restype = ctypes.c_long
_sigaction = _short.sigaction

CONT: Final = 7
DETACH: Final = 17
SYSCALL: Final = 24
SEIZE: Final = 0x4206
INTERRUPT: Final = 0x4207
LISTEN: Final = 0x4208
_GETEVENTMSG: Final = 0x4201
_GETSIGINFO: Final = 0x4202
_GETREGSET: Final = 0x4204
_SETREGSET: Final = 0x4205
_NT_PRSTATUS: Final = 1
_GETSIGMASK: Final = 0x420A
_SETSIGMASK: Final = 0x420B
_GET_SYSCALL_INFO: Final = 0x420E

EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC = 1, 2, 3, 4
EVENT_SECCOMP: Final = 7
EVENT_STOP: Final = 128
OPTIONS: Final = 1 | 1 << EVENT_FORK | 1 << EVENT_VFORK | 1 << EVENT_CLONE | 1 << EVENT_EXEC | 1 << EVENT_SECCOMP
"""PTRACE_O_TRACESYSGOOD, _TRACEFORK, _TRACEVFORK, _TRACECLONE, _TRACEEXEC, _TRACESECCOMP."""
EXITKILL: Final = 1 << 20
SYSCALL_STOP: Final = signal.SIGTRAP | 0x80
ENTRY, EXIT = 1, 2
"""Values of `StoppedCall.op`: PTRACE_SYSCALL_INFO_ENTRY and _EXIT; a seccomp stop has neither."""

WALL: Final = 0x40000000
WNOTHREAD: Final = 0x20000000
_PIDFD_GETFD: Final = 438
_OPENAT2: Final = 437
_RESOLVE_NO_SYMLINKS: Final = 0x04
_WAKE: Final = int(signal.SIGRTMIN) + 9

_status = ctypes.c_int()
_status_at = ctypes.byref(_status)
_info = ctypes.create_string_buffer(88)
_info_at = ctypes.c_void_p(ctypes.addressof(_info))
_info_size = ctypes.c_void_p(len(_info))
_unpack_call = struct.Struct("<B3xI16xQ6QI").unpack_from
_unpack_result = struct.Struct("<B23xq").unpack_from
_message = ctypes.c_ulong()
_message_at = ctypes.c_void_p(ctypes.addressof(_message))
_siginfo = ctypes.create_string_buffer(128)
_siginfo_at = ctypes.c_void_p(ctypes.addressof(_siginfo))
_unpack_siginfo = struct.Struct("<8xi4xi").unpack_from
_PLACES: Final = MACHINE.user_registers
_registers = (ctypes.c_ulonglong * _PLACES.words)()
_no_call = ctypes.c_int(-1)
_mask = ctypes.c_uint64()
_mask_at = ctypes.c_void_p(ctypes.addressof(_mask))
_WORD: Final = (1 << 64) - 1
ALL_SIGNALS: Final = _WORD
_NO_CALL: Final = -1


class TaskGone(Exception):
    """ESRCH: the task does not exist any more, or is not stopped, because it was killed."""


class StoppedCall(NamedTuple):
    """Members of struct ptrace_syscall_info of a stopped task."""

    op: int
    arch: int
    number: int
    args: tuple[int, int, int, int, int, int]
    data: int
    """SECCOMP_RET_DATA of the filter, at a seccomp stop."""


def _fault(number: int, doing: str) -> Exception:
    return TaskGone() if number == errno.ESRCH else OSError(number, f"{doing}: {os.strerror(number)}")


def _do(request: int, tid: int, data: int, doing: str) -> None:
    if _ptrace(request, tid, None, data) == -1:
        raise _fault(ctypes.get_errno(), doing)


def seize(tid: int, options: int) -> None:
    """Become the tracer (PTRACE_SEIZE). Raises TaskGone and OSError."""
    _do(SEIZE, tid, options, "PTRACE_SEIZE")


def resume(request: int, tid: int, sig: int = 0) -> None:
    """Resume a stopped task by CONT, SYSCALL, LISTEN or DETACH; stop a running one by INTERRUPT. Raises TaskGone."""
    _do(request, tid, sig, "ptrace")


def read_syscall(tid: int) -> StoppedCall:
    """Return the call at whose entry or exit the task is stopped. Raises TaskGone."""
    if _ptrace(_GET_SYSCALL_INFO, tid, _info_size, _info_at) == -1:
        raise _fault(ctypes.get_errno(), "PTRACE_GET_SYSCALL_INFO")
    op, arch, number, *args, data = _unpack_call(_info)
    return StoppedCall(op, arch, number, tuple(args), data)


def read_result(tid: int) -> int:
    """Return the result of the call at whose exit the task is stopped. Raises TaskGone."""
    if _ptrace(_GET_SYSCALL_INFO, tid, _info_size, _info_at) == -1:
        raise _fault(ctypes.get_errno(), "PTRACE_GET_SYSCALL_INFO")
    return int(_unpack_result(_info)[1])


def read_op(tid: int) -> int:
    """Return ENTRY or EXIT, by the stop of the task. Raises TaskGone."""
    if _ptrace(_GET_SYSCALL_INFO, tid, _info_size, _info_at) == -1:
        raise _fault(ctypes.get_errno(), "PTRACE_GET_SYSCALL_INFO")
    return _info.raw[0]


def read_event_message(tid: int) -> int:
    """Return PTRACE_GETEVENTMSG of an event stop: the new child's tid, or the former tid at exec. Raises TaskGone."""
    if _ptrace(_GETEVENTMSG, tid, None, _message_at) == -1:
        raise _fault(ctypes.get_errno(), "PTRACE_GETEVENTMSG")
    return int(_message.value)


def read_siginfo(tid: int) -> tuple[int, int]:
    """Return si_code and the first word of _sifields of the signal that the task is stopped for. Raises TaskGone."""
    if _ptrace(_GETSIGINFO, tid, None, _siginfo_at) == -1:
        raise _fault(ctypes.get_errno(), "PTRACE_GETSIGINFO")
    code, first = _unpack_siginfo(_siginfo)
    return code, first


def read_clone_call(tid: int, *, is_child: bool) -> tuple[int, int]:
    """Return (number of the call, its first argument) of a task inside fork, vfork, clone or clone3. Raises TaskGone.

    `is_child`: it is the new task, whose registers may not contain the argument any more.
    """
    if is_child and not _PLACES.clone_keeps_arguments:
        return _saved_call(tid)
    _regset(_GETREGSET, tid, _NT_PRSTATUS, _registers)
    return _registers[_PLACES.number], _registers[_PLACES.first]


def _saved_call(tid: int) -> tuple[int, int]:
    """Return the call as the kernel has saved it; the number of no call if it may not be read."""
    try:
        with open(f"/proc/{tid}/syscall", "rb") as file:
            number, first = file.read().split()[:2]
    except (OSError, ValueError):  # `running`: it was killed
        return _NO_CALL, 0
    return int(number), int(first, 16)


def skip_call(tid: int) -> None:
    """Keep the call at whose entry the task is stopped from running, by the number -1. Raises TaskGone."""
    if _PLACES.number_regset is None:
        _set_register(tid, _PLACES.number, _NO_CALL)
    else:
        _regset(_SETREGSET, tid, _PLACES.number_regset, _no_call)


def replace_signal_mask(tid: int, mask: int) -> int:
    """Set the signals that a stopped task blocks; return the former ones. Raises TaskGone."""
    if _ptrace(_GETSIGMASK, tid, ctypes.sizeof(_mask), _mask_at) == -1:
        raise _fault(ctypes.get_errno(), "PTRACE_GETSIGMASK")
    before = _mask.value
    _mask.value = mask
    if _ptrace(_SETSIGMASK, tid, ctypes.sizeof(_mask), _mask_at) == -1:
        raise _fault(ctypes.get_errno(), "PTRACE_SETSIGMASK")
    return before


def set_last_argument(tid: int, value: int) -> None:
    """Set the sixth argument of the call that the task is stopped in. Raises TaskGone."""
    _set_register(tid, _PLACES.sixth, value)


def set_result(tid: int, result: int) -> None:
    """Set the result of the call at whose exit the task is stopped. Raises TaskGone."""
    _set_register(tid, _PLACES.result, result)


def _set_register(tid: int, place: int, value: int) -> None:
    _regset(_GETREGSET, tid, _NT_PRSTATUS, _registers)
    _registers[place] = value & _WORD
    _regset(_SETREGSET, tid, _NT_PRSTATUS, _registers)


def _regset(request: int, tid: int, kind: int, memory: "ctypes.c_int | ctypes.Array[ctypes.c_ulonglong]") -> None:
    vector = struct.pack("<QQ", ctypes.addressof(memory), ctypes.sizeof(memory))
    place = ctypes.create_string_buffer(vector, len(vector))
    if _ptrace(request, tid, kind, ctypes.addressof(place)) == -1:
        raise _fault(ctypes.get_errno(), "PTRACE_GETREGSET" if request == _GETREGSET else "PTRACE_SETREGSET")


def wait(*, block: bool) -> tuple[int, int]:
    """Return (tid, status) of a child or tracee of this thread; tid 0 if none changed or `wake` was called, -1 if none
    exists."""
    tid = _waitpid(-1, _status_at, WALL | WNOTHREAD) if block else _poll(-1, _status_at, WALL | WNOTHREAD | os.WNOHANG)
    if tid == -1:
        number = ctypes.get_errno()
        if number == errno.EINTR:
            return 0, 0
        if number == errno.ECHILD:
            return -1, 0
        raise OSError(number, os.strerror(number))
    return tid, _status.value


def prepare_wake() -> None:
    """Give the signal of `wake` a handler without effect: getpid, which is async-signal-safe."""
    address = ctypes.cast(_short.getpid, ctypes.c_void_p).value
    action = ctypes.create_string_buffer(struct.pack("<Q128xi4xQ", address or 0, 0, 0))
    if _sigaction(_WAKE, action, None) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def wake(thread: int) -> None:
    """Let the `wait` of a thread (`threading.get_ident`) return by EINTR. To be repeated until it has, since the thread
    may not wait yet."""
    signal.pthread_kill(thread, _WAKE)


def open_without_links(directory: int, path: bytes, flags: int) -> int:
    """Open a path relative to a directory by openat2 with RESOLVE_NO_SYMLINKS. Raises OSError."""
    how = struct.pack("<QQQ", flags, 0, _RESOLVE_NO_SYMLINKS)
    found = _syscall(ctypes.c_long(_OPENAT2), ctypes.c_long(directory), path, how, ctypes.c_long(len(how)))
    if found == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(found)


def pidfd_open(pid: int) -> int:
    """Return a pidfd. Raises OSError."""
    return os.pidfd_open(pid)


def pidfd_getfd(pidfd: int, fd: int) -> int:
    """Return a copy of another process's descriptor (pidfd_getfd). Raises OSError."""
    copy = _syscall(ctypes.c_long(_PIDFD_GETFD), ctypes.c_long(pidfd), ctypes.c_long(fd), ctypes.c_long(0))
    if copy == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(copy)
