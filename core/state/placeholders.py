"""Tasks that an event names and nobody has told of."""

from typing import Final

from msgspec.structs import replace

from mozu.core.model.event import Process, SyscallEvent
from mozu.core.state.ends import bury
from mozu.core.state.seeding import seed
from mozu.core.state.state import NOBODY, State
from mozu.core.state.tables import Node

_PLACEHOLDER: Final = "<NA>"


def resident(state: State, tid: int, pid: int) -> Node:
    """The node of a task. Live there are nodes of processes only: a thread's is that of its process."""
    node = state.node(tid)
    if node is None and state.live and pid > 0:
        node = state.node(pid)
    return stranger(state, tid, pid) if node is None else node


def stranger(state: State, tid: int, pid: int) -> Node:
    """Read it from the machine itself, once; where that is not possible a placeholder, so that nobody asks again."""
    node = heal(state, pid if pid > 0 else tid) if state.live else None
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
            uid=NOBODY, gid=NOBODY,
        )  # fmt: skip
    node.newest = process
    if number > 0 and not state.is_full:
        state.add(process)
    return node


def heal(state: State, tid: int) -> Node | None:
    """Read a process from the machine itself. A thread's number leads to its process."""
    known = state.lookup(tid) if state.lookup is not None and tid > 0 else None
    if known is not None and known[0] != tid:
        found = state.node(known[0])
        if found is not None:
            return found
        known = state.lookup(known[0]) if state.lookup is not None else None
    if known is None:
        return None
    pid, observed, others = known
    state.healed.value += 1
    return seed(state, pid, pid, observed, state.number, others=others)


def displaced(state: State, event: SyscallEvent, node: Node) -> Node:
    """The number of a process that has ended unseen is that of a thread of another one now."""
    bury(state, node, state.number - 1)
    return resident(state, event.tid, event.pid)


def as_thread(event: SyscallEvent) -> Process | None:
    """The process of the event as one of its threads sees it. Its number in a pid namespace of its own is not known."""
    process = event.process
    if process is None or process.tid == event.tid:
        return process
    vtid = event.tid if process.vpid == process.pid else -1
    return replace(process, tid=event.tid, leader=process.task, vtid=vtid)
