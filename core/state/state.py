"""The state that transitions work on: the process table, and the position in the stream of events."""

from collections.abc import Callable
from typing import Any, Final

from mozu.core.common.cgroup_makers import CgroupMakers
from mozu.core.metrics import Metrics
from mozu.core.model.event import Address, Container, FdTable, File, Process, SyscallEvent
from mozu.core.state.cgroup import KNOWN_NAMESPACES, container_of
from mozu.core.state.observed import Entered, KnownProcess, ProcSnapshot, Saved
from mozu.core.state.tables import Node, Tables
from mozu.core.state.texts import Cgroups

Lookup = Callable[[int], "tuple[int, KnownProcess, int] | None"]
"""Function from a thread id to (process id, the machine's facts about the task, number of further threads), or None if
there is no such task."""

INVALID_ID: Final = 0xFFFFFFFF
"""The id of no user, as the kernel's unsigned number."""
_TASK_LIMIT: Final = 1 << 22
"""The most live tasks: more than a kernel numbers."""
_RECORDED_TASKS: Final = 1 << 18
_RECORDED_FILES: Final = 1 << 20
"""The most tasks and descriptors of a recording: a hostile one may invent them without end; machines have fewer."""
_COUNT_EVERY: Final = 1 << 16
"""New descriptors between two counts of all descriptors."""


class State:
    """The tables and the position in the stream. Each source has one."""

    def __init__(self, lookup: Lookup | None, metrics: Metrics, makers: CgroupMakers | None = None) -> None:
        """Set up an empty state. `makers`: makers of this machine's cgroups; None if the names of cgroups are
        believed."""
        self.lookup = lookup
        self._makers = makers
        self.live = lookup is not None
        """True for a live source: /proc supplies what the stream leaves out, and few events of threads come, so the
        state follows processes. A recording has only its stream, with each thread in it, and is read as Falco reads
        it."""
        self.take_namespaces()
        self.tables = Tables()
        self.number = 0
        """Number of the present event, or of the last one."""
        self.boot_time = 0
        self.addresses: tuple[Address, ...] = ()
        self.netmasks: tuple[Address, ...] = ()
        self.entered: dict[int, Entered] = {}
        """Thread id → the call it has begun."""
        self.waiting: dict[int, list[Node]] = {}
        """Thread id of a parent that is not known yet → its children."""
        self.recent_exits: dict[tuple[int, int], int] = {}
        """(parent's tid, tid) → time of its end, for the last few."""
        self.ended_unknown: set[int] | None = None
        """Pids of ended processes that were not in the table; None while they are not collected."""
        self.answers: dict[int, list[ProcSnapshot]] = {}
        """Thread id → answers of the recorded machine's /proc, in the order of the look-ups."""
        self.saved: list[tuple[Node, Saved]] = []
        self.expected: dict[int, tuple[int, ...]] = {}
        """Tasks of a saved state that is still being read, and `waiting` by numbers."""
        self._task_limit = _TASK_LIMIT if self.live else _RECORDED_TASKS
        self._puts = 0
        self._crowded = False
        self.backfilled = metrics.counter("state_tasks_backfilled_total")
        self.unknown = metrics.counter("state_tasks_unknown_total")

    def take_namespaces(self) -> None:
        """Choose the containerd namespaces by which a container's cgroup path is read: the known ones live, none for a
        recording."""
        self.namespaces = KNOWN_NAMESPACES if self.live else None

    def container_of(self, cgroups: Cgroups) -> Container | None:
        """Return the container of a process in these cgroups; None if it is in none."""
        return container_of(cgroups, self.namespaces, self._makers)

    def answer(self, tid: int) -> tuple[int, KnownProcess, int] | None:
        """Return the next recorded answer of /proc, as a `Lookup`. Each answer is returned once."""
        looked = self.answers.get(tid)
        if not looked:
            return None
        found = looked.pop(0)
        if not looked:
            del self.answers[tid]
        return None if found.known is None else (found.pid, found.known, found.others)

    # --- tasks ---

    def node(self, tid: int) -> Node | None:
        """Return the living task with this thread id; None if there is none."""
        return self.tables.by_tid.get(tid)

    @property
    def is_full(self) -> bool:
        """True if no further task is taken in."""
        return len(self.tables.by_tid) >= self._task_limit

    def add(self, process: Process) -> None:
        """Put a task into the table; `process.task` must be its node. A task with the same id must have been
        removed."""
        node = process.task
        assert isinstance(node, Node)
        node.newest = process
        self.tables.by_tid[process.tid] = node
        self.tables.epoch += 1

    def change(self, event: SyscallEvent, **changes: Any) -> None:
        """Make a new version of the event's own task, which the event itself already sees."""
        process = event.process
        if process is None:
            return
        node = process.task
        assert isinstance(node, Node)
        event.process = self.tables.update(node, self.number, **changes)

    def change_process(self, event: SyscallEvent, **changes: Any) -> None:
        """Make the same change to every thread of the event's process."""
        process = event.process
        if process is None:
            return
        node = process.task
        assert isinstance(node, Node)
        for member in (node.main, *node.main.members):
            self.tables.update(member, self.number, **changes)
        event.process = node.newest

    # --- descriptors ---

    def put(self, event: SyscallEvent, fd: int, file: File) -> None:
        """Set a descriptor that the event makes or changes, and the event's own file."""
        process = event.process
        if process is None:
            return
        if self.live or not self._is_crowded(process.task.files, fd):
            self.tables.put_file(process.task.files, fd, file, self.number)
        event.fd, event.file = fd, file

    def _is_crowded(self, files: FdTable, fd: int) -> bool:
        """Return True if a recording has so many descriptors that new ones are not kept."""
        self._puts += 1
        if self._puts % _COUNT_EVERY == 0:
            tables = {id(node.files): len(node.files) for node in self.tables}
            self._crowded = sum(tables.values()) >= _RECORDED_FILES
        return self._crowded and fd not in files

    def drop(self, files: FdTable, fd: int, number: int) -> None:
        """Close this descriptor, from event `number` on."""
        if fd in files:
            self.tables.put_file(files, fd, None, number)
