"""exec, fork and clone, exits, signals: events made at calls, at ptrace events and at signal stops."""

import errno
import os
from stat import S_IMODE
from typing import Any, Final

from msgspec.structs import replace

from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_tables import VFORK_FLAGS
from mozu.core.common.boot_clock import both_clocks
from mozu.core.model.event import SyscallEvent, as_bytes, as_text
from mozu.core.model.syscalls import convert_clone_flags
from mozu.core.state.observed import Executed, Forked, KnownProcess
from mozu.core.state.procfs import OF_OTHERS
from mozu.plugins.sources.ptrace import memory, proc_fs
from mozu.plugins.sources.ptrace.reading.descriptors import file_at
from mozu.plugins.sources.ptrace.reading.foreseen import ForeseenFile, look_up
from mozu.plugins.sources.ptrace.reading.reader import ReaderContext, TracedTask, event, text

_ARGUMENTS: Final = 128
"""Arguments of a failed exec that are read."""
_ENVIRONMENT: Final = 4095
_COMM: Final = 15
"""Bytes of a task's name (TASK_COMM_LEN without its NUL)."""
_NOT_ROOTS: Final = 0o022
"""Permission to write for the group, or for others."""
_SHEBANG: Final = 256
"""BINPRM_BUF_SIZE: what the kernel reads of a script's first line."""


def _known(context: ReaderContext, tid: int) -> KnownProcess:
    found = context.procfs.task(tid)
    return KnownProcess() if found is None else found[1]


def _directory(tid: int) -> str:
    path = proc_fs.cwd(tid)
    return path if path.endswith("/") else path + "/"


def _list(words: list[bytes]) -> bytes:
    return b"".join(word + b"\0" for word in words)


def _cgroups(known: KnownProcess) -> bytes:
    """Return the cgroups of all hierarchies, as /proc/PID/cgroup has them."""
    return b"".join(as_bytes(f"{name}={path}") + b"\0" for name, path in known.cgroups)


def _common(
    task: TracedTask, result: int, known: KnownProcess, words: list[bytes]
) -> tuple[Any, ...]:
    exe = as_text(words[0]) if words else ""
    return (
        result, exe, _list(words[1:]), task.tid, task.pid, known.ptid, _directory(task.tid), known.fdlimit,
        known.pfmajor, known.pfminor, known.vm_size, known.vm_rss, known.vm_swap, known.name, _cgroups(known),
    )  # fmt: skip


def _words(known: KnownProcess) -> list[bytes]:
    return [as_bytes(known.exe), *map(as_bytes, known.args)] if known.exe or known.args else []


class ExecReader:
    """Reads execve and execveat: `done` at PTRACE_EVENT_EXEC, `leave` at the exit of a call that failed."""

    def __init__(self, spec: SyscallSpec, context: ReaderContext) -> None:
        self.name, self._context = spec.name, context
        self._at = 1 if spec.name == "execveat" else 0

    def enter(self, task: TracedTask) -> tuple[str | None, list[bytes]]:
        """Path and arguments: after a success the memory that held them is gone."""
        a = task.args
        path = text(task, a[self._at])
        if self._at and path is not None and path[:1] != "/" and a[0] & 0xFFFFFFFF != proc_fs.AT_FDCWD & 0xFFFFFFFF:
            fd = a[0] & 0xFFFFFFFF
            path = f"/dev/fd/{fd}/{path}" if path else f"/dev/fd/{fd}"
        return path, memory.string_array(task.tid, a[self._at + 1], _ARGUMENTS)

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """The event of a failure: it describes the caller, with the path and the arguments of the call."""
        path, words = task.at_entry
        known = _known(self._context, task.tid)
        if self._at:
            path = text(task, task.args[1])
        return (event(self.name, task, self._args(task, result, known, words, b"", path)),)

    def done(self, task: TracedTask, old_tid: int) -> SyscallEvent:
        """The event of a success: `execve` for both calls."""
        path = None if task.at_entry is None else task.at_entry[0]
        context = self._context
        known = _known(context, task.tid)
        start = context.start_times.get(task.pid) or known.start
        environment = _environment(task.tid) if context.environment else b""
        args = self._args(task, 0, known, _words(known), environment, path, always=True)
        observed = Executed(
            sid=known.sid, pgid=known.pgid, vpid=known.vpid, vtid=known.vtid, ptid=known.ptid,
            ruid=known.uid if known.ruid is None else known.ruid, suid=known.uid if known.suid is None else known.suid,
            rgid=known.gid if known.rgid is None else known.rgid, sgid=known.gid if known.sgid is None else known.sgid,
            start=start, stack=known.stack, old_tid=old_tid if old_tid != task.tid else 0, namespaces=known.namespaces,
            exe_uid=known.exe_uid, exe_mode=known.exe_mode, exe_genuine=not known.namespaces & OF_OTHERS,
            script=_script(task, look_up(task, proc_fs.cwd(task.tid), path or ""), known.exe_ino),
            stdio=tuple(file_at(context, task, fd) for fd in range(3)) if context.stdio else (),
            boot_start=known.boot_start,
        )  # fmt: skip
        return event("execve", task, args, observed=observed)

    def foresee(self, task: TracedTask) -> tuple[SyscallEvent, ...]:
        """The event of the program that would run, or of an exec that fails."""
        path, words = task.at_entry
        known = _known(self._context, task.tid)
        seen = look_up(task, proc_fs.cwd(task.tid), path or "")
        error = seen.error or (0 if os.access(seen.place, os.X_OK, effective_ids=True) else -errno.EACCES)
        if error or seen.found is None:
            args = self._args(task, error, known, words, b"", path, always=True)
            return (event("execve", task, args),)
        interpreter = _interpreter(seen.place)
        program = seen
        if interpreter:
            program = look_up(task, proc_fs.cwd(task.tid), as_text(interpreter[0]))
            words = [*interpreter, as_bytes(path or ""), *words[1:]]
        file = program.found or seen.found
        name = as_text(os.path.basename(as_bytes(path or ""))[:_COMM])
        known = replace(
            known, name=name, exepath=program.path, exe_ino=file.st_ino, exe_ctime=file.st_ctime_ns,
            exe_mtime=file.st_mtime_ns, exe_flags=0,
        )  # fmt: skip
        observed = Executed(
            exe_uid=file.st_uid, exe_mode=S_IMODE(file.st_mode), exe_genuine=not known.namespaces & OF_OTHERS,
            script=_script(task, seen, file.st_ino),
        )  # fmt: skip
        args = self._args(task, 0, known, words, b"", path, always=True)
        return (event("execve", task, args, observed=observed),)

    def _args(
        self, task: TracedTask, result: int, known: KnownProcess, words: list[bytes], environment: bytes,
        path: str | None, *, always: bool = False,
    ) -> tuple[Any, ...]:  # fmt: skip
        exepath = proc_fs.inside_root(task.tid, known.exepath)
        args = (
            *_common(task, result, known, words), environment, known.tty, known.vpgid, known.loginuid,
            known.exe_flags, known.cap_inheritable, known.cap_permitted, known.cap_effective, known.exe_ino,
            known.exe_ctime, known.exe_mtime, known.uid, exepath, known.pgid, known.gid,
        )  # fmt: skip
        return (*args, path or "") if always or self.name == "execve" else args


def _script(task: TracedTask, seen: ForeseenFile, executable: int) -> str:
    """Return the path of the file that an exec was given, if it is a script that only root can have put there.

    `executable`: the inode that runs; a script is another one.
    """
    if seen.found is None or seen.found.st_ino == executable:
        return ""
    place, root = seen.place, f"/proc/{task.tid}/root"
    while place.startswith(root):
        try:
            found = os.stat(place)
        except OSError:
            return ""
        if found.st_uid or found.st_mode & _NOT_ROOTS:
            return ""
        place = place.rpartition("/")[0]
    return seen.path


def _interpreter(place: str) -> list[bytes]:
    """Return a script's interpreter and its argument; empty if the file is no script."""
    try:
        with open(place, "rb") as file:
            first = file.read(_SHEBANG).partition(b"\n")[0]
    except OSError:
        return []
    return first[2:].strip().split(None, 1) if first[:2] == b"#!" else []


def _environment(tid: int) -> bytes:
    try:
        with open(f"/proc/{tid}/environ", "rb") as file:
            return file.read(_ENVIRONMENT)
    except OSError:
        return b""


class CloneReader:
    """Reads fork, vfork, clone and clone3: `leave` in the caller, `child` in the new task."""

    def __init__(self, spec: SyscallSpec, context: ReaderContext) -> None:
        self.name, self._context = spec.name, context

    def enter(self, task: TracedTask) -> int:
        """The clone flags."""
        return clone_flags(self.name, task.tid, task.args[0])

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """The event of the return in the caller."""
        return (self._clone_event(task, result, task.at_entry),)

    def child(self, task: TracedTask, flags: int) -> SyscallEvent:
        """The event of the return in the child, which starts to run."""
        return self._clone_event(task, 0, flags)

    def _clone_event(self, task: TracedTask, result: int, flags: int) -> SyscallEvent:
        found = self._context.procfs.task(task.tid)
        known = KnownProcess() if found is None else found[1]
        nested = known.vtid != task.tid
        args = (
            *_common(task, result, known, _words(known)),
            convert_clone_flags(flags, in_pidns=nested), known.uid, known.gid, known.vtid, known.vpid,
            known.pidns_start,
        )  # fmt: skip
        return event(self.name, task, args)


def clone_flags(name: str, tid: int, argument: int) -> int:
    """Clone flags of a call whose first argument this is."""
    if name == "clone3":
        return int.from_bytes(memory.data(tid, argument, 8), "little")
    return {"clone": argument, "vfork": VFORK_FLAGS}.get(name, 0)


def fork_event(
    creator: TracedTask, child: TracedTask, parent: int, *, shares_files: bool, nested: bool
) -> SyscallEvent:
    """`_fork`, of the creator. `nested`: the child may be in another pid namespace than this process."""
    vtid, vpid = child.tid, child.pid
    if nested:
        with open(f"/proc/{child.tid}/status") as file:
            rows = dict(line.split(":", 1) for line in file if ":" in line)
        vtid, vpid = int(rows["NSpid"].split()[-1]), int(rows["NStgid"].split()[-1])
    began = proc_fs.boot_start(child.tid)
    wall, since_boot = both_clocks()
    start = wall - (since_boot - began if began else 0)
    observed = Forked(child.tid, child.pid, vtid, vpid, start, 0, parent, shares_files, began)
    return event("_fork", creator, (), observed=observed)


def exit_event(pid: int, status: int, orphan: int) -> SyscallEvent:
    """procexit. `status` as waitpid gives it; `orphan`: a child that runs on with a new parent, 0 for none."""
    reaper = parent_of(orphan) if orphan else 0
    args = (status, status >> 8 & 0xFF, status & 0x7F, status >> 7 & 1, reaper)
    return event("procexit", TracedTask(pid, pid), args)


def thread_exit_event(task: TracedTask) -> SyscallEvent:
    """`_exit`, of a thread that is not the main thread."""
    return event("_exit", task, ())


def signal_event(task: TracedTask, spid: int, number: int) -> SyscallEvent:
    """signaldeliver: the task is about to handle a signal."""
    return event("signaldeliver", task, (spid, task.tid, number))


def parent_of(pid: int) -> int:
    """The parent of a process; 0 where it has none, or does not exist."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


def pid_namespace(tid: int) -> str:
    """The pid namespace of a task; empty where it does not exist."""
    try:
        return os.readlink(f"/proc/{tid}/ns/pid")
    except OSError:
        return ""
