"""The source pump: reads one source and feeds its pipeline, with backpressure if the source can wait and a restart if
it fails.

A live source never waits: the kernel would lose events meanwhile, so alerts are dropped, and counted, at the full queue
of a sink instead. A source that can wait (a recording, Kafka) is not read while the queue of a sink is more than half
full (`AlertPipeline.wait_capacity`), memory is short (`EventGate`), or a recording is behind
(`SourcePipeline.wait_recorded`).

A live source that fails, or that ends by itself, is stopped, and after a back-off a new instance takes its place. A
source that can wait, and one that cannot work again, stays ended; other sources go on.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Final

import msgspec

from mozu.core.api import AcksAlerts, AcksBatches, ObservesPids, Source, StatesLimits
from mozu.core.common.backoff import Backoff
from mozu.core.errors import MozuError, SourceBroken, SourceUnavailable
from mozu.core.filter.demand import Demand
from mozu.core.flow.alert_pipeline import AlertPipeline, unacknowledged
from mozu.core.flow.event_gate import EventGate
from mozu.core.flow.held_up import HeldUp
from mozu.core.flow.pipeline import SourcePipeline
from mozu.core.flow.receipt import Receipt
from mozu.core.flow.reconcile import Reconciler
from mozu.core.isolation.deadline import STOP_SECONDS, within
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.side_by_side import until_first
from mozu.core.isolation.texts import text_of
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.event import Event

_log = logging.getLogger("mozu.engine")

_CHUNK: Final = 500
"""Events of a source that can wait, processed between two checks of the sinks' queues."""
_LIVE_CHUNK: Final = 2_000
"""Events of a live source, processed before other tasks of the event loop may run."""
_FIRST_BACKOFF, _MAX_BACKOFF = 1.0, 30.0
"""Seconds before a failed source is started again: at first, and at most."""
_END: Final = object()


class SourceEnded(Exception):
    """A live source has ended by itself, without an error."""


class PumpedSource(msgspec.Struct, frozen=True):
    """The parts of a source that a pump needs."""

    plugin: str
    pipeline: SourcePipeline
    reconciler: Reconciler | None = None
    """The reconciler; None for a source that is not live, whose state cannot be compared with the machine."""
    prepare: Callable[[Source], None] = lambda source: None
    """Function that prepares an instance before its start."""
    ends: bool = False
    """True if the input may end although the source is live."""


class SourcePump:
    """A source with its pipeline. `demand` returns the present demand; `stopping` is set when the run ends.

    `alternatives`: sources to choose from, best first; the first that starts is used, and a further one is built only
    if those before it could not start. `optional`: mozu runs without the source if none can start, and does not wait
    for its start.
    """

    def __init__(
        self,
        alternatives: Iterator[PumpedSource],
        alerts: AlertPipeline,
        *,
        demand: Callable[[], Demand],
        stopping: asyncio.Event,
        optional: bool = False,
        gate: EventGate | None = None,
    ) -> None:
        self._alternatives, self._pumped = alternatives, next(alternatives)
        self.name, self.live = self.pipeline.name, self.pipeline.live
        self._alerts, self._demand, self._stopping = alerts, demand, stopping
        self.is_optional = optional
        self._gate = EventGate() if gate is None else gate
        self.refused: dict[str, str] = {}
        """Plugin → why it could not start, for the plugins before the one in use."""
        self._problem: BaseException | None = None
        """The error for which the source does not run; it is tried again."""
        self.started = asyncio.Event()
        """Set once a source has started: `plugin`, `pipeline` and `reconciler` are then those of the run."""
        self._is_outdated = False
        """True if rules have changed since the start began."""
        self._starting: asyncio.Task[None] | None = None
        """The last start by `run`."""
        self._has_run = self._is_seeded = False
        self.failed = False
        """True if the source has ended before its input did: the exit status is 1."""
        self.held_up = HeldUp()
        """The component that `run` waits for."""

    @property
    def plugin(self) -> str:
        """The plugin in use."""
        return self._pumped.plugin

    @property
    def problem(self) -> str:
        """The reason why the source does not run and is tried again; empty if it runs or has not begun."""
        return "" if self._problem is None else text_of(self._problem)

    @property
    def title(self) -> str:
        """The name, with the plugin if that is a different one."""
        return self.name if self.name == self.plugin else f"{self.name} ({self.plugin})"

    @property
    def pipeline(self) -> SourcePipeline:
        """The pipeline of the source in use."""
        return self._pumped.pipeline

    @property
    def reconciler(self) -> Reconciler | None:
        """The reconciler of the source in use."""
        return self._pumped.reconciler

    @property
    def _source(self) -> Isolated[Source]:
        return self.pipeline.source

    def limits(self) -> Sequence[str]:
        """Return the limits that the source reports (`StatesLimits`)."""
        component = self._source.component
        found: Sequence[str] = ()
        if isinstance(component, StatesLimits):
            with self._source.contained("state its limits"):
                found = component.limits()
        return found

    async def start(self, demand: Demand) -> None:
        """Start the first of the alternatives that can, then take in the processes that exist already.

        Raises SourceUnavailable, which says of each alternative why it cannot start, and DeadlineExceeded. An optional
        source is started by `run`.
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
        self.refused[self.plugin] = text_of(error).removeprefix(f"source {self.plugin}: ")

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
        """Start the source in use. Raises SourceUnavailable and DeadlineExceeded, for any exception of the source."""
        try:
            with self._source.owned():
                self._pumped.prepare(self._source.component)
                seconds = self._source.start_seconds
                await within(self._source, "start", seconds, lambda: self._source.component.start(demand))
            await self._seed(demand)
            self.started.set()
        except MozuError:
            raise
        except OSError as error:  # of the machine: no /proc, no descriptors left, a file that may not be opened
            hint = "; is /proc mounted?" if str(error.filename).startswith("/proc/") else ""
            why = f"{self._source.described(error)}{hint}"
            raise SourceUnavailable(f"source {self.name} cannot start: {why}") from error
        except BaseException as error:
            if is_ours(error):
                raise
            raise SourceUnavailable(f"source {self.name} cannot start: {self._source.described(error)}") from error

    async def _seed(self, demand: Demand) -> None:
        """Take in the processes that existed before the source; after a restart, reconcile what happened meanwhile."""
        state = self.pipeline.state
        if self._is_seeded:
            self.reconcile()
        if state is None or not self.live or self._is_seeded:
            return
        self._is_seeded = True
        needed = demand.state_dependencies("syscall")
        source = self._source.component
        state.configure(environments="env" in needed)
        known = 0
        for count in state.seeding(source.observed_pids() if isinstance(source, ObservesPids) else None):
            known = count
            await asyncio.sleep(0)  # reading 500 processes takes 100 ms and more
        _log.info("source %s started; %d processes were already running", self.title, known)
        if "threads" in needed:
            self.reconcile()  # births that came before the count are under way, and would count twice

    async def update(self, demand: Demand) -> str:
        """Pass a changed demand to the source. Return why the source could not take it; empty if it did."""
        if self.pipeline.state is not None:
            self.pipeline.state.configure(environments="env" in demand.state_dependencies("syscall"))
        if self._problem is not None or (self.is_optional and not self.started.is_set()):
            self._is_outdated = True  # it does not run, or its start is under way
            return ""
        with self._source.contained("take new demand") as outcome:
            seconds = self._source.start_seconds
            await within(self._source, "update", seconds, lambda: self._source.component.update(demand))
        return "" if outcome.failed is None else text_of(outcome.failed)

    @property
    def is_dropping(self) -> bool:
        """True while the source's events are dropped before they are evaluated, because memory is short."""
        return self.pipeline.live and self._gate.is_closed

    async def run(self) -> None:
        """Process batches until the source ends; after a failure start a new instance, with back-off and a notice."""
        backoff = Backoff(_FIRST_BACKOFF, _MAX_BACKOFF, jitter=0.0)
        try:
            if self.is_optional:
                await self._start_unless_stopped("start", self.start)
            while True:
                if self._problem is None:
                    self._problem = await self._read(backoff)
                if self._stopping.is_set() or self._has_ended():
                    if self.failed:
                        self._report("is not started again: what comes to it from now on is not seen")
                    return
                await self._restart(backoff)
        finally:
            self.pipeline.counts.retire()

    def _has_ended(self) -> bool:
        """Return True if nothing more is to be expected of the source."""
        if isinstance(self._problem, SourceEnded):
            return not self.live or self._pumped.ends
        self.failed = isinstance(self._problem, SourceBroken) or (self._has_run and not self.live)
        return self.failed

    async def _read(self, backoff: Backoff) -> BaseException:
        """Process batches until the source ends or fails, and return the error."""
        self._has_run = True
        async with AsyncExitStack() as stack:
            batches: AsyncIterator[object] | None = None
            while True:
                batch: object = _END
                with self._source.contained("read events") as call:
                    if batches is None:
                        batches = aiter(self._source.component.batches())
                        stack.push_async_callback(self._close, batches)
                    batch = await anext(batches, _END)
                if call.failed is not None:
                    return call.failed
                if batch is _END:
                    return SourceEnded("it has ended by itself")
                if isinstance(batch, Sequence) and not isinstance(batch, str | bytes):
                    await self._process(batch)
                    backoff.succeeded()
                else:
                    wrong = TypeError(f"batches() must give sequences of events or alerts, not {type(batch).__name__}")
                    self._source.failed("read events", wrong)
                    await asyncio.sleep(0)

    async def _close(self, batches: AsyncIterator[object]) -> None:
        """Close a generator that was not read to its end, so that its `finally` runs: it may have clients to answer."""
        if isinstance(batches, AsyncGenerator):
            with self._source.contained("end its batches"):
                await within(self._source, "batches", STOP_SECONDS, batches.aclose)

    async def _restart(self, backoff: Backoff) -> None:
        """Start a new instance of the source after a pause, unless a stop has begun; `_problem` is None once it
        runs."""
        seconds = backoff.failed()
        self._report(f"starts again in {seconds:.0f} s: what happens meanwhile is not seen")
        await self._end_instance()
        if await self._is_stopped_within(seconds):
            return
        await self._start_unless_stopped("start again", self._start_another)

    async def _start_another(self, demand: Demand) -> None:
        await self._source.renew()
        await self._start(demand)

    async def _start_unless_stopped(self, doing: str, start: Callable[[Demand], Awaitable[None]]) -> None:
        """Start the source unless a stop breaks that off; `_problem` is None once it runs."""
        with self._source.contained(doing) as call:
            self._is_outdated = False
            self._starting = asyncio.ensure_future(start(self._demand()))
            await until_first(self._starting, asyncio.ensure_future(self._until_stopping()))
            if self._starting.cancelled():
                self._problem = SourceEnded("the stop came before its start had ended")
                return
            self._starting.result()
        self._problem = call.failed
        if self._problem is None and self._is_outdated and not self._stopping.is_set():
            await self.update(self._demand())

    async def _until_stopping(self) -> None:
        await self._stopping.wait()

    def _report(self, consequence: str) -> None:
        ended = isinstance(self._problem, SourceEnded)
        what = "ended by itself" if ended else "failed"
        self._alerts.notice(
            "Source ended" if ended else "Source failed",
            Severity.CRITICAL,
            f"source {self.name} {what} and {consequence}",
            evt_source=self.name,
            error=self.problem,
        )

    async def _end_instance(self) -> None:
        with self._source.contained("stop"):
            await within(self._source, "stop", STOP_SECONDS, self._source.component.stop)
        self.pipeline.counts.retire()

    async def _is_stopped_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        return self._stopping.is_set()

    async def stop(self, seconds: float) -> None:
        """Stop reading input; `run` ends when the source has yielded the rest."""
        if self._starting is not None:
            await asyncio.wait([self._starting])  # the stop breaks it off
        with self._source.contained("stop"):
            await within(self._source, "stop", seconds, self._source.component.stop)

    def reconcile(self) -> None:
        """Have the state compared with /proc and repaired: events about processes were lost."""
        if self.reconciler is not None:
            self.reconciler.lost()

    async def _process(self, batch: Sequence[Event | Alert]) -> None:
        if self.live:
            for start in range(0, len(batch), _LIVE_CHUNK):
                self.pipeline.process(batch[start : start + _LIVE_CHUNK])
                await asyncio.sleep(0)
            if not batch:
                await asyncio.sleep(0)
            return
        source = self._source.component
        receipt = Receipt(self._alerts.workers) if isinstance(source, AcksAlerts) else None
        for start in range(0, len(batch), _CHUNK):
            if receipt is not None:
                receipt.follow(self._alerts.workers)
            self.pipeline.process(batch[start : start + _CHUNK], receipt)
            with self.held_up.by(lambda: "its evaluators or enrichers"):
                await self.pipeline.wait_evaluated()
            with self.held_up.by(self._sinks):
                await self._alerts.wait_capacity()
                if self._gate.is_closed:
                    await self._alerts.wait_persisted()
            with self.held_up.by(lambda: "its recording"):
                await self.pipeline.wait_recorded()
            await asyncio.sleep(0)
        await self._ack(batch, receipt)

    async def _ack(self, batch: Sequence[Event | Alert], receipt: Receipt | None) -> None:
        """Acknowledge a batch whose alerts cannot be lost any more, to a source that keeps a position (an offset, a
        request)."""
        source = self._source.component
        if isinstance(source, AcksAlerts) and receipt is not None:
            with self.held_up.by(lambda: unacknowledged(receipt.workers)):
                dropped = await receipt.settle()
            with self.held_up.calling("ack_alerts"), self._source.contained("acknowledge a batch"):
                await source.ack_alerts(batch, dropped)
        elif isinstance(source, AcksBatches):
            with self.held_up.by(self._sinks):
                await self._alerts.wait_persisted()
            with self.held_up.calling("ack"), self._source.contained("acknowledge a batch"):
                await source.ack(batch)

    def _sinks(self) -> str:
        return unacknowledged(self._alerts.workers)
