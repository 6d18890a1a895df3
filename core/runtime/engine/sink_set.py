"""The sinks of a run: workers, their queues and the tasks that deliver; and the changes of a reload.

A sink whose settings change gets another instance behind the same queue: nothing that waits is moved. If the queue
itself moves (another spool, or none any more) or its owner changes, a new worker takes what comes from then on, and the
old one is retired: it delivers the rest within the stop deadline, or transfers it to a successor.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.api import Reopens, Sink
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.sink_caller import SinkCaller
from mozu.core.delivery.sink_counters import RELOAD_REFUSED, REMOVED
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.errors import MozuError
from mozu.core.isolation.deadline import within
from mozu.core.isolation.detached import detached
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.side_by_side import side_by_side
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity
from mozu.core.runtime.engine.built import BuiltSink
from mozu.core.runtime.engine.shutdown import RunningWorker, Shutdown
from mozu.core.runtime.engine.sink_workers import retry_policy, route_of, sink_worker_for

_log = logging.getLogger("mozu.engine")

_REOPEN_INTERVAL: Final = 1.0
"""Seconds between two attempts to open a spool that was transferred."""

Spawn = Callable[[Coroutine[None, None, None], str], asyncio.Task[None]]
"""(work, name): start a task of the engine."""
Report = Callable[[str, Severity, str, str], None]
"""(rule of the notice, priority, sentence, sink)."""
_DAMAGED: Final = "Spool damaged"


class RunningSink(msgspec.Struct, eq=False):
    """A sink with its worker and its tasks."""

    built: BuiltSink
    worker: SinkWorker
    writers: list[asyncio.Task[None]]
    """Tasks that write its disk queue."""
    deliveries: list[asyncio.Task[None]]
    """The task that delivers, once it runs; else empty."""

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The tasks."""
        return [*self.writers, *self.deliveries]


class SinkChange(msgspec.Struct):
    """The sinks after a reload: prepared, and not in force."""

    running: dict[str, RunningSink] = {}
    """Id → sink, for every sink afterwards."""
    fresh: list[RunningSink] = []
    """Sinks with a new worker."""
    callers: dict[str, SinkCaller] = {}
    """New instances, started, for workers that stay."""
    damage: list[tuple[str, str]] = []

    @property
    def workers(self) -> tuple[SinkWorker, ...]:
        """Workers that receive alerts afterwards."""
        return tuple(one.worker for one in self.running.values())


class SinkSet:
    """The sinks of a run. `agent` is the host's name in stamps. `on_closed` is called when the destination of a sink is
    gone for good."""

    def __init__(
        self,
        built: Sequence[BuiltSink],
        *,
        agent: str,
        on_closed: Callable[[str], None],
        spawn: Spawn,
        report: Report,
        metrics: Metrics,
    ) -> None:
        self._agent, self._on_closed, self._spawn, self._report = agent, on_closed, spawn, report
        self._metrics = metrics
        self._running = {one.entry.id: self._made(one) for one in built}
        self._retiring: dict[asyncio.Task[None], RunningSink] = {}
        self._replacing: set[asyncio.Task[None]] = set()
        self._not_started = {one.worker for one in self._running.values()}
        self._waiting: set[SinkWorker] = set()
        """Workers whose spools still belong to retired ones: they accept alerts, and deliver once the spools are
        transferred."""

    @property
    def workers(self) -> tuple[SinkWorker, ...]:
        """Workers that receive alerts."""
        return tuple(one.worker for one in self._running.values())

    def reopen(self) -> None:
        """Have sinks that keep files (`Reopens`) open them again, for log rotation."""
        for worker in self.workers:
            sink = worker.sink.component
            if worker.sink.is_ready and isinstance(sink, Reopens):
                with worker.sink.contained("reopen"):
                    sink.reopen()

    async def start(self, on_failure: Callable[[SinkWorker, BaseException], None]) -> None:
        """Open the queues and start the sinks side by side, each within its time. `on_failure` is called with a worker
        that failed to start and the error."""
        await side_by_side(*(self._start(one.worker, on_failure) for one in self._running.values()))

    async def _start(self, worker: SinkWorker, on_failure: Callable[[SinkWorker, BaseException], None]) -> None:
        self._not_started.discard(worker)
        await self._open(worker)
        with worker.sink.contained("start") as call:
            await worker.start()
        if call.failed is not None:
            on_failure(worker, call.failed)

    def deliver(self) -> None:
        """Start the tasks that deliver."""
        for one in self._running.values():
            self._deliver(one)

    # --- reload

    async def prepare(self, built: Sequence[BuiltSink], *, stop: float) -> SinkChange:
        """Make, open and start what is new, touching nothing that runs. Raises MozuError after undoing all. `stop`
        bounds, in seconds, what each `stop` may take then."""
        change = SinkChange()
        try:
            await self._free_spools({one.spool for one in built})
            for one in built:
                await self._prepare(one, change)
        except BaseException:
            await self.abandon(change, stop)
            raise
        return change

    async def _free_spools(self, wanted: set[Path | None]) -> None:
        """Free the spools that are wanted again or are transferred, and that sinks removed lately still hold."""
        for task, retiring in list(self._retiring.items()):
            if retiring.built.spool is not None and retiring.built.spool in wanted:
                retiring.worker.halt()
                await asyncio.wait([task])

    async def _prepare(self, built: BuiltSink, change: SinkChange) -> None:
        identity, before = built.entry.id, self._running.get(built.entry.id)
        if before is not None and before.built.spool == built.spool:
            change.running[identity] = RunningSink(built, before.worker, before.writers, before.deliveries)
            if built.isolated is not before.built.isolated:
                caller = change.callers[identity] = SinkCaller(built.isolated)
                await _started(caller)
            return
        fresh = change.running[identity] = self._made(built)
        change.fresh.append(fresh)
        if built.spool is not None and any(one.built.spool == built.spool for one in self._running.values()):
            self._waiting.add(fresh.worker)
        else:
            damage = await _opened(fresh.worker)
            if damage:
                change.damage.append((identity, damage))
        await _started(fresh.worker.caller)

    async def abandon(self, change: SinkChange, seconds: float) -> None:
        """Close what was prepared: the change does not come into force."""
        for caller in change.callers.values():
            await caller.stop()
        for one in change.fresh:
            self._waiting.discard(one.worker)
            one.worker.queue.close()
            await self._finish(one.tasks, seconds)
            await one.worker.stop(RELOAD_REFUSED)

    def commit(self, change: SinkChange, seconds: float) -> None:
        """Send alerts to the changed sinks from now on; the rest of the work is done in the background."""
        before, self._running = self._running, change.running
        retired = [one for one in before.values() if one.worker not in self.workers]
        for identity, damage in change.damage:
            self._report(_DAMAGED, Severity.CRITICAL, damage, identity)
        for one in change.running.values():
            entry = one.built.entry
            one.worker.configure(retry_policy(entry), route_of(entry))
            one.worker.queue.resize(entry.queue.bytes)
            if one not in change.fresh:
                work = self._replace(one, before[entry.id].built, change.callers.get(entry.id), seconds)
                if work is not None:
                    self._beside(work, f"replace {entry.id}")
            elif one.worker not in self._waiting:
                self._deliver(one)
        for one in retired:
            heir = self._heir(one)
            if heir is not None and isinstance(one.worker.queue, MemoryQueue):
                for alert in one.worker.queue.take_waiting():
                    heir.worker.queue.put(alert)
            task = self._spawn(self._retire(one, heir, seconds), f"retire {one.worker.name}")
            self._retiring[task] = one
            task.add_done_callback(self._retired)

    def _heir(self, retired: RunningSink) -> RunningSink | None:
        """Return the successor of a retired sink: the new owner of its spool, or for a queue in memory the sink of the
        same id."""
        if retired.built.spool is None:
            return self._running.get(retired.built.entry.id)
        return next((one for one in self._running.values() if one.built.spool == retired.built.spool), None)

    def _replace(
        self, one: RunningSink, before: BuiltSink, caller: SinkCaller | None, seconds: float
    ) -> Coroutine[None, None, None] | None:
        """Return the remaining work for a worker that stays."""
        new_form = one.built.encoder is not before.encoder
        new_spool = one.built.entry.spool != before.entry.spool
        if caller is None and not new_form and not new_spool:
            return None

        async def work() -> None:
            queue, spool = one.worker.queue, one.built.entry.spool
            if new_spool and spool.enabled:
                from mozu.core.delivery.disk_queue import DiskQueue  # with SQLite, for sinks that have a spool

                assert isinstance(queue, DiskQueue)
                await queue.configure(
                    max_bytes=spool.bytes, fsync=spool.fsync, drop_oldest=spool.when_full == "drop_oldest",
                    live_first=spool.backlog == "live_first",
                )  # fmt: skip
            if caller is not None or new_form:
                replaced = one.worker.sink
                await one.worker.replace(caller or one.worker.caller, one.built.encoder, seconds)
                self._release(replaced, before.isolated)

        return work()

    async def _retire(self, one: RunningSink, heir: RunningSink | None, seconds: float) -> None:
        worker, queue = one.worker, one.worker.queue
        if heir is None:
            worker.finish()
        else:
            worker.halt()
        await self._finish(one.tasks, seconds)
        heir = self._heir(one)  # after another reload it may be another, or none
        if heir is not None and isinstance(queue, MemoryQueue):
            for alert in (*worker.undelivered(), *queue.take_waiting()):
                heir.worker.queue.put(alert)
            queue.forget_unacked()
        lost, left = queue.in_memory(), await worker.stop(REMOVED)
        if lost:
            text = f"sink {worker.name} was removed with {lost} alerts that its destination had not taken"
            self._report("Alerts dropped", Severity.CRITICAL, text, worker.name)
        if heir is not None and heir.worker in self._waiting:
            await self._take_over(heir)
        elif left and heir is None:
            text = f"{left} alerts stay in {one.built.spool}; they are delivered once a sink has this spool again"
            self._report("Alerts left in a spool", Severity.WARNING, text, worker.name)
        self._release(worker.sink, one.built.isolated)
        if worker.name not in self._running:
            self._metrics.forget_gauges(kind="sink", id=worker.name)

    def _release(self, *stopped: Isolated[Sink]) -> None:
        """Release the stopped sinks that no worker uses."""
        in_use = [sink for one in self._running.values() for sink in (one.built.isolated, one.worker.sink)]
        for sink in stopped:
            if not any(sink is other for other in in_use):
                sink.release()

    async def _take_over(self, heir: RunningSink) -> None:
        """Open the spool that a retired sink has left to this one, and deliver from it."""
        while heir.worker in self._waiting:
            try:
                await self._open(heir.worker)
            except MozuError as error:
                self._report("Spool unusable", Severity.CRITICAL, str(error), heir.worker.name)
                await asyncio.sleep(_REOPEN_INTERVAL)
                continue
            self._waiting.discard(heir.worker)
            self._deliver(heir)

    def _retired(self, task: asyncio.Task[None]) -> None:
        self._retiring.pop(task, None)

    def _beside(self, work: Coroutine[None, None, None], name: str) -> None:
        task = self._spawn(work, name)
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)

    # --- stop

    async def stop(self, shutdown: Shutdown) -> None:
        """Deliver what is left, as far as there is time, then stop every sink whose start has begun."""
        running = list(self._running.values())
        for one in running:
            one.worker.finish()
        going = [RunningWorker(one.worker, task) for one in running for task in one.deliveries]
        await shutdown.deliveries(going, [task for one in running for task in one.writers])
        await shutdown.finish([*self._replacing, *self._retiring])
        await shutdown.sinks([one.worker for one in running if one.worker not in self._not_started])

    async def _finish(self, tasks: Sequence[asyncio.Task[None]], seconds: float) -> None:
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            _log.error("%s did not end within the stop deadline", task.get_name())
            task.cancel()
        if late:
            await asyncio.wait(late)

    # --- one sink

    def _made(self, built: BuiltSink) -> RunningSink:
        writers: list[asyncio.Task[None]] = []

        def on_closed(why: str) -> None:
            if any(one.worker is worker for one in self._running.values()):
                self._on_closed(why)

        worker = sink_worker_for(
            built, agent=self._agent, on_closed=on_closed,
            spawn_writer=lambda work, name: writers.append(self._spawn(work, name)),
        )  # fmt: skip
        return RunningSink(built, worker, writers, [])

    async def _open(self, worker: SinkWorker) -> None:
        damage = await _opened(worker)
        if damage:
            self._report(_DAMAGED, Severity.CRITICAL, damage, worker.name)

    def _deliver(self, one: RunningSink) -> None:
        name = f"deliver {one.worker.name}"
        one.deliveries.append(self._spawn(detached(one.worker.run(), name), name))


async def _opened(worker: SinkWorker) -> str:
    """Open the worker's queue; returns a sentence about damage in it, or an empty text."""
    return await within(worker.sink, "open its queue", worker.sink.start_seconds, worker.queue.open)


async def _started(caller: SinkCaller) -> None:
    """Start a new sink. Any exception becomes a MozuError: the running sink is not given up for a new one that
    fails."""
    try:
        await caller.start()
    except MozuError:
        raise
    except BaseException as error:  # a plugin's code: the reload is refused
        if is_ours(error):
            raise
        raise MozuError(f"sink {caller.sink.name} cannot start: {caller.sink.described(error)}") from error
