"""The ends of tasks: exit, eviction of a reused pid, and the reaper of the orphans (kernel: find_new_reaper)."""

from collections.abc import Iterable

from mozu.core.state.state import State
from mozu.core.state.tables import Node


def evict(state: State, node: Node, number: int) -> None:
    """Evict a task whose exit was not seen and whose pid now belongs to another; event `number` is the last to see
    it."""
    if node.main is not node:
        end(state, node, number)
        return
    for thread in list(node.members):
        end(state, thread, number)
    if node.died is None:
        state.tables.update(node, number, exited=True, others=0)
        close(state, node, number, find_reaper(node))


def end(state: State, node: Node, number: int, reaper: Node | None = None) -> None:
    """End one thread, and with the last thread its process. Event `number` is the last that sees it."""
    tables, main = state.tables, node.main
    if not node.version.exited:
        tables.update(node, number, exited=True)
        if node is not main:
            tables.update(main, number, others=max(0, main.version.others - 1))
    if node is not main:
        main.members.discard(node)
        tables.remove(node, number)
    close(state, main, number, reaper)


def close(state: State, main: Node, number: int, reaper: Node | None) -> None:
    """Remove a process if none of its threads lives any more."""
    if main.died is not None:
        return
    version = main.version
    if not version.exited or version.others:
        return
    for thread in main.members:
        state.tables.remove(thread, number)
    if isinstance(version.parent, Node):
        version.parent.children.discard(main)
    reparent(state, main.children, number + 1, reaper)
    state.tables.remove(main, number)
    state.entered.pop(main.tid, None)


def reparent(state: State, orphans: Iterable[Node], number: int, reaper: Node | None) -> None:
    """Make `reaper` the parent of these processes from event `number` on; None leaves them without a parent. The reaper
    itself gets none if lost events have left it among the orphans."""
    for orphan in [one for one in orphans if one.died is None]:
        parent = None if orphan is reaper else reaper
        ptid = 0 if parent is None else parent.tid
        for member in (orphan, *orphan.members):
            state.tables.update(member, number, parent=parent, ptid=ptid)
        if parent is not None:
            parent.children.add(orphan)


def find_reaper(node: Node) -> Node | None:
    """Return the nearest living ancestor in the same pid namespace that is an init or has declared itself a reaper;
    None if there is none."""
    inside = _is_inside(node)
    seen = {node.main}
    parent = node.main.version.parent
    while isinstance(parent, Node) and parent not in seen and parent.died is None:
        seen.add(parent)
        if _is_inside(parent) != inside:
            return None
        if (parent.reaper or parent.version.pid == 1 or parent.version.vpid == 1) and not parent.version.exited:
            return parent
        parent = parent.version.parent
    return None


def _is_inside(node: Node) -> bool:
    """Return True if a task lives in a pid namespace of its own."""
    return 0 <= node.version.vtid != node.tid
