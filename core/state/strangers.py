"""Tasks that an event names and nobody has told of."""

from typing import Final

from mozu.core.event import Process
from mozu.core.state.seeding import seed
from mozu.core.state.state import NOBODY, State
from mozu.core.state.tables import Node

_PLACEHOLDER: Final = "<NA>"


def stranger(state: State, tid: int, pid: int) -> Node:
    """Read it from the machine itself, once; where that is not possible a placeholder, so that nobody asks again."""
    node = heal(state, tid) if tid > 0 else None
    if node is not None:
        return node
    state.unknown.value += 1
    node = Node(tid, state.tables, state.number)
    if state.live:
        process = Process(node, tid, pid if pid > 0 else tid, since=state.number)
    else:
        process = Process(
            node, tid, -1, since=state.number, name=_PLACEHOLDER, exe=_PLACEHOLDER, cwd="./", env=(),
            uid=NOBODY, gid=NOBODY,
        )  # fmt: skip
    node.newest = process
    if tid > 0 and not state.is_full:
        state.add(process)
    return node


def heal(state: State, tid: int) -> Node | None:
    """Read a task from the machine itself, and its main thread before it."""
    known = None if state.lookup is None else state.lookup(tid)
    if known is None:
        return None
    pid = known[0]
    if pid != tid and state.node(pid) is None:
        main = state.lookup(pid) if state.lookup is not None else None
        if main is not None:
            seed(state, pid, main[0], main[1], state.number)
    state.healed.value += 1
    return seed(state, tid, pid, known[1], state.number)
