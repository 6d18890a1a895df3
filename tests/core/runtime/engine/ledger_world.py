"""A run in one process whose ledger is checked: real sinks, queues, spools, source pump and loss accounting, wired as
the engine wires them, between a source and destinations controlled by the test. The clock is virtual.

A kill is a copy of the files of the spools at that moment, with which another run begins.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from mozu.core.api import Counts, Kind, Outcome, Record, Rejected, Retry
from mozu.core.delivery import spool_file
from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.delivery.spool import Spool, SpoolUnusable
from mozu.core.filter.demand import Demand
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.enrichment_buffer import EnrichmentBufferBounds
from mozu.core.flow.evaluation import Evaluation
from mozu.core.flow.event_gate import EventGate
from mozu.core.flow.loss_accounting import LossAccounting
from mozu.core.flow.pipeline import SourcePipeline
from mozu.core.flow.source_pump import PumpedSource, SourcePump
from mozu.core.flow.statistics import gather
from mozu.core.flow.wanted_enrichers import WantedEnrichers
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.event import DataEvent, Event
from mozu.core.model.fields import FieldRegistry
from mozu.core.recording import NoRecorder
from mozu.core.runtime.config import Entry
from mozu.core.runtime.config.delivery import QueueSettings, RetrySettings, SpoolSettings
from mozu.core.runtime.config.mark import Mark
from mozu.core.runtime.config.node import YamlNode
from mozu.core.runtime.engine.built import BuiltSink
from mozu.core.runtime.engine.shutdown import Shutdown
from mozu.core.runtime.engine.sink_set import SinkSet
from mozu.core.runtime.operations.run_view import RunView
from mozu.core.runtime.operations.samples import samples
from mozu.core.runtime.operations.series_limit import bounded
from mozu.core.testing import alert
from mozu.core.testing.virtual_clock import VirtualLoop
from tests.core.delivery.disk_queues import Here
from tests.support.equations import broken_in_metrics, broken_in_statistics

SINKS: Final = ("a", "b", "c")
_EPOCH: Final = 1_700_000_000_000_000_000
_SERIES: Final = 10_000


class Destination:
    """The receiver of one sink: accepts, refuses or loses deliveries, depending on its mode."""

    def __init__(self, name: str) -> None:
        self.name, self.mode = name, "up"

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome] | None:
        if self.mode == "slow":
            await asyncio.sleep(0.7)
        if self.mode == "down":
            raise OSError("no route")
        return None if self.mode == "up" else [self._outcome(record) for record in records]

    def _outcome(self, record: Record) -> Outcome:
        number = record.stamp.sequence
        if self.mode == "rejects" and number % 3:
            return Rejected("too large")
        return Retry(0.2) if self.mode == "later" and number % 2 else None


class Kernel:
    """The kernel's side of one instance of the source: a ring buffer and its counters, which only grow."""

    def __init__(self) -> None:
        self.seen = self.filtered = self.lost = self.given = 0
        self.ring: list[Event] = []
        self.changed = asyncio.Event()
        self.fault: BaseException | None = None
        self.is_stopped = self.is_blind = False

    def happen(self, filtered: int, lost: int, given: int) -> None:
        """Count events that are filtered, that are lost, and that wait in the ring buffer."""
        self.seen += filtered + lost + given
        self.filtered += filtered
        self.lost += lost
        self.ring += [DataEvent("json", "thing", 0) for _ in range(given)]

    async def start(self, demand: Demand) -> None:
        pass

    async def update(self, demand: Demand) -> None:
        pass

    async def stop(self) -> None:
        self.is_stopped = True
        self.changed.set()

    async def batches(self) -> AsyncIterator[Sequence[Event]]:
        while not self.is_stopped:
            await self.changed.wait()
            self.changed.clear()
            if self.fault is not None:
                raise self.fault
            batch, self.ring = self.ring, []
            self.given += len(batch)
            yield batch

    def counts(self) -> Mapping[str, Counts]:
        if self.is_blind:
            raise OSError("the maps have gone")
        return {"openat": Counts(self.seen, self.filtered, self.lost, None, self.given)}


class Judge:
    """An evaluator that raises an alert for every third event, and fails on some."""

    def __init__(self) -> None:
        self._judged = 0

    def demand(self) -> Demand:
        return Demand()

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        self._judged += 1
        if self._judged % 7 == 3 and len(batch) > 1:
            raise ValueError("cannot judge this")
        return [alert(f"rule {number % 4}") for number in range(0, len(batch), 3)]


class Nothing:
    """A memory bound without numbers."""

    def numbers(self) -> dict[str, int]:
        return {}


class World:
    """Successive runs over the same folder of spools. Every public method returns with all tasks waiting."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._runs = folder, 0
        self._patches = ExitStack()
        self._offset = 0
        self.destinations = {name: Destination(name) for name in SINKS}
        self.wanted: dict[str, dict[str, Any]] = {
            "a": {"spool": "a.db", "bytes": 1 << 30, "oldest": False, "live_first": False},
            "b": {"spool": None},
        }
        """Sink → its settings for the next start or reload."""
        self._begin()

    # --- runs

    def _begin(self) -> None:
        self.spools = self._folder / f"run {self._runs}"
        self.spools.mkdir(exist_ok=True)
        self._loop = VirtualLoop()
        self._patches.enter_context(patch.object(spool_file, "WorkerThread", Here))
        self._patches.enter_context(patch.object(time, "monotonic", self._loop.time))
        self._patches.enter_context(patch.object(time, "time_ns", self._now))
        self.do(self._start())

    def _now(self) -> int:
        return _EPOCH + self._offset + int(self._loop.time() * 1e9)

    async def _start(self) -> None:
        self._metrics, self._tasks = Metrics(), list[asyncio.Task[Any]]()
        self._stopping, self._gate = asyncio.Event(), EventGate()
        self._sinks = SinkSet(
            [self._built(name) for name in self.wanted], agent="host", on_closed=lambda why: None, spawn=self._spawn,
            report=lambda rule, priority, text, sink: self._alerts.notice(rule, priority, text, sink=sink),
            metrics=self._metrics,
        )  # fmt: skip
        limiter = AlertLimiter()
        self._limiter = limiter
        self._alerts = AlertPipeline(
            self._sinks.workers, hostname="host", redact=lambda one: None, limiter=limiter, metrics=self._metrics
        )
        judge: Isolated[Any] = Isolated("evaluator", "judge", Judge(), self._metrics, build=Judge)
        evaluation = Evaluation([judge])
        self.kernel = Kernel()
        source: Isolated[Any] = Isolated("source", "made", self.kernel, self._metrics, build=self._another_kernel)
        fields = FieldRegistry()
        fields.declare_source("json", ())
        pipeline = SourcePipeline(
            source, live=True, origin="here", state=None, recorder=NoRecorder(), enrichers=WantedEnrichers(()),
            bounds=EnrichmentBufferBounds(), evaluation=evaluation, alerts=self._alerts, fields=fields,
            metrics=self._metrics, gate=self._gate, input_name="input", verdict_memory=0,
        )  # fmt: skip
        pumped = iter([PumpedSource("made", pipeline)])
        self._pump = SourcePump(pumped, self._alerts, demand=Demand, stopping=self._stopping, gate=self._gate)
        self._losses = LossAccounting(self._alerts, [self._pump], evaluation)
        self._made = [*self._sinks.workers]
        await self._sinks.start(lambda worker, why: None)
        self._sinks.deliver()
        await self._pump.start(Demand())
        self._reading = self._spawn(self._pump.run(), "read")

    def _another_kernel(self) -> Kernel:
        self.kernel = Kernel()
        return self.kernel

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.append(task)
        return task

    def stop(self, seconds: float) -> None:
        """Stop as the engine does, within these seconds, and check the final numbers."""
        self.do(self._stop(seconds))
        self.check(running=False)
        self._leave()

    async def _stop(self, seconds: float) -> None:
        self._stopping.set()
        shutdown = Shutdown(seconds, at_once=lambda: True)
        await shutdown.sources([self._pump], [self._reading])
        self._losses.report()
        await self._sinks.stop(shutdown)

    def kill(self) -> None:
        """End the run as SIGKILL would: the next run finds what is on the disk now."""
        self._runs += 1
        shutil.copytree(self.spools, self._folder / f"run {self._runs}")
        self._leave()

    def _leave(self) -> None:
        """Release the run's tasks and files, whatever they would still do."""
        self.do(self._end_tasks())
        self._loop.close()
        self._patches.close()

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in self._made:  # the end of a process closes the files of retired workers, too
            await worker.stop("killed")

    def restart(self) -> None:
        """Start again after a stop or a kill."""
        self._begin()
        self.check(running=True)

    def close(self) -> None:
        """Undo the patches of the run."""
        self._patches.close()

    # --- acts

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run `work` on the loop of the present run."""
        return self._loop.run_until_complete(work)

    def emit(self, count: int, severity: Severity) -> None:
        """Emit alerts of a few rules."""
        for number in range(count):
            one = alert(f"rule {number % 3}", text="x" * 200)
            one.priority = severity
            self._alerts.emit(one)

    def happen(self, filtered: int, lost: int, given: int, *, reads: bool) -> None:
        """Add events in the kernel, which the source reads now if `reads`, or which wait in the ring buffer."""
        self.kernel.happen(filtered, lost, given)
        if reads:
            self.kernel.changed.set()
            self.wait(0.0)

    def fail_source(self, *, blind: bool) -> None:
        """Let the source end with an error and start again after its back-off; if `blind`, it cannot count any more."""
        self.kernel.fault, self.kernel.is_blind = OSError("lost its place"), blind
        self.kernel.changed.set()
        self.wait(0.0)

    def wait(self, seconds: float) -> None:
        """Let these seconds pass, with the reports of each second."""
        self.do(self._wait(seconds))

    async def _wait(self, seconds: float) -> None:
        while seconds > 1.0:
            await asyncio.sleep(1.0)
            self._losses.report()
            seconds -= 1.0
        await asyncio.sleep(seconds)
        for _ in range(30):
            await asyncio.sleep(0)

    def step_clock(self, seconds: int) -> None:
        """Change the wall clock."""
        self._offset += seconds * 1_000_000_000

    def close_gate(self, *, closed: bool) -> None:
        """Set if memory is at its limit."""
        self._gate.is_closed = closed

    def redrive(self, name: str) -> None:
        """Run `mozu redrive`, as another process."""
        path = self.spools / name
        if path.exists():
            try:
                other = Spool(path, repairs=False)
            except SpoolUnusable:
                return
            other.redrive()
            other.close()

    def reload(self) -> None:
        """Reload with the wanted settings; every sink gets another instance."""
        self.do(self._reload())

    async def _reload(self) -> None:
        change = await self._sinks.prepare([self._built(name) for name in self.wanted], stop=5.0)
        self._sinks.commit(change, 5.0)
        self._made += [one for one in change.workers if one not in self._made]
        self._alerts.use(change.workers, redact=lambda one: None, limiter=self._limiter)
        await self._wait(0.0)

    def damage(self, name: str, what: str, at: float) -> None:
        """Damage the file of a spool, at this place of it (0 to 1)."""
        path = self.spools / name
        if what == "gone":
            path.unlink(missing_ok=True)
            return
        target = path.with_name(f"{name}-wal") if what == "log" else path
        if not target.exists() or not target.stat().st_size:
            return
        pages = target.stat().st_size // 4_096
        with target.open("r+b") as file:
            file.seek(int(at * pages) * 4_096)
            file.write(b"\xff" * 4_096)

    # --- checks

    def check(self, *, running: bool) -> None:
        """Check every equation, in the statistics and in the metrics."""
        numbers = gather(self._metrics, [self._pump], self._sinks.workers, Nothing(), 0.0)  # type: ignore[arg-type]  # as much as is asked
        broken = broken_in_statistics(numbers, running=running)
        now = bounded(samples(self._view()), _SERIES)
        found = {(one.name, frozenset(one.labels.items())): one.value for one in now}
        broken += broken_in_metrics(found, running=running)
        if broken:
            raise AssertionError("\n".join(broken))

    def _view(self) -> RunView:
        return RunView(
            metrics=self._metrics, pumps=[self._pump], workers=lambda: self._sinks.workers,
            heartbeat_intervals=dict, components=list, has_started=lambda: True, is_stopping=lambda: False,
            rules_digest=str, statistics=dict, shadow=list, version="1", hostname="host", started=0.0,
        )  # fmt: skip

    def _built(self, name: str) -> BuiltSink:
        wanted = self.wanted[name]
        spool = SpoolSettings(enabled=False)
        if wanted["spool"] is not None:
            spool = SpoolSettings(
                path=self.spools / wanted["spool"], bytes=wanted.get("bytes", 1 << 30),
                when_full="drop_oldest" if wanted.get("oldest") else "drop_newest",
                backlog="live_first" if wanted.get("live_first") else "in_order",
            )  # fmt: skip
        entry = Entry(
            kind=Kind.SINK, name="made", id=name, settings={}, node=YamlNode({}, Mark("")), spool=spool,
            queue=QueueSettings(bytes=1 << 20), retry=RetrySettings(attempts=2, longest=2.0),
        )  # fmt: skip
        destination = self.destinations[name]
        sink: Isolated[Any] = Isolated("sink", name, destination, self._metrics, build=lambda: destination)
        return BuiltSink(entry, sink)
