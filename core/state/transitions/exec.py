"""execve, execveat: a task becomes another program.

A successful one of either kind comes as `execve`. A failed one changes nothing: `proc.*` describe the caller.
"""

from typing import Any, Final

from mozu.core.event import Process, SyscallEvent
from mozu.core.state.cgroup import container_of
from mozu.core.state.ends import end
from mozu.core.state.facts import Entered, Executed
from mozu.core.state.paths import UNKNOWN_BASE, directory, join, normal, without_deleted
from mozu.core.state.state import NOBODY, State
from mozu.core.state.tables import Node
from mozu.core.state.texts import cgroups, words
from mozu.core.state.transitions.opening import base_of
from mozu.core.state.tree import link
from mozu.core.syscalls import event_type, flag_table

_EXEC: Final = event_type("execve")
assert _EXEC is not None
_AT: Final = {param.name: index for index, param in enumerate(_EXEC.params)}
_CLOEXEC: Final = dict(flag_table("file_flags"))["O_CLOEXEC"]
_OWN_CLOEXEC: Final = {
    "eventpoll": dict(flag_table("epoll_create1_flags"))["EPOLL_CLOEXEC"],
    "memfd": dict(flag_table("memfd_create_flags"))["MFD_CLOEXEC"],
}
_EMPTY_PATH: Final = dict(flag_table("execveat_flags"))["AT_EMPTY_PATH"]

_PLAIN: Final = {
    "fdlimit": "fdlimit", "tty": "tty", "vpgid": "vpgid", "exe_flags": "flags", "pgid": "pgid", "uid": "uid",
    "gid": "gid",
}  # fmt: skip
"""Field of `Process` ← parameter; each kept where the parameter is empty."""
_TOGETHER: Final = (
    {"vm_swap": "vm_swap", "vm_rss": "vm_rss", "vm_size": "vm_size", "pfminor": "pgft_min", "pfmajor": "pgft_maj"},
    {"cap_effective": "cap_effective", "cap_permitted": "cap_permitted", "cap_inheritable": "cap_inheritable"},
    {"exe_mtime": "exe_ino_mtime", "exe_ctime": "exe_ino_ctime", "exe_ino": "exe_ino"},
)
"""Groups of which all are there, or none; the first tells."""


def executed(state: State, event: SyscallEvent) -> None:
    """A task runs another program now."""
    process = event.process
    if process is None or not event.args or event.args[0] is None or event.args[0] < 0:
        return
    node = process.task
    assert isinstance(node, Node)
    args = {name: event.args[index] for name, index in _AT.items() if index < len(event.args)}
    changes = _changes(state, event, process, args)
    if process.exited:
        # The main thread has ended and another one took over its number.
        process = state.tables.update(node, state.number, exited=False)
    _become_only_thread(state, node)
    stranger = process.pid < 0 or process.ptid < 0
    if stranger:
        changes.update(ptid=args.get("ptid") or process.ptid, vtid=event.tid, vpid=changes["pid"])
        if not state.live:
            changes["cwd"] = ""
    if isinstance(event.facts, Executed):
        _told_by_kernel(event, event.facts, changes)
    _own_table(state, node)
    version = state.change(event, **changes)
    if stranger and version is not None and version.pid == node.tid:
        link(state, node)


def _changes(state: State, event: SyscallEvent, process: Process, args: dict[str, Any]) -> dict[str, Any]:
    exe = args.get("exe") or ""
    changes: dict[str, Any] = {
        "exe": exe,
        "name": args.get("comm") or exe,
        "args": words(args.get("args")),
        "args_truncated": False,
        "pid": args["pid"] if args.get("pid") is not None else process.pid,
        "exec_time": event.time,
        "exited": False,
    }
    for field, name in _PLAIN.items():
        if args.get(name) is not None:
            changes[field] = args[name]
    for group in _TOGETHER:
        if args.get(next(iter(group.values()))) is not None:
            changes.update({field: args[name] or 0 for field, name in group.items()})
    if not state.live and args.get("pgid") is None:
        changes["pgid"] = -1
    if args.get("loginuid") is not None:
        changes["loginuid"] = -1 if args["loginuid"] == NOBODY else args["loginuid"]
    if args.get("env") or state.live:
        changes["env"] = words(args["env"]) if args.get("env") is not None else None
    if args.get("cgroups"):
        groups = cgroups(args["cgroups"])
        changes.update(cgroups=groups, container=container_of(groups, state.namespaces))
    if state.live and (args.get("cwd") or "").startswith("/"):
        changes["cwd"] = directory(args["cwd"])
    path = _path(state, event, process, args)
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


def _path(state: State, event: SyscallEvent, process: Process, args: dict[str, Any]) -> str | None:
    """The kernel's path of the executable; old recordings have only what the call was given."""
    trusted: str | None = args.get("trusted_exepath")
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
    base = base_of(process, dirfd, name)
    if base == UNKNOWN_BASE:
        return UNKNOWN_BASE if not name else None
    return normal(base) if (flags or 0) & _EMPTY_PATH and not name else join(base, name)


def _told_by_kernel(event: SyscallEvent, facts: Executed, changes: dict[str, Any]) -> None:
    for field in ("sid", "pgid", "vpid", "vtid", "ptid"):
        value = getattr(facts, field)
        if value >= 0:
            changes[field] = value
    changes.update(
        ruid=facts.ruid, suid=facts.suid, rgid=facts.rgid, sgid=facts.sgid, stack=facts.stack,
        args_truncated=facts.args_truncated,
    )  # fmt: skip
    if facts.start:
        changes["start"] = facts.start
        if changes.get("exe_ctime"):
            changes["exe_age"] = facts.start - changes["exe_ctime"]


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


TRANSITIONS: Final = {"execve": executed, "execveat": executed}
