"""Tasks by thread id: living ones, and tombstones of ended ones for as long as an event in flight can ask for them."""

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from mozu.core.model.event import FdTable, File, Process, Task
from mozu.core.model.event.pipelines import Pipelines

_INHERITED_LIMIT: Final = 1 << 22
"""The most entries that all tables together may have inherited; beyond that, children begin without descriptors."""


class Node(Task):
    """A task with its place in the tree. `main` is the node of the process's main thread, which until it is pruned is
    its own `main`."""

    __slots__ = ("born", "children", "died", "inverted", "main", "members", "reaper")

    def __init__(self, tid: int, tasks: "Tables", born: int, files: FdTable | None = None) -> None:
        super().__init__(tid, tasks, files)
        self.main: Node = self
        self.born = born
        """Number of the first event that may see the task."""
        self.died: int | None = None
        """Number of the last event that may see the task; None while it lives."""
        self.members: set[Node] = set()
        """Other known threads of the process; only on main threads."""
        self.children: set[Node] = set()
        """Main threads of the processes it is the parent of; only on main threads."""
        self.reaper = False
        """True if children of its dead descendants become its own."""
        self.inverted = False
        """True if the child's return from clone was seen before the parent's."""

    @property
    def version(self) -> Process:
        """The newest version; only nodes in the table have one."""
        assert self.newest is not None, f"task {self.tid} is asked after its end"
        return self.newest


class Tables:
    """The tasks of one machine or one recording, and the past that must be kept."""

    def __init__(self) -> None:
        self.by_tid: dict[int, Node] = {}
        self._gone: dict[int, list[Node]] = {}
        self._tombstones: deque[Node] = deque()
        self._replaced: deque[Process] = deque()
        """Versions that have an older one, in the order in which they were made."""
        self._changed: deque[tuple[int, FdTable]] = deque()
        self._inherited = 0
        self.pipelines = Pipelines()
        self.epoch = 0
        """Number that changes with each change of a task, of its version, or of parents; not with descriptors."""

    def find(self, tid: int, number: int) -> Process | None:
        """Return the version, valid at event `number`, of the task that had this thread id then; None if unknown."""
        node = self.by_tid.get(tid)
        if node is not None and node.born <= number:
            return node.at(number)
        for gone in self._gone.get(tid, ()):
            if gone.born <= number and (gone.died is None or number <= gone.died):
                return gone.at(number)
        return None if node is None else node.at(number)

    def update(self, node: Node, number: int, **changes: Any) -> Process:
        """Make a new version of a task, seen from event `number` on."""
        version = self.new_version(node, number)
        for name, value in changes.items():
            setattr(version, name, value)
        return version

    def new_version(self, node: Node, number: int) -> Process:
        """Make a copy of the newest version, to be changed before any event sees it."""
        self.epoch += 1
        old = node.version
        again = old.since == number and old.older is not None  # no event has seen what this number changed first
        version = node.newest = replace(old)  # naming the members would double its time
        if not again:
            version.since, version.older = number, old
        self._replaced.append(version)
        return version

    def put_file(self, files: FdTable, fd: int, file: File | None, number: int) -> None:
        """Set the file of `fd` from event `number` on; `file` None: the descriptor is closed."""
        if not files.has_history:
            self._changed.append((number, files))
        if file is None:
            files.drop(fd, number)
        else:
            files.put(fd, file, number)

    def inherited(self, files: FdTable) -> FdTable:
        """Return a copy of these descriptors for a child; empty if too many were inherited."""
        if self._inherited + len(files) > _INHERITED_LIMIT:
            return FdTable()
        self._inherited += len(files)
        return files.inherited()

    def unshare(self, node: Node) -> None:
        """Give the task a table of descriptors of its own from now on."""
        node.files = node.files.inherited(history=True)
        if node.files.has_history:
            self._changed.append((0, node.files))

    def remove(self, node: Node, number: int) -> None:
        """Remove an ended task; event `number` is the last that sees it. The end has already made a version, and so
        changed the epoch."""
        node.died = number
        if self.by_tid.get(node.tid) is node:
            del self.by_tid[node.tid]
        self._gone.setdefault(node.tid, []).append(node)
        self._tombstones.append(node)

    def has_ended(self, tid: int) -> bool:
        """Return True if a task with this id has ended, and an event in flight can still ask for it."""
        return tid in self._gone

    def prune(self, number: int) -> None:
        """Drop old versions and tombstones that no event from `number` on can ask for."""
        replaced = self._replaced
        while replaced and replaced[0].since <= number:
            replaced.popleft().older = None
        tombstones = self._tombstones
        while tombstones and tombstones[0].died is not None and tombstones[0].died < number:
            self._prune_tombstone(tombstones.popleft())
        self._prune_files(number)

    def _prune_files(self, number: int) -> None:
        changed = self._changed
        while changed and changed[0][0] <= number:
            files = changed.popleft()[1]
            files.forget(number)
            if files.has_history:
                changed.append((number + 1, files))

    def _prune_tombstone(self, node: Node) -> None:
        others = self._gone[node.tid]
        others.remove(node)
        if not others:
            del self._gone[node.tid]
        # Break links that would make the lineage, and each node, a cycle for the garbage collector.
        node.newest = None
        is_process = node.main is node
        if node.files:
            if is_process:
                self._inherited = max(0, self._inherited - len(node.files))
            node.files = FdTable()
        if is_process:
            del node.main

    def __iter__(self) -> Iterator[Node]:
        return iter(self.by_tid.values())

    def sizes(self) -> dict[str, int]:
        """Return the sizes of the tables."""
        return {
            "tasks": len(self.by_tid),
            "ended_tasks": len(self._tombstones),
            "old_versions": len(self._replaced),
            "files": sum(len(node.files) for node in self.by_tid.values() if node.main is node),
        }
