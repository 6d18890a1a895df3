"""The state of one moment, as the internal events that make it again.

Taking a snapshot costs a reference for each task and a copy of each table of descriptors; the events are made later, on
any thread, because versions never change.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import fields

from mozu.core.model.event import File, Process, SyscallEvent
from mozu.core.state.observed import LINKS, Entered, ProcSnapshot, Restored, Saved
from mozu.core.state.state import State
from mozu.core.state.tables import Node, Tables

_COPIED: Final = tuple(field.name for field in fields(Process) if field.name not in LINKS)


class _Kept(msgspec.Struct, frozen=True):
    """A task, by references."""

    process: Process
    parent: int
    files: Mapping[int, File] | None
    """The descriptors; None: shared with the main thread."""
    reaper: bool
    inverted: bool

    def saved(self) -> Saved:
        """Return the task as it is written."""
        plain: dict[str, Any] = {name: getattr(self.process, name) for name in _COPIED}
        plain["parent"], plain["files"] = self.parent, self.files
        return Saved(**plain, reaper=self.reaper, inverted=self.inverted)


class Snapshot:
    """The knowledge of the state machine after one event."""

    def __init__(self, state: State) -> None:
        self.number = state.number
        """Number of that event."""
        self._begun = Restored(
            live=state.live, number=state.number, boot_time=state.boot_time, addresses=state.addresses,
            netmasks=state.netmasks,
            waiting={tid: tuple(node.tid for node in nodes) for tid, nodes in state.waiting.items()},
            recent_exits=tuple((parent, tid, time) for (parent, tid), time in state.recent_exits.items()),
        )  # fmt: skip
        self._tasks = [_keep(node) for node in state.tables]
        self._entered: dict[int, Entered] = dict(state.entered)
        self._looked: tuple[ProcSnapshot, ...] = tuple(looked for found in state.answers.values() for looked in found)

    def events(self) -> Iterator[SyscallEvent]:
        """Yield the events in the order in which the state machine must be given them."""
        yield _event("_state", self._begun)
        for kept in self._tasks:
            yield _event("_saved", kept.saved(), kept.process.tid, kept.process.pid)
        yield _event("_restored", None)
        for tid, entered in self._entered.items():
            yield _event("_enter", entered, tid)
        for looked in self._looked:
            yield _event("_looked", looked, looked.tid)


def _keep(node: Node) -> _Kept:
    version = node.version
    files = None if node.main is not node and node.files is node.main.files else dict(node.files)
    return _Kept(version, -1 if version.parent is None else version.parent.tid, files, node.reaper, node.inverted)


def _event(kind: str, observed: Any, tid: int = 0, pid: int = 0) -> SyscallEvent:
    return SyscallEvent("syscall", kind, 0, tid=tid, pid=pid, observed=observed)


def begin(state: State, begun: Restored) -> None:
    """Begin with an empty state; the saved tasks follow."""
    state.tables = Tables()
    state.live = begun.live
    state.take_namespaces()
    state.number = begun.number
    state.boot_time = begun.boot_time
    state.addresses, state.netmasks = begun.addresses, begun.netmasks
    state.entered.clear()
    state.answers.clear()
    state.lookup = state.answer if begun.live else None
    state.recent_exits = {(parent, tid): time for parent, tid, time in begun.recent_exits}
    state.saved.clear()
    state.waiting.clear()
    state.expected = dict(begun.waiting)


def keep(state: State, saved: Saved) -> None:
    """Take in one task; its links are made at the end."""
    if state.is_full or state.node(saved.tid) is not None:
        return
    node = Node(saved.tid, state.tables, state.number)
    node.reaper, node.inverted = saved.reaper, saved.inverted
    plain = {name: getattr(saved, name) for name in _COPIED}
    state.add(Process(node, since=state.number, **plain))
    if saved.files:
        node.files.update(saved.files)
    state.saved.append((node, saved))


def finish(state: State) -> None:
    """Connect the tasks, which are all there."""
    for node, saved in state.saved:
        main = state.node(saved.pid)
        if main is not None and main is not node and main.version.pid == main.tid:
            node.main = main
            main.members.add(node)
            node.version.leader = main
            if saved.files is None:
                node.files = main.files
    for node, saved in state.saved:
        parent = state.node(saved.parent)
        if parent is not None and parent is not node:
            node.version.parent = parent.main
            if node.main is node:
                parent.main.children.add(node)
    for tid, waiting in state.expected.items():
        nodes = [found for found in map(state.node, waiting) if found is not None]
        if nodes:
            state.waiting[tid] = nodes
    state.saved.clear()
    state.expected = {}
