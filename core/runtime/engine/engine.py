"""The life of a run: start, pump, watch, reload, stop."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import orjson

from mozu.core.api.hookspecs import Evaluator
from mozu.core.errors import MozuError, SourceBroken
from mozu.core.filter.demand import Demand, union
from mozu.core.flow import Pipeline
from mozu.core.flow.loss_accounting import LossAccounting
from mozu.core.flow.process_predicate import process_predicates
from mozu.core.flow.reconcile import Reconciler
from mozu.core.flow.source_pump import Intake
from mozu.core.flow.statistics import as_text, gather
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity
from mozu.core.runtime.engine.assembly import Assembly, Built
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.engine.host_resolver import HostResolver
from mozu.core.runtime.engine.recordings import EVERYTHING, recorder
from mozu.core.runtime.engine.sink_workers import sink_worker_for
from mozu.core.runtime.loop import Watchdog
from mozu.core.state import StateMachine

_log = logging.getLogger("mozu.engine")
_delays = logging.getLogger("mozu.engine.delays")

_CHUNK = 500
"""Events of a source that can wait, judged between two looks at the queues of the sinks."""
_FIRST_DELAY, _LONGEST_DELAY = 1.0, 30.0


class Engine:
    """Runs one assembly, once."""

    def __init__(self, assembly: Assembly, metrics: Metrics, errands: BackgroundTasks) -> None:
        self._assembly, self._metrics, self._errands = assembly, metrics, errands
        self._stopping = asyncio.Event()
        self._exit_code = 0
        self._started = time.monotonic()
        self._group = asyncio.TaskGroup()
        self._writers: list[asyncio.Task[Any]] = []
        """Of spools: they end once everything is on disk."""
        outlets = [
            sink_worker_for(
                built,
                agent=assembly.hostname,
                on_closed=self.stop,
                write=lambda work, name: self._writers.append(self._task(work, name)),
                pipeline=lambda: self._pipeline,
            )
            for built in assembly.sinks
        ]
        self._pipeline = Pipeline(
            enrichers=[built.stage for built in assembly.enrichers],
            evaluators=[built.stage for built in assembly.evaluators],
            outlets=outlets,
            hold=assembly.hold,
            spawn=errands.spawn,
            metrics=metrics,
            hostname=assembly.hostname,
            storm=assembly.storm,
            redact=assembly.redact,
        )
        self._reconcilers: dict[str, Reconciler] = {}
        self._intakes = [self._intake(built) for built in assembly.sources]
        self._losses = LossAccounting(self._pipeline, self._intakes, self._reconcile)
        self._hosts: HostResolver | None = None
        """None where no event comes from a live machine: what a recording means is not asked of today's network."""
        if assembly.resolve.enabled and any(intake.live and intake.state is not None for intake in self._intakes):
            self._hosts = HostResolver(assembly.fields.lookups, assembly.resolve, metrics)

    async def run(self, *, duration: float | None, stats: Path | None, attended: bool = True) -> int:
        """Until the sources end, a signal arrives or `duration` seconds have passed. Raises SourceUnavailable.

        Not `attended`: signals are the caller's affair, and the numbers at the end are not printed.
        """
        loop = asyncio.get_running_loop()
        if attended:
            self._catch_signals(loop)
        watchdog = self._watchdog(loop)
        timer = None
        try:
            async with self._group:
                self._errands.own(self._group)
                await self._start()
                watchdog.start()
                if duration is not None:
                    timer = loop.call_later(duration, self.stop, "the time given has passed")
                await self._work()
                self._errands.cancel()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] if len(group.exceptions) == 1 else group from None
        finally:
            watchdog.stop()
            if timer is not None:
                timer.cancel()
        if attended:
            self._report(stats)
        return self._exit_code

    def stop(self, why: str) -> None:
        """Begin the clean stop."""
        if not self._stopping.is_set():
            _log.info("stopping: %s", why)
            self._stopping.set()

    # --- start

    def _demand(self) -> Demand:
        demand = union(stage.component.demand() for stage in self._pipeline.evaluators)
        record = self._assembly.record
        if record.file is not None and record.events == "all":
            return demand | EVERYTHING
        # Who looks at a recording asks more than today's rules do.
        return demand.whole() if record.file is not None or self._assembly.capture.enabled else demand

    async def _start(self) -> None:
        for built in self._assembly.enrichers:
            with built.stage.contained("start"):
                await built.stage.component.start()
        for outlet in self._pipeline.outlets:
            await outlet.buffer.open()
            with outlet.stage.contained("start"):
                await outlet.start()
        demand = self._demand()
        if self._hosts is not None:
            self._hosts.want(demand.hosts)
            self._errands.spawn(self._hosts.run(), "resolve the names of hosts")
        for intake in self._intakes:
            await intake.stage.component.start(demand)
            if intake.state is not None and intake.live:
                concerned = getattr(intake.stage.component, "concerned", None)
                intake.state.environments = "env" in demand.state_dependencies("syscall")
                known = intake.state.seed(None if concerned is None else concerned())
                _log.info("source %s has started; %d processes were there already", intake.name, known)
                if "threads" in demand.state_dependencies("syscall"):
                    self._reconcile(intake)  # births that came before the count are under way, and would count twice
        if self._hosts is not None:
            await self._hosts.ready()
        types = sorted({name for source in demand.types.values() for name in source})
        sinks = ", ".join(outlet.name for outlet in self._pipeline.outlets)
        _log.info("watching %d event types (%s); alerts go to %s", len(types), ", ".join(types), sinks)

    def _intake(self, built: Built) -> Intake:
        declaration = built.declaration
        state = None
        if declaration.event_source == "syscall":
            state = StateMachine(procfs="/proc" if declaration.live else None, metrics=built.stage.metrics)
        intake = Intake(
            built.stage, live=declaration.live, origin=self._assembly.origin, state=state, metrics=self._metrics
        )
        intake.hold = self._pipeline.intake(intake)
        intake.recorder = recorder(built, intake, self._assembly, self._metrics)
        if state is not None and declaration.live:
            use_process_predicates = getattr(built.stage.component, "use_process_predicates", None)
            if use_process_predicates is not None:
                use_process_predicates(process_predicates(self._assembly.fields, state))
            self._reconcilers[intake.name] = Reconciler(
                intake, state, built.stage.metrics,
                threads=lambda: "threads" in self._demand().state_dependencies("syscall"),
                concerned=getattr(built.stage.component, "concerned", None),
            )  # fmt: skip
        return intake

    def _catch_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_stop_signal, number)
        loop.add_signal_handler(signal.SIGHUP, self._on_reload_signal)
        loop.add_signal_handler(signal.SIGUSR1, self._on_reopen_signal)

    def _on_stop_signal(self, number: signal.Signals) -> None:
        if self._stopping.is_set():
            _log.error("second %s: leaving at once, without delivering what is left", number.name)
            raise SystemExit(128 + number)
        self.stop(f"received {number.name}")

    def _on_reload_signal(self) -> None:
        self._errands.spawn(self._reload(), "reload")

    def _on_reopen_signal(self) -> None:
        for outlet in self._pipeline.outlets:
            reopen = getattr(outlet.stage.component, "reopen", None)
            if reopen is not None:
                with outlet.stage.contained("reopen"):
                    reopen()

    def _watchdog(self, loop: asyncio.AbstractEventLoop) -> Watchdog:
        built = self._assembly
        everybody = (*built.sources, *built.enrichers, *built.evaluators, *built.sinks)
        owners = {type(b.stage.component).__module__: f"{b.stage.kind} {b.stage.name}" for b in everybody}
        held = self._metrics.counter("loop_held_total")

        def report(culprit: str, seconds: float) -> None:
            held.value += 1
            _delays.warning("%s held the event loop for more than %.1f s", culprit, seconds)

        return Watchdog(loop, owners, report=report)

    # --- work

    async def _work(self) -> None:
        deliveries = [self._task(outlet.run(), f"deliver {outlet.name}") for outlet in self._pipeline.outlets]
        pumps = [self._task(self._pump(intake), f"pump {intake.name}") for intake in self._intakes]
        ticker = self._task(self._tick(), "tick")
        repairs = [self._task(one.run(), f"reconcile {name}") for name, one in self._reconcilers.items()]
        end = self._task(self._until_sources_end(pumps), "wait for the sources")
        await self._stopping.wait()
        await self._stop(pumps, deliveries)
        for task in (ticker, end, *repairs):
            task.cancel()

    async def _pump(self, intake: Intake) -> None:
        """Take batches until the source ends; a source that fails is restarted with back-off, and the gap is told."""
        delay = _FIRST_DELAY
        while True:
            with intake.stage.contained("read events") as outcome:
                async for batch in intake.stage.component.batches():
                    await self._take(intake, batch)
                    delay = _FIRST_DELAY
            if outcome.failed is None or self._stopping.is_set():
                return
            if isinstance(outcome.failed, SourceBroken) or not intake.live:
                self._exit_code = 1
                return
            self._pipeline.notice(
                "Source failed",
                Severity.CRITICAL,
                f"source {intake.name} failed and starts again in {delay:.0f} s: what happens meanwhile is not seen",
                evt_source=intake.name,
                error=str(outcome.failed) or type(outcome.failed).__name__,
            )
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)
            with intake.stage.contained("start again"):
                await intake.stage.component.stop()
                await intake.stage.component.start(self._demand())
            self._reconcile(intake)

    def _reconcile(self, intake: Intake) -> None:
        """Events that could tell of processes are missing."""
        reconciler = self._reconcilers.get(intake.name)
        if reconciler is not None:
            reconciler.lost()

    async def _take(self, intake: Intake, batch: Any) -> None:
        if intake.live:
            self._pipeline.take(intake, batch)
            await asyncio.sleep(0)
            return
        for start in range(0, len(batch), _CHUNK):
            self._pipeline.take(intake, batch[start : start + _CHUNK])
            for outlet in self._pipeline.outlets:
                await outlet.buffer.room()
            if intake.recorder is not None:
                await intake.recorder.room()
            await asyncio.sleep(0)
        settled = getattr(intake.stage.component, "settled", None)
        if settled is not None:
            await self._pipeline.settled()
            with intake.stage.contained("settle a batch"):
                await settled(batch)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._losses.look()
            self._pipeline.look_at_storms()
            for intake in self._intakes:
                if intake.recorder is not None:
                    self._tell_recording(intake, intake.recorder.tick(intake.hold.oldest()))

    def _tell_recording(self, intake: Intake, problems: list[str]) -> None:
        for text in problems:
            self._pipeline.notice(
                "Recording incomplete", Severity.CRITICAL, f"source {intake.name}: {text}", evt_source=intake.name
            )

    async def _reload(self) -> None:
        """New evaluators from the same settings, compiled off the loop, swapped in between two batches."""
        fresh: list[Evaluator] = []
        for stage in self._pipeline.evaluators:
            try:
                fresh.append(await asyncio.to_thread(stage.component.reload))
            except MozuError as error:
                _log.error("reload of %s failed, the rules in force stay: %s", stage.name, error)
                return
        if self._hosts is not None:
            self._hosts.want(union(one.demand() for one in fresh).hosts | self._demand().hosts)
            await self._hosts.ready()
        for stage, component in zip(self._pipeline.evaluators, fresh, strict=True):
            stage.component = component
        demand = self._demand()
        if self._hosts is not None:
            self._hosts.want(demand.hosts)
        for intake in self._intakes:
            if intake.state is not None:
                intake.state.environments = "env" in demand.state_dependencies("syscall")
            with intake.stage.contained("take new demand"):
                await intake.stage.component.update(demand)
        _log.info("reloaded")

    def _task(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        return self._group.create_task(work, name=name)

    # --- stop

    async def _until_sources_end(self, pumps: list[asyncio.Task[Any]]) -> None:
        if pumps:
            await asyncio.wait(pumps)
            self.stop("the sources have ended")

    async def _stop(self, pumps: list[asyncio.Task[Any]], deliveries: list[asyncio.Task[Any]]) -> None:
        """Sources first, then everything in flight, then the sinks; all within the deadline."""
        deadline = asyncio.get_running_loop().time() + self._assembly.stop_deadline
        for intake in self._intakes:
            with intake.stage.contained("stop"):
                await asyncio.wait_for(intake.stage.component.stop(), self._left(deadline))
        await self._finish(pumps, deadline)
        for intake in self._intakes:
            intake.hold.flush()
            if intake.recorder is not None:
                self._tell_recording(intake, await intake.recorder.close(self._left(deadline)))
        self._losses.look()
        self._pipeline.look_at_storms(at_end=True)
        for outlet in self._pipeline.outlets:
            outlet.buffer.close()
        await self._finish(self._writers, deadline)
        await self._finish(deliveries, deadline)
        for outlet in self._pipeline.outlets:
            await outlet.stop()
        for built in self._assembly.enrichers:
            with built.stage.contained("stop"):
                await asyncio.wait_for(built.stage.component.stop(), self._left(deadline))

    async def _finish(self, tasks: list[asyncio.Task[Any]], deadline: float) -> None:
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self._left(deadline))
        for task in late:
            _log.error("%s did not end within the stop deadline", task.get_name())
            task.cancel()
        if late:
            await asyncio.wait(late)

    def _left(self, deadline: float) -> float:
        return max(0.1, deadline - asyncio.get_running_loop().time())

    def _report(self, stats: Path | None) -> None:
        numbers = gather(self._metrics, self._intakes, self._pipeline.outlets, self._started)
        print(as_text(numbers), file=sys.stderr)
        if stats is not None:
            stats.write_bytes(orjson.dumps(numbers, option=orjson.OPT_INDENT_2) + b"\n")
