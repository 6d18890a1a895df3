"""procexit: a thread has ended, and with the last one its process."""

from typing import Final

from mozu.core.event import SyscallEvent
from mozu.core.state.ends import close, end, find_reaper
from mozu.core.state.state import State
from mozu.core.state.tables import Node

_REAPER: Final = 4
_RECENT: Final = 256


def exited(state: State, event: SyscallEvent) -> None:
    """A task has ended. The event itself still sees it, with its threads counted without it."""
    node = state.node(event.tid)
    if node is None:
        _uncount(state, event)
        return
    reaper = _reaper(state, node, event)
    end(state, node, state.number, reaper)
    event.process = node.newest
    if not state.live:
        _remember(state, event, node)


def _uncount(state: State, event: SyscallEvent) -> None:
    """A thread that was there before the state and never showed itself."""
    main = state.node(event.pid) if event.pid > 0 else None
    if main is not None and len(main.members) < main.version.others:
        state.tables.update(main, state.number + 1, others=main.version.others - 1)
        close(state, main, state.number, None)


def _remember(state: State, event: SyscallEvent, node: Node) -> None:
    recent = state.recent_exits
    recent[node.version.ptid, event.tid] = event.time
    if len(recent) > _RECENT:
        del recent[next(iter(recent))]


def _reaper(state: State, node: Node, event: SyscallEvent) -> Node | None:
    """Who takes over: whom the kernel named, else whom its rules would choose."""
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
