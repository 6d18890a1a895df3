"""Who belongs to whom: parents and their children, processes and their threads."""

from mozu.core.state.state import State
from mozu.core.state.tables import Node


def link(state: State, node: Node) -> None:
    """Attach the main thread of a process to the parent that its `ptid` names, if that is known."""
    version = node.version
    parent = state.node(version.ptid) if version.pid != 1 and version.ptid != node.tid else None
    if parent is None or parent.version.pid < 0:
        version.parent = None
        return
    version.parent = parent.main
    parent.main.children.add(node)


def adopt(state: State, node: Node) -> None:
    """Attach children that were known before their parent."""
    for child in state.waiting.pop(node.tid, ()):
        if child.newest is not None and child.died is None:
            link(state, child)


def enlist(state: State, main: Node, thread: Node, number: int, *, counted: bool = False) -> None:
    """Make a thread a member of its process. `counted`: the process's number of threads includes it already."""
    thread.main = main
    thread.files = main.files
    main.members.add(thread)
    if not counted:
        state.tables.update(main, number, others=main.version.others + 1)
