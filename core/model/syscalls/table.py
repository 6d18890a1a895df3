"""All event types by name, and all names a rule may compare `evt.type` with."""

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
    """The type that `evt.type` shows under this name."""
    return _TYPES.get(name)


def event_types() -> Mapping[str, EventType]:
    """All of them, system calls first."""
    return MappingProxyType(_TYPES)


def event_of_call(name: str) -> EventType | None:
    """The event type that a system call of the kernel's name leads to (`pread64` → `pread`)."""
    return _BY_CALL.get(name)


@functools.cache
def known_names() -> frozenset[str]:
    """Every name `evt.type` may be compared with: event types and calls, those of other machines too."""
    return frozenset(_TYPES) | frozenset(_BY_CALL) | frozenset(generic.ELSEWHERE.split())


@functools.cache
def param_names() -> frozenset[str]:
    """Every name that a parameter of some event has; `evt.arg.NAME` may ask for no other."""
    names = {param.name for event in _TYPES.values() for param in event.params}
    return frozenset(names | {"ID", "nativeID"})
