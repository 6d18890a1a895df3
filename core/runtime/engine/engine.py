"""The life of a run: start, pump, watch, reload, stop."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path

import orjson

from mozu.core.api import Reopens
from mozu.core.flow.heartbeats import Heartbeats
from mozu.core.flow.loss_accounting import LossAccounting
from mozu.core.flow.source_pump import SourcePump
from mozu.core.flow.statistics import as_text, gather
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity
from mozu.core.runtime.engine.assembly import Assembly
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.engine.host_resolver import HostResolver
from mozu.core.runtime.engine.lifecycle import Lifecycle
from mozu.core.runtime.engine.reload import Reassemble, Reloader, RunParts
from mozu.core.runtime.engine.sink_set import SinkSet
from mozu.core.runtime.engine.start_parts import start_of
from mozu.core.runtime.engine.wiring import wire
from mozu.core.runtime.loop import Watchdog
from mozu.core.runtime.preflight import RUN_FILES, require
from mozu.core.runtime.run_file import instance

_log = logging.getLogger("mozu.engine")
_delays = logging.getLogger("mozu.engine.delays")


class Engine:
    """Runs one assembly, once."""

    def __init__(
        self,
        assembly: Assembly,
        metrics: Metrics,
        tasks: BackgroundTasks,
        *,
        announces: bool = False,
        rebuild: Reassemble | None = None,
    ) -> None:
        """`announces`: start and end of the run are alerts, and sinks get the heartbeats that they want. `rebuild`
        gives a reload what is to come into force; without it there is none.

        Raises StartRefused where this machine does not allow it.
        """
        require(start_of(assembly))
        self._assembly, self._metrics, self._tasks = assembly, metrics, tasks
        self._stopping, self._why = asyncio.Event(), ""
        self._started = time.monotonic()
        self._group = asyncio.TaskGroup()
        self._sinks = SinkSet(
            assembly.sinks, agent=assembly.hostname, on_closed=self.stop, spawn=self._task, report=self._report_spool,
            metrics=metrics,
        )  # fmt: skip
        wired = wire(assembly, metrics, spawn=tasks.spawn, workers=self._sinks.workers, stopping=self._stopping)
        self._alerts, self._evaluation, self._pumps, self._demand = (
            wired.alerts, wired.evaluation, wired.pumps, wired.demand,
        )  # fmt: skip
        self._losses = LossAccounting(self._alerts, self._pumps)
        self._lifecycle: Lifecycle | None = None
        self._heartbeats: Heartbeats | None = None
        if announces:
            self._lifecycle, self._heartbeats = self._announcing()
        self._hosts: HostResolver | None = None
        """None where no event comes from a live machine: what a recording means is not asked of today's network."""
        if any(pump.live and pump.pipeline.state is not None for pump in self._pumps):
            self._hosts = HostResolver(assembly.fields.lookups, assembly.resolve, metrics)
        self._reloader: Reloader | None = None
        if rebuild is not None:
            self._reloader = Reloader(self._parts(), rebuild, self._reloaded)
        self._watchdog: Watchdog | None = None

    def _parts(self) -> RunParts:
        return RunParts(
            self._assembly, self._alerts, self._evaluation, self._pumps, self._demand, self._sinks, self._metrics,
            self._tasks, self._hosts, self._heartbeats, self._lifecycle,
        )  # fmt: skip

    def _announcing(self) -> tuple[Lifecycle, Heartbeats]:
        built = self._assembly
        lifecycle = Lifecycle(self._alerts, built.version, built.state_dir / RUN_FILES, instance(built.files))
        heartbeats = Heartbeats(
            self._alerts,
            self._pumps,
            self._losses,
            self._metrics,
            intervals={one.entry.id: one.entry.heartbeat for one in built.sinks},
            version=built.version,
            rules_digest=self._evaluation.rules_digest,
        )
        return lifecycle, heartbeats

    async def run(self, *, duration: float | None, stats: Path | None, attended: bool = True) -> int:
        """Until the sources end, a signal arrives or `duration` seconds have passed. Raises SourceUnavailable.

        Not `attended`: signals are the caller's affair, and the numbers at the end are not printed.
        """
        loop = asyncio.get_running_loop()
        if attended:
            self._catch_signals(loop)
        watchdog = self._watchdog = Watchdog(loop, self._owners(), report=self._report_delay)
        timer = None
        try:
            async with self._group:
                self._tasks.own(self._group)
                await self._start_announced()
                watchdog.start()
                if duration is not None:
                    timer = loop.call_later(duration, self.stop, "the time given has passed")
                await self._work()
                self._tasks.cancel()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] if len(group.exceptions) == 1 else group from None
        finally:
            watchdog.stop()
            if timer is not None:
                timer.cancel()
        reported = self._report(stats) if attended else True
        return int(not reported or any(pump.failed for pump in self._pumps))

    def stop(self, why: str) -> None:
        """Begin the clean stop."""
        if not self._stopping.is_set():
            _log.info("stopping: %s", why)
            self._why = why
            self._stopping.set()

    # --- start

    async def _start_announced(self) -> None:
        """What is known of earlier runs stays on record if the start is refused."""
        if self._lifecycle is None:
            await self._start()
            return
        self._lifecycle.claim()
        try:
            await self._start()
        except BaseException:
            self._lifecycle.release()
            raise

    async def _start(self) -> None:
        """Sinks before sources, so that the first alert finds its queue."""
        for enricher in self._assembly.enrichers:
            with enricher.contained("start"):
                await enricher.component.start()
        await self._sinks.start()
        demand = self._demand()
        if self._hosts is not None:
            self._hosts.want(demand.hosts)
            self._tasks.spawn(self._hosts.run(), "resolve the names of hosts")
        for pump in self._pumps:
            await pump.start(demand)
        if self._hosts is not None:
            await self._hosts.ready()
        types = sorted({name for source in demand.types.values() for name in source})
        sinks = ", ".join(worker.name for worker in self._alerts.workers)
        _log.info("watching %d event types (%s); alerts go to %s", len(types), ", ".join(types), sinks)

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
        if self._reloader is None:
            _log.warning("SIGHUP is ignored: this run has no configuration that could be read again")
        else:
            self._reloader.request()

    def _on_reopen_signal(self) -> None:
        """Sinks that keep files (`Reopens`) open them again: log rotation."""
        for worker in self._alerts.workers:
            sink = worker.sink.component
            if isinstance(sink, Reopens):
                with worker.sink.contained("reopen"):
                    sink.reopen()

    def _owners(self) -> dict[str, str]:
        """Module → the component that it is the code of."""
        built = self._assembly
        ends = [*(one.isolated for one in built.sources), *(one.isolated for one in built.sinks)]
        components = [*ends, *built.enrichers, *built.evaluators]
        return {type(one.component).__module__: f"{one.kind} {one.name}" for one in components}

    def _report_delay(self, blocker: str, seconds: float) -> None:
        self._metrics.counter("loop_held_total").value += 1
        _delays.warning("%s held the event loop for more than %.1f s", blocker, seconds)

    def _report_spool(self, rule: str, priority: Severity, text: str, sink: str) -> None:
        self._alerts.notice(rule, priority, text, sink=sink)

    # --- work

    async def _work(self) -> None:
        self._sinks.deliver()
        pumps = [self._task(pump.run(), f"pump {pump.name}") for pump in self._pumps]
        ticker = self._task(self._tick(), "tick")
        repairs = [
            self._task(pump.reconciler.run(), f"reconcile {pump.name}") for pump in self._pumps if pump.reconciler
        ]
        end = self._task(self._until_sources_end(pumps), "wait for the sources")
        beside = self._announce()
        if self._reloader is not None:
            beside.append(self._task(self._reloader.run(), "reload"))
        await self._stopping.wait()
        for task in beside:
            task.cancel()
        await asyncio.wait(beside) if beside else None
        await self._stop(pumps)
        for task in (ticker, end, *repairs):
            task.cancel()
        if self._lifecycle is not None:
            await self._lifecycle.ended()

    def _announce(self) -> list[asyncio.Task[None]]:
        if self._lifecycle is None or self._heartbeats is None:
            return []
        sources, sinks = [pump.name for pump in self._pumps], [worker.name for worker in self._alerts.workers]
        self._lifecycle.started(sources, sinks, self._evaluation.rules_digest())
        return [
            self._task(self._lifecycle.run(), "run file"), self._task(self._heartbeats.run(), "heartbeats"),
        ]  # fmt: skip

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._losses.report()
            self._alerts.report_suppressed()
            for pump in self._pumps:
                self._report_recording(pump, pump.pipeline.tick())

    def _report_recording(self, pump: SourcePump, problems: list[str]) -> None:
        for text in problems:
            self._alerts.notice(
                "Recording incomplete", Severity.CRITICAL, f"source {pump.name}: {text}", evt_source=pump.name
            )

    def _reloaded(self) -> None:
        """A reload has come into force, or was refused."""
        if self._watchdog is not None:
            self._watchdog.use(self._owners())

    def _task(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        return self._group.create_task(work, name=name)

    # --- stop

    async def _until_sources_end(self, pumps: list[asyncio.Task[None]]) -> None:
        if pumps:
            await asyncio.wait(pumps)
            self.stop("the sources have ended")

    async def _stop(self, pumps: list[asyncio.Task[None]]) -> None:
        """Sources first, then everything in flight, then the sinks; all within the deadline."""
        deadline = asyncio.get_running_loop().time() + self._assembly.stop_deadline
        for pump in self._pumps:
            await pump.stop(self._left(deadline))
        await self._finish(pumps, deadline)
        for pump in self._pumps:
            pump.pipeline.flush()
            self._report_recording(pump, await pump.pipeline.close(self._left(deadline)))
        self._losses.report()
        self._alerts.report_suppressed(at_end=True)
        if self._lifecycle is not None:
            self._lifecycle.stopping(self._why)
        await self._sinks.stop(deadline)
        for enricher in self._assembly.enrichers:
            with enricher.contained("stop"):
                await asyncio.wait_for(enricher.component.stop(), self._left(deadline))

    async def _finish(self, tasks: list[asyncio.Task[None]], deadline: float) -> None:
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

    def _report(self, stats: Path | None) -> bool:
        """Print the statistics, and write them to the file; False where it could not be written."""
        pipelines = [pump.pipeline for pump in self._pumps]
        numbers = gather(self._metrics, pipelines, self._alerts.workers, self._started)
        print(as_text(numbers), file=sys.stderr)
        try:
            if stats is not None:
                stats.write_bytes(orjson.dumps(numbers, option=orjson.OPT_INDENT_2) + b"\n")
        except OSError as error:
            _log.error("the statistics cannot be written to %s: %s", stats, error.strerror)
            return False
        return True
