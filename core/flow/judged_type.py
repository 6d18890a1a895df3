"""What verdicts on one event type depend on besides the event: what is kept of each task, and when it holds no more."""

import itertools
from collections.abc import Callable, Sequence

from mozu.core.model.event import Process, SyscallEvent, Task
from mozu.core.model.fields import Reader, Resolved
from mozu.core.model.fields.dependency import OF_TASK, Dependency
from mozu.core.state.effects import EFFECTS, Effect
from mozu.core.state.tables import Node, Tables

_numbers = itertools.count(1)


class Verdicts(dict[bytes, Effect]):
    """Key of an event that no rule matches → what it does to the state. `number`: no others ever have it."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        super().__init__()
        self.number = next(_numbers)


class Caller:
    """A task whose values are known. `verdicts` are shared with all tasks that have the same values."""

    __slots__ = ("ancestors", "epoch", "node", "pid", "tid", "verdicts", "version")

    def __init__(self, node: Node, version: Process, event: SyscallEvent, verdicts: Verdicts, epoch: int) -> None:
        self.node, self.version, self.tid, self.pid = node, version, event.tid, event.pid
        self.verdicts = verdicts
        self.ancestors: tuple[tuple[Task, Process], ...] = ()
        self.epoch = epoch
        """`Tables.epoch` at which all of this was looked at last."""


class JudgedType:
    """One event type, under the rules of now. `fields`: what may decide a verdict (`JudgesByFields`)."""

    def __init__(self, name: str, fields: Sequence[Resolved]) -> None:
        own = [field for field in fields if field.field.depends and field.field.depends <= OF_TASK]
        self._readers: tuple[Reader, ...] = tuple(field.read for field in own)
        depends = frozenset[Dependency]().union(*(field.field.depends for field in own))
        self._reads_ancestors = Dependency.PARENT in depends
        self._reads_others = Dependency.TASKS in depends
        self.source_sees = not self._reads_others
        """Whether the source can tell where a verdict holds no more: what it depends on is of the task and of its
        ancestors."""
        self.effect: Callable[[SyscallEvent], Effect | None] = EFFECTS[name]
        self.callers: dict[bytes, Caller] = {}
        """By `UndecodedEvent.task`."""
        self.by_values: dict[tuple[object, ...], Verdicts] = {}
        """What the fields of a task say → verdicts on its events."""
        self.hits = self.misses = 0
        """Of late."""
        self.is_repetitive = True
        """Most of its calls come again, as far as is known: each is remembered when it comes first."""

    def caller(self, event: SyscallEvent, tables: Tables) -> Caller | None:
        """The task of an event that the state has just taken in."""
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
        """Whether nothing of what its values are made of has changed, though something in the state has."""
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
        """Tasks that do nothing any more."""
        self.callers = {task: one for task, one in self.callers.items() if one.node.died is None}

    def forget_tasks(self) -> None:
        """All of them, with what their verdicts are found by."""
        self.callers.clear()
        self.by_values.clear()


def _node(tables: Tables, tid: int, pid: int) -> Node | None:
    """As the state finds the task of a live event: a thread is its process."""
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
