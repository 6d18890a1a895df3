"""The enrichment buffer: holds events until the enrichers know what their rules will ask for.

An event is held only if an enricher has a key for it whose data is not known yet (the first moments of a container). It
is held in order with all other events of that key, bounded in number, bytes and time; events of other keys pass. After
the time limit events are evaluated without the data, and their alerts say so (`incomplete`).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from mozu.core.api import Enricher
from mozu.core.isolation.deadline import within
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.event import Event

Release = Callable[[Sequence[Event], tuple[str, ...]], None]
"""Takes events that may be evaluated now, and the names of the enrichers that did not answer in time."""

RESOLVE_SECONDS: Final = 30.0
"""After which an enricher's look-up is given up; events wait for `seconds` of the bounds, which is less."""
_EVENT_BYTES = 500
"""Size of an event besides its texts: measured roughly, used only to bound memory."""


class EnrichmentBufferBounds(msgspec.Struct, frozen=True):
    """Bounds of time, number and memory; setting `enrichment_buffer`."""

    seconds: float = 0.5
    events: int = 20_000
    bytes: int = 32 << 20


class _Group(msgspec.Struct):
    """Events that wait for one key of one enricher."""

    enricher: Isolated[Enricher]
    key: str
    events: deque[tuple[Event, int]]


class EnrichmentBuffer:
    """Of one source. `release` is called with held events as soon as they may be evaluated."""

    def __init__(
        self,
        enrichers: Iterable[Isolated[Enricher]],
        bounds: EnrichmentBufferBounds,
        release: Release,
        spawn: Callable[[Awaitable[None], str], None],
        metrics: Metrics,
    ) -> None:
        self._enrichers = tuple(enrichers)
        self._bounds, self._release, self._spawn = bounds, release, spawn
        self._groups: dict[tuple[str, str], _Group] = {}
        self._timed_out: set[tuple[str, str]] = set()
        """Keys whose deadline has passed: their events do not wait again while the answer is still outstanding."""
        self._count = self._bytes = 0
        self._held = metrics.counter("enrichment_buffer_events_total")
        self._timeouts = metrics.counter("enrichment_buffer_timeouts_total")
        metrics.gauge("enrichment_buffer_events", lambda: self._count)

    def use(self, enrichers: Iterable[Isolated[Enricher]], bounds: EnrichmentBufferBounds) -> None:
        """These from the next batch on. What waits for an enricher that is not among them waits no longer."""
        self._enrichers, self._bounds = tuple(enrichers), bounds
        for group in [one for one in self._groups.values() if one.enricher not in self._enrichers]:
            self._release_group(group, late=True)
        names = {enricher.name for enricher in self._enrichers}
        self._timed_out = {name for name in self._timed_out if name[0] in names}

    def admit(self, events: Sequence[Event]) -> Sequence[Event]:
        """Those that may be evaluated now; the others are held."""
        if not self._enrichers:
            return events
        ready = []
        for event in events:
            awaited = self._awaited_key(event)
            if awaited is None:
                ready.append(event)
            else:
                self._hold(event, *awaited)
        return ready

    def oldest(self) -> int | None:
        """The lowest number of an event that is held."""
        return min((group.events[0][0].num for group in self._groups.values() if group.events), default=None)

    def flush(self) -> None:
        """Release every event, at the end."""
        while self._groups:
            self._release_group(next(iter(self._groups.values())), late=True)

    def _awaited_key(self, event: Event) -> tuple[Isolated[Enricher], str] | None:
        """The enricher and the key that this event waits for; None: it need not wait."""
        for enricher in self._enrichers:
            key = enricher.component.key(event)
            if key is None:
                continue
            name = (enricher.name, key)
            if name in self._groups or (name not in self._timed_out and not enricher.component.known(key)):
                return enricher, key
        return None

    def _hold(self, event: Event, enricher: Isolated[Enricher], key: str) -> None:
        name = (enricher.name, key)
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = _Group(enricher, key, deque())
            self._spawn(self._resolve(group), f"resolve {enricher.name} {key}")
        size = _EVENT_BYTES + _text_size(getattr(event, "args", ()))
        group.events.append((event, size))
        self._held.value += 1
        self._count += 1
        self._bytes += size
        if self._count > self._bounds.events or self._bytes > self._bounds.bytes:
            self._release_group(next(iter(self._groups.values())), late=True)

    async def _resolve(self, group: _Group) -> None:
        """Have the enricher fetch the key's data; at the deadline the events go, the answer may come for later ones."""
        name = (group.enricher.name, group.key)
        loop = asyncio.get_running_loop()
        deadline = loop.call_later(self._bounds.seconds, self._release_group, group, True)
        with group.enricher.contained(f"resolve {group.key}"):
            await within(
                group.enricher, "resolve", RESOLVE_SECONDS, lambda: group.enricher.component.resolve(group.key)
            )
        deadline.cancel()
        self._timed_out.discard(name)
        self._release_group(group, late=not group.enricher.component.known(group.key))

    def _release_group(self, group: _Group, late: bool) -> None:
        name = (group.enricher.name, group.key)
        if self._groups.get(name) is not group:
            return
        del self._groups[name]
        if late:
            self._timed_out.add(name)
            self._timeouts.value += len(group.events)
        self._count -= len(group.events)
        self._bytes -= sum(size for _, size in group.events)
        events = [event for event, _ in group.events]
        self._release(self.admit(events), (group.enricher.name,) if late else ())


def _text_size(args: tuple[Any, ...]) -> int:
    return sum(len(value) for value in args if isinstance(value, str | bytes))
