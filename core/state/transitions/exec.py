"""execve, execveat: a task becomes another program.

A successful one of either kind comes as `execve`. A failed one changes nothing: `proc.*` describe the caller.
"""

from typing import Any, Final

from mozu.core.model.event import Process, SyscallEvent
from mozu.core.model.syscalls import flag_table
from mozu.core.state.cgroup import container_of
from mozu.core.state.ends import end
from mozu.core.state.observed import Entered, Executed
from mozu.core.state.paths import UNKNOWN_BASE, directory, join, normal, without_deleted
from mozu.core.state.state import INVALID_ID, State
from mozu.core.state.tables import Node
from mozu.core.state.texts import cgroups, environment, words
from mozu.core.state.transitions.opening import base_of
from mozu.core.state.transitions.use import reconciled
from mozu.core.state.tree import link

_PTID: Final = 5
_COUNT: Final = 30
"""Parameters that both kinds have; older recordings have fewer."""
_CLOEXEC: Final = dict(flag_table("file_flags"))["O_CLOEXEC"]
_OWN_CLOEXEC: Final = {
    "eventpoll": dict(flag_table("epoll_create1_flags"))["EPOLL_CLOEXEC"],
    "memfd": dict(flag_table("memfd_create_flags"))["MFD_CLOEXEC"],
}
_EMPTY_PATH: Final = dict(flag_table("execveat_flags"))["AT_EMPTY_PATH"]

def executed(state: State, event: SyscallEvent) -> None:
    """A task runs another program now."""
    process = event.process
    if process is None or not event.args or event.args[0] is None or event.args[0] < 0:
        return
    node = process.task
    assert isinstance(node, Node)
    changes = _changes(state, event, process)
    if process.exited:
        # The main thread has ended and another one took over its number.
        process = state.tables.update(node, state.number, exited=False)
    _become_only_thread(state, node)
    create_unknown = process.pid < 0 or process.ptid < 0
    if create_unknown:
        reported = event.args[_PTID] if len(event.args) > _PTID else None
        changes.update(ptid=reported or process.ptid, vtid=event.tid, vpid=changes["pid"])
        if not state.live:
            changes["cwd"] = ""
    if isinstance(event.observed, Executed):
        _told_by_kernel(event, event.observed, changes)
        if not create_unknown:
            _take_reported_parent(state, node.main, changes)
    _own_table(state, node)
    if isinstance(event.observed, Executed):
        _standard_descriptors(state, event, node, event.observed)
    version = state.change(event, **changes)
    if create_unknown and version is not None and version.pid == node.tid:
        link(state, node)


def _changes(state: State, event: SyscallEvent, process: Process) -> dict[str, Any]:
    """What a parameter says replaces what was known; an empty one leaves it."""
    args = event.args
    if len(args) < _COUNT:
        args = (*args, *(None,) * (_COUNT - len(args)))
    (
        _, exe, words_, _, pid, _, cwd, fdlimit, pfmajor, pfminor, vm_size, vm_rss, vm_swap, comm, groups, env, tty,
        vpgid, loginuid, flags, inheritable, permitted, effective, ino, ctime, mtime, uid, trusted, pgid, gid,
    ) = args[:_COUNT]  # fmt: skip
    changes: dict[str, Any] = {
        "exe": exe or "",
        "name": comm or exe or "",
        "args": words(words_),
        "args_truncated": False,
        "pid": process.pid if pid is None else pid,
        "exec_time": event.time,
        "exited": False,
    }
    for field, value in (
        ("fdlimit", fdlimit), ("tty", tty), ("vpgid", vpgid), ("exe_flags", flags), ("pgid", pgid), ("uid", uid),
        ("gid", gid),
    ):  # fmt: skip
        if value is not None:
            changes[field] = value
    if vm_swap is not None:
        changes.update(
            vm_swap=vm_swap, vm_rss=vm_rss or 0, vm_size=vm_size or 0, pfminor=pfminor or 0, pfmajor=pfmajor or 0
        )
    if effective is not None:
        changes.update(cap_effective=effective, cap_permitted=permitted or 0, cap_inheritable=inheritable or 0)
    if mtime is not None:
        changes.update(exe_mtime=mtime, exe_ctime=ctime or 0, exe_ino=ino or 0)
    if not state.live and pgid is None:
        changes["pgid"] = -1
    if loginuid is not None:
        changes["loginuid"] = -1 if loginuid == INVALID_ID else loginuid
    if env or state.live:
        changes["env"] = environment(env) if env is not None else None
    if groups:
        known = cgroups(groups)
        changes.update(cgroups=known, container=container_of(known, state.namespaces))
    if state.live and (cwd or "").startswith("/"):
        changes["cwd"] = directory(cwd)
    path = trusted or _path(state, event, process)
    if path is not None:
        changes["exepath"] = without_deleted(path)
    _ages(process, changes)
    return changes


def _ages(process: Process, changes: dict[str, Any]) -> None:
    """How old the executable is, seen from the start of the process and of its pid namespace."""
    ctime = changes.get("exe_ctime")
    if ctime is None:
        return
    if process.start:
        changes["exe_age"] = process.start - ctime
    if process.pidns_start and ctime > process.pidns_start:
        changes["exe_novelty"] = ctime - process.pidns_start


def _path(state: State, event: SyscallEvent, process: Process) -> str | None:
    """Old recordings do not have the kernel's path of the executable, only what the call was given."""
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
    base = base_of(process, dirfd, name)
    if base == UNKNOWN_BASE:
        return UNKNOWN_BASE if not name else None
    return normal(base) if (flags or 0) & _EMPTY_PATH and not name else join(base, name)


def _told_by_kernel(event: SyscallEvent, observed: Executed, changes: dict[str, Any]) -> None:
    for field in ("sid", "pgid", "vpid", "vtid", "ptid"):
        value = getattr(observed, field)
        if value >= 0:
            changes[field] = value
    changes.update(
        ruid=observed.ruid, suid=observed.suid, rgid=observed.rgid, sgid=observed.sgid, stack=observed.stack,
        namespaces=observed.namespaces, args_truncated=observed.args_truncated,
    )  # fmt: skip
    if observed.start:
        changes["start"] = observed.start
        if changes.get("exe_ctime"):
            changes["exe_age"] = observed.start - changes["exe_ctime"]


def _take_reported_parent(state: State, main: Node, changes: dict[str, Any]) -> None:
    """The kernel names the parent at each exec: it may be another one than forks and exits have shown."""
    ptid, known = changes.get("ptid", -1), main.version.parent
    parent = state.node(ptid)
    if parent is None:
        if isinstance(known, Node) and known.died is None and state.tables.has_ended(ptid):
            changes["ptid"] = known.tid  # reported behind the end of a parent whose children had not moved yet
        return
    if parent.main is known or parent.main is main:
        return
    if isinstance(known, Node):
        known.children.discard(main)
    parent.main.children.add(main)
    changes["parent"] = parent.main


def _become_only_thread(state: State, node: Node) -> None:
    """The kernel ends every other thread; the one that called goes on under the main thread's number."""
    for thread in list(node.main.members):
        if thread is not node:
            end(state, thread, state.number)
    if node is node.main and node.version.others:
        state.tables.update(node, state.number, others=0)


def _own_table(state: State, node: Node) -> None:
    """Descriptors marked close-on-exec are gone. A table shared with another process becomes the program's own."""
    if state.live:
        state.tables.unshare(node)
    files = node.files
    for fd, file in list(files.items()):
        if file.flags & (_CLOEXEC | _OWN_CLOEXEC.get(file.kind, 0)):
            state.drop(files, fd, state.number)


def _standard_descriptors(state: State, event: SyscallEvent, node: Node, observed: Executed) -> None:
    """Calls that put something there may not have been seen: dup2, fcntl, those of the process that made this one."""
    for fd, file in enumerate(observed.stdio):
        if file is None:
            state.drop(node.files, fd, state.number)
            continue
        known = node.files.get(fd)
        found = reconciled(event, file, known)
        if found is not known:
            state.tables.put_file(node.files, fd, found, state.number)


TRANSITIONS: Final = {"execve": executed, "execveat": executed}
