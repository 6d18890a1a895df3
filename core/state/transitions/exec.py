"""The calls execve and execveat, by which a task becomes another program.

A successful one of either kind comes as `execve`. A failed one changes nothing: `proc.*` describe the caller.
"""

from typing import Final

from msgspec.structs import replace

from mozu.core.model.event import Process, SyscallEvent
from mozu.core.model.event.namespaces import NAMESPACES
from mozu.core.model.event.pipelines import pipe_of
from mozu.core.model.syscalls import flag_table
from mozu.core.state.ends import end
from mozu.core.state.observed import Entered, Executed
from mozu.core.state.paths import UNKNOWN_BASE, directory, join, normal, without_deleted
from mozu.core.state.state import INVALID_ID, State
from mozu.core.state.tables import Node
from mozu.core.state.texts import cgroups, environment, words
from mozu.core.state.transitions.opening import base_of
from mozu.core.state.transitions.use import reconciled, result_of
from mozu.core.state.tree import link
from mozu.core.state.trust import is_bundle, is_interpreted_elsewhere, is_loaded_elsewhere, script_by_its_name

_PTID: Final = 5
_ENV: Final = 15
_TRUSTED: Final = 27
_NAME: Final = 30
"""Index of execve's path argument."""
_COUNT: Final = 30
"""Number of parameters that both kinds have; older recordings have fewer."""
_CLOEXEC: Final = dict(flag_table("file_flags"))["O_CLOEXEC"]
_OWN_CLOEXEC: Final = {
    "eventpoll": dict(flag_table("epoll_create1_flags"))["EPOLL_CLOEXEC"],
    "memfd": dict(flag_table("memfd_create_flags"))["MFD_CLOEXEC"],
}
_PIDS: Final = NAMESPACES["pid"]
_SEPARATING: Final = _PIDS | NAMESPACES["mnt"] | NAMESPACES["user"]
"""Namespaces in which root may not be the host's, or may see other files."""
_EMPTY_PATH: Final = dict(flag_table("execveat_flags"))["AT_EMPTY_PATH"]

def executed(state: State, event: SyscallEvent) -> None:
    """Give a task that has executed another program its new version."""
    process = event.process
    if process is None or result_of(event) < 0:
        return
    node = process.task
    assert isinstance(node, Node)
    path = _path(state, event, process)
    if process.exited:
        # The main thread has ended and another one took over its number.
        process = state.tables.update(node, state.number, exited=False)
    _become_only_thread(state, node)
    create_unknown = process.pid < 0 or process.ptid < 0
    version = event.process = state.tables.new_version(node, state.number)
    is_dated = _take_in(state, event, version)
    if path is not None:
        version.exepath = without_deleted(path)
    if is_dated:
        _ages(process, version)
    _trust(version, event)
    if create_unknown:
        reported = event.args[_PTID] if len(event.args) > _PTID else None
        version.ptid, version.vtid, version.vpid = reported or process.ptid, event.tid, version.pid
        if not state.live:
            version.cwd = ""
    if isinstance(event.observed, Executed):
        _reported_by_kernel(version, event.observed, is_dated=is_dated)
        if not create_unknown and event.observed.ptid >= 0:
            _take_reported_parent(state, node.main, version)
    _own_table(state, node)
    if isinstance(event.observed, Executed):
        _standard_descriptors(state, event, node, event.observed)
    if create_unknown and version.pid == node.tid:
        link(state, node)


def foresee_exec(state: State, event: SyscallEvent) -> None:
    """Give the event its process as the program would make it; the state does not change."""
    if event.process is None or event.args[0] != 0:
        return
    before, event.process = event.process, replace(event.process)
    is_dated = _take_in(state, event, event.process)
    path = event.args[_TRUSTED]
    if path:
        event.process.exepath = path
    if is_dated:
        _ages(before, event.process)
    _trust(event.process, event)


def _take_in(state: State, event: SyscallEvent, version: Process) -> bool:
    """Set the values of the parameters; an absent one keeps the known value. Return True if the times of the executable
    are
    known.
    """
    (
        _, exe, words_, _, pid, _, cwd, fdlimit, pfmajor, pfminor, vm_size, vm_rss, vm_swap, comm, groups, env, tty,
        vpgid, loginuid, flags, inheritable, permitted, effective, ino, ctime, mtime, uid, _, pgid, gid,
    ) = (*event.args, *(None,) * _COUNT)[:_COUNT]  # fmt: skip
    version.exe, version.name, version.args = exe or "", comm or exe or "", words(words_)
    version.args_truncated, version.exec_time, version.exited = False, event.time, False
    if pid is not None:
        version.pid = pid
    if fdlimit is not None:
        version.fdlimit = fdlimit
    if tty is not None:
        version.tty = tty
    if vpgid is not None:
        version.vpgid = vpgid
    if flags is not None:
        version.exe_flags = flags
    if uid is not None:
        version.uid = uid
    if gid is not None:
        version.gid = gid
    if vm_swap is not None:
        version.vm_swap, version.vm_rss, version.vm_size = vm_swap, vm_rss or 0, vm_size or 0
        version.pfminor, version.pfmajor = pfminor or 0, pfmajor or 0
    if effective is not None:
        version.cap_effective, version.cap_permitted = effective, permitted or 0
        version.cap_inheritable = inheritable or 0
    if mtime is not None:
        version.exe_mtime, version.exe_ctime, version.exe_ino = mtime, ctime or 0, ino or 0
    if pgid is not None or not state.live:
        version.pgid = -1 if pgid is None else pgid
    if loginuid is not None:
        version.loginuid = -1 if loginuid == INVALID_ID else loginuid
    if env or state.live:
        version.env = environment(env) if env is not None else None
    if groups:
        known = cgroups(groups)
        if known is not version.cgroups:  # else the container is known, too
            version.cgroups, version.container = known, state.container_of(known)
    if state.live and (cwd or "").startswith("/"):
        version.cwd = directory(cwd)
    return mtime is not None


def _ages(before: Process, version: Process) -> None:
    """Set the age of the executable, seen from the start of the process and of its pid namespace."""
    if before.start:
        version.exe_age = before.start - version.exe_ctime
    if before.pidns_start and version.exe_ctime > before.pidns_start:
        version.exe_novelty = version.exe_ctime - before.pidns_start


def _trust(version: Process, event: SyscallEvent) -> None:
    """Set the owner of the executable, and who can have put it there; unknown if the source does not say."""
    observed = event.observed
    known = observed if isinstance(observed, Executed) else None
    version.exe_uid, version.exe_mode = (-1, -1) if known is None else (known.exe_uid, known.exe_mode)
    version.exe_genuine, version.script = (None, None) if known is None else (known.exe_genuine, known.script)
    if version.script:
        given = event.args[_NAME] if len(event.args) > _NAME else None
        version.script = script_by_its_name(version.script, given or "", version.cwd)
    raw: bytes | None = event.args[_ENV] if len(event.args) > _ENV else None
    if known is None or not known.exe_genuine or not raw:
        return
    is_root = version.uid == 0 and not known.namespaces & _PIDS
    if is_loaded_elsewhere(raw, is_root=is_root, is_in_bundle=_works_in_bundle(version, known)):
        version.exe_genuine = False
    if version.script and is_interpreted_elsewhere(raw, version.exepath):
        version.script = ""


def _works_in_bundle(version: Process, known: Executed) -> bool:
    """Return True if root of the host runs a program in the directory of a container of containerd's, into which only
    root can write.

    The owner alone does not say so: root of a container without a user namespace owns the directories of its volumes.
    """
    is_of_host = not (version.uid or known.ruid or known.namespaces & _SEPARATING)
    return is_of_host and known.cwd_of_root and is_bundle(version.cwd)


def _path(state: State, event: SyscallEvent, process: Process) -> str | None:
    """Return the kernel's path of the executable; for old recordings, which lack it, the path that the call was
    given."""
    trusted: str | None = event.args[_TRUSTED] if len(event.args) > _TRUSTED else None
    if trusted:
        return trusted
    entered = state.entered.pop(event.tid, None)
    return None if entered is None else _asked(event, process, entered)


def _asked(event: SyscallEvent, process: Process, entered: Entered) -> str | None:
    if entered.type == "execve":
        name = entered.args[0]
        return None if name is None else join(process.cwd, name)
    if entered.type != "execveat":
        return None
    dirfd, name, flags = entered.args[:3]
    name = name or ""
    base = base_of(process, dirfd)
    if base == UNKNOWN_BASE and not name.startswith("/"):
        return UNKNOWN_BASE if not name else None
    return normal(base) if (flags or 0) & _EMPTY_PATH and not name else join(base, name)


def _reported_by_kernel(version: Process, observed: Executed, *, is_dated: bool) -> None:
    if observed.sid >= 0:
        version.sid = observed.sid
    if observed.pgid >= 0:
        version.pgid = observed.pgid
    if observed.vpid >= 0:
        version.vpid = observed.vpid
    if observed.vtid >= 0:
        version.vtid = observed.vtid
    if observed.ptid >= 0:
        version.ptid = observed.ptid
    version.ruid, version.suid, version.rgid, version.sgid = observed.ruid, observed.suid, observed.rgid, observed.sgid
    version.stack, version.namespaces = observed.stack, observed.namespaces
    version.args_truncated = observed.args_truncated
    if observed.start:
        version.start, version.boot_start = observed.start, observed.boot_start
        if is_dated and version.exe_ctime:
            version.exe_age = observed.start - version.exe_ctime


def _take_reported_parent(state: State, main: Node, version: Process) -> None:
    """Link the process to the parent that the kernel reports at each exec, which may differ from the one that forks and
    exits have shown."""
    known, parent = main.version.parent, state.node(version.ptid)
    if parent is None:
        if isinstance(known, Node) and known.died is None and state.tables.has_ended(version.ptid):
            version.ptid = known.tid  # the exec was reported after the parent's end, but its children had not moved yet
        return
    if parent.main is known or parent.main is main:
        return
    if isinstance(known, Node):
        known.children.discard(main)
    parent.main.children.add(main)
    version.parent = parent.main


def _become_only_thread(state: State, node: Node) -> None:
    """End every other thread, as the kernel does; the caller continues under the main thread's id."""
    if node.main.members:
        for thread in list(node.main.members):
            if thread is not node:
                end(state, thread, state.number)
    if node is node.main and node.version.others:
        state.tables.update(node, state.number, others=0)


def _own_table(state: State, node: Node) -> None:
    """Drop descriptors marked close-on-exec. A table shared with another process becomes the program's own."""
    if state.live and node.files.is_shared:
        state.tables.unshare(node)
    files = node.files
    if not files:
        return
    for fd, file in list(files.items()):
        if file.flags & (_CLOEXEC | _OWN_CLOEXEC.get(file.kind, 0)):
            state.drop(files, fd, state.number)


def _standard_descriptors(state: State, event: SyscallEvent, node: Node, observed: Executed) -> None:
    """Set the reported descriptors 0, 1 and 2: calls that made them may not have been seen (dup2, fcntl, calls of the
    parent)."""
    stdio = observed.stdio
    if stdio:
        version = node.version
        command = " ".join((version.name, *version.args)) if any(map(pipe_of, stdio[:2])) else ""
        state.tables.pipelines.began(state.number, command, *stdio[:2])
    for fd, file in enumerate(stdio):
        if file is None:
            state.drop(node.files, fd, state.number)
            continue
        known = node.files.get(fd)
        found = reconciled(event, file, known)
        if found is not known:
            state.tables.put_file(node.files, fd, found, state.number)


TRANSITIONS: Final = {"execve": executed, "execveat": executed}
