"""Decoders of struct process: execve, execveat, and the calls that make a process."""

import mmap
from stat import S_IMODE
from typing import Any, Final

from mozu.core.abi.integers import signed_id
from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_tables import VFORK_FLAGS
from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import convert_clone_flags
from mozu.core.state.observed import Executed
from mozu.plugins.sources.ebpf.decode.hierarchies import cgroup_list
from mozu.plugins.sources.ebpf.decode.reading import (
    FILE,
    HEAD,
    MARKS,
    Decode,
    reader,
    text,
)
from mozu.plugins.sources.ebpf.decode.standard import STANDARD_SIZE, standard_files

_unpack, _SIZE = reader(
    "process",
    HEAD + FILE + "start pidns_start effective permitted inheritable major_faults minor_faults fdlimit flags "
    "change_time modify_time vm_pages rss_pages swap_pages args_length stack parent pgid vpgid vsid vpid vtid tty "
    "loginuid uid gid ruid suid rgid sgid old_tid namespaces comm exe args cwd cgroups name environment "
    "trust standard script unused0 unused1 unused2",
)
_KB: Final = mmap.PAGESIZE // 1024
_WRITABLE, _UPPER, _OVERLAY, _MEMFD, _ARGS_CUT, _TEXT_CUT, _PIDNS, _DELETED = (
    MARKS[name] for name in ("WRITABLE", "UPPER", "OVERLAY", "MEMFD", "ARGS_CUT", "TEXT_CUT", "PIDNS", "DELETED")
)
_EXE, _SCRIPT, _CWD = 2, 4, 8
"""Bits TRUST_* of bpf/trust.h."""

_OF_EXECUTABLE: Final = _WRITABLE | _UPPER | _MEMFD | _OVERLAY


def process(spec: SyscallSpec) -> Decode:
    """Return the decoder of a call of this struct."""
    name = spec.name
    if name in ("execve", "execveat"):
        return _exec(name)
    return _clone(name)


def _texts(record: bytes, at: int, lengths: tuple[int, ...]) -> list[bytes]:
    """Return arguments, executable, working directory, cgroups, file name and environment, as appended."""
    found = []
    for length in lengths:
        found.append(record[at : at + length])
        at += length
    return found


def _words(raw: bytes) -> tuple[str, bytes]:
    """Return argv[0], and the rest with a NUL after each."""
    first, _, rest = raw.partition(b"\0")
    return first.decode("utf-8", "surrogateescape"), rest


def executable_flags(marks: int) -> int:
    """Return the executable's marks in the numbering of the table `execve_flags`."""
    if not marks & _OF_EXECUTABLE:
        return 0
    return (
        bool(marks & _WRITABLE)
        | bool(marks & _UPPER) << 1
        | bool(marks & _MEMFD) << 2
        | bool(marks & _OVERLAY and not marks & _UPPER) << 3
    )


def _exec(name: str) -> Decode:
    with_name = name == "execve"

    def decode(record: bytes, offset: int) -> SyscallEvent:
        (
            time, _, pid, tid, cpu, _, marks, _, result, ino, _, _, mode, owner, start, _, effective, permitted,
            inheritable, major, minor, limit, _, changed, modified, vm, rss, swap, _, stack, parent, pgid, vpgid, vsid,
            vpid, vtid, tty, login, uid, gid, ruid, suid, rgid, sgid, old_tid, namespaces, comm, *lengths, trust,
            standard, script_n, _, _, _,
        ) = _unpack(record)  # fmt: skip
        exe_n, args_n, cwd_n, group_n, name_n, env_n = lengths
        first = _SIZE + standard * STANDARD_SIZE
        second = first + args_n
        third = second + exe_n
        fourth = third + cwd_n
        fifth = fourth + group_n
        sixth = fifth + name_n
        seventh = sixth + env_n
        end = seventh + script_n
        raw, exepath = record[first:second], record[second:third]
        cwd, groups = record[third:fourth], record[fourth:fifth]
        path, environment = record[fifth:sixth], record[sixth:seventh]
        exe, rest = _words(raw)
        args: tuple[Any, ...] = (
            result, exe, rest, tid, pid, parent, as_directory(cwd), limit, major, minor, vm * _KB, rss * _KB,
            swap * _KB, _comm(comm), cgroup_list(groups), environment, tty, vpgid, signed_id(login),
            executable_flags(marks), inheritable, permitted, effective, ino, changed, modified, uid,
            executable(exepath, marks), pgid, gid,
        )  # fmt: skip
        if with_name:
            args += (path.decode("utf-8", "surrogateescape"),)
        observed = None
        if result == 0:
            observed = Executed(  # by position: eight times as fast as by name
                vsid, pgid, vpid, vtid, parent, ruid, suid, rgid, sgid, start + offset, stack, marks & _ARGS_CUT != 0,
                old_tid if old_tid != tid else 0, namespaces, owner, S_IMODE(mode),
                standard_files(record, _SIZE, standard, end) if standard else (), start,
                trust & _EXE != 0 and not marks & _TEXT_CUT, text(record, seventh, end) if trust & _SCRIPT else "",
                trust & _CWD != 0,
            )  # fmt: skip
        return SyscallEvent("syscall", name, time + offset, 0, tid, pid, cpu, args, None, None, None, observed, time)

    return decode


def _comm(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def as_directory(raw: bytes) -> str:
    """Return a working directory as text that ends with a slash."""
    path = raw.decode("utf-8", "surrogateescape")
    return path if path.endswith("/") else path + "/"


def executable(raw: bytes, marks: int) -> str:
    """Return the executable's path as in /proc/PID/exe."""
    path = raw.decode("utf-8", "surrogateescape")
    return path + " (deleted)" if marks & (_DELETED | _MEMFD) else path


def _clone(name: str) -> Decode:
    def decode(record: bytes, offset: int) -> SyscallEvent:
        (
            time, _, pid, tid, cpu, _, marks, _, result, _, _, _, _, _, _, namespace, _, _, _, major, minor, limit,
            flags, _, _, vm, rss, swap, _, _, parent, _, _, _, vpid, vtid, _, _, uid, gid, _, _, _, _, _, _, comm,
            *lengths, _, _, _, _, _, _,
        ) = _unpack(record)  # fmt: skip
        exe_n, args_n, cwd_n, group_n, _, _ = lengths
        raw, _, cwd, groups = _texts(record, _SIZE, (args_n, exe_n, cwd_n, group_n))
        exe, rest = _words(raw)
        native = VFORK_FLAGS if name == "vfork" else flags
        args = (
            result, exe, rest, tid, pid, parent, as_directory(cwd), limit, major, minor, vm * _KB, rss * _KB,
            swap * _KB, _comm(comm), cgroup_list(groups),
            convert_clone_flags(native, in_pidns=bool(marks & _PIDNS)), uid, gid, vtid, vpid, namespace + offset,
        )  # fmt: skip
        return SyscallEvent("syscall", name, time + offset, 0, tid, pid, cpu, args, boot_time=time)

    return decode
