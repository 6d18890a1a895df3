"""Events wait here until the enrichers know what their rules will ask for.

An event waits only if an enricher has a key for it that is not known yet (the first moments of a container). It waits
in order with all other events of that key, bounded in number, bytes and time; events of other keys pass. Whoever has
waited too long is judged without, and the alert says so.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import msgspec

from mozu.core.api.hookspecs import Enricher
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.event import Event

Release = Callable[[Sequence[Event], tuple[str, ...]], None]
"""Takes events that may be judged now, and the names of the enrichers that did not answer in time."""

_EVENT_BYTES = 500
"""What an event weighs besides its texts: measured roughly, used only to bound memory."""


class EnrichmentBufferBounds(msgspec.Struct, frozen=True):
    """Bounds of the waiting room."""

    seconds: float = 0.5
    events: int = 20_000
    bytes: int = 32 << 20


class _Group(msgspec.Struct):
    stage: Isolated[Enricher]
    key: str
    events: deque[tuple[Event, int]]


class EnrichmentBuffer:
    """The waiting room of one pipeline."""

    def __init__(
        self,
        enrichers: Iterable[Isolated[Enricher]],
        settings: EnrichmentBufferBounds,
        release: Release,
        spawn: Callable[[Awaitable[None], str], None],
        metrics: Metrics,
    ) -> None:
        self._enrichers = tuple(enrichers)
        self._settings, self._release, self._spawn = settings, release, spawn
        self._groups: dict[tuple[str, str], _Group] = {}
        self._lapsed: set[tuple[str, str]] = set()
        """Keys whose deadline has passed: their events do not wait again while the answer is still outstanding."""
        self._count = self._bytes = 0
        self._held = metrics.counter("hold_events_total")
        self._late = metrics.counter("hold_events_released_unknown_total")
        metrics.gauge("hold_events", lambda: self._count)

    def admit(self, events: Sequence[Event]) -> Sequence[Event]:
        """Those that may be judged now; the others are kept."""
        if not self._enrichers:
            return events
        ready = []
        for event in events:
            reason = self._reason(event)
            if reason is None:
                ready.append(event)
            else:
                self._keep(event, *reason)
        return ready

    def oldest(self) -> int | None:
        """The lowest number of an event that waits."""
        return min((group.events[0][0].num for group in self._groups.values() if group.events), default=None)

    def flush(self) -> None:
        """Let everybody go, at the end."""
        while self._groups:
            self._let_go(next(iter(self._groups)), late=True)

    def _reason(self, event: Event) -> tuple[Isolated[Enricher], str] | None:
        for stage in self._enrichers:
            key = stage.component.key(event)
            if key is None:
                continue
            group = (stage.name, key)
            if group in self._groups or (group not in self._lapsed and not stage.component.known(key)):
                return stage, key
        return None

    def _keep(self, event: Event, stage: Isolated[Enricher], key: str) -> None:
        name = (stage.name, key)
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = _Group(stage, key, deque())
            self._spawn(self._resolve(group), f"resolve {stage.name} {key}")
        size = _EVENT_BYTES + _text_size(getattr(event, "args", ()))
        group.events.append((event, size))
        self._held.value += 1
        self._count += 1
        self._bytes += size
        if self._count > self._settings.events or self._bytes > self._settings.bytes:
            self._let_go(next(iter(self._groups)), late=True)

    async def _resolve(self, group: _Group) -> None:
        """Ask the enricher; at the deadline the events go, while the answer may still come for later ones."""
        name = (group.stage.name, group.key)
        loop = asyncio.get_running_loop()
        deadline = loop.call_later(self._settings.seconds, self._let_go, name, True)
        with group.stage.contained(f"resolve {group.key}"):
            await group.stage.component.resolve(group.key)
        deadline.cancel()
        self._lapsed.discard(name)
        self._let_go(name, late=not group.stage.component.known(group.key))

    def _let_go(self, name: tuple[str, str], late: bool) -> None:
        group = self._groups.pop(name, None)
        if group is None:
            return
        if late:
            self._lapsed.add(name)
            self._late.value += len(group.events)
        self._count -= len(group.events)
        self._bytes -= sum(size for _, size in group.events)
        events = [event for event, _ in group.events]
        self._release(self.admit(events), (group.stage.name,) if late else ())


def _text_size(args: tuple[Any, ...]) -> int:
    return sum(len(value) for value in args if isinstance(value, str | bytes))
