"""Tasks by thread id: living ones, and tombstones of ended ones for as long as an event in flight can ask for them."""

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from mozu.core.model.event import FdTable, File, Process, Task

_INHERITED_LIMIT: Final = 1 << 22
"""Entries that all tables together may have inherited; beyond that, children begin without descriptors."""


class Node(Task):
    """A task with its place in the tree. `main` is the node of its process's main thread; that one's own, until it is
    pruned, is itself."""

    __slots__ = ("born", "children", "died", "inverted", "main", "members", "reaper")

    def __init__(self, tid: int, tasks: "Tables", born: int, files: FdTable | None = None) -> None:
        super().__init__(tid, tasks, files)
        self.main: Node = self
        self.born = born
        """The first event that may see it."""
        self.died: int | None = None
        """The last event that may see it."""
        self.members: set[Node] = set()
        """On main threads: the other known threads of the process."""
        self.children: set[Node] = set()
        """On main threads: main threads of the processes it is the parent of."""
        self.reaper = False
        """Children of its dead descendants become its own."""
        self.inverted = False
        """The child's return from clone was seen before the parent's."""

    @property
    def version(self) -> Process:
        """The newest version; only nodes in the table are asked."""
        assert self.newest is not None, f"task {self.tid} is asked after its end"
        return self.newest


class Tables:
    """Every task of one machine or one recording, and what of the past must be kept."""

    def __init__(self) -> None:
        self.by_tid: dict[int, Node] = {}
        self._gone: dict[int, list[Node]] = {}
        self._tombstones: deque[Node] = deque()
        self._replaced: deque[Process] = deque()
        """Versions that have an older one, in the order in which they were made."""
        self._changed: deque[tuple[int, FdTable]] = deque()
        self._inherited = 0
        self.epoch = 0
        """Another number after each change of a task, of its version, or of who is whose parent; descriptors apart."""

    def find(self, tid: int, number: int) -> Process | None:
        """The version that held at event `number` of the task that had this thread id then; None where unknown."""
        node = self.by_tid.get(tid)
        if node is not None and node.born <= number:
            return node.at(number)
        for gone in self._gone.get(tid, ()):
            if gone.born <= number and (gone.died is None or number <= gone.died):
                return gone.at(number)
        return None if node is None else node.at(number)

    def update(self, node: Node, number: int, **changes: Any) -> Process:
        """A new version of a task, seen from event `number` on."""
        version = self.new_version(node, number)
        for name, value in changes.items():
            setattr(version, name, value)
        return version

    def new_version(self, node: Node, number: int) -> Process:
        """The same as it is, to be changed before any event sees it."""
        self.epoch += 1
        old = node.version
        again = old.since == number and old.older is not None  # no event has seen what this one changed first
        version = node.newest = replace(old)  # members by name would double its time
        if not again:
            version.since, version.older = number, old
        self._replaced.append(version)
        return version

    def put_file(self, files: FdTable, fd: int, file: File | None, number: int) -> None:
        """Set what `fd` stands for from event `number` on; `file` None: the descriptor is closed."""
        if not files.has_history:
            self._changed.append((number, files))
        if file is None:
            files.drop(fd, number)
        else:
            files.put(fd, file, number)

    def inherited(self, files: FdTable) -> FdTable:
        """What a child of the task that has these descriptors begins with: a copy of them."""
        if self._inherited + len(files) > _INHERITED_LIMIT:
            return FdTable()
        self._inherited += len(files)
        return files.inherited()

    def unshare(self, node: Node) -> None:
        """From now on the task has a table of descriptors of its own."""
        node.files = node.files.inherited(history=True)
        if node.files.has_history:
            self._changed.append((0, node.files))

    def remove(self, node: Node, number: int) -> None:
        """The task has ended; event `number` is the last that sees it. What ends it has made a version, and with that
        another epoch."""
        node.died = number
        if self.by_tid.get(node.tid) is node:
            del self.by_tid[node.tid]
        self._gone.setdefault(node.tid, []).append(node)
        self._tombstones.append(node)

    def has_ended(self, tid: int) -> bool:
        """Whether a task of this number has ended, and an event in flight can ask for it still."""
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
        # Cut what would make the whole lineage one cycle for the garbage collector, and each node one of its own.
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
        """How much is kept."""
        return {
            "tasks": len(self.by_tid),
            "ended_tasks": len(self._tombstones),
            "old_versions": len(self._replaced),
            "files": sum(len(node.files) for node in self.by_tid.values() if node.main is node),
        }
