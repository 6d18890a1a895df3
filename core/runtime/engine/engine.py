"""The life of a run: start, pump, watch, reload, stop."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from mozu.core.api import Evaluator
from mozu.core.common.ticks import tick
from mozu.core.errors import MozuError
from mozu.core.flow.heartbeats import Heartbeats
from mozu.core.flow.loss_accounting import LossAccounting
from mozu.core.flow.source_pump import SourcePump
from mozu.core.flow.statistics import gather
from mozu.core.isolation.detached import detached
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.side_by_side import until_first
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity
from mozu.core.runtime.contained_loop import ContainedLoop
from mozu.core.runtime.early_signals import KEPT, early_signals
from mozu.core.runtime.engine.announcing import announcing
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.engine.built import Assembly
from mozu.core.runtime.engine.delays import Delays
from mozu.core.runtime.engine.final_statistics import report
from mozu.core.runtime.engine.host_resolver import HostResolver
from mozu.core.runtime.engine.impaired_report import UnansweredReport, report_impaired, report_unacted, report_unfed
from mozu.core.runtime.engine.lifecycle import Lifecycle
from mozu.core.runtime.engine.operations import RunOperations
from mozu.core.runtime.engine.reload import Rebuild, Reloader, RunParts
from mozu.core.runtime.engine.responding import NamedFilesLook, report_denials
from mozu.core.runtime.engine.retries import Retries
from mozu.core.runtime.engine.shutdown import Shutdown
from mozu.core.runtime.engine.sink_set import SinkSet
from mozu.core.runtime.engine.start_parts import start_of
from mozu.core.runtime.engine.startup import Startup
from mozu.core.runtime.engine.stop_signals import StopSignals
from mozu.core.runtime.engine.wiring import wire
from mozu.core.runtime.leaving import last_words
from mozu.core.runtime.loop import Watchdog
from mozu.core.runtime.preflight import require
from mozu.core.runtime.process_guard import guarded
from mozu.core.runtime.service_manager import ServiceManager
from mozu.core.runtime.stack_owners import StackOwners

_log = logging.getLogger("mozu.engine")


class Engine:
    """A run of one assembly; an engine runs once."""

    def __init__(
        self,
        assembly: Assembly,
        metrics: Metrics,
        tasks: BackgroundTasks,
        *,
        announces: bool = False,
        rebuild: Rebuild | None = None,
        manager: ServiceManager | None = None,
        is_offline: bool = False,
    ) -> None:
        """Make an engine. With `announces`, start and end of the run are alerts, and sinks get the heartbeats that they
        want. `rebuild` builds the assembly of a reload; without it there is no reload. `manager` receives the state of
        the run. `is_offline`: nothing waits for the loop; see `Watchdog`.

        Raises StartRefused if this machine does not allow the start.
        """
        require(start_of(assembly))
        self._assembly, self._metrics, self._tasks = assembly, metrics, tasks
        self._started, self._is_offline = time.monotonic(), is_offline
        self._stopping, self._why = asyncio.Event(), ""
        self.started, self._is_signalled = asyncio.Event(), False
        self._stop_overdue = 0.0
        """Seconds between the signal and the moment when the loop could handle it."""
        self._group, self._unanswered = asyncio.TaskGroup(), UnansweredReport()
        self._sinks = SinkSet(
            assembly.sinks, agent=assembly.hostname, on_closed=self.stop, spawn=self._task, report=self._report_spool,
            metrics=metrics,
        )  # fmt: skip
        wired = wire(assembly, metrics, spawn=tasks.spawn, workers=self._sinks.workers, stopping=self._stopping)
        self._alerts, self._evaluation, self._enrichers, self._pumps, self._demand, self._memory = (
            wired.alerts, wired.evaluation, wired.enrichers, wired.pumps, wired.demand, wired.memory,
        )  # fmt: skip
        self._responses = wired.responses
        self._losses = LossAccounting(self._alerts, self._pumps, self._evaluation, assembly.fields.lookups)
        self._retries = Retries(self._alerts, tasks.spawn, self._stopping, assembly.assign_lookups)
        self._lifecycle: Lifecycle | None = None
        self._heartbeats: Heartbeats | None = None
        if announces:
            self._lifecycle, self._heartbeats = announcing(
                assembly, self._alerts, self._pumps, self._losses, self._metrics, self._evaluation.rules_digest
            )
        self._hosts: HostResolver | None = None
        """Resolver of host names in rules; None if every event is recorded: names had other addresses then."""
        if any(pump.live and pump.pipeline.state is not None for pump in self._pumps):
            self._hosts = HostResolver(assembly.fields.lookups, assembly.resolve, metrics)
        self._owners, self._manager = StackOwners(), manager or ServiceManager()
        self._operations = RunOperations(
            assembly, metrics, pumps=self._pumps, spawn=tasks.spawn, rules_digest=self._evaluation.rules_digest,
            workers=lambda: self._alerts.workers, has_started=self.started.is_set, statistics=self.statistics,
            is_stopping=self._stopping.is_set, shadow=lambda: self._alerts.shadow.of(self._evaluation.shadow_rules()),
        )  # fmt: skip
        self._reloader: Reloader | None = None
        if rebuild is not None:
            self._reloader = Reloader(self._parts(), rebuild, self._manager.reloading, self._reloaded)

    def _parts(self) -> RunParts:
        return RunParts(
            self._assembly, self._alerts, self._evaluation, self._enrichers, self._pumps, self._demand, self._sinks,
            self._metrics, self._tasks, self._hosts, self._heartbeats, self._lifecycle, self._responses,
            self._operations,
        )  # fmt: skip

    async def run(self, *, duration: float | None, stats: Path | None, attended: bool = True) -> int:
        """Run until the sources end, a signal arrives or `duration` seconds have passed. Raises SourceUnavailable.

        Unless `attended`, the caller handles signals, and the statistics at the end are not printed.
        """
        loop = asyncio.get_running_loop()
        self._owners = loop.owners if isinstance(loop, ContainedLoop) else self._owners
        self._owners.use(self._components())
        self._assembly.keep_secrets()
        delays = Delays(self._metrics, self.started.is_set)
        watchdog = Watchdog(
            loop, self._owners, report=delays.held, report_wait=delays.waited,
            is_offline=self._is_offline,
        )  # fmt: skip
        signals = StopSignals(loop, watchdog, self._stop_for_signal, lambda: self._assembly.stop_deadline)
        handlers = ExitStack()
        if attended:
            handlers.enter_context(signals.caught())
            handlers.enter_context(last_words(lambda: report(self.statistics(), stats)))
        watchdog.start()
        timer = None
        try:
            async with self._group:
                self._tasks.own(self._group)
                self._tasks.spawn(self._memory.run(), "memory bound")
                if attended:
                    self._tasks.spawn(guarded(self._components), "process guard")
                work = await self._begin()
                watchdog.sources_run()
                if attended and self.started.is_set():
                    actions = self._on_reload_signal, self._sinks.reopen, self._responses.switch_off
                    early_signals.give(loop, dict(zip(KEPT, actions, strict=True)))
                if duration is not None:
                    timer = loop.call_later(duration, self.stop, "the time given has passed")
                await work
                await self._operations.close()
                self._tasks.cancel()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] if len(group.exceptions) == 1 else group from None
        finally:
            await self._operations.close()
            watchdog.stop()
            if timer is not None:
                timer.cancel()
            handlers.close()
            self._manager.close()
        reported = report(self.statistics(), stats) if attended else True
        return int(not reported or any(pump.failed for pump in self._pumps))

    def stop(self, why: str) -> None:
        """Begin the clean stop."""
        if not self._stopping.is_set():
            _log.info("stopping: %s", why)
            self._manager.stopping(why)
            self._why = why
            self._stopping.set()

    def _stop_for_signal(self, why: str, seconds_ago: float) -> None:
        self._is_signalled, self._stop_overdue = True, seconds_ago
        self.stop(why)

    def _shutdown(self) -> Shutdown:
        return Shutdown(self._assembly.stop_deadline - self._stop_overdue, at_once=lambda: self._is_signalled)

    # --- start

    def _startup(self) -> Startup:
        return Startup(
            self._assembly.helpers,
            self._sinks,
            self._pumps,
            self._hosts,
            demand=self._demand,
            spawn=self._tasks.spawn,
            begin_retry=self._retries.begin,
            before_sources=self._responses.resume,
        )

    async def _begin(self) -> Coroutine[None, None, None]:
        """Start all components; returns the work of the run. Raises the error that refuses the start."""
        await self._operations.open()
        startup = self._startup()
        return self._work() if await self._start(startup) else self._abort(startup)

    async def _start(self, startup: Startup) -> bool:
        """Start all components; returns False if a stop came first. Raises the error that refuses the start."""
        start = self._task(self._start_announced(startup), "start")
        stop = self._task(self._until_stopping(), "wait for a stop")
        await until_first(start, stop)
        return self.started.is_set()

    async def _until_stopping(self) -> None:
        await self._stopping.wait()

    async def _start_announced(self, startup: Startup) -> None:
        """Start the components. Records of earlier runs are kept if the start is refused."""
        if self._lifecycle is not None:
            self._lifecycle.claim()
        self._enrichers.update(self._demand())
        report_unfed(self._assembly, self._evaluation)
        report_unacted(self._assembly)
        try:
            await startup.run()
        except BaseException as error:
            if self._lifecycle is not None:
                self._lifecycle.release()
            if self._stopping.is_set() and isinstance(error, MozuError):
                return  # it was broken off, and stops like any other run
            raise
        for evaluator in self._assembly.evaluators:
            if not evaluator.is_ready:
                self._retries.begin(evaluator, None, partial(self._renew_evaluator, evaluator))
        self.started.set()

    async def _abort(self, startup: Startup) -> None:
        """Stop what has begun to start, after a stop during the start."""
        shutdown = self._shutdown()
        await shutdown.sources(startup.pumps, [])
        await self._sinks.stop(shutdown)
        await shutdown.helpers(startup.helpers)
        self._responses.close()

    def _on_reload_signal(self) -> None:
        if self._reloader is None:
            _log.warning("SIGHUP is ignored: this run has no configuration that could be read again")
        else:
            self._reloader.request()

    def _components(self) -> list[Isolated[object]]:
        built = self._assembly
        ends = [*(pump.pipeline.source for pump in self._pumps), *(one.isolated for one in built.sinks)]
        return [*ends, *built.helpers, *built.evaluators]

    def _report_spool(self, rule: str, priority: Severity, text: str, sink: str) -> None:
        self._alerts.notice(rule, priority, text, sink=sink)

    # --- work

    async def _work(self) -> None:
        self._sinks.deliver()
        pumps = [self._task(detached(pump.run(), f"pump {pump.name}"), f"pump {pump.name}") for pump in self._pumps]
        ticker = self._task(self._tick(), "tick")
        repairs = [self._task(self._follow(pump), f"reconcile {pump.name}") for pump in self._pumps]
        end = self._task(self._until_sources_end(pumps), "wait for the sources")
        look = NamedFilesLook(self._assembly, self._responses).run()
        beside = [*self._announce(), self._task(look, "named files")]
        self._tell_ready()
        if self._reloader is not None:
            beside.append(self._task(self._reloader.run(), "reload"))
        await self._stopping.wait()
        for task in beside:
            task.cancel()
        await asyncio.wait(beside, timeout=self._assembly.stop_deadline / 2)  # a reload under way goes back
        await self._stop(pumps)
        for task in (ticker, end, *repairs):
            task.cancel()
        if self._lifecycle is not None:
            await self._lifecycle.ended()

    async def _follow(self, pump: SourcePump) -> None:
        """Wait until the working source is known (another may replace one that cannot start), then reconcile its
        state."""
        await pump.started.wait()
        self._owners.use(self._components())
        if pump.reconciler is not None:
            await pump.reconciler.run()

    def _announce(self) -> list[asyncio.Task[None]]:
        if self._lifecycle is None or self._heartbeats is None:
            return []
        sources, sinks = [pump.title for pump in self._pumps], [worker.name for worker in self._alerts.workers]
        self._lifecycle.started(sources, sinks, self._evaluation.rules_digest())
        return [
            self._task(self._lifecycle.run(), "run file"), self._task(self._heartbeats.run(), "heartbeats"),
        ]  # fmt: skip

    async def _tick(self) -> None:
        while True:
            self._manager.loop_answers()
            await tick(1.0)
            self._losses.report()
            self._responses.tick()
            report_denials(self._responses, self._pumps)
            self._alerts.report_suppressed()
            report_impaired(self._assembly, self._evaluation, self._alerts)
            self._unanswered.report(self._assembly, self._evaluation, self._alerts)
            for pump in self._pumps:
                self._report_recording(pump, pump.pipeline.tick())

    def _report_recording(self, pump: SourcePump, problems: list[str]) -> None:
        for text in problems:
            self._alerts.notice(
                "Recording incomplete", Severity.CRITICAL, f"source {pump.name}: {text}", evt_source=pump.name
            )

    def _reloaded(self) -> None:
        """Note that a reload is in force or was refused."""
        self._owners.use(self._components())
        self._assembly.keep_secrets()
        self._tell_ready()

    def _tell_ready(self) -> None:
        self._manager.ready([pump.title for pump in self._pumps], [worker.name for worker in self._alerts.workers])

    async def _renew_evaluator(self, evaluator: Isolated[Evaluator]) -> None:
        """Put an evaluator that was absent into force: the sources watch what it wants, too."""
        await evaluator.renew()
        demand = self._demand()
        if self._hosts is not None:
            self._hosts.want(demand.hosts)
        for pump in self._pumps:
            await pump.update(demand)

    def _task(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        return self._group.create_task(work, name=name)

    # --- stop

    async def _until_sources_end(self, pumps: list[asyncio.Task[None]]) -> None:
        if pumps:
            await asyncio.wait(pumps)
            self.stop("the sources have ended")

    async def _stop(self, reading: list[asyncio.Task[None]]) -> None:
        """Stop the sources, then everything in flight, then the sinks; all within the deadline."""
        shutdown = self._shutdown()
        await shutdown.sources(self._pumps, reading)
        for pump in self._pumps:
            pump.pipeline.flush()
            await shutdown.evaluated(pump.pipeline)
            self._report_recording(pump, await pump.pipeline.close(shutdown.left(0.5)))
        self._evaluation.give_up()
        self._losses.report(at_end=True)
        report_impaired(self._assembly, self._evaluation, self._alerts)
        self._unanswered.report(self._assembly, self._evaluation, self._alerts)
        self._alerts.report_suppressed(at_end=True)
        if self._lifecycle is not None:
            self._lifecycle.stopping(self._why)
        await self._sinks.stop(shutdown)
        await shutdown.helpers(self._assembly.helpers)
        self._responses.close()

    def statistics(self) -> Mapping[str, object]:
        """Return the statistics of this run at this moment. Shape: docs/operate/statistics.md."""
        return gather(self._metrics, self._pumps, self._alerts.workers, self._memory, self._started)
