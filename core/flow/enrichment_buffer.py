"""The enrichment buffer: holds events until the enrichers know what their rules will ask for.

An event is held only if an enricher has a key for it whose data is not known yet (the first moments of a container).
The event is held in order with all other events of that key, bounded in number, bytes and time; events of other keys
pass. After the time limit, CPU wait aside (core/cpu_wait.py), events are evaluated without the data, and their alerts
say so (`incomplete`).
"""

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from mozu.core.cpu_wait import ExtraTime
from mozu.core.flow.key_lookups import KeyLookups
from mozu.core.flow.wanted_enrichers import WantedEnrichers
from mozu.core.metrics import Metrics
from mozu.core.model.event import Event

Release = Callable[[Sequence[Event], tuple[str, ...]], object]
"""Function that takes events that may be evaluated now, and the names of the enrichers that did not answer in time."""

_SHRINK_EVENTS = 1_000
"""Events that one call of `shrink` releases, to leave time for other work of the event loop."""
_EVENT_BYTES = 500
"""Size of an event in bytes without its texts: measured roughly, used only to bound memory."""
_WITHIN: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 60.0)
"""Upper bounds, in seconds, of the buckets of `enrichment_buffer_released_total`, which counts how long events were
held."""


class EnrichmentBufferBounds(msgspec.Struct, frozen=True):
    """Bounds of time, number and memory; setting `enrichment_buffer`."""

    seconds: float = 0.5
    events: int = 20_000
    bytes: int = 32 << 20


class _Group(msgspec.Struct):
    """Events that wait for one key of one enricher."""

    lookups: KeyLookups
    key: str
    events: deque[tuple[Event, int, float]]
    """The events, each with its size in bytes and the loop's time of its arrival."""
    extra: ExtraTime
    """CPU wait since the group was made, by which its deadline is put off."""
    deadline: asyncio.TimerHandle | None = None


class EnrichmentBuffer:
    """The held events of one source. `release` is called with held events as soon as they may be evaluated."""

    def __init__(
        self, wanted: WantedEnrichers, bounds: EnrichmentBufferBounds, release: Release, metrics: Metrics
    ) -> None:
        self._wanted = wanted
        self._bounds, self._release = bounds, release
        self._groups: dict[tuple[str, str], _Group] = {}
        self._timed_out: set[tuple[str, str]] = set()
        """Keys with a look-up that has passed its deadline: further events do not wait for them."""
        self.unanswered: dict[int, tuple[str, ...]] = {}
        """Number of an event that passed without an answer → the enrichers that gave none; cleared with each batch."""
        self._count = self._bytes = 0
        self._emptied = asyncio.Event()
        self._held = metrics.counter("enrichment_buffer_events_total")
        self._timeouts = metrics.counter("enrichment_buffer_timeouts_total")
        self._released = [metrics.counter("enrichment_buffer_released_total", within=str(bound)) for bound in _WITHIN]
        metrics.gauge("enrichment_buffer_events", self.__len__)

    def __len__(self) -> int:
        return self._count

    def use(self, bounds: EnrichmentBufferBounds) -> None:
        """Use these bounds, from the next batch on; the enrichers may have changed too. Events that wait for a removed
        enricher are released."""
        self._bounds = bounds
        for group in [one for one in self._groups.values() if one.lookups not in self._wanted.all()]:
            self._release_group(group, late=True)
        names = {lookups.name for lookups in self._wanted.all()}
        self._timed_out = {name for name in self._timed_out if name[0] in names}

    def admit(self, events: Sequence[Event]) -> Sequence[Event]:
        """Return the events of a new batch that may be evaluated now; the others are held."""
        if not self._wanted:
            return events
        self.unanswered.clear()
        return self._ready(events)

    def _ready(self, events: Sequence[Event]) -> Sequence[Event]:
        ready = []
        for event in events:
            awaited = self._awaited_key(event)
            if awaited is None or not self._hold(event, *awaited):
                ready.append(event)
        return ready

    def oldest(self) -> int | None:
        """Return the lowest number of a held event; None if none is held."""
        return min((group.events[0][0].num for group in self._groups.values() if group.events), default=None)

    def shrink(self) -> int:
        """Release some events without the data, of the keys that have waited longest, and return how many."""
        before = self._count
        while self._groups and before - self._count < _SHRINK_EVENTS:
            self._release_group(next(iter(self._groups.values())), late=True)
        return before - self._count

    def flush(self) -> None:
        """Release every event, at the end."""
        while self._groups:
            self._release_group(next(iter(self._groups.values())), late=True)

    async def wait_empty(self) -> None:
        """Wait until no event is held: as long as `seconds` of the bounds at most, if none is admitted meanwhile."""
        while self._count:
            self._emptied.clear()
            await self._emptied.wait()

    def _awaited_key(self, event: Event) -> tuple[KeyLookups, str] | None:
        """Return the look-ups and the key that this event waits for; None if it need not wait."""
        for lookups in self._wanted.of(event):
            key = lookups.key(event)
            if key is None:
                continue
            name = (lookups.name, key)
            is_late = name in self._timed_out
            if name in self._groups or (not is_late and lookups.must_wait(key)):
                return lookups, key
            is_unanswered = lookups.is_unanswered(key)
            lookups.unanswered.value += is_unanswered
            without = self.unanswered.get(event.num, ())
            if (is_unanswered or is_late) and lookups.name not in without:
                self.unanswered[event.num] = (*without, lookups.name)
        return None

    def _hold(self, event: Event, lookups: KeyLookups, key: str) -> bool:
        """Hold an event; return False if its key cannot be looked up."""
        name, loop = (lookups.name, key), asyncio.get_running_loop()
        group = self._groups.get(name)
        if group is None:
            new = group = self._groups[name] = _Group(lookups, key, deque(), ExtraTime())
            if not lookups.resolve(key, lambda: self._answered(new)):
                del self._groups[name]
                return False
            group.deadline = loop.call_later(self._bounds.seconds, self._end, group)
        size = _EVENT_BYTES + _text_size(getattr(event, "args", ()))
        group.events.append((event, size, loop.time()))
        self._held.value += 1
        self._count += 1
        self._bytes += size
        if self._count > self._bounds.events or self._bytes > self._bounds.bytes:
            self._release_group(max(self._groups.values(), key=lambda one: len(one.events)), late=True)
        return True

    def _answered(self, group: _Group) -> None:
        """Release the events of a look-up that has ended, as late ones if it found nothing."""
        self._timed_out.discard((group.lookups.name, group.key))
        self._release_group(group, late=not group.lookups.knows(group.key))

    def _end(self, group: _Group) -> None:
        """Release the events of a group at its deadline, unless that is put off by what was waited for a CPU."""
        more = group.extra.take() if self._bounds.seconds else 0.0
        if more:
            group.deadline = asyncio.get_running_loop().call_later(more, self._end, group)
        else:
            self._release_group(group, late=True)

    def _release_group(self, group: _Group, late: bool) -> None:
        name = (group.lookups.name, group.key)
        if self._groups.get(name) is not group:
            return
        del self._groups[name]
        if group.deadline is not None:
            group.deadline.cancel()
        if late:
            self._timeouts.value += len(group.events)
            if group.lookups.is_asked(group.key):
                self._timed_out.add(name)
        self._count -= len(group.events)
        if not self._count:
            self._emptied.set()
        self._bytes -= sum(size for _, size, _ in group.events)
        now = asyncio.get_running_loop().time()
        for _, _, since in group.events:
            self._released[min(bisect_left(_WITHIN, now - since), len(_WITHIN) - 1)].value += 1
        events = [event for event, _, _ in group.events]
        self._release(self._ready(events), (group.lookups.name,) if late else ())


def _text_size(args: tuple[Any, ...]) -> int:
    return sum(len(value) for value in args if isinstance(value, str | bytes))
