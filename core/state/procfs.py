"""Processes read from /proc: at the start, and for tasks that no event has reported.

Processes come and go while they are read; one that vanishes is left out, and what may not be read stays empty. One
process costs about fifteen system calls. None waits for a file system of the process, which may not answer: links are
read, files are examined by unsynced_stat, and the kernel reads arguments and environment from anonymous memory only
(FOLL_ANON since Linux 4.17).
"""

import os
import re
import resource
import stat as modes
from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec.structs import replace

from mozu.core.abi.anon_inodes import ANON_INODES
from mozu.core.api import Privilege
from mozu.core.caches import cached
from mozu.core.common.boot_clock import both_clocks, start_of_ticks
from mozu.core.common.unsynced_stat import FileStatus, unsynced_stat
from mozu.core.model.event import File, as_text
from mozu.core.model.event.namespaces import NAMESPACES
from mozu.core.model.syscalls import convert_open_flags
from mozu.core.state.observed import KnownProcess
from mozu.core.state.texts import Cgroups, environment, words

_STATUS: Final = re.compile(
    rb"Tgid:\t(?P<tgid>\d+)\n.*?Uid:\t(?P<ruid>\d+)\t(?P<uid>\d+)\t(?P<suid>\d+)\t\d+\n"
    rb"Gid:\t(?P<rgid>\d+)\t(?P<gid>\d+)\t(?P<sgid>\d+)\t\d+\n"
    rb"(?:.*?NStgid:\t(?:\d+\t)*(?P<vpid>\d+)\nNSpid:\t(?:\d+\t)*(?P<vtid>\d+)\n"
    rb"NSpgid:\t(?:\d+\t)*(?P<vpgid>\d+)\nNSsid:\t(?:\d+\t)*(?P<sid>\d+)\n)?"
    rb"(?:.*?VmSize:\s*(?P<size>\d+) kB\n.*?VmRSS:\s*(?P<rss>\d+) kB\n.*?VmSwap:\s*(?P<swap>\d+) kB\n)?"
    rb".*?CapInh:\t(?P<inheritable>\w+)\nCapPrm:\t(?P<permitted>\w+)\nCapEff:\t(?P<effective>\w+)\n",
    re.DOTALL,
)
_KERNEL_THREAD: Final = 0x00200000
"""The flag PF_KTHREAD in stat."""
_ENDED: Final = (b"Z", b"X")
"""States in stat of an ended task; the main thread of a process may have ended before its others."""
_INVALID_ID: Final = 0xFFFFFFFF
_CHUNK: Final = 1 << 16
OF_OTHERS: Final = NAMESPACES["user"] | NAMESPACES["pid"]
"""Namespaces that containers have, or that a user can make."""
_WRITABLE, _MEMFD = 1, 4
"""Bits of the table `execve_flags`."""


PROC_PRIVILEGES: Final = (
    Privilege(
        capability="CAP_SYS_PTRACE",
        purpose="read /proc of other users' processes",
        without="programs and directories of processes of other users that ran before mozu are not known",
    ),
)
"""Privileges for reading all of /proc, which is done for every live source of system calls."""


class Procfs:
    """A mount of proc."""

    def __init__(self, root: str = "/proc") -> None:
        self._root = root
        self._init: dict[str, str] | None = None
        """Name of a namespace → link of the init's in /proc/1/ns."""
        wall, since_boot = both_clocks()
        self._boot = wall - since_boot

    def processes(
        self, pids: Iterable[int] | None = None, *, env: bool = False
    ) -> Iterator[tuple[int, KnownProcess, int]]:
        """Yield (pid, known facts, number of further threads) of these processes, or of all but zombies, by pid."""
        if pids is None:
            try:
                pids = (int(name) for name in os.listdir(self._root) if name.isdecimal())
            except OSError:
                return
        inits: dict[str, int] = {}
        for pid in sorted(pids):
            found = self._read(pid, env=env, living=True)
            if found is None:
                continue
            _, known, others = found
            yield pid, self._with_namespace(pid, known, inits), others

    def task(self, tid: int, *, env: bool = False) -> tuple[int, KnownProcess, int] | None:
        """Return (pid, known facts, number of further threads) of one task, which need not be a main thread; None if it
        is gone."""
        found = self._read(tid, env=env)
        return None if found is None else (found[0], self._with_namespace(tid, found[1], {}), found[2])

    def _with_namespace(self, pid: int, known: KnownProcess, inits: dict[str, int]) -> KnownProcess:
        """Return the facts with the start of the init of the process's pid namespace. A namespace's first process must
        come before its others."""
        if known.vpid == pid:
            return replace(known, pidns_start=self._boot)
        namespace = self._link(pid, "ns/pid")
        if known.vpid == 1:
            inits[namespace] = known.start
        return replace(known, pidns_start=inits.get(namespace, 0))

    def _read(self, tid: int, *, env: bool, living: bool = False) -> tuple[int, KnownProcess, int] | None:
        raw = self._bytes(tid, "stat")
        status = _STATUS.search(self._bytes(tid, "status"))
        if not raw or status is None:
            return None
        end = raw.rfind(b")")
        fields = raw[end + 2 :].split()
        if living and fields[0] in _ENDED and int(fields[17]) <= 1:
            return None
        kernel_thread = bool(int(fields[6]) & _KERNEL_THREAD)
        start = start_of_ticks(int(fields[19]))
        argv = () if kernel_thread else words(self._bytes(tid, "cmdline"))
        known = KnownProcess(
            ptid=int(fields[1]), pgid=int(fields[2]), tty=int(fields[4]), pfminor=int(fields[7]),
            pfmajor=int(fields[9]), start=self._boot + start, boot_start=start, stack=int(fields[25]),
            name=as_text(raw[raw.find(b"(") + 1 : end]), exe=argv[0] if argv else "", args=argv[1:],
            cwd=self._link(tid, "cwd"), root=self._link(tid, "root"),
            env=environment(self._bytes(tid, "environ")) if env else None,
            loginuid=self._loginuid(tid), cgroups=_cgroups(self._bytes(tid, "cgroup")), fdlimit=_fdlimit(tid),
            namespaces=self._namespaces(tid), **_numbers(status, tid),
        )  # fmt: skip
        if not kernel_thread:
            known = self._with_executable(tid, known)
        return int(status["tgid"]), known, int(fields[17]) - 1

    def _with_executable(self, tid: int, known: KnownProcess) -> KnownProcess:
        path = self._link(tid, "exe")
        flags = _MEMFD if path.startswith("/memfd:") else 0
        try:
            found = unsynced_stat(f"{self._root}/{tid}/exe")
        except OSError:
            return replace(known, exepath=path, exe_flags=flags)
        # Another user may have loaded code into its process before; for a container the layer of the file is not known.
        is_of_root = not known.uid and not known.ruid and not known.namespaces & OF_OTHERS
        if _may_write(found, known.uid, known.gid):
            flags |= _WRITABLE
        return replace(
            known, exepath=path, exe_flags=flags, exe_ino=found.ino, exe_ctime=found.ctime, exe_mtime=found.mtime,
            exe_uid=found.uid, exe_mode=modes.S_IMODE(found.mode), exe_genuine=is_of_root,
            script=None if is_of_root else "",
        )  # fmt: skip

    def files(self, pid: int) -> Iterator[tuple[int, File]]:
        """Yield the descriptors of a process as (fd, file). Sockets come without their addresses."""
        try:
            names = os.listdir(f"{self._root}/{pid}/fd")
        except OSError:
            return
        for name in names:
            file = self._file(pid, name)
            if file is not None:
                yield int(name), file

    def _file(self, pid: int, fd: str) -> File | None:
        path = f"{self._root}/{pid}/fd/{fd}"
        try:
            link, found = as_text(os.readlink(os.fsencode(path))), unsynced_stat(path)
        except OSError:
            return None
        flags = convert_open_flags(_native_flags(self._bytes(pid, f"fdinfo/{fd}")))
        device = os.major(found.dev) << 20 | os.minor(found.dev)
        kind = _kind(link, found.mode)
        return File(kind, name="" if kind == "unknown" else link, flags=flags, dev=device, ino=found.ino)

    def _namespaces(self, tid: int) -> int:
        """Return the flags of the namespaces that differ from those of the init of this proc, or from mozu's own if the
        init's may not be read."""
        if self._init is None:
            self._init = {
                name: self._link(1, f"ns/{name}") or self._link(os.getpid(), f"ns/{name}") for name in NAMESPACES
            }
        found = 0
        for name, flag in NAMESPACES.items():
            link = self._link(tid, f"ns/{name}")
            if link and self._init[name] and link != self._init[name]:
                found |= flag
        return found

    def _loginuid(self, tid: int) -> int:
        text = self._bytes(tid, "loginuid")
        value = int(text) if text.isdigit() else _INVALID_ID
        return -1 if value == _INVALID_ID else value

    def _link(self, tid: int, name: str) -> str:
        try:
            return as_text(os.readlink(f"{self._root}/{tid}/{name}".encode()))
        except OSError:
            return ""

    def _bytes(self, tid: int, name: str) -> bytes:
        try:
            fd = os.open(f"{self._root}/{tid}/{name}", os.O_RDONLY)
        except OSError:
            return b""
        try:
            chunk = whole = os.read(fd, _CHUNK)
            while len(chunk) == _CHUNK:
                chunk = os.read(fd, _CHUNK)
                whole += chunk
        except OSError:
            return b""
        finally:
            os.close(fd)
        return whole


def _numbers(status: re.Match[bytes], tid: int) -> dict[str, Any]:
    def number(name: str, default: int = 0) -> int:
        return default if status[name] is None else int(status[name])

    tgid = number("tgid")
    return {
        "uid": number("uid"), "ruid": number("ruid"), "suid": number("suid"),
        "gid": number("gid"), "rgid": number("rgid"), "sgid": number("sgid"),
        "vpid": number("vpid", tgid), "vtid": number("vtid", tid), "vpgid": number("vpgid", -1),
        "sid": number("sid", -1),
        "vm_size": number("size"), "vm_rss": number("rss"), "vm_swap": number("swap"),
        "cap_inheritable": int(status["inheritable"], 16), "cap_permitted": int(status["permitted"], 16),
        "cap_effective": int(status["effective"], 16),
    }  # fmt: skip


@cached(1024)
def _cgroups(raw: bytes) -> Cgroups:
    pairs: list[tuple[str, str]] = []
    for line in as_text(raw).splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number:
            pairs.extend((controller, path) for controller in controllers.split(","))
    return tuple(pairs)


def _fdlimit(tid: int) -> int:
    try:
        return resource.prlimit(tid, resource.RLIMIT_NOFILE)[0]
    except (OSError, ValueError):
        return -1


def _may_write(found: FileStatus, uid: int, gid: int) -> bool:
    """Return True if the permission bits alone allow writing; root always may."""
    if uid == 0:
        return True
    if found.uid == uid:
        return bool(found.mode & modes.S_IWUSR)
    return bool(found.mode & (modes.S_IWGRP if found.gid == gid else modes.S_IWOTH))


def _native_flags(fdinfo: bytes) -> int:
    found = re.search(rb"flags:\t([0-7]+)", fdinfo)
    return int(found[1], 8) if found else 0


def _kind(link: str, mode: int) -> str:
    if link.startswith("anon_inode:"):
        return ANON_INODES.get(link.removeprefix("anon_inode:"), "unknown")
    if link.startswith("/memfd:"):
        return "memfd"
    if modes.S_ISFIFO(mode):
        return "pipe"
    if modes.S_ISSOCK(mode):
        return "unknown"
    return "directory" if modes.S_ISDIR(mode) else "file"
