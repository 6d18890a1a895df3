"""The way of alerts into one sink: queue, encoder, delivery, retry."""

import asyncio
import inspect
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from mozu.core.alert import Alert, Stamp
from mozu.core.encode import Encoder
from mozu.core.errors import SinkClosed
from mozu.core.hookspecs import Outcome, Record, Rejected, Retry, Sink
from mozu.core.pipeline.channel import Channel
from mozu.core.pipeline.stage import Stage
from mozu.core.pipeline.worker import Worker

_BATCH = 500
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 30.0


class Outlet:
    """Owns everything between `accept` and the destination, so that a sink of five lines has every guarantee."""

    def __init__(
        self,
        stage: Stage[Sink],
        encoder: Encoder,
        capacity: int,
        *,
        agent: str,
        on_closed: Callable[[str], None],
    ) -> None:
        self.stage, self._encoder, self._on_closed = stage, encoder, on_closed
        self._agent, self._epoch = agent, f"{time.time_ns():x}"
        self.channel = Channel(capacity, stage.metrics)
        self._worker = Worker(f"mozu-{stage.name}") if stage.blocking else None
        self._delivered = stage.metrics.counter("sink_alerts_delivered_total")
        self._metrics = stage.metrics
        self._waiting: list[Record] = []
        """Taken from the queue and not yet settled."""
        self._busy_since: float | None = None
        stage.metrics.gauge("sink_busy_seconds", self._busy)

    @property
    def name(self) -> str:
        """The instance's name."""
        return self.stage.name

    def accept(self, alert: Alert) -> None:
        """Never waits."""
        self.channel.put(alert)

    async def start(self) -> None:
        """Start the sink. Raises what the sink raises."""
        await self._call(self.stage.component.start)

    async def run(self) -> None:
        """Deliver until the channel is closed and empty."""
        delay = _FIRST_DELAY
        while True:
            if not self._waiting:
                taken = await self.channel.get(_BATCH)
                if not taken:
                    return
                self._waiting = [self._record(number, alert) for number, alert in taken]
            after = await self._attempt()
            if not self._waiting:
                delay = _FIRST_DELAY
            else:
                await asyncio.sleep(max(after, random.uniform(delay / 2, delay)))
                delay = min(delay * 2, _LONGEST_DELAY)

    async def stop(self) -> None:
        """Let the sink go; whatever was not delivered is counted as dropped."""
        left = len(self._waiting) + len(self.channel)
        if left:
            self._drop(left, "stop deadline")
            self.stage.log.error("sink %s: %d alerts undelivered at the stop deadline", self.name, left)
        with self.stage.contained("stop"):
            if self._busy_since is None:
                await self._call(self.stage.component.stop)
        if self._worker is not None:
            self._worker.close()

    def undelivered(self) -> int:
        """Accepted and neither delivered nor dropped."""
        return len(self._waiting) + len(self.channel)

    def _record(self, number: int, alert: Alert) -> Record:
        stamp = Stamp(self._agent, self.name, self._epoch, number)
        return Record(alert, self._encoder.encode(alert, stamp), stamp)

    async def _attempt(self) -> float:
        """One delivery of what waits; how long to wait at least before the next one."""
        records = self._waiting
        outcomes: Sequence[Outcome] | None = None
        try:
            with self.stage.contained("deliver") as attempt:
                outcomes = await self._call(lambda: self.stage.component.deliver(records))
                if outcomes is not None and len(outcomes) != len(records):
                    raise ValueError(f"deliver returned {len(outcomes)} outcomes for {len(records)} records")
        except SinkClosed as closed:
            self._drop(len(records), "sink closed")
            self._waiting = []
            self._on_closed(f"sink {self.name}: {closed}")
            return 0.0
        if attempt.failed:
            return 0.0
        return self._settle(records, outcomes or [None] * len(records))

    def _settle(self, records: list[Record], outcomes: Sequence[Outcome]) -> float:
        after = 0.0
        self._waiting = []
        for record, outcome in zip(records, outcomes, strict=True):
            if outcome is None:
                self._delivered.value += 1
            elif isinstance(outcome, Retry):
                self._waiting.append(record)
                after = max(after, outcome.after)
            elif isinstance(outcome, Rejected):
                self._drop(1, "rejected")
                self.stage.log.error("sink %s rejected alert %s: %s", self.name, record.alert.id, outcome.reason)
        return after

    def _drop(self, count: int, reason: str) -> None:
        self._metrics.counter("sink_alerts_dropped_total", reason=reason).value += count

    def _busy(self) -> float:
        return 0.0 if self._busy_since is None else asyncio.get_running_loop().time() - self._busy_since

    async def _call(self, call: Callable[[], Any]) -> Any:
        """Run a method of the sink where it belongs: on its thread if it blocks, else on the loop."""
        self._busy_since = asyncio.get_running_loop().time()
        try:
            if self._worker is not None:
                result = await self._worker.run(call)
            else:
                result = call()
                if inspect.isawaitable(result):
                    result = await result
        except Exception:
            self._busy_since = None
            raise
        self._busy_since = None  # not on cancellation: the thread may still be in the call
        return result
