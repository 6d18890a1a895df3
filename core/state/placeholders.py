"""Tasks that an event names and the state does not have: backfilled from /proc, otherwise a placeholder."""

from typing import Final

from msgspec.structs import replace

from mozu.core.model.event import Process, SyscallEvent
from mozu.core.state.ends import evict
from mozu.core.state.seeding import seed
from mozu.core.state.state import INVALID_ID, State
from mozu.core.state.tables import Node

_PLACEHOLDER: Final = "<NA>"
_GENERATIONS: Final = 64
"""The most ancestors that are read at once."""


def get_or_create(state: State, tid: int, pid: int) -> Node:
    """Return the node of a task, made if it is missing. Live, a thread's node is that of its process."""
    node = state.node(tid)
    if node is None and state.live:
        node = state.node(pid)
    return create_unknown(state, tid, pid) if node is None else node


def create_unknown(state: State, tid: int, pid: int) -> Node:
    """Return a node backfilled from /proc, or a placeholder if that is not possible, so that /proc is read only
    once."""
    node = backfill_from_proc(state, pid if pid > 0 else tid) if state.live else None
    if node is not None:
        return node
    state.unknown.value += 1
    number = pid if state.live and pid > 0 else tid
    node = Node(number, state.tables, state.number)
    if state.live:
        process = Process(node, number, number, since=state.number)
    else:
        process = Process(
            node, tid, -1, since=state.number, name=_PLACEHOLDER, exe=_PLACEHOLDER, cwd="./", env=(),
            uid=INVALID_ID, gid=INVALID_ID,
        )  # fmt: skip
    node.newest = process
    if number > 0 and not state.is_full:
        state.add(process)
    return node


def backfill_from_proc(state: State, tid: int) -> Node | None:
    """Return the node of a process read from /proc, or None. A thread's id leads to its process."""
    known = state.lookup(tid) if state.lookup is not None and tid > 0 else None
    if known is not None and known[0] != tid:
        found = state.node(known[0])
        if found is not None:
            return found
        known = state.lookup(known[0]) if state.lookup is not None else None
    if known is None:
        return None
    pid, observed, others = known
    state.backfilled.value += 1
    node = seed(state, pid, pid, observed, state.number, others=others)
    _backfill_ancestors(state, node)
    return node


def _backfill_ancestors(state: State, node: Node) -> None:
    """Read the process's ancestors too, up to one that is known: they may have been forgotten as it was."""
    for _ in range(_GENERATIONS):
        ptid = node.version.ptid
        if state.lookup is None or ptid <= 0 or state.node(ptid) is not None:
            return
        known = state.lookup(ptid)
        if known is None or known[0] != ptid:
            return
        state.backfilled.value += 1
        node = seed(state, ptid, ptid, known[1], state.number, others=known[2])


def evict_reused_pid(state: State, event: SyscallEvent, node: Node) -> Node:
    """Evict a process that ended unseen, whose pid is now the id of another process's thread; return that process's
    node."""
    evict(state, node, state.number - 1)
    return get_or_create(state, event.tid, event.pid)


def as_thread(event: SyscallEvent) -> Process | None:
    """Return the event's process as one of its threads sees it. The thread's id in a pid namespace of its own is not
    known."""
    process = event.process
    if process is None or process.tid == event.tid:
        return process
    vtid = event.tid if process.vpid == process.pid else -1
    return replace(process, tid=event.tid, leader=process.task, vtid=vtid)
