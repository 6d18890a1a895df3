"""The dependencies of verdicts on one event type besides the event itself: what is kept of each task, and when that
becomes invalid."""

import itertools
from collections.abc import Callable, Sequence

from mozu.core.model.event import Process, SyscallEvent, Task
from mozu.core.model.fields import Reader, Resolved
from mozu.core.model.fields.dependency import OF_TASK, Dependency
from mozu.core.state.effects import EFFECTS, Effect
from mozu.core.state.tables import Node, Tables

_numbers = itertools.count(1)


class Verdicts(dict[bytes, Effect]):
    """Map from the key of an event that no rule matches to its effect on the state. `number` is unique to this map."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        super().__init__()
        self.number = next(_numbers)


class Caller:
    """A task whose values are known. `verdicts` is shared with all tasks that have the same values."""

    __slots__ = ("ancestors", "epoch", "node", "pid", "tid", "verdicts", "version")

    def __init__(self, node: Node, version: Process, event: SyscallEvent, verdicts: Verdicts, epoch: int) -> None:
        self.node, self.version, self.tid, self.pid = node, version, event.tid, event.pid
        self.verdicts = verdicts
        self.ancestors: tuple[tuple[Task, Process], ...] = ()
        self.epoch = epoch
        """`Tables.epoch` at the last check of these values."""


class JudgedType:
    """An event type, under the present rules. `fields`: the fields that may decide a verdict (`JudgesByFields`)."""

    def __init__(self, name: str, fields: Sequence[Resolved]) -> None:
        own = [field for field in fields if field.field.depends and field.field.depends <= OF_TASK]
        self._readers: tuple[Reader, ...] = tuple(field.read for field in own)
        depends = frozenset[Dependency]().union(*(field.field.depends for field in own))
        self._reads_ancestors = Dependency.PARENT in depends
        self._reads_others = Dependency.TASKS in depends
        self.source_sees = not self._reads_others
        """True if the source can tell when a verdict becomes invalid, because it depends only on the task and its
        ancestors."""
        self.effect: Callable[[SyscallEvent], Effect | None] = EFFECTS[name]
        self.callers: dict[bytes, Caller] = {}
        """`UndecodedEvent.task` → caller."""
        self.by_values: dict[tuple[object, ...], Verdicts] = {}
        """Values of a task's fields → verdicts on its events."""
        self.hits = self.misses = 0
        """Numbers of remembered and of judged calls in the present window."""
        self.is_repetitive = True
        """True if, as far as is known, most calls of the type recur; each is then remembered at its first
        occurrence."""

    def caller(self, event: SyscallEvent, tables: Tables) -> Caller | None:
        """Return the task of an event that the state has just taken in; None if the state does not know it."""
        node = _node(tables, event.tid, event.pid)
        if node is None or node.newest is None or event.process is None or event.process.task is not node:
            return None
        values = tuple([read(event) for read in self._readers])
        verdicts = self.by_values.get(values)
        if verdicts is None:
            verdicts = self.by_values[values] = Verdicts()
        found = Caller(node, node.newest, event, verdicts, tables.epoch)
        if self._reads_ancestors:
            found.ancestors = tuple(_ancestors(node.newest))
        return found

    def still_holds(self, caller: Caller, tables: Tables) -> bool:
        """Return True if the caller's values are still valid although the state has changed."""
        node = _node(tables, caller.tid, caller.pid)
        if self._reads_others or node is not caller.node or node.newest is not caller.version:
            return False
        version = caller.version
        for task, held in caller.ancestors:
            if version.parent is not task or task.newest is not held:
                return False
            version = held
        caller.epoch = tables.epoch
        return True

    def forget_ended(self) -> None:
        """Forget tasks that have ended."""
        self.callers = {task: one for task, one in self.callers.items() if one.node.died is None}

    def forget_tasks(self) -> None:
        """Forget all tasks, and the verdicts by their values."""
        self.callers.clear()
        self.by_values.clear()


def _node(tables: Tables, tid: int, pid: int) -> Node | None:
    """Return the task of a live event as the state finds it: a thread is its process."""
    node = tables.by_tid.get(tid)
    return tables.by_tid.get(pid) if node is None else node


def _ancestors(version: Process) -> list[tuple[Task, Process]]:
    found: list[tuple[Task, Process]] = []
    seen = {version.tid}
    task = version.parent
    while task is not None and task.newest is not None and task.tid not in seen:
        seen.add(task.tid)
        found.append((task, task.newest))
        task = task.newest.parent
    return found
