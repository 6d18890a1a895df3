"""The state machine: turns a stream of system calls into processes, descriptors, directories, identities."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Final, Protocol

from mozu.core.common.cgroup_makers import CgroupMakers
from mozu.core.metrics import Metrics
from mozu.core.model.event import Event, Process, SyscallEvent, UndecodedEvent
from mozu.core.model.syscalls import event_types
from mozu.core.state.observed import KnownProcess, ProcSnapshot
from mozu.core.state.placeholders import as_thread, evict_reused_pid, get_or_create
from mozu.core.state.procfs import Procfs
from mozu.core.state.repair import differs
from mozu.core.state.seeding import seed
from mozu.core.state.snapshot import Snapshot
from mozu.core.state.state import State
from mozu.core.state.tables import Node
from mozu.core.state.transitions import INTERNAL, TRANSITIONS
from mozu.core.state.transitions.exec import foresee_exec

_ABOUT_TABLES: Final = frozenset((
    "container", "container_removed", "useradded", "userdeleted", "groupadded", "groupdeleted",
    "pluginevent", "asyncevent",
))  # fmt: skip
_WITHOUT_TASK: Final = frozenset(
    name for name, kind in event_types().items()
    if name != "procinfo" and ("skip_reset" in kind.traits or name in _ABOUT_TABLES)
)  # fmt: skip
"""Events that no task caused, though they may carry a thread id."""
_ONLY_KNOWN: Final = _WITHOUT_TASK | {"clone", "clone3", "fork", "vfork", "switch", "procinfo"}
"""Events of recordings for which no task is made up; the transitions of some of them do that themselves."""


def _no_task(_: State, event: SyscallEvent) -> None:
    event.process = None


_SLICE: Final = 50
"""Processes that are seeded before other tasks of the event loop may run: some 10 ms of CPU."""
_STEPS: Final = {**TRANSITIONS, **dict.fromkeys(_WITHOUT_TASK, _no_task)}


def changes_nothing(event_type: str) -> bool:
    """Return True if events of this type change neither the state nor their own file."""
    return event_type not in _STEPS and event_type not in _ONLY_KNOWN and event_type[:1] != "_"


class Remembers(Protocol):
    """A memory of the effects of events that are not decoded (`core/flow/verdict_memory.py`)."""

    def recall(self, event: UndecodedEvent, state: State) -> bool:
        """Apply the event's effect to the state and number the event; return False if it must be decoded instead."""

    def missed(self, event: UndecodedEvent, decoded: SyscallEvent, state: State) -> None:
        """Note that `recall` returned False for an event, which was then decoded and taken into the state."""


class StateMachine:
    """A machine that turns a stream of system calls into processes, descriptors, working directories and identities.

    `procfs` supplies what the stream leaves out; None for recordings, which never look at this machine. `makers` knows
    the makers of cgroups; None if the names of cgroups are believed.
    """

    def __init__(
        self, *, procfs: str | None = "/proc", metrics: Metrics | None = None, makers: CgroupMakers | None = None
    ) -> None:
        metrics = Metrics() if metrics is None else metrics
        self._procfs = None if procfs is None else Procfs(procfs)
        self._state = State(None if self._procfs is None else self._task, metrics, makers)
        self._environments = False
        for name in self.sizes():
            metrics.gauge(f"state_{name}", partial(self._size, name))

    def _size(self, name: str) -> int:
        return self.sizes()[name]

    def _task(self, tid: int) -> tuple[int, KnownProcess, int] | None:
        return None if self._procfs is None else self._procfs.task(tid, env=self._environments)

    def configure(self, *, environments: bool) -> None:
        """Set what the rules want read from /proc from now on: environments of processes are the most expensive
        part."""
        self._environments = environments

    def seed(self, pids: Iterable[int] | None = None, /, *, files: bool = False) -> int:
        """Take in these processes, or every one that exists now, and return their number. `files`: take in descriptors
        too."""
        return max(self.seeding(pids, files=files))

    def seeding(self, pids: Iterable[int] | None = None, /, *, files: bool = False) -> Iterator[int]:
        """Do the same in slices: yield the number of processes so far after some, and at the end. No event may be
        applied meanwhile."""
        state = self._state
        count = 0
        if self._procfs is None:
            yield count
            return
        for pid, known, others in self._procfs.processes(pids, env=self._environments):
            if state.node(pid) is None:
                node = seed(state, pid, pid, known, state.number + 1, others=others)
                if files:
                    for fd, file in self._procfs.files(pid):
                        dict.__setitem__(node.files, fd, file)
            count += 1
            if not count % _SLICE:
                yield count
        state.waiting.clear()
        yield count

    def apply(self, batch: Sequence[Event], memory: Remembers | None = None) -> list[SyscallEvent]:
        """Number the events, give each its process and file as of its own moment, and apply its changes to the state.

        Returns the events without those that are consumed: types that begin with `_`, and events that `memory` recalls.
        An event that already has a number keeps it.
        """
        state = self._state
        tasks, entered, live = state.tables.by_tid, state.entered, state.live
        steps = _STEPS.get
        shown: list[SyscallEvent] = []
        for event in batch:
            undecoded = None
            if type(event) is UndecodedEvent:
                if memory is not None and memory.recall(event, state):
                    continue
                undecoded, event = event, event.decode(event.record)
            assert isinstance(event, SyscallEvent)
            kind = event.type
            if kind[0] == "_":
                if kind == "_unseen":
                    self.apply((event.observed,))
                internal = INTERNAL.get(kind)
                if internal is not None:
                    internal(state, event)
                tasks, live = state.tables.by_tid, state.live
                continue
            if event.num:
                state.number = event.num
            else:
                state.number += 1
                event.num = state.number
            node = tasks.get(event.tid)
            if node is None or (live and node.tid != event.pid > 0):
                node = self._unknown(event, node)
            event.process = None if node is None else node.newest
            if entered and event.tid in entered:
                _forget_other_call(state, event)
            step = steps(kind)
            if step is not None:
                step(state, event)
            if live and event.pid != event.tid:
                event.process = as_thread(event)
            if undecoded is not None and memory is not None:
                memory.missed(undecoded, event, state)
            shown.append(event)
        return shown

    def foresee(self, event: SyscallEvent) -> None:
        """Number an event that has not happened, and give it its process as it would be; the state does not change."""
        state = self._state
        state.number += 1
        event.num = state.number
        node = state.tables.by_tid.get(event.tid)
        if node is None or (state.live and node.tid != event.pid > 0):
            node = self._unknown(event, node)
        if node is None:
            return
        event.process = node.newest
        if event.type == "execve":
            foresee_exec(state, event)
        elif event.pid != event.tid:
            event.process = as_thread(event)
        if event.file is None and event.fd is not None:
            event.file = node.files.get(event.fd)

    def _unknown(self, event: SyscallEvent, old: Node | None) -> Node | None:
        """Return the node of a task that the table does not have under its thread id, or has with another process; None
        if no task is to be made up."""
        if old is not None:
            return evict_reused_pid(self._state, event, old)
        if event.type == "switch" and self._state.live:
            return self._state.node(event.pid)  # the last switch of an ended task comes after its end
        if event.type in (_WITHOUT_TASK if self._state.live else _ONLY_KNOWN) or event.type == "procexit":
            return None
        return get_or_create(self._state, event.tid, event.pid)

    @property
    def number(self) -> int:
        """Number of the last event."""
        return self._state.number

    def read_procfs(self, pids: Iterable[int] | None = None, /) -> Iterator[ProcSnapshot]:
        """Yield the current /proc entries of these processes, or of every living one. Callable on any thread."""
        if self._procfs is not None:
            for pid, known, others in self._procfs.processes(pids, env=self._environments):
                yield ProcSnapshot(pid, pid, known, others)

    def processes(self) -> list[int]:
        """Return the pids of all known processes."""
        return [node.tid for node in self._state.tables if node.main is node]

    def forgettable(self, most: int, keep: int) -> list[int]:
        """Return the pids of up to `most` processes without children, the longest known first, without the newest
        `keep` tasks. /proc supplies them again when they do something. Empty for a recording, which has nothing but its
        stream."""
        tables = self._state.tables
        found = (node for node in tables if node.main is node and not (node.children or node.members))
        room = min(most, len(tables.by_tid) - keep) if self._state.live else 0
        return [node.tid for node in islice(found, max(0, room))]

    @contextmanager
    def comparing(self) -> Iterator[int]:
        """Yield the number of the last event, for `differs`; until the block ends, ends of unknown processes are noted.

        Otherwise a process that ended while /proc was read would be taken in afterwards, and never end.
        """
        self._state.ended_unknown = set()
        try:
            yield self._state.number
        finally:
            self._state.ended_unknown = None

    def differs(self, looked: ProcSnapshot, since: int, *, threads: bool) -> bool | None:
        """Return True if the state has a process wrong; see mozu.core.state.repair."""
        return differs(self._state, looked, since, threads=threads)

    def snapshot(self) -> Snapshot:
        """Return the present state, for a recording."""
        return Snapshot(self._state)

    def on_lookup(self, callback: Callable[[ProcSnapshot], None]) -> None:
        """Call `callback` with each answer of /proc from now on: a recording needs them."""
        lookup = self._state.lookup
        if lookup is None:
            return

        def observed(tid: int) -> tuple[int, KnownProcess, int] | None:
            found = lookup(tid)
            callback(ProcSnapshot(tid) if found is None else ProcSnapshot(tid, *found))
            return found

        self._state.lookup = observed

    def prune(self, number: int) -> None:
        """Drop the versions and tombstones that only events before `number` see: none of those will be asked about any
        more."""
        self._state.tables.prune(number)

    def process(self, tid: int) -> Process | None:
        """Return the newest version of a living task; None if there is none."""
        node = self._state.node(tid)
        return None if node is None else node.newest

    def sizes(self) -> dict[str, int]:
        """Return the sizes of the tables: tasks, ended tasks, old versions, descriptors."""
        return self._state.tables.sizes()


def _forget_other_call(state: State, event: SyscallEvent) -> None:
    """Forget the parameters of another call that the event's thread has begun: they are valid for its next event
    only."""
    begun = state.entered[event.tid].type
    if begun != event.type and not (begun == "execveat" and event.type == "execve"):
        del state.entered[event.tid]
