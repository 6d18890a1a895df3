"""The calls clone, fork, vfork, clone3: new threads and processes.

Live, the tracepoint sched_process_fork reports each new task once (`_fork`), and the returns of the calls add nothing.
A recording has two events per clone: one of the caller (its result is the child's id in the caller's pid namespace) and
one of the child (result 0). Either may be missing, and the child's may come first.
"""

from typing import Any, Final

from msgspec.structs import replace

from mozu.core.model.event import Process, SyscallEvent
from mozu.core.model.syscalls import flag_table
from mozu.core.state.ends import evict
from mozu.core.state.identity import same_process
from mozu.core.state.observed import Forked
from mozu.core.state.placeholders import create_unknown, get_or_create
from mozu.core.state.state import State
from mozu.core.state.tables import Node
from mozu.core.state.texts import cgroups, words
from mozu.core.state.transitions.use import result_of
from mozu.core.state.tree import adopt, enlist, link

_FLAGS: Final = dict(flag_table("clone_flags"))
THREAD: Final = _FLAGS["CLONE_THREAD"]
_VFORK: Final = _FLAGS["CLONE_VFORK"]
_IN_NAMESPACE: Final = _FLAGS["CLONE_CHILD_IN_PIDNS"] | _FLAGS["CLONE_NEWPID"]
_CALLER_CANNOT_TELL: Final = _IN_NAMESPACE | _FLAGS["CLONE_PARENT"]
_STALE: Final = 2_000_000_000
"""Nanoseconds after which a task with the child's id cannot be the child."""

_EXE, _ARGS, _PID, _PTID, _FDLIMIT, _MAJOR, _COMM, _CGROUPS, _CLONE_FLAGS, _UID, _VTID, _INIT_START = (
    1, 2, 4, 5, 7, 8, 13, 14, 15, 16, 18, 20,
)  # fmt: skip


# --- live ---


def forked(state: State, event: SyscallEvent) -> None:
    """Add a process that the scheduler reports (`_fork`); a thread is only counted."""
    observed: Forked = event.observed
    born = state.number + 1
    creator = get_or_create(state, event.tid, event.pid)
    if observed.pid != observed.tid:
        state.tables.update(creator, born, others=creator.version.others + 1)
        return
    old = state.node(observed.tid)
    if old is not None:
        if same_process(old.version, observed.pid, observed.boot_start):
            return  # seeding from /proc came before the event
        evict(state, old, state.number)  # a reused pid: the exit of the earlier process was not seen
    source = creator.version
    if observed.shares_files:
        creator.files.is_shared = True
        child = Node(observed.tid, state.tables, born, creator.files)
    else:
        child = Node(observed.tid, state.tables, born, state.tables.inherited(creator.files))
    process = replace(source)  # then set its members: half the time of a `replace` with so many names
    process.task, process.tid, process.pid = child, observed.tid, observed.pid
    process.vtid, process.vpid, process.since, process.older = observed.vtid, observed.vpid, born, None
    process.start, process.others, process.exited, process.leader = observed.start or event.time, 0, False, None
    process.boot_start = observed.boot_start
    if observed.pidns_start:
        process.pidns_start = observed.pidns_start
    parent = (state.node(observed.ptid) or creator).main
    process.ptid, process.parent = parent.tid, parent
    state.add(process)
    parent.children.add(child)


def moved(state: State, event: SyscallEvent) -> None:
    """Move a process to other cgroups (`_cgroup`), and with them to another container, or to none."""
    node = state.node(event.pid)
    if node is None:
        return
    groups = event.observed.cgroups
    container = state.container_of(groups)
    for member in (node.main, *node.main.members):
        state.tables.update(member, state.number + 1, cgroups=groups, container=container)


# --- recorded ---


def cloned(state: State, event: SyscallEvent) -> None:
    """Add the task that a recorded clone or one of its siblings has made."""
    result = result_of(event)
    if state.live or result < 0 or state.is_full:
        return
    if result:
        _reported_by_caller(state, event, result)
    else:
        _reported_by_child(state, event)


def _reported_by_caller(state: State, event: SyscallEvent, child_tid: int) -> None:
    args = event.args
    caller = state.node(event.tid) or create_unknown(state, event.tid, event.pid)
    trusted = caller.version.pid >= 0
    if not trusted:
        _introduce(state, caller, args)
    event.process = caller.newest
    flags = _number(args, _CLONE_FLAGS)
    if flags & (_CALLER_CANNOT_TELL | _VFORK) or event.type == "vfork" or caller.version.vtid != event.tid:
        return
    ended = state.recent_exits.get((event.tid, child_tid))
    if ended is not None and 0 <= event.time - ended < _STALE:
        return
    old = state.node(child_tid)
    if old is not None:
        if old.inverted:
            return
        evict(state, old, state.number)
        if caller.died is not None:
            return
    thread = bool(flags & THREAD)
    parent = caller.version
    process = _child(state, event, parent, trusted=trusted, child_tid=child_tid, thread=thread)
    process.pid = parent.pid if thread else child_tid
    process.ptid = parent.ptid if thread else event.tid
    process.vtid, process.vpid = child_tid, process.pid
    process.pidns_start = state.boot_time
    _place(state, process, caller, thread=thread, trusted=trusted)
    event.process = caller.newest


def _reported_by_child(state: State, event: SyscallEvent) -> None:
    args, tid = event.args, event.tid
    flags = _number(args, _CLONE_FLAGS)
    thread = bool(flags & THREAD)
    old = state.node(tid)
    if old is not None:
        start = old.version.start
        if start and event.time - start < _STALE:
            event.process = old.newest
            return
        evict(state, old, state.number - 1)
    pid, ptid = _number(args, _PID), _number(args, _PTID)
    source = pid if thread else ptid
    model = state.node(source) or create_unknown(state, source, -1)
    trusted = model.version.pid >= 0
    if not trusted and thread:
        _introduce(state, model, args)
    process = _child(state, event, model.version, trusted=trusted, child_tid=tid, thread=thread)
    process.pid, process.ptid = pid, ptid
    vtid = _number(args, _VTID, -1)
    process.vtid, process.vpid = (vtid, _number(args, _VTID + 1, -1)) if vtid >= 0 else (tid, -1)
    if flags & _IN_NAMESPACE or process.vtid != tid:
        start = _number(args, _INIT_START)
        process.pidns_start = start + state.boot_time if len(args) > _INIT_START else 0
    else:
        process.pidns_start = state.boot_time
    node = _place(state, process, model, thread=thread, trusted=trusted)
    node.inverted = True
    event.process = node.newest


def _child(
    state: State, event: SyscallEvent, parent: Process, *, trusted: bool, child_tid: int, thread: bool
) -> Process:
    """Return the new version as far as both returns of clone agree: the event's values win over the parent's."""
    args = event.args
    node = Node(child_tid, state.tables, state.number)
    exe = args[_EXE] or ""
    groups = cgroups(args[_CGROUPS]) if args[_CGROUPS] else ()
    uid, gid = _number(args, _UID), _number(args, _UID + 1)
    own: dict[str, Any] = {
        "task": node, "tid": child_tid, "since": state.number, "older": None, "parent": None, "leader": None,
        "exe": exe, "args": words(args[_ARGS]), "args_truncated": False, "name": args[_COMM] or exe,
        "fdlimit": _number(args, _FDLIMIT), "cgroups": groups, "container": state.container_of(groups),
        "uid": uid, "ruid": uid, "suid": uid, "gid": gid, "rgid": gid, "sgid": gid, "start": event.time,
        "exec_time": parent.exec_time if thread else 0, "others": 0, "exited": False, "exe_novelty": 0, "boot_start": 0,
    }  # fmt: skip
    if args[_MAJOR + 4] is not None:
        names = ("pfmajor", "pfminor", "vm_size", "vm_rss", "vm_swap")
        own.update((name, _number(args, place)) for place, name in enumerate(names, _MAJOR))
    return replace(parent, **own) if trusted else Process(pid=child_tid, cwd="", env=(), **own)


def _place(state: State, process: Process, model: Node, *, thread: bool, trusted: bool) -> Node:
    """Give a new task its place in the tree. `model` is the task it derives from: its creator, parent or leader."""
    number = state.number
    node = process.task
    assert isinstance(node, Node)
    state.add(process)
    if thread:
        main = (state.node(process.pid) or model).main
        process.leader = main
        process.cwd, process.env = main.version.cwd, main.version.env
        process.parent = main.version.parent
        enlist(state, main, node, number)
        return node
    if trusted:
        node.files = state.tables.inherited(model.files)
        process.cwd, process.env = model.main.version.cwd, model.main.version.env
    link(state, node)
    adopt(state, node, number)
    return node


def _introduce(state: State, node: Node, args: tuple[Any, ...]) -> None:
    """Fill in a task that was unknown until an event of its process."""
    pid, ptid = _number(args, _PID, -1), _number(args, _PTID, -1)
    vtid = _number(args, _VTID, -1)
    exe = args[_EXE] or ""
    state.tables.update(
        node, state.number, pid=pid, ptid=ptid, vtid=vtid if vtid >= 0 else node.tid,
        vpid=_number(args, _VTID + 1, -1), exe=exe, name=args[_COMM] or exe, args=words(args[_ARGS]), cwd="",
    )  # fmt: skip
    link(state, node)


def _number(args: tuple[Any, ...], index: int, default: int = 0) -> int:
    value = args[index] if index < len(args) else None
    return default if value is None else int(value)


TRANSITIONS: Final = dict.fromkeys(("clone", "clone3", "fork", "vfork"), cloned)
INTERNAL: Final = {"_fork": forked, "_cgroup": moved}
