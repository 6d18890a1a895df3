"""The memory bound (`memory.limit`): what is given back when it is reached, in which order, and what is reported.

Once a second the resident memory is compared with the bound: one read of a file. If memory could pass eight tenths of
the bound within a second the checks come closer together, up to ten a second, so that the next check is made in time.
Above eight tenths an episode begins. Step by step data that could be obtained again is forgotten, as much of it as
needed, the cheapest first; the list of steps is `core/runtime/engine/memory_steps.py`. Accepted alerts and events that
are being evaluated are never given back. If nothing else is left and the bound is still nearly reached, the event gate
closes: live events end before they are held or evaluated, counted and reported. An episode ends when memory has stayed
below the mark for a minute.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from mozu.core.common.process_memory import ResidentMemory, trim
from mozu.core.common.ticks import tick
from mozu.core.flow.event_gate import EventGate
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity

_MARK: Final = 0.8
"""Share of the bound above which memory is given back: the rest is for what arrives meanwhile."""
_CLOSING: Final = 0.95
"""Fraction of the bound above which, with nothing left to free, events are dropped."""
_INTERVAL: Final = 0.1
"""Seconds between two checks during an episode, and the least between two checks below the mark."""
_TICK: Final = 1.0
"""Seconds between two checks while memory cannot reach the mark sooner."""
_BURST: Final = 64 << 20
"""Bytes a second by which memory may begin to grow at any moment. Measured when thousands of containers are read: 40
MiB within a second, in single moments 8 MiB within 0.16 s.

This value decides what checks cost at rest: each is a wake-up of the loop, 0.19 ms of CPU. A process that rests 64 MiB
or more below the mark makes one check a second, together with other timers; one that rests 32 MiB below it makes two
(0.04 % of a CPU), and one that rests within 6 MiB of it ten (0.19 %).
"""
_CALM: Final = 60.0
"""Seconds below the mark after which an episode is over."""
_MIB: Final = 1 << 20
_log = logging.getLogger("mozu.engine")


class MemoryStep(msgspec.Struct, frozen=True):
    """A kind of memory that can be given back."""

    name: str
    """A word for alerts and metrics."""
    shrink: Callable[[], int]
    """Function that frees a part of its memory and returns the number of entries; 0 if nothing is left. May take some
    10 ms; raises
    nothing.
    """


class Notify(Protocol):
    """The type of `AlertPipeline.notice`."""

    def __call__(self, rule: str, priority: Severity, text: str, **fields: str | int) -> None:
        """Emit an alert of mozu about itself."""


class MemoryBound:
    """The memory bound of one run. `limit` returns the bound in bytes, 0 if there is none; a reload may change it."""

    def __init__(
        self,
        limit: Callable[[], int],
        steps: Sequence[MemoryStep],
        gate: EventGate,
        *,
        notify: Notify,
        metrics: Metrics,
        resident: Callable[[], int] | None = None,
    ) -> None:
        self._limit, self._steps, self._gate, self._notify = limit, tuple(steps), gate, notify
        self._resident = ResidentMemory().read if resident is None else resident
        self._given = {step.name: metrics.counter("memory_given_back_total", step=step.name) for step in steps}
        self._rounds = metrics.counter("memory_rounds_total")
        self._highest = self._last = 0
        self._is_logged = False
        """True if this episode's dropping of events is in the log."""
        self._announced = -1
        """Index of the last step that a notice of this episode mentions."""
        metrics.gauge("memory_resident_bytes", self._resident)
        metrics.gauge("memory_limit_bytes", limit)

    async def run(self) -> None:
        """Keep memory below the bound until cancelled; runs from before the start of components, which may need
        most."""
        since = _TICK
        while True:
            left = self._until_mark(since)
            if left < 0:
                await self._kept_below()
                since = _INTERVAL
            elif left < _TICK:
                since = max(left, _INTERVAL)
                await asyncio.sleep(since)
            else:
                since = _TICK
                await tick(_TICK)

    def numbers(self) -> Mapping[str, object]:
        """Return numbers for the statistics. Shape: docs/operate/statistics.md."""
        return {
            "limit": self._limit(),
            "resident": self._resident(),
            "highest": max(self._highest, self._resident()),
            "given_back": {name: counter.value for name, counter in self._given.items()},
            "dropped_events": self._gate.dropped,
        }

    async def _kept_below(self) -> None:
        """Run one episode."""
        began = calm_since = time.monotonic()
        before, dropped = self._totals(), self._gate.dropped
        self._announced, self._is_logged = -1, False
        try:
            while time.monotonic() - calm_since < _CALM:
                if self._is_above(_MARK):
                    await self._give_back(before)
                    calm_since = time.monotonic()
                else:
                    self._gate.is_closed = False
                await asyncio.sleep(_INTERVAL)
        finally:
            self._gate.is_closed = False
        self._report_end(before, self._gate.dropped - dropped, time.monotonic() - began)

    async def _give_back(self, before: Mapping[str, int]) -> None:
        """Give back step by step until memory is below the mark; close the gate if the bound is nearly reached after
        the last step."""
        self._rounds.value += 1
        deepest = -1
        await asyncio.to_thread(trim)
        for number, step in enumerate(self._steps):
            while self._is_above(_MARK) and (given := step.shrink()):
                self._given[step.name].value += given
                deepest = number
                await asyncio.to_thread(trim)
        was_closed = self._gate.is_closed
        self._gate.is_closed = self._is_above(_MARK if was_closed else _CLOSING)
        if self._gate.is_closed and not was_closed:
            self._announced = max(self._announced, deepest)
            self._report_dropping(before)
        elif deepest > self._announced:
            self._announced = deepest
            self._report_given(before)

    def _is_above(self, share: float) -> bool:
        resident, limit = self._resident(), self._limit()
        self._highest = max(self._highest, resident)
        return bool(limit) and resident > share * limit

    def _until_mark(self, since: float) -> float:
        """Return the least seconds until memory may reach the mark, assuming growth by a burst, or as fast as since the
        last check if that was faster."""
        resident, limit = self._resident(), self._limit()
        self._highest = max(self._highest, resident)
        grown, self._last = resident - self._last, resident
        return (_MARK * limit - resident) / max(_BURST, grown / since) if limit else math.inf

    # --- reports

    def _report_given(self, before: Mapping[str, int]) -> None:
        self._notice("Memory limit reached", Severity.WARNING, f"given back: {self._since(before)}", before)

    def _report_dropping(self, before: Mapping[str, int]) -> None:
        text = f"given back: {self._since(before)}; that is not enough, and live events are dropped until it is"
        if not self._is_logged:
            self._is_logged = True
            _log.error("%s: %s", self._used(), text)
        self._notice("Memory limit exceeded", Severity.CRITICAL, text, before)

    def _report_end(self, before: Mapping[str, int], dropped: int, seconds: float) -> None:
        text = f"less than the limit for a minute; given back: {self._since(before)}; {dropped} events were dropped"
        self._notice("Memory limit kept", Severity.NOTICE, text, before, dropped=dropped, seconds=round(seconds))

    def _notice(self, rule: str, priority: Severity, text: str, before: Mapping[str, int], **more: int) -> None:
        resident, limit = self._resident(), self._limit()
        steps = ",".join(name for name, total in self._totals().items() if total > before[name])
        self._notify(
            rule, priority, f"{self._used()}: {text}", resident=resident, limit=limit, given_back=steps, **more
        )

    def _used(self) -> str:
        resident, limit = self._resident() / _MIB, self._limit() / _MIB
        return f"mozu uses {resident:.0f} MiB of memory, and may use {limit:.0f} (memory.limit)"

    def _totals(self) -> dict[str, int]:
        return {name: counter.value for name, counter in self._given.items()}

    def _since(self, before: Mapping[str, int]) -> str:
        """Return a phrase with the memory freed in this episode."""
        fresh = {name: total - before[name] for name, total in self._totals().items() if total > before[name]}
        return ", ".join(f"{name} ({count} entries)" for name, count in fresh.items()) or "free pages only"
