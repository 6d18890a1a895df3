"""The event types by name, and the names that a rule may compare `evt.type` with."""

import functools
from collections.abc import Mapping
from types import MappingProxyType

from mozu.core.model.syscalls.declare import EventType, Param, call
from mozu.core.model.syscalls.families import (
    descriptors,
    files,
    generic,
    identities,
    kernel,
    memory,
    meta,
    mounts,
    network,
    opening,
    processes,
    transfer,
    waiting,
)

__all__ = ["EventType", "Param", "event_of_call", "event_type", "event_types", "known_names", "param_names"]

_FAMILIES = (
    opening,
    files,
    mounts,
    descriptors,
    transfer,
    network,
    processes,
    identities,
    memory,
    waiting,
    kernel,
    meta,
)
_DECLARED = [event for family in _FAMILIES for event in family.EVENTS]
_TYPES: dict[str, EventType] = {event.name: event for event in _DECLARED}
_TYPES.update(
    {name: call(name, "other", generic.PARAMS.get(name, ""), traits=generic.TRAITS.get(name, ""),
                own_params=name in generic.PARAMS)
     for name in generic.NAMES.split()}
)  # fmt: skip
_BY_CALL: dict[str, EventType] = {name: event for event in _TYPES.values() for name in event.calls}


def event_type(name: str) -> EventType | None:
    """Return the type that `evt.type` shows under this name; None if there is none."""
    return _TYPES.get(name)


def event_types() -> Mapping[str, EventType]:
    """Return the event types by name, system calls first."""
    return MappingProxyType(_TYPES)


def event_of_call(name: str) -> EventType | None:
    """Return the event type of a system call by the kernel's name (`pread64` → `pread`); None if it has none."""
    return _BY_CALL.get(name)


@functools.cache
def known_names() -> frozenset[str]:
    """Return every name that `evt.type` may be compared with: event types and calls, those of other machines
    included."""
    return frozenset(_TYPES) | frozenset(_BY_CALL) | frozenset(generic.ELSEWHERE.split())


@functools.cache
def param_names() -> frozenset[str]:
    """Return every name of an event's parameter; `evt.arg.NAME` may ask for no other."""
    names = {param.name for event in _TYPES.values() for param in event.params}
    return frozenset(names | {"ID", "nativeID"})
