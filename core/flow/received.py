"""Checks of a source's events on arrival: a wrong event is the fault of its source, not of a later stage."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from mozu.core.model.event import Event, SyscallEvent, UndecodedEvent

_SYSCALL: Final = {SyscallEvent, UndecodedEvent}
_INT: Final = {int}
_time = attrgetter("time")


def are_sound(items: Sequence[object]) -> bool:
    """Return True if every stage can use these events. System calls, of which there are many, are checked only briefly.
    An event's parameters and data are left to the evaluators."""
    kinds = set(map(type, items))
    if kinds <= _SYSCALL:
        return set(map(type, map(_time, items))) <= _INT
    return all(isinstance(item, Event) and _fault(item) == "" for item in items)


def sound(item: object) -> Event:
    """Return the item as an event if it is sound. Raises TypeError."""
    if not isinstance(item, Event):
        raise TypeError(f"batches() must give sequences of events or alerts; one has {type(item).__name__}")
    fault = _fault(item)
    if fault:
        raise TypeError(fault)
    return item


def _fault(event: Event) -> str:
    right = type(event.source) is str and type(event.type) is str and type(event.time) is int and type(event.num) is int
    if right:
        return ""
    members = {"source": event.source, "type": event.type, "time": event.time, "num": event.num}
    found = ", ".join(f"{name} {type(value).__name__}" for name, value in members.items())
    return f"source and type of an event must be str, time and num int; one has {found}"
