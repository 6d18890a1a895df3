"""Events by container, counted only while a client asks: every event is examined, and there may be many containers."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from mozu.core.filter.demand import Demand
from mozu.core.model.event import Event, SyscallEvent
from mozu.core.model.fields import FieldRegistry

_SECONDS: Final = 10.0
"""Seconds for which counting continues after a read."""
_MOST: Final = 1_000
OTHERS: Final = "(others)"
"""The id under which events of further containers are counted."""
HOST: Final = "host"
"""The id under which events of the host are counted."""


class ContainerCount(msgspec.Struct):
    """The events of one container."""

    name: str = ""
    """The container's name as an enricher knows it; empty if not known."""
    events: int = 0


class ContainerCounts:
    """The counts of one source, by container."""

    def __init__(
        self, fields: FieldRegistry, demand: Callable[[], Demand], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fields, self._demand, self._clock = fields, demand, clock
        self._until = 0.0
        self._counts: dict[str, ContainerCount] = {}
        self.is_wanted = False

    def look(self) -> Mapping[str, ContainerCount]:
        """Return the counts since the first read, by container id; empty if no rule asks for the container of an
        event."""
        if not self.is_wanted:
            self._counts = {}
        self.is_wanted = "cgroups" in self._demand().state_dependencies("syscall")
        self._until = self._clock() + _SECONDS
        return self._counts

    def count(self, events: Sequence[Event]) -> None:
        """Count these events, if a client has asked recently. Raises what a reader of a field raises."""
        if self._clock() > self._until:
            self.is_wanted = False
            return
        for event in events:
            process = event.process if isinstance(event, SyscallEvent) else None
            if process is None:
                continue
            identity = HOST if process.container is None else process.container.id
            found = self._counts.get(identity)
            if found is None:
                if len(self._counts) >= _MOST:
                    identity = OTHERS
                found = self._counts.setdefault(identity, ContainerCount())
            found.events += 1
            if not found.name and process.container is not None and identity != OTHERS:
                found.name = self._name(event)

    def _name(self, event: Event) -> str:
        read = self._fields.resolve("container.name", None, event.type).read
        name = read(event)
        return name if isinstance(name, str) else ""
