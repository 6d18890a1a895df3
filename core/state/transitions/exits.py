"""The event procexit: a thread has ended, and with the last one its process."""

from typing import Final

from mozu.core.model.event import SyscallEvent
from mozu.core.state.ends import close, end, find_reaper
from mozu.core.state.state import State
from mozu.core.state.tables import Node

_REAPER: Final = 4
_RECENT: Final = 256


def exited(state: State, event: SyscallEvent) -> None:
    """End a task. The event itself still sees it, with its threads counted without it.

    Live, the end of a main thread is reported when the last thread of its process has ended.
    """
    node = state.node(event.tid)
    if state.live:
        _ended(state, event, node)
        return
    if node is None:
        return
    end(state, node, state.number, _reaper(state, node, event))
    event.process = node.newest
    _remember(state, event, node)


def _ended(state: State, event: SyscallEvent, node: Node | None) -> None:
    number = state.number
    if node is not None and node.main is node:
        reaper = _reaper(state, node, event)
        version = event.process = state.tables.new_version(node, number)
        version.exited, version.others = True, 0
        close(state, node, number, reaper)
        return
    main = state.node(event.pid)
    if main is not None:
        event.process = state.tables.update(main, number, others=max(0, main.version.others - 1))
    elif state.ended_unknown is not None:
        state.ended_unknown.add(event.pid)


def thread_ended(state: State, event: SyscallEvent) -> None:
    """Count the end of one of several threads, live (`_exit`)."""
    main = state.node(event.pid)
    if main is None or main.main is not main:
        return
    if event.tid == event.pid:
        state.tables.update(main, state.number + 1, exited=True)
    else:
        state.tables.update(main, state.number + 1, others=max(0, main.version.others - 1))


def _remember(state: State, event: SyscallEvent, node: Node) -> None:
    recent = state.recent_exits
    recent[node.version.ptid, event.tid] = event.time
    if len(recent) > _RECENT:
        del recent[next(iter(recent))]


def _reaper(state: State, node: Node, event: SyscallEvent) -> Node | None:
    """Return the process that takes over the children: the one that the kernel named, or else the one that its rules
    would choose. None if there are no children."""
    if not node.main.children:
        return None
    args = event.args
    tid = args[_REAPER] if len(args) > _REAPER and args[_REAPER] else 0
    named = state.node(tid) if tid > 0 else None
    if named is not None and named.version.pid >= 0 and named.main is not node.main:
        named.main.reaper = True
        return named.main
    return find_reaper(node)


TRANSITIONS: Final = {"procexit": exited}
INTERNAL: Final = {"_exit": thread_ended}
