"""The process tree: parents and their children, processes and their threads."""

from mozu.core.state.state import State
from mozu.core.state.tables import Node


def link(state: State, node: Node) -> None:
    """Attach the main thread of a process, whose version was just made, to the parent that its `ptid` names, if that is
    known."""
    version = node.version
    parent = state.node(version.ptid) if version.pid != 1 and version.ptid != node.tid else None
    if parent is None or parent.version.pid < 0:
        version.parent = None
        return
    version.parent = parent.main
    parent.main.children.add(node)


def adopt(state: State, node: Node, number: int) -> None:
    """Attach children and threads that were known before their parent or their main thread."""
    for early in state.waiting.pop(node.tid, ()):
        if early.died is not None:
            continue
        if early.version.pid == node.tid:
            join(state, node, early, number)
        else:
            link(state, early)


def join(state: State, main: Node, thread: Node, number: int) -> None:
    """Make a thread that was known before its process a member of that, with what threads share."""
    main = main.main
    version, of_main = thread.version, main.version
    version.leader, version.parent = main, of_main.parent
    version.cwd, version.env = of_main.cwd, of_main.env
    enlist(state, main, thread, number)


def enlist(state: State, main: Node, thread: Node, number: int) -> None:
    """Make a thread a member of its process."""
    main = main.main
    if main is thread:
        return
    for member in (thread, *thread.members):
        member.main = main
        member.files = main.files
        main.members.add(member)
    thread.members = set()
    state.tables.update(main, number, others=main.version.others + 1)
