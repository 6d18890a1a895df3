"""Readers of fields of processes: from the version that an event holds, and from its relatives as of the event."""

from collections.abc import Callable, Iterator
from typing import Final

from mozu.core.model.event import Process, SyscallEvent
from mozu.core.model.fields.field import Reader
from mozu.core.model.value_types import FieldValue

UNSIGNED: Final = (1 << 64) - 1
_DEPTH: Final = 10_000
"""The most ancestors: no machine has deeper trees; hostile recordings have loops."""


def own(read: Callable[[Process], FieldValue]) -> Reader:
    """Return a reader of a value of the event's own process; missing for events that no task caused."""

    def reader(event: SyscallEvent) -> FieldValue:
        process = event.process
        return None if process is None else read(process)

    return reader


def dated(read: Callable[[Process, SyscallEvent], FieldValue]) -> Reader:
    """Return a reader of a value that also depends on the moment of the event."""

    def reader(event: SyscallEvent) -> FieldValue:
        process = event.process
        return None if process is None else read(process, event)

    return reader


def of_main(read: Callable[[Process], FieldValue]) -> Reader:
    """Return a reader of a value that all threads take from their main thread."""

    def reader(event: SyscallEvent) -> FieldValue:
        process = event.process
        if process is None:
            return None
        return read(process if process.leader is None else process.main_at(event.num))

    return reader


def parent(event: SyscallEvent) -> Process | None:
    """Return the parent process as of the event; None if unknown."""
    process = event.process
    return None if process is None else process.main_at(event.num).parent_at(event.num)


def of_parent(read: Callable[[Process], FieldValue]) -> Reader:
    """Return a reader of a value of the parent process."""

    def reader(event: SyscallEvent) -> FieldValue:
        found = parent(event)
        return None if found is None else read(found)

    return reader


def ancestors(process: Process, number: int) -> Iterator[Process]:
    """Yield the ancestors of a main thread, nearest first, as of event `number`; ends where a loop closes."""
    seen = {process.tid}
    found = process.parent_at(number)
    while found is not None and found.tid not in seen:
        yield found
        seen.add(found.tid)
        found = found.parent_at(number)


def lineage(event: SyscallEvent) -> Iterator[Process]:
    """Return an iterator over the ancestors of the event's process, nearest first."""
    process = event.process
    return iter(()) if process is None else ancestors(process.main_at(event.num), event.num)


def at_level(event: SyscallEvent, level: int) -> Process | None:
    """Return the ancestor so many steps up; 0 is the process itself (its main thread). None if unknown."""
    process = event.process
    if process is None or level > _DEPTH:
        return None
    found: Process | None = process.main_at(event.num)
    for _ in range(level):
        if found is None:
            return None
        found = found.parent_at(event.num)
    return found


def of_level(level: int, read: Callable[[Process], FieldValue]) -> Reader:
    """Return a reader of a value of the ancestor so many steps up."""

    def reader(event: SyscallEvent) -> FieldValue:
        found = at_level(event, level)
        return None if found is None else read(found)

    return reader


def of_lineage(read: Callable[[Process], FieldValue]) -> Reader:
    """Return a reader of the values of all ancestors, for tests that hold if they hold for one; missing without any."""

    def reader(event: SyscallEvent) -> tuple[FieldValue, ...] | None:
        return tuple([read(found) for found in lineage(event)]) or None

    return reader


def joined_lineage(read: Callable[[Process], str]) -> Reader:
    """Return a reader of the values of all ancestors as one text."""

    def reader(event: SyscallEvent) -> str | None:
        return " ".join(filter(None, (read(found) for found in lineage(event)))) or None

    return reader


def group_leader(get: Callable[[Process], int], *, virtual: bool) -> Callable[[SyscallEvent], Process | None]:
    """Return a function that finds the leader of the session or process group that `get` numbers, or None.

    A number of the host's namespace is looked up among the tasks; a number in another pid namespace could be any task's
    there, so the oldest of the nearest ancestors that share it is taken.
    """

    def find(event: SyscallEvent) -> Process | None:
        process = event.process
        if process is None:
            return None
        number = get(process)
        if number == -1:
            return None
        if not virtual or not 0 <= process.vtid != process.tid:
            leader = process.find(number, event.num)
            if leader is not None:
                return leader
        leader = None
        for found in lineage(event):
            if get(found) != number:
                break
            leader = found
        return leader

    return find


def of_leader(leader: Callable[[SyscallEvent], Process | None], read: Callable[[Process], str]) -> Reader:
    """Return a reader of a value of the leader; empty if there is none."""

    def reader(event: SyscallEvent) -> str | None:
        if event.process is None:
            return None
        found = leader(event)
        return "" if found is None else read(found)

    return reader
