"""The one state machine: a stream of system calls → processes, descriptors, directories, identities."""

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
"""Events of recordings for which no task is made up; the transitions of some do that themselves."""


def _no_task(_: State, event: SyscallEvent) -> None:
    event.process = None


_STEPS: Final = {**TRANSITIONS, **dict.fromkeys(_WITHOUT_TASK, _no_task)}


def changes_nothing(event_type: str) -> bool:
    """Whether events of this type leave the state, and what it has given them of their file, as they are."""
    return event_type not in _STEPS and event_type not in _ONLY_KNOWN and event_type[:1] != "_"


class Remembers(Protocol):
    """Who knows what some events do that are not decoded (`core/flow/verdict_memory.py`)."""

    def recall(self, event: UndecodedEvent, state: State) -> bool:
        """Do to the state what the event does, and give it its number; False: it must be decoded."""

    def missed(self, event: UndecodedEvent, decoded: SyscallEvent, state: State) -> None:
        """It was, and has been taken in."""


class StateMachine:
    """Turns a stream of system calls into processes, descriptors, working directories and identities.

    `procfs` answers for what the stream leaves out; None for recordings, which never look at this machine. `makers`:
    of its cgroups; None where the names of these are believed.
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
        """What the rules want read from /proc from now on: environments of processes are the dearest part."""
        self._environments = environments

    def seed(self, pids: Iterable[int] | None = None, /, *, files: bool = False) -> int:
        """Take in these processes, or every one that exists now; gives their number. `files`: also descriptors."""
        if self._procfs is None:
            return 0
        state = self._state
        count = 0
        for pid, known, others in self._procfs.processes(pids, env=self._environments):
            if state.node(pid) is None:
                node = seed(state, pid, pid, known, state.number + 1, others=others)
                if files:
                    for fd, file in self._procfs.files(pid):
                        dict.__setitem__(node.files, fd, file)
            count += 1
        state.waiting.clear()
        return count

    def apply(self, batch: Sequence[Event], memory: Remembers | None = None) -> list[SyscallEvent]:
        """Number the events, give each its process and file as of its own moment, and take in what they change.

        Events whose type begins with `_` are consumed, and those that `memory` knows. One that has a number keeps it.
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
        """Number an event that has not happened, and give it its process as it would be; nothing of it is taken in."""
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
        """The node of a task that the table does not have under its number, or has with another process."""
        if old is not None:
            return evict_reused_pid(self._state, event, old)
        if event.type == "switch" and self._state.live:
            return self._state.node(event.pid)  # of an ended task the last one comes after its end
        if event.type in (_WITHOUT_TASK if self._state.live else _ONLY_KNOWN) or event.type == "procexit":
            return None
        return get_or_create(self._state, event.tid, event.pid)

    @property
    def number(self) -> int:
        """Of the last event."""
        return self._state.number

    def read_procfs(self, pids: Iterable[int] | None = None, /) -> Iterator[ProcSnapshot]:
        """What /proc says now of these processes, or of every one that lives. On any thread."""
        if self._procfs is not None:
            for pid, known, others in self._procfs.processes(pids, env=self._environments):
                yield ProcSnapshot(pid, pid, known, others)

    def processes(self) -> list[int]:
        """The ids of all that are known."""
        return [node.tid for node in self._state.tables if node.main is node]

    def forgettable(self, most: int, keep: int) -> list[int]:
        """Processes without children that /proc answers for when they do something again; those longest in the table,
        without the newest `keep` tasks. Live only: a recording has nothing but its stream."""
        tables = self._state.tables
        found = (node for node in tables if node.main is node and not (node.children or node.members))
        room = min(most, len(tables.by_tid) - keep) if self._state.live else 0
        return [node.tid for node in islice(found, max(0, room))]

    @contextmanager
    def comparing(self) -> Iterator[int]:
        """Gives the number of the last event, for `differs`; until the block ends, the ends of unknown processes count.

        Without those, one that ended while /proc was read would be taken in afterwards, and never end.
        """
        self._state.ended_unknown = set()
        try:
            yield self._state.number
        finally:
            self._state.ended_unknown = None

    def differs(self, looked: ProcSnapshot, since: int, *, threads: bool) -> bool | None:
        """Whether the state has a process wrong: see mozu.core.state.repair."""
        return differs(self._state, looked, since, threads=threads)

    def snapshot(self) -> Snapshot:
        """What is known now, for a recording."""
        return Snapshot(self._state)

    def on_lookup(self, callback: Callable[[ProcSnapshot], None]) -> None:
        """Call back with each answer of /proc from now on: a recording needs them."""
        lookup = self._state.lookup
        if lookup is None:
            return

        def observed(tid: int) -> tuple[int, KnownProcess, int] | None:
            found = lookup(tid)
            callback(ProcSnapshot(tid) if found is None else ProcSnapshot(tid, *found))
            return found

        self._state.lookup = observed

    def prune(self, number: int) -> None:
        """No event before `number` will be asked about any more: drop the versions and tombstones only those see."""
        self._state.tables.prune(number)

    def process(self, tid: int) -> Process | None:
        """The newest version of a living task."""
        node = self._state.node(tid)
        return None if node is None else node.newest

    def sizes(self) -> dict[str, int]:
        """How much is kept: tasks, ended tasks, old versions, descriptors."""
        return self._state.tables.sizes()


def _forget_other_call(state: State, event: SyscallEvent) -> None:
    """What a call was given at its beginning counts for the next event of its thread only."""
    begun = state.entered[event.tid].type
    if begun != event.type and not (begun == "execveat" and event.type == "execve"):
        del state.entered[event.tid]
