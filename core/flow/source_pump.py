"""The source pump: reads one source and feeds its pipeline; backpressure where it can wait, restart where it fails.

A live source never waits: the kernel would lose events meanwhile, so alerts are dropped, and counted, at the full queue
of a sink instead. A source that can wait (a recording, Kafka) is read no further while the queue of a sink is more than
half full (`AlertPipeline.wait_capacity`) or a recording is behind (`SourcePipeline.wait_recorded`).
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from mozu.core.api import AcksAlerts, AcksBatches, ObservesPids, Source, StatesLimits
from mozu.core.common.backoff import Backoff
from mozu.core.errors import SourceBroken, SourceUnavailable
from mozu.core.filter.demand import Demand
from mozu.core.flow.pipeline import AlertPipeline, SourcePipeline
from mozu.core.flow.receipt import Receipt
from mozu.core.flow.reconcile import Reconciler
from mozu.core.isolation.deadline import START_SECONDS, within
from mozu.core.isolation.isolated import Isolated
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.event import Event

_log = logging.getLogger("mozu.engine")

_CHUNK: Final = 500
"""Events of a source that can wait, processed between two looks at the queues of the sinks."""
_FIRST_BACKOFF, _MAX_BACKOFF = 1.0, 30.0
"""Seconds before a failed source is started again."""


class PumpedSource(msgspec.Struct, frozen=True):
    """What a pump needs of a source."""

    plugin: str
    pipeline: SourcePipeline
    reconciler: Reconciler | None = None
    """None for a source that is not live, whose state cannot be compared with the machine."""


class SourcePump:
    """One source with its pipeline. `demand` gives what is wanted now; `stopping` is set when the run ends.

    `alternatives`: sources that could be it, best first; the first that starts is. A further one is built where those
    before it could not start.
    """

    def __init__(
        self,
        alternatives: Iterator[PumpedSource],
        alerts: AlertPipeline,
        *,
        demand: Callable[[], Demand],
        stopping: asyncio.Event,
        seconds: float = START_SECONDS,
    ) -> None:
        """`seconds`: what a start, or taking new demand, may take."""
        self._alternatives, self._pumped = alternatives, next(alternatives)
        self.name, self.live = self.pipeline.name, self.pipeline.live
        self._alerts, self._demand, self._stopping = alerts, demand, stopping
        self._seconds = seconds
        self.refused: dict[str, str] = {}
        """Plugin → why it could not start, of those that come before the one that works."""
        self.failed = False
        """The source has ended before its input did: the exit status is 1."""

    @property
    def plugin(self) -> str:
        """The plugin that works."""
        return self._pumped.plugin

    @property
    def title(self) -> str:
        """Its name, with the plugin where that is another."""
        return self.name if self.name == self.plugin else f"{self.name} ({self.plugin})"

    @property
    def pipeline(self) -> SourcePipeline:
        """Of the source that works."""
        return self._pumped.pipeline

    @property
    def reconciler(self) -> Reconciler | None:
        """Of the source that works."""
        return self._pumped.reconciler

    @property
    def _source(self) -> Isolated[Source]:
        return self.pipeline.source

    def limits(self) -> Sequence[str]:
        """What the source says that it does not see (`StatesLimits`)."""
        component = self._source.component
        found: Sequence[str] = ()
        if isinstance(component, StatesLimits):
            with self._source.contained("state its limits"):
                found = component.limits()
        return found

    async def start(self, demand: Demand) -> None:
        """Start the first of the alternatives that can, then take in the processes that exist already.

        Raises SourceUnavailable, which says of each alternative why it cannot start, and DeadlineExceeded.
        """
        while True:
            try:
                await self._start(demand)
            except SourceUnavailable as error:
                following = next(self._alternatives, None)
                if following is None and self.refused:
                    self._refuse(error)
                    raise SourceUnavailable(f"source {self.name}: {self._reasons()}") from error
                if following is None:
                    raise
                self._refuse(error)
                self._pumped = following
            else:
                break
        if self.refused:
            self._report_fallback()

    def _refuse(self, error: SourceUnavailable) -> None:
        self.refused[self.plugin] = str(error).removeprefix(f"source {self.plugin}: ")

    def _reasons(self) -> str:
        return "; ".join(f"{plugin} cannot start ({reason})" for plugin, reason in self.refused.items())

    def _report_fallback(self) -> None:
        limits = ", ".join(self.limits()) or "nothing that it knows of"
        text = f"source {self.name}: {self._reasons()}, so {self.plugin} watches; not seen: {limits}"
        _log.warning("%s", text)
        self._alerts.notice(
            "Source fallback", Severity.WARNING, text, evt_source=self.name, plugin=self.plugin,
            reason=self._reasons(), not_seen=limits,
        )  # fmt: skip

    async def _start(self, demand: Demand) -> None:
        try:
            await within(self._source, "start", self._seconds, lambda: self._source.component.start(demand))
            self._seed(demand)
        except OSError as error:  # of the machine: no /proc, no descriptors left, a file that may not be opened
            hint = "; is /proc mounted?" if str(error.filename).startswith("/proc/") else ""
            raise SourceUnavailable(f"source {self.name} cannot start: {error}{hint}") from error

    def _seed(self, demand: Demand) -> None:
        state = self.pipeline.state
        if state is None or not self.live:
            return
        needed = demand.state_dependencies("syscall")
        source = self._source.component
        state.configure(environments="env" in needed)
        known = state.seed(source.observed_pids() if isinstance(source, ObservesPids) else None)
        _log.info("source %s has started; %d processes were there already", self.title, known)
        if "threads" in needed:
            self.reconcile()  # births that came before the count are under way, and would count twice

    async def update(self, demand: Demand) -> str:
        """Rules have changed. Gives why the source could not take the demand; empty: it has."""
        if self.pipeline.state is not None:
            self.pipeline.state.configure(environments="env" in demand.state_dependencies("syscall"))
        with self._source.contained("take new demand") as outcome:
            await within(self._source, "update", self._seconds, lambda: self._source.component.update(demand))
        return "" if outcome.failed is None else str(outcome.failed) or type(outcome.failed).__name__

    async def run(self) -> None:
        """Process batches until the source ends; after a failure it is started again with back-off and a notice."""
        backoff = Backoff(_FIRST_BACKOFF, _MAX_BACKOFF, jitter=0.0)
        while True:
            with self._source.contained("read events") as outcome:
                async for batch in self._source.component.batches():
                    await self._process(batch)
                    backoff.succeeded()
            if outcome.failed is None or self._stopping.is_set():
                return
            if isinstance(outcome.failed, SourceBroken) or not self.live:
                self.failed = True
                return
            seconds = backoff.failed()
            self._alerts.notice(
                "Source failed",
                Severity.CRITICAL,
                f"source {self.name} failed and starts again in {seconds:.0f} s: what happens meanwhile is not seen",
                evt_source=self.name,
                error=str(outcome.failed) or type(outcome.failed).__name__,
            )
            await asyncio.sleep(seconds)
            with self._source.contained("start again"):
                await within(self._source, "stop", self._seconds, self._source.component.stop)
                await within(self._source, "start", self._seconds, lambda: self._source.component.start(self._demand()))
            self.reconcile()

    async def stop(self, seconds: float) -> None:
        """Have the source take in nothing more; `run` ends when it has given the rest."""
        with self._source.contained("stop"):
            await within(self._source, "stop", seconds, self._source.component.stop)

    def reconcile(self) -> None:
        """Events about processes were lost: have the state compared with /proc and repaired."""
        if self.reconciler is not None:
            self.reconciler.lost()

    async def _process(self, batch: Sequence[Event | Alert]) -> None:
        if self.live:
            self.pipeline.process(batch)
            await asyncio.sleep(0)
            return
        source = self._source.component
        receipt = Receipt(self._alerts.workers) if isinstance(source, AcksAlerts) else None
        for start in range(0, len(batch), _CHUNK):
            if receipt is not None:
                receipt.follow(self._alerts.workers)
            self.pipeline.process(batch[start : start + _CHUNK], receipt)
            await self._alerts.wait_capacity()
            await self.pipeline.wait_recorded()
            await asyncio.sleep(0)
        await self._ack(batch, receipt)

    async def _ack(self, batch: Sequence[Event | Alert], receipt: Receipt | None) -> None:
        """The alerts of this batch cannot be lost: for a source that keeps a position (an offset, a request)."""
        source = self._source.component
        if isinstance(source, AcksAlerts) and receipt is not None:
            dropped = await receipt.settle()
            with self._source.contained("acknowledge a batch"):
                await source.ack_alerts(batch, dropped)
        elif isinstance(source, AcksBatches):
            await self._alerts.wait_persisted()
            with self._source.contained("acknowledge a batch"):
                await source.ack(batch)
