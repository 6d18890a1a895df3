"""Decoders of struct process (execve, execveat, the calls that make a process) with its cgroups and the descriptors 0,
1 and 2 of a new program, and of what happens to processes beside calls: forks, ends, moves to another cgroup.
"""

import mmap
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from stat import S_IMODE
from typing import Any, Final

from mozu.core.abi.integers import signed_id
from mozu.core.abi.sockets import SocketInfo, socket_file
from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_tables import VFORK_FLAGS
from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import convert_clone_flags
from mozu.core.state.observed import Executed, Forked, Moved
from mozu.core.state.texts import cgroups
from mozu.plugins.sources.ebpf.decode.descriptors import RAW_LENGTH, plain_file
from mozu.plugins.sources.ebpf.decode.reading import (
    FILE,
    HEAD,
    MARKS,
    Decode,
    path,
    reader,
    text,
)
from mozu.plugins.sources.ebpf.wire import layouts

_HEAD: Final = layouts()["cgroup_path"].packer
_ROOT: Final = b"/"


def mounted(text: str) -> dict[int, tuple[bytes, ...]]:
    """Return the names of each hierarchy in /proc/self/cgroup by id, in its order: its controllers, a name
    (`name=systemd`), or an empty one for cgroup v2."""
    rows = (line.split(":", 2) for line in text.splitlines())
    return {int(number): tuple(names.encode().split(b",")) for number, names, _ in rows}


class Hierarchies:
    """Hierarchies of this machine; `read` returns /proc/self/cgroup, which is read again for an unknown hierarchy."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read
        self._names: dict[int, tuple[bytes, ...]] | None = None
        self.cgroup_list = lru_cache(maxsize=1024)(self._cgroup_list)

    def _cgroup_list(self, block: bytes) -> bytes:
        """Return `subsystem=path` with a NUL after each, as in /proc/PID/cgroup; cgroup v2 has no subsystem."""
        paths = _paths(block)
        if self._names is None or not paths.keys() <= self._names.keys():
            found = mounted(self._read())
            self._names = {number: (b"hierarchy-%d" % number,) for number in paths.keys() - found.keys()} | found
        return b"".join(
            name + b"=" + paths.get(number, _ROOT) + b"\0" for number, names in self._names.items() for name in names
        )


def _paths(block: bytes) -> dict[int, bytes]:
    """Return the path in each hierarchy, by id, in which the task is not at the root."""
    found: dict[int, bytes] = {}
    at, path = 0, _ROOT
    while at < len(block):
        number, length = _HEAD.unpack_from(block, at)
        at += _HEAD.size
        path = block[at : at + length] if length else path
        found[number] = path
        at += length
    return found


cgroup_list: Final = Hierarchies(Path("/proc/self/cgroup").read_text).cgroup_list
"""Function for this machine from the bytes that `append_cgroups` of bpf/cgroups.h appends to `subsystem=path` with a
NUL after each."""


_unpack_standard, STANDARD_SIZE = reader(
    "standard",
    FILE + "endpoints_own endpoints_peer endpoints_local endpoints_remote endpoints_family endpoints_type "
    "endpoints_protocol endpoints_local_port endpoints_remote_port endpoints_state endpoints_local_name "
    "endpoints_remote_name marks path opened_path raw",
)
_ENDPOINTS, _NAMES, _TAIL, _MODE = 5, 15, 17, 3
"""Indices among the values: endpoints of the socket, lengths of their names, the rest; the file's mode."""
_SOCKET: Final = MARKS["SOCKET"]


def standard_files(record: bytes, at: int, count: int, texts_at: int) -> tuple[File | None, ...]:
    """Return the files of `count` structs from `at` on, with strings from `texts_at` on; None for a descriptor that is
    not open."""
    found: list[File | None] = []
    for place in range(at, at + count * STANDARD_SIZE, STANDARD_SIZE):
        values = _unpack_standard(record, place)
        local_n, remote_n, marks, path_n, opened_n, raw_n = values[_NAMES:]
        lengths = local_n, remote_n, path_n, opened_n
        found.append(_file(record, texts_at, values, marks, lengths, raw_n) if values[_MODE] else None)
        texts_at += sum(lengths)
    return tuple(found)


def _file(
    record: bytes, at: int, values: tuple[Any, ...], marks: int, lengths: tuple[int, int, int, int], raw_n: int
) -> File:
    local_n, remote_n, path_n, opened_n = lengths
    middle = at + local_n
    end = middle + remote_n
    if marks & _SOCKET:
        names = text(record, at, middle), text(record, middle, end)
        return socket_file(SocketInfo(*(*values[_ENDPOINTS:_NAMES], *names)))
    where = path(record, end, end + path_n, marks) if path_n else ""
    end += path_n
    opened_path = text(record, end, end + opened_n)
    raw = text(record, end + opened_n - (raw_n & RAW_LENGTH), end + opened_n)
    return plain_file(where, values[:_ENDPOINTS], marks, opened_path, raw, as_file=raw_n > RAW_LENGTH)


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


_fork, _ = reader(
    "fork",
    HEAD + "start pidns_start child_tid child_pid child_vtid child_vpid parent shares_files",
)
_move, _MOVE_SIZE = reader("cgroup_move", HEAD + "moved cgroups unused")
_exit, _ = reader("exit", HEAD + "status reaper")


def forked(spec: SyscallSpec) -> Decode:
    """Return the decoder of a new process, or of a new thread if those are demanded; the event is the creator's."""
    name = spec.name

    def decode(record: bytes, offset: int) -> SyscallEvent:
        (time, _, pid, tid, cpu, _, _, _, _, start, namespace, child, group, vtid, vpid, parent, shares) = _fork(record)
        observed = Forked(child, group, vtid, vpid, start + offset, namespace + offset, parent, bool(shares), start)
        return SyscallEvent("syscall", name, time + offset, 0, tid, pid, cpu, (), None, None, None, observed, time)

    return decode


def moved(spec: SyscallSpec) -> Decode:
    """Return the decoder of a move to other cgroups; the event is that of the moved process, whichever wrote the
    record."""
    name = spec.name

    def decode(record: bytes, offset: int) -> SyscallEvent:
        time, _, _, _, cpu, _, _, _, _, pid, length, _ = _move(record)
        observed = Moved(cgroups(cgroup_list(record[_MOVE_SIZE : _MOVE_SIZE + length])))
        return SyscallEvent("syscall", name, time + offset, 0, pid, pid, cpu, (), None, None, None, observed, time)

    return decode


def exited(spec: SyscallSpec) -> Decode:
    """Return the decoder of the exit of a process, with its main thread's id whichever thread exited last, or of one
    thread."""
    name = spec.name

    def decode(record: bytes, offset: int) -> SyscallEvent:
        time, _, pid, tid, cpu, _, _, _, others, status, reaper = _exit(record)
        if others:
            return SyscallEvent("syscall", "_exit", time + offset, 0, tid, pid, cpu, (), boot_time=time)
        args = (status, status >> 8 & 0xFF, status & 0x7F, status >> 7 & 1, reaper)
        return SyscallEvent("syscall", name, time + offset, 0, pid, pid, cpu, args, boot_time=time)

    return decode
