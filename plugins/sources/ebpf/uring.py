"""io_uring requests: the native call of each opcode (IORING_OP_*), and the places of its arguments in the SQE."""

import struct
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.model.syscalls import call_name, call_number
from mozu.plugins.sources.ebpf import btf
from mozu.plugins.sources.ebpf.tracepoints import Program

ENTRY: Final = struct.Struct("<hh6B7b3B")
"""struct uring_op of bpf/uring.h."""
ENTRIES: Final = 256
_UNWATCHED: Final = -1
_NONE: Final = 0
_SQE_FIELDS: Final = {
    "0": 0,
    "fd": 4 | 2 << 6,
    "off": 8 | 3 << 6,
    "addr": 16 | 3 << 6,
    "len": 24 | 2 << 6,
    "flags": 28 | 2 << 6,
    "extra": 44 | 2 << 6,
    "addr_len": 44 | 1 << 6,
    "addr3": 48 | 3 << 6,
}
"""Members of struct io_uring_sqe: offset, and in the top bits 1, 2, 3 for 16, 32, 64 bits."""


_SUBMISSIONS: Final = ("io_uring_submit_req", "io_uring_submit_sqe")
"""Tracepoint at a submission; the second is its name before Linux 6.4."""
_FUNCTIONS: Final = {
    **dict.fromkeys(_SUBMISSIONS, "uring_submitted"),
    "io_uring_complete": "uring_completed",
    "io_uring_cqe_overflow": "uring_overflowed",
}
"""Function of bpf/programs/uring.c by tracepoint."""
_CQE: Final = ("ctx", "req", "cqe")
_PARAMETERS: Final = {
    **dict.fromkeys(_SUBMISSIONS, (("req",),)),
    "io_uring_complete": (("ctx", "req", "user_data", "res", "cflags"), _CQE),
    "io_uring_cqe_overflow": (("ctx", "user_data", "res", "cflags"),),
}
"""Possible names of a tracepoint's first parameters, as bpf/programs/uring.c reads them. Linux 6.18 passes the
completion as a whole, 6.1 and 6.12 its members; before 6.0 a submission had others."""
ITERATORS: Final = tuple(f"__traceiter_{name}" for name in _FUNCTIONS)
"""Functions of the kernel whose parameters, after the first, are those of the tracepoints (DEFINE_TRACE_FN)."""
_STRUCT_MEMBERS: Final = {
    "io_ring_ctx": ("flags", "cached_sq_head", "sq_entries", "sq_sqes", "sq_array"),
    "io_kiocb": ("file", "ctx", "opcode", "cqe"),
    "io_cqe": ("user_data",),
}


class Operation(NamedTuple):
    """An operation: IORING_OP_* of linux/io_uring.h."""

    name: str
    """The kernel's name of the native call."""
    arguments: str
    """Members of struct io_uring_sqe in the order of the call's arguments."""
    text: int = -1
    text2: int = -1
    """Indices of arguments that are texts."""
    block: int = -1
    """Index of an argument that is a struct open_how."""
    address: int = -1
    """Index of an argument that is a struct sockaddr; its length is the next argument."""
    data: int = -1
    """Index of an argument that is a buffer to send or write; its length is the next argument."""
    message: int = -1
    """Index of an argument that is a struct msghdr."""
    vectors: int = -1
    """Index of an argument that is an array of struct iovec; their number is the next argument."""
    creates_fd: bool = False
    """True if the call returns a descriptor."""
    sends_iovecs: bool = False
    """True if the buffers of `vectors` or `message` are sent or written, and not filled."""
    positioned: str = ""
    """Call that a request with an offset corresponds to (preadv instead of readv)."""


_SEND: Final = Operation("sendto", "fd addr len flags off addr_len", address=4, data=1)
_SENDMSG: Final = Operation("sendmsg", "fd addr flags", message=1, sends_iovecs=True)
_READ: Final = Operation("read", "fd addr len off", positioned="pread64")
_WRITE: Final = Operation("write", "fd addr len off", data=1, positioned="pwrite64")
_READV: Final = Operation("readv", "fd addr len off", vectors=1, positioned="preadv")
_WRITEV: Final = Operation("writev", "fd addr len off", vectors=1, sends_iovecs=True, positioned="pwritev")
OPERATIONS: Final[dict[int, Operation]] = {
    1: _READV,
    2: _WRITEV,
    3: Operation("fsync", "fd"),
    4: _READ,
    5: _WRITE,
    8: Operation("sync_file_range", "fd off len flags"),
    9: _SENDMSG,
    10: Operation("recvmsg", "fd addr flags", message=1),
    13: Operation("accept4", "fd addr off flags", creates_fd=True),
    16: Operation("connect", "fd addr off", address=1),
    17: Operation("fallocate", "fd len off addr"),
    18: Operation("openat", "fd addr flags len", text=1, creates_fd=True),
    19: Operation("close", "fd"),
    21: Operation("statx", "fd addr flags len off", text=1),
    22: _READ,
    23: _WRITE,
    24: Operation("fadvise64", "fd off len flags"),
    25: Operation("madvise", "addr len flags"),
    26: _SEND,
    27: Operation("recvfrom", "fd addr len flags"),
    28: Operation("openat2", "fd addr off len", text=1, block=2, creates_fd=True),
    29: Operation("epoll_ctl", "fd len off addr"),
    30: Operation("splice", "extra addr fd off len flags"),
    33: Operation("tee", "extra fd len flags"),
    34: Operation("shutdown", "fd len"),
    35: Operation("renameat2", "fd addr len off flags", text=1, text2=3),
    36: Operation("unlinkat", "fd addr flags", text=1),
    37: Operation("mkdirat", "fd addr len", text=1),
    38: Operation("symlinkat", "addr fd off", text=0, text2=2),
    39: Operation("linkat", "fd addr len off flags", text=1, text2=3),
    41: Operation("fsetxattr", "fd addr off len flags", text=1),
    42: Operation("setxattr", "addr3 addr off len flags", text=0, text2=1),
    43: Operation("fgetxattr", "fd addr off len", text=1),
    44: Operation("getxattr", "addr3 addr off len", text=0, text2=1),
    45: Operation("socket", "fd off len", creates_fd=True),
    47: _SEND,
    48: _SENDMSG,
    55: Operation("ftruncate", "fd off"),
    56: Operation("bind", "fd addr off", address=1),
    57: Operation("listen", "fd len"),
    60: _READV,
    61: _WRITEV,
    62: Operation("pipe2", "addr flags"),
}

_EVENT_TYPES: Final = {call_name(spec.number): spec.name for spec in SYSCALL_SPECS.values()}
"""Event type by native call."""


def entries(attached: Collection[str]) -> Iterator[tuple[int, bytes]]:
    """Yield (opcode, value) of the map URING_OPS: only calls of the attached event types have a number."""
    for opcode, operation in OPERATIONS.items():
        first, second = (_number(name, attached) for name in (operation.name, operation.positioned))
        fields = [_SQE_FIELDS[name] for name in operation.arguments.split()]
        fields += [_SQE_FIELDS["0"]] * (6 - len(fields))
        pointed = operation[2:9]
        positioned = second if operation.positioned else _NONE
        yield opcode, ENTRY.pack(first, positioned, *fields, *pointed, operation.creates_fd, operation.sends_iovecs, 0)


def _number(name: str, attached: Collection[str]) -> int:
    number = call_number(name) if _EVENT_TYPES.get(name) in attached else None
    return _UNWATCHED if number is None else number


def types() -> frozenset[str]:
    """Return the event types whose calls a request can make."""
    names = {name for operation in OPERATIONS.values() for name in (operation.name, operation.positioned)}
    return frozenset(_EVENT_TYPES[name] for name in names if name in _EVENT_TYPES)


def programs(types: btf.Btf) -> tuple[Program, ...]:
    """Return this kernel's programs, if `why_not` is empty.

    Raw tracepoints need no perf_event_open, which Debian's kernels refuse (EACCES) to a process with CAP_PERFMON.
    """
    return tuple(Program(_FUNCTIONS[name], "uring", name, raw=True, group="io_uring") for name in _tracepoints(types))


def every_program() -> tuple[Program, ...]:
    """Return the programs of all kernels."""
    return tuple(Program(function, "uring", name, raw=True, group="io_uring") for name, function in _FUNCTIONS.items())


def completes_cqe(types: btf.Btf) -> bool:
    """Return True if io_uring_complete passes the completion and not its members."""
    return (types.parameters("__traceiter_io_uring_complete") or ())[1:] == _CQE


def _tracepoints(types: btf.Btf) -> tuple[str, ...]:
    submission = next((name for name in _SUBMISSIONS if types.function(f"__traceiter_{name}")), _SUBMISSIONS[0])
    return (submission, *(name for name in _FUNCTIONS if name not in _SUBMISSIONS))


def why_not(types: btf.Btf) -> str:
    """Return what this kernel lacks for watching io_uring, as the end of a sentence; empty if it lacks nothing."""
    for struct_, members in _STRUCT_MEMBERS.items():
        if struct_ not in types:
            return f"the kernel has no struct {struct_} (it is built without io_uring, or older than Linux 6.0)"
        missing = [member for member in members if member not in types.members(struct_)]
        if missing:
            return f"struct {struct_} of this kernel has no {missing[0]}"
    for name in _tracepoints(types):
        found = types.parameters(f"__traceiter_{name}")
        if found is None:
            return f"this kernel has no tracepoint {name}"
        if not any(found[1 : len(wanted) + 1] == wanted for wanted in _PARAMETERS[name]):
            return f"the tracepoint {name} of this kernel has other parameters ({', '.join(found[1:])})"
    return ""
