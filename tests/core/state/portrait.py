"""The fields that an event shows and its changes of the state, as text: every field of the table, and every changed
task.

Each line of an event is a name and a value: the fields whose value differs from that at the last event of the same
thread, and the changed properties of each task.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import astuple, fields

from mozu.core.model.event import Process, SyscallEvent
from mozu.core.model.fields import Argument, FieldRegistry, Reader
from mozu.core.model.fields.field import never
from mozu.core.state import StateMachine
from mozu.core.state.tables import Node

_PLACE: Final = frozenset({"task", "older", "parent", "leader"})
_SEES_AT: Final = 4
"""Number of later events after which the fields of an event are still read; versions that only older events could see
are pruned.
"""
_INDEXED: Final = {Argument.INDEX, Argument.INDEX_OPTIONAL, Argument.DOTTED_OR_INDEX}
_INDICES: Final = ("0", "1", "2", "3")
_KEYS: Final = {"proc.env": "HOME", "proc.aenv": "HOME"}
_OF_THE_READER: Final = frozenset(
    ("evt.hostname", "evt.datetime", "evt.datetime.s", "evt.time", "evt.time.s", "util.cnt")
)
"""Fields of the machine and of the moment in which they are read, or whose text `evt.outputtime` has as well."""
Values = dict[str, str]


class Portraits:
    """The portraits of one history: pass each event that the machine has applied, in order."""

    def __init__(self, machine: StateMachine, registry: FieldRegistry) -> None:
        self._machine = machine
        self._state = machine._state
        self._references = tuple(_references(registry))
        self._registry = registry
        self._readers: dict[str, tuple[tuple[str, Reader], ...]] = {}
        self._before: dict[int, Values] = {}
        """Values of the last event, by thread."""
        self._tasks: dict[Node, tuple[tuple[Any, ...], Values]] = {}
        self._whole: Values = {}
        self._late: list[tuple[SyscallEvent, Values]] = []

    def of(self, event: SyscallEvent) -> Values:
        """Return the changed values, and the fields of earlier events that are now read with another value."""
        values = self.read(event)
        reported = _changed(self._before.get(event.tid, {}), values)
        self._before[event.tid] = values
        self._late.append((event, values))
        if len(self._late) > _SEES_AT:
            old, then = self._late.pop(0)
            reported.update((f"late {name}", value) for name, value in _changed(then, self.read(old)).items())
            self._machine.prune(old.num)
        return {**reported, **self._of_tasks(), **self._of_the_rest()}

    def read(self, event: SyscallEvent) -> Values:
        """Return every field that has a value, and the event's own parts that the state fills in."""
        readers = self._readers.get(event.type)
        if readers is None:
            readers = self._readers[event.type] = tuple(self._bound(event.type))
        found = {name: repr(value) for name, reader in readers if (value := reader(event)) is not None}
        found["(file)"] = "" if event.file is None else _struct(event.file)
        found["(fd)"] = str(event.fd)
        return found

    def _bound(self, event_type: str) -> Iterator[tuple[str, Reader]]:
        for name, argument in self._references:
            resolved = self._registry.resolve(name, argument, event_type)
            if resolved.read is not never:
                yield resolved.text, resolved.read
            if resolved.show not in (resolved.read, never):
                yield f"{resolved.text} (shown)", resolved.show

    def _of_tasks(self) -> Values:
        reported: Values = {}
        living = {node: _of_node(node) for node in self._state.tables}
        for node in [node for node in self._tasks if node not in living]:
            reported[f"task {node.tid}"] = "has ended"
            del self._tasks[node]
        for node, raw in living.items():
            known, shown = self._tasks.get(node, ((), {}))
            if raw == known:
                continue
            now = described(node)
            reported.update((f"task {node.tid} {name}", value) for name, value in _changed(shown, now).items())
            self._tasks[node] = raw, now
        return reported

    def _of_the_rest(self) -> Values:
        state = self._state
        whole = {
            "(sizes)": str(self._machine.sizes()), "(number)": str(state.number), "(boot)": str(state.boot_time),
            "(addresses)": repr((state.addresses, state.netmasks)), "(live)": str(state.live),
            "(entered)": repr(sorted(state.entered.items())),
            "(recent exits)": repr(sorted(state.recent_exits.items())),
            "(waiting)": repr({tid: sorted(node.tid for node in nodes) for tid, nodes in state.waiting.items()}),
            "(answers)": repr({tid: len(found) for tid, found in state.answers.items()}),
            "(counted)": repr((state.backfilled.value, state.unknown.value)),
        }  # fmt: skip
        reported = _changed(self._whole, whole)
        self._whole = whole
        return reported


def _references(registry: FieldRegistry) -> Iterator[tuple[str, str | None]]:
    """Yield each readable field, as a rule may name it."""
    for field in registry:
        if field.unavailable or field.name in _OF_THE_READER or not field.sources & {"syscall", "*"}:
            continue
        if field.is_bare:
            yield field.name, None
        if field.argument in _INDEXED:
            yield from ((field.name, index) for index in _INDICES)
        if field.name in _KEYS:
            yield field.name, _KEYS[field.name]


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> Values:
    """Return new or changed values, and the empty text for missing ones."""
    reported = {name: value for name, value in now.items() if before.get(name) != value}
    return {**reported, **{name: "" for name in before if name not in now}}


def _of_node(node: Node) -> tuple[Any, ...]:
    """Return the parts of a task by which a change is found."""
    version = node.version
    files = tuple(node.files.items()), node.files.is_shared
    near = frozenset(node.children), frozenset(node.members)
    return (*astuple(version), *files, *near, node.main, node.reaper, node.inverted, node.born)


def described(node: Node) -> Values:
    version = node.version
    reported = {field.name: repr(getattr(version, field.name)) for field in fields(Process) if field.name not in _PLACE}
    reported["older"] = str(version.older is not None)
    reported["parent"] = str(version.parent and version.parent.tid)
    reported["leader"] = str(version.leader and version.leader.tid)
    reported["place"] = repr((node.main.tid, node.reaper, node.inverted, node.born, node.files.is_shared))
    reported["children"] = repr(sorted(child.tid for child in node.children))
    reported["members"] = repr(sorted(member.tid for member in node.members))
    reported["files of"] = str(node.main.tid if node.files is node.main.files else node.tid)
    for fd, file in node.files.items():
        reported[f"file {fd}"] = _struct(file)
    return reported


def _struct(value: Any) -> str:
    """Return the text of a struct without the fields that have their default."""
    return repr(msgspec.to_builtins(value, builtin_types=(bytes,)))
