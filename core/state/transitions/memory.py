"""Memory sizes, page faults and limits, which events of other calls carry along."""

from typing import Any, Final

from msgspec.structs import replace

from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import flag_table
from mozu.core.state.state import State
from mozu.core.state.tables import Node
from mozu.core.state.transitions.use import INDEX, result_of, used

_NOFILE: Final = dict(flag_table("rlimit_resources"))["RLIMIT_NOFILE"]


def _sizes(state: State, event: SyscallEvent) -> None:
    """Set the memory sizes from brk, mmap or munmap: (result, size, resident, swapped …)."""
    index = INDEX.get(event.type)
    if index is not None:
        used(state, event, index)
    process, args = event.process, event.args
    if process is None or args[3] is None:
        return
    size = process.vm_size if args[1] is None else args[1]
    sizes = size, args[2] or 0, args[3]
    if sizes != (process.vm_size, process.vm_rss, process.vm_swap):
        state.change(event, vm_size=sizes[0], vm_rss=sizes[1], vm_swap=sizes[2])


def _switch(state: State, event: SyscallEvent) -> None:
    process, args = event.process, event.args
    if process is None or args[5] is None:
        return
    node = process.task
    assert isinstance(node, Node)
    if args[3] or not state.live:  # live, a thread that is ending has no memory any more, though its process may
        state.tables.update(node.main, state.number, vm_size=args[3] or 0, vm_rss=args[4] or 0, vm_swap=args[5])
    faults = {"pfmajor": args[1] or 0, "pfminor": args[2] or 0}
    if state.live and event.tid != event.pid:
        event.process = replace(node.version, **faults)  # the faults are the thread's; the node is that of its process
    else:
        state.change(event, **faults)


def _limit(state: State, node: Any, value: int | None, resource: int | None) -> None:
    if resource == _NOFILE and value is not None and value != -1 and isinstance(node, Node):
        state.tables.update(node.main, state.number, fdlimit=value)


def _own_limit(state: State, event: SyscallEvent) -> None:
    """Set the descriptor limit from getrlimit or setrlimit: (result, current, maximum, resource)."""
    process, args = event.process, event.args
    if process is not None and result_of(event) >= 0:
        _limit(state, process.task, args[1], args[3])
        event.process = process.task.newest


def _prlimit(state: State, event: SyscallEvent) -> None:
    process, args = event.process, event.args
    if process is None or result_of(event) != 0:
        return
    node = process.task if args[5] == 0 else state.node(args[5])
    if node is not None and node.newest is not None and node.newest.pid >= 0:
        _limit(state, node, args[1], args[6])
        event.process = process.task.newest


TRANSITIONS: Final = {
    "brk": _sizes,
    "mmap": _sizes,
    "mmap2": _sizes,
    "munmap": _sizes,
    "switch": _switch,
    "getrlimit": _own_limit,
    "setrlimit": _own_limit,
    "prlimit": _prlimit,
}
