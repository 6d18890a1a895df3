"""Events by container, counted only while a client asks: each event is looked at, and containers are without number."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from mozu.core.filter.demand import Demand
from mozu.core.model.event import Event, SyscallEvent
from mozu.core.model.fields import FieldRegistry

_SECONDS: Final = 10.0
"""So long after a look it is counted on."""
_MOST: Final = 1_000
OTHERS: Final = "(others)"
"""The id under which events of further containers are counted."""
HOST: Final = "host"
"""That of events of the host."""


class ContainerCount(msgspec.Struct):
    """Of one container."""

    name: str = ""
    """As an enricher knows it; empty: not known."""
    events: int = 0


class ContainerCounts:
    """Of one source."""

    def __init__(
        self, fields: FieldRegistry, demand: Callable[[], Demand], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fields, self._demand, self._clock = fields, demand, clock
        self._until = 0.0
        self._counts: dict[str, ContainerCount] = {}
        self.is_wanted = False

    def look(self) -> Mapping[str, ContainerCount]:
        """What was counted since the first of the looks; empty where nothing asks which container an event is of."""
        if not self.is_wanted:
            self._counts = {}
        self.is_wanted = "cgroups" in self._demand().state_dependencies("syscall")
        self._until = self._clock() + _SECONDS
        return self._counts

    def count(self, events: Sequence[Event]) -> None:
        """These, if they are wanted. Raises what a reader of a field raises."""
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
