"""32-bit ABI of x86 (ia32) and arm (EABI of AArch32): the native call for each call, and its arguments.

A call of the same name has the same arguments, unless the tables below say otherwise. If an argument points to a struct
of words (argv, msghdr, iovec), the programs read words of the call's own size (`arg_word` of bpf/syscall_ctx.h).
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.model.arch import MACHINE, Machine
from mozu.core.model.syscalls import call_name, call_number
from mozu.plugins.sources.ebpf.tracepoints import Program

ENTRY: Final = struct.Struct("<hBB")
"""struct compat of bpf/compat.h."""
_SYSCALLS: Final = 512
"""Entries of the map COMPAT for syscall numbers; the calls of socketcall follow."""
_SOCKET_CALLS: Final = 32
ENTRIES: Final = _SYSCALLS + _SOCKET_CALLS
PROGRAM: Final = Program("called", "calls", "sys_exit", raw=True)
"""The program at the exit of every call, native ones too: see call_exits.py."""

_SAME, _SOCKET, _MEMORY, _SHORT, _HALVES, _PAGES = range(6)
"""enum form of bpf/compat.h."""
_UNWATCHED: Final = -1


class CompatForm(NamedTuple):
    """A native call, and the conversion of 32-bit arguments to its own: struct compat of bpf/compat.h."""

    name: str
    form: int = _SAME
    mask: int = 6


def _mask(*places: int) -> int:
    return sum(1 << place for place in places)


_ALIGNED: Final = 128
"""Bit of a mask: ALIGNED of bpf/compat.h."""


_DIFFERENCES: Final[dict[str, CompatForm]] = {
    "umount": CompatForm("umount2", mask=1),
    "oldstat": CompatForm("stat"),
    "oldlstat": CompatForm("lstat"),
    "oldfstat": CompatForm("fstat"),
    "stat64": CompatForm("stat"),
    "lstat64": CompatForm("lstat"),
    "fstat64": CompatForm("fstat"),
    "fstatat64": CompatForm("newfstatat"),
    "fcntl64": CompatForm("fcntl"),
    "sendfile64": CompatForm("sendfile"),
    "send": CompatForm("sendto", mask=4),
    "recv": CompatForm("recvfrom", mask=4),
    "arm_fadvise64_64": CompatForm("fadvise64"),
    "arm_sync_file_range": CompatForm("sync_file_range"),
    "mmap": CompatForm("mmap", _MEMORY),
    "mmap2": CompatForm("mmap", _PAGES),
    "truncate64": CompatForm("truncate", _HALVES, _mask(1)),
    "ftruncate64": CompatForm("ftruncate", _HALVES, _mask(1)),
    "pread64": CompatForm("pread64", _HALVES, _mask(3)),
    "pwrite64": CompatForm("pwrite64", _HALVES, _mask(3)),
    "preadv": CompatForm("preadv", _HALVES, _mask(3)),
    "pwritev": CompatForm("pwritev", _HALVES, _mask(3)),
    "fallocate": CompatForm("fallocate", _HALVES, _mask(2, 3)),
    "readahead": CompatForm("readahead", _HALVES, _mask(1)),
    "fanotify_mark": CompatForm("fanotify_mark", _HALVES, _mask(2)),
    "setuid": CompatForm("setuid", _SHORT, _mask(0)),
    "setgid": CompatForm("setgid", _SHORT, _mask(0)),
    "setfsuid": CompatForm("setfsuid", _SHORT, _mask(0)),
    "setfsgid": CompatForm("setfsgid", _SHORT, _mask(0)),
    "setreuid": CompatForm("setreuid", _SHORT, _mask(0, 1)),
    "setregid": CompatForm("setregid", _SHORT, _mask(0, 1)),
    "setresuid": CompatForm("setresuid", _SHORT, _mask(0, 1, 2)),
    "setresgid": CompatForm("setresgid", _SHORT, _mask(0, 1, 2)),
    "chown": CompatForm("chown", _SHORT, _mask(1, 2)),
    "lchown": CompatForm("lchown", _SHORT, _mask(1, 2)),
    "fchown": CompatForm("fchown", _SHORT, _mask(1, 2)),
    **{
        f"{name}32": CompatForm(name)
        for name in (
            *("setuid", "setgid", "setfsuid", "setfsgid", "setreuid", "setregid", "setresuid", "setresgid"),
            *("chown", "lchown", "fchown", "getuid", "getgid", "geteuid", "getegid", "getresuid", "getresgid"),
            "setgroups",
        )
    },
}

_LONGS: Final = frozenset({"preadv", "pwritev"})
"""Calls whose two halves are two separate arguments (unsigned long), which need no alignment."""
UNREAD: Final = frozenset(
    {
        *("getresuid", "getresgid", "getgroups", "setgroups"),
        *("nanosleep", "ppoll", "setrlimit", "getrlimit", "sendfile", "quotactl"),
    }
)
"""Calls that are not watched: calls of the same name with narrower structs or ids, which the programs do not read."""

_SOCKETCALLS: Final = {
    1: CompatForm("socket", mask=3),
    2: CompatForm("bind", mask=3),
    3: CompatForm("connect", mask=3),
    4: CompatForm("listen", mask=2),
    5: CompatForm("accept", mask=3),
    6: CompatForm("getsockname", mask=3),
    7: CompatForm("getpeername", mask=3),
    8: CompatForm("socketpair", mask=4),
    9: CompatForm("sendto", mask=4),
    10: CompatForm("recvfrom", mask=4),
    11: CompatForm("sendto", mask=6),
    12: CompatForm("recvfrom", mask=6),
    13: CompatForm("shutdown", mask=2),
    14: CompatForm("setsockopt", mask=5),
    15: CompatForm("getsockopt", mask=5),
    16: CompatForm("sendmsg", mask=3),
    17: CompatForm("recvmsg", mask=3),
    18: CompatForm("accept4", mask=4),
    19: CompatForm("recvmmsg", mask=5),
    20: CompatForm("sendmmsg", mask=4),
}
"""Calls of socketcall by its first argument; send and recv are sendto and recvfrom without an address."""


_EVENT_TYPES: Final = {call_name(spec.number): spec.name for spec in SYSCALL_SPECS.values()}
"""Event type by native call."""


def _form(name: str, machine: Machine) -> CompatForm | None:
    found = _DIFFERENCES.get(name) or (None if name in UNREAD else CompatForm(name))
    if found is not None and found.form == _HALVES and machine.compat_pairs_are_aligned and name not in _LONGS:
        return found._replace(mask=found.mask | _ALIGNED)
    return found


def _forms(machine: Machine) -> Iterator[tuple[int, CompatForm]]:
    """Yield (index in the map COMPAT, form) of every 32-bit call whose native call can be watched."""
    for number in range(_SYSCALLS):
        name = call_name(number, machine.compat_abi) or ""
        found = _form(name, machine)
        if name == "socketcall":
            yield number, CompatForm(name, _SOCKET)
        elif found is not None and found.name in _EVENT_TYPES:
            yield number, found
    for number, found in _SOCKETCALLS.items():
        if found.name in _EVENT_TYPES:
            yield _SYSCALLS + number, found


def entries(machine: Machine = MACHINE) -> Iterator[tuple[int, bytes]]:
    """Yield (index, value) of the whole map COMPAT."""
    forms = dict(_forms(machine))
    for index in range(ENTRIES):
        _, form, mask = forms.get(index, CompatForm(""))
        number = call_number(forms[index].name) if index in forms else None
        yield index, ENTRY.pack(_UNWATCHED if number is None else number, form, mask)


def native_numbers(machine: Machine = MACHINE) -> Iterator[tuple[int, int]]:
    """Yield (number of a 32-bit call, mozu's number of a native call that it is or may be)."""
    forms = dict(_forms(machine))
    for number, form in forms.items():
        native = call_number(form.name)
        if number < _SYSCALLS and form.form != _SOCKET and native is not None:
            yield number, native
    socketcalls = [number for number, form in forms.items() if form.form == _SOCKET]
    for found in _SOCKETCALLS.values():
        native = call_number(found.name)
        if native is not None:
            yield from ((number, native) for number in socketcalls)


def types(machine: Machine = MACHINE) -> frozenset[str]:
    """Return the event types whose calls can be 32-bit ones."""
    return frozenset(_EVENT_TYPES[form.name] for _, form in _forms(machine) if form.name in _EVENT_TYPES)
