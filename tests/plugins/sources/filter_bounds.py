"""Comparisons of each field, with every operator and many constants, as the kernel tests them."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.comparison import Comparison, compare
from mozu.core.filter.formula import UNKNOWN
from mozu.core.model.syscalls import event_type, flag_table
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import bounds_of
from mozu.plugins.sources.ebpf.kernel_filter.settled import settled
from tests.support import golden
from tests.support.filter_conditions import OPENS
from tests.support.filter_texts import described

_ORDER: Final = ("=", "in", "!=", "<", "<=", ">", ">=", "startswith", "exists")
_CODES: Final = ("=", "in", "!=", "contains", "startswith", ">=", "exists")
_TEXTS: Final = ("=", "in", "!=", "startswith", "endswith", "contains", "glob", "pmatch", "regex", ">=", "exists")
_PATHS: Final = (
    "/etc/shadow", "/etc/", "/", "", "etc", "../", "/.", "/.ssh/", "//x", "/etc/*/x?y", "/etc/a[bc]/d", "*ab*c*", "/x/",
    "/etc/x-y_1/[^/]+", "/[^/]+", "/etc/.+", "é", "a\0b", "x" * 249, "x" * 250, "/sixteen_bytes_x", "/seventeen_bytes",
)  # fmt: skip
_NUMBERS: Final = ("0", "1", "-1", "-2", "22", "+1", "x", "010", "9" * 9, "9" * 10, "9" * 18, "9" * 19, "")
_ADDRESSES: Final = (
    "10.1.2.3",
    "10.1.2.0/24",
    "10.16.0.0/12",
    "0.0.0.0/0",
    "::1",
    "fe80::/10",
    "2001:db8::/96",
    "::/0",
)
_KINDS: Final = ("ipv4", "ipv6", "unix", "file", "directory", "pipe", "4", "6", "u", "f", "d", "o", "ip", "na")
_OF_ALL: Final[dict[str, tuple[Sequence[str], Sequence[str]]]] = {
    "evt.rawres": (_ORDER, _NUMBERS),
    "evt.failed": (_ORDER, ("true", "false", "True")),
    "evt.res": (_ORDER, ("SUCCESS", "ENOENT", "EPERM", "EWOULDBLOCK", "EWHATEVER", "E", "S", "")),
    "fd.num": (_ORDER, _NUMBERS),
    **dict.fromkeys(("evt.is_open_read", "evt.is_open_write", "evt.is_open_exec"), (_ORDER, ("true", "false"))),
    **dict.fromkeys(("fd.type", "fd.typechar", "fd.sockfamily"), (_ORDER, _KINDS)),
    "fd.l4proto": (_ORDER, ("tcp", "udp", "icmp", "na")),
    "fd.connected": (_ORDER, ("true", "false")),
    "fd.sport": (_ORDER, _NUMBERS),
    **dict.fromkeys(("fd.sip", "fd.snet"), (_ORDER, _ADDRESSES)),
    **dict.fromkeys(
        ("proc.is_exe_upper_layer", "proc.is_exe_lower_layer", "proc.is_exe_from_memfd"), (_ORDER, ("true", "false"))
    ),
    "proc.exepath": (_TEXTS, _PATHS),
    "proc.name": (("=",), ("sh",)),
}
"""Field → operators and constants."""
_OF_PATHS: Final = ("fd.name", "fd.realpath", "fd.paths", "fd.nameraw", "fd.directory", "fd.filename")
CALLS: Final = (
    *OPENS, "ptrace", "socket", "socketpair", "bpf", "fcntl", "dup", "dup2", "dup3", "connect", "sendto", "sendmsg",
    "recvfrom", "sendmmsg", "read", "pwrite", "fchmod", "chmod", "fchmodat2", "unlinkat", "umount2", "madvise",
    "mprotect", "mmap", "memfd_create", "kill", "setuid", "clone", "execve", "execveat", "bind", "accept4",
)  # fmt: skip


def comparisons(call: str) -> Iterator[str]:
    """Yield each comparison that is tested at least in part at a call."""
    spec = SYSCALL_SPECS[call]
    for one in _comparisons_of(call):
        bounds, lasting = bounds_of(one, spec), settled(one, spec)
        if bounds != UNKNOWN or lasting != UNKNOWN:
            yield f"# {one.field} {one.op} {list(one.values)!r}"
            yield golden.line("true", described(bounds.true))
            yield golden.line("false", described(bounds.false))
            yield golden.line("settled", described(lasting.true) if lasting.is_exact else "")


def _comparisons_of(call: str) -> Iterator[Comparison]:
    for field, (operators, constants) in {**_OF_ALL, **_of_parameters(call)}.items():
        for op, values in _tests(operators, constants):
            yield compare(field, op, values)
    for field in _OF_PATHS if call == "openat" else ():
        for op, values in _tests(_TEXTS, _PATHS):
            yield compare(field, op, values)


def _of_parameters(call: str) -> dict[str, tuple[Sequence[str], Sequence[str]]]:
    declared = event_type(call)
    assert declared is not None
    found: dict[str, tuple[Sequence[str], Sequence[str]]] = {"evt.arg.nothing": (_ORDER, _NUMBERS)}
    for param in declared.params:
        names = [name for name, _ in flag_table(param.table)] if param.table else []
        parts = [name[:-3] for name in names[-2:]]
        some = names if len(names) < 20 else [*names[1:3], *names[18:20], names[-2]]
        found[f"evt.arg.{param.name}"] = (_CODES, (*some, *parts, "lower", "3", "010", "255", "256", "9" * 9, "9" * 10))
        found[f"evt.rawarg.{param.name}"] = (_ORDER, _NUMBERS)
    return found


def _tests(operators: Sequence[str], constants: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each operator with each constant, and with the lists that it can have."""
    for op in operators:
        if op == "exists":
            yield op, ()
            continue
        yield from ((op, (one,)) for one in constants)
        if op not in ("<", "<=", ">", ">="):
            yield op, ()
            yield from ((op, (one, before)) for one, before in pairwise(reversed(constants)))
