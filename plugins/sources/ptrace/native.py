"""The kernel's calls that Python has no name for: ptrace, waitpid of one thread's tracees, pidfd_getfd.

Numbers and layouts are those of linux/ptrace.h, linux/wait.h, linux/audit.h and sys/user.h (x86-64). The short calls
keep the interpreter's lock (`PyDLL`): letting it go would cost more than they take. Only waiting lets it go.
"""

import ctypes
import errno
import os
import signal
import struct
from typing import Final, NamedTuple

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
_GETREGS: Final = 12
_GETEVENTMSG: Final = 0x4201
_GETSIGINFO: Final = 0x4202
_GET_SYSCALL_INFO: Final = 0x420E

EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC = 1, 2, 3, 4
EVENT_SECCOMP: Final = 7
EVENT_STOP: Final = 128
OPTIONS: Final = 1 | 1 << EVENT_FORK | 1 << EVENT_VFORK | 1 << EVENT_CLONE | 1 << EVENT_EXEC | 1 << EVENT_SECCOMP
"""TRACESYSGOOD and an event for each birth, exec and traced call."""
EXITKILL: Final = 1 << 20
SYSCALL_STOP: Final = signal.SIGTRAP | 0x80
ENTRY, EXIT = 1, 2
"""`Call.op`: where a call stands; a seccomp stop has neither."""
ARCH_X86_64: Final = 0xC000003E
X32: Final = 0x40000000
"""Bit in the number of a call of the x32 ABI."""

WALL: Final = 0x40000000
WNOTHREAD: Final = 0x20000000
_PIDFD_GETFD: Final = 438
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
_registers = (ctypes.c_ulonglong * 27)()
_registers_at = ctypes.c_void_p(ctypes.addressof(_registers))
_RDI, _RSI, _ORIG_RAX = 14, 13, 15
"""Places in struct user_regs_struct."""


class Gone(Exception):
    """The task is not there any more, or not stopped: it was killed."""


class StoppedCall(NamedTuple):
    """A stopped call as the kernel describes it."""

    op: int
    arch: int
    number: int
    args: tuple[int, int, int, int, int, int]
    data: int
    """What the filter said, at a seccomp stop."""


def _fault(number: int, doing: str) -> Exception:
    return Gone() if number == errno.ESRCH else OSError(number, f"{doing}: {os.strerror(number)}")


def _do(request: int, tid: int, data: int, doing: str) -> None:
    if _ptrace(request, tid, None, data) == -1:
        raise _fault(ctypes.get_errno(), doing)


def seize(tid: int, options: int) -> None:
    """Become the tracer. Raises Gone and OSError."""
    _do(SEIZE, tid, options, "PTRACE_SEIZE")


def resume(request: int, tid: int, sig: int = 0) -> None:
    """CONT, SYSCALL, LISTEN, DETACH, INTERRUPT. Raises Gone."""
    _do(request, tid, sig, "ptrace")


def call_of(tid: int) -> StoppedCall:
    """The call at whose beginning or end the task is stopped. Raises Gone."""
    if _ptrace(_GET_SYSCALL_INFO, tid, _info_size, _info_at) == -1:
        raise _fault(ctypes.get_errno(), "PTRACE_GET_SYSCALL_INFO")
    op, arch, number, *args, data = _unpack_call(_info)
    return StoppedCall(op, arch, number, tuple(args), data)


def result_of(tid: int) -> int:
    """What the call returns at whose end the task is stopped. Raises Gone."""
    if _ptrace(_GET_SYSCALL_INFO, tid, _info_size, _info_at) == -1:
        raise _fault(ctypes.get_errno(), "PTRACE_GET_SYSCALL_INFO")
    return int(_unpack_result(_info)[1])


def op_of(tid: int) -> int:
    """ENTRY or EXIT. Raises Gone."""
    if _ptrace(_GET_SYSCALL_INFO, tid, _info_size, _info_at) == -1:
        raise _fault(ctypes.get_errno(), "PTRACE_GET_SYSCALL_INFO")
    return _info.raw[0]


def message_of(tid: int) -> int:
    """The number that comes with an event stop. Raises Gone."""
    if _ptrace(_GETEVENTMSG, tid, None, _message_at) == -1:
        raise _fault(ctypes.get_errno(), "PTRACE_GETEVENTMSG")
    return int(_message.value)


def siginfo_of(tid: int) -> tuple[int, int]:
    """(si_code, the word after it) of the signal that the task is stopped for. Raises Gone."""
    if _ptrace(_GETSIGINFO, tid, None, _siginfo_at) == -1:
        raise _fault(ctypes.get_errno(), "PTRACE_GETSIGINFO")
    code, first = _unpack_siginfo(_siginfo)
    return code, first


def birth_of(tid: int) -> tuple[int, int, int]:
    """(number of the call, its first two arguments) of a task stopped inside fork or a sibling. Raises Gone."""
    if _ptrace(_GETREGS, tid, None, _registers_at) == -1:
        raise _fault(ctypes.get_errno(), "PTRACE_GETREGS")
    return _registers[_ORIG_RAX], _registers[_RDI], _registers[_RSI]


def wait(*, block: bool) -> tuple[int, int]:
    """(tid, status) of a child or tracee of this thread; tid 0: no news, or `wake` was called; -1: there is none."""
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
    """Give the signal of `wake` a handler that does nothing: getpid, for it is safe at any moment."""
    address = ctypes.cast(_short.getpid, ctypes.c_void_p).value
    action = ctypes.create_string_buffer(struct.pack("<Q128xi4xQ", address or 0, 0, 0))
    if _sigaction(_WAKE, action, None) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def wake(thread: int) -> None:
    """Let the `wait` of a thread (its `threading.get_ident`) return. It may be about to begin: call until it has."""
    signal.pthread_kill(thread, _WAKE)


def pidfd_open(pid: int) -> int:
    """A descriptor of a process. Raises OSError."""
    return os.pidfd_open(pid)


def pidfd_getfd(pidfd: int, fd: int) -> int:
    """A copy of a descriptor of another process. Raises OSError."""
    copy = _syscall(ctypes.c_long(_PIDFD_GETFD), ctypes.c_long(pidfd), ctypes.c_long(fd), ctypes.c_long(0))
    if copy == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(copy)
