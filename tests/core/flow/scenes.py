"""Scenes of a whole run, drawn at random: one source with all stages behind it, and the failures of each of them.

The clock of the loop is virtual, and so is the machine's, so that a scene goes the same way each time. `reported` is
its log: each call of a component with its arguments, and once a second every metric that has changed.

python -m tests.core.flow.scenes    writes tests/data/flows/ again, after an intended change
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final
from unittest.mock import patch

from mozu.core.api import LookupLimits
from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.errors import MozuError
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.enrichment_buffer import EnrichmentBufferBounds
from mozu.core.flow.evaluation import Evaluation
from mozu.core.flow.event_gate import EventGate
from mozu.core.flow.heartbeats import Heartbeats
from mozu.core.flow.key_lookups import KeyLookups
from mozu.core.flow.loss_accounting import LossAccounting
from mozu.core.flow.memory_bound import MemoryBound, MemoryStep
from mozu.core.flow.pipeline import SourcePipeline
from mozu.core.flow.reconcile import Reconciler
from mozu.core.flow.source_pump import PumpedSource, SourcePump
from mozu.core.flow.statistics import as_text, gather
from mozu.core.flow.wanted_enrichers import EnricherLookups, WantedEnrichers
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.state import StateMachine
from mozu.core.state.observed import KnownProcess, ProcSnapshot
from mozu.core.testing import virtual_clock
from tests.core.flow.scripted import Destination, Judge, Names, Positioned, Receipted, Recorder, SlowJudge, Source
from tests.core.state.invented import History
from tests.core.state.story import NOWHERE
from tests.support import golden
from tests.support.packing import room
from tests.support.requirements import DATA

FILE: Final = DATA / "flows" / "scenes.txt.xz"
SCENES: Final = tuple(f"{kind}-{seed}" for kind in ("live", "recording", "documents") for seed in range(16))
_EPOCH: Final = 1_767_225_600_000_000_000
_MIB: Final = 1 << 20


class _Machine(StateMachine):
    """A state machine on a machine with random contents."""

    def __init__(self, scene: "Scene") -> None:
        super().__init__(procfs=NOWHERE)
        self._scene = scene

    def read_procfs(self, pids: Iterable[int] | None = None, /) -> Iterator[ProcSnapshot]:
        """Yield some processes, which other reads may not find."""
        for pid in (1, 10, 20, 30, 40, 50, 60) if pids is None else sorted(pids):
            if self._scene.chance.random() < 0.7:
                yield ProcSnapshot(pid, pid, KnownProcess(name="p", ptid=1, vpid=pid, start=_EPOCH + pid % 3))


def _same(one: Judge) -> Judge:
    return one


class Scene:
    """A drawn scene."""

    def __init__(self, name: str) -> None:
        self.name, self.kind = name, name.partition("-")[0]
        self.chance = random.Random(name)
        self.stream: Iterator[SyscallEvent] = chain.from_iterable(
            History(self.chance.randrange(1000), live=self.kind == "live").events() for _ in range(1000)
        )
        self.reported: list[str] = []
        self._metrics = Metrics()
        self._before: dict[str, float] = {}
        self._resident = 50 * _MIB

    def play(self) -> list[str]:
        """Play the scene from beginning to end; return its log."""
        before = random.getstate()
        random.seed(self.chance.random())
        try:
            virtual_clock.run(self._run())
        finally:
            random.setstate(before)
        return self.reported

    def log(self, event: str, **values: object) -> None:
        """Log one line for the event with its time, and one for each value."""
        self.reported.append(f"# {asyncio.get_running_loop().time():.6f} {event}")
        self.reported += [golden.line(name, value) for name, value in values.items()]

    async def _run(self) -> None:
        now = asyncio.get_running_loop().time
        with (
            patch.object(time, "monotonic", now),
            patch.object(time, "time_ns", lambda: _EPOCH + int(now() * 1e9)),
        ):
            async with asyncio.TaskGroup() as self._group:
                self._wire()
                await self._live()
                await self._end()

    # --- the run

    def _spawn(self, work: Awaitable[None], name: str) -> None:
        async def do() -> None:
            await work

        self._tasks.append(self._group.create_task(do(), name=name))

    def _wire(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._gate = EventGate()
        self._workers = [self._worker(f"sink{number}") for number in range(2)]
        self._alerts = AlertPipeline(
            self._workers, hostname="host", redact=lambda alert: None, limiter=self._limiter(), metrics=self._metrics
        )
        self._evaluation = Evaluation(self._judges(), self._spawn)
        self._stopping = asyncio.Event()
        self._names = Isolated("enricher", "names", Names(self), self._metrics)
        rate = self.chance.choice((0.0, 2.0))
        limits = LookupLimits(parallel=2, per_second=rate, ttl=20.0, negative_ttl=5.0, cache=4)
        self._lookups = KeyLookups(self._names, limits, self._spawn)
        self._wanted = WantedEnrichers([EnricherLookups(self._lookups, frozenset({"enricher:names"}))])
        documents = self.kind == "documents"
        shape = self.chance.choice((Receipted, Positioned, Source)) if documents else Source
        pumped = [self._pumped(f"plugin{number}", shape, documents) for number in range(2)]
        self.pump = SourcePump(
            iter(pumped), self._alerts, demand=self._evaluation.demand, stopping=self._stopping,
            optional=self.chance.random() < 0.3, gate=self._gate,
        )  # fmt: skip
        self._losses = LossAccounting(self._alerts, [self.pump], self._evaluation)
        self._heartbeats = Heartbeats(
            self._alerts, [self.pump], self._losses, self._metrics, intervals={"sink0": 10.0, "sink1": 0.6},
            version="1", rules_digest=self._evaluation.rules_digest,
        )  # fmt: skip
        steps = [MemoryStep(name, self._giving) for name in ("caches", "names")]
        self._memory = MemoryBound(
            lambda: 100 * _MIB, steps, self._gate, notify=self._alerts.notice, metrics=self._metrics,
            resident=lambda: self._resident,
        )  # fmt: skip

    def _pumped(self, plugin: str, shape: Callable[..., Source], documents: bool) -> PumpedSource:
        live = self.kind == "live"

        def build() -> Source:
            return shape(self, plugin, documents=documents)

        source: Isolated[Any] = Isolated("source", "made", build(), self._metrics, build=build)
        state = None if documents else (_Machine(self) if live else StateMachine(procfs=None))
        fields = FieldRegistry()
        fields.declare_source("json", ("a",))
        pipeline = SourcePipeline(
            source, live=live, origin="here", input_name="input", state=state, recorder=Recorder(self),
            enrichers=self._wanted,
            bounds=self._bounds(), evaluation=self._evaluation, alerts=self._alerts, fields=fields,
            metrics=self._metrics, gate=self._gate, verdict_memory=0,
        )  # fmt: skip
        reconciler = None
        if live and state is not None:
            reconciler = Reconciler(pipeline, state, self._metrics, threads=lambda: False)
        return PumpedSource(plugin, pipeline, reconciler)

    def _worker(self, name: str) -> SinkWorker:
        sink: Isolated[Any] = Isolated("sink", name, Destination(self, name), self._metrics)
        queue = MemoryQueue(room(self.chance.choice((20, 300))), sink.metrics)
        return SinkWorker(sink, FalcoJson(), queue, agent="host", on_closed=lambda why: self.log("closed", why=why))

    def _judges(self) -> Sequence[Isolated[Any]]:
        judges = [Judge(self, "judge", 7), self.chance.choice((Judge, SlowJudge))(self, "other", 5)]
        return [
            Isolated("evaluator", f"judge{number}", one, self._metrics, build=partial(_same, one))
            for number, one in enumerate(judges)
        ]

    def _limiter(self) -> AlertLimiter:
        return AlertLimiter(
            dedup_seconds=self.chance.choice((0.0, 3.0)), rate=self.chance.choice((0.0, 2.0)), burst=5, max_messages=20
        )

    def _bounds(self) -> EnrichmentBufferBounds:
        return EnrichmentBufferBounds(self.chance.choice((0.5, 3.0)), self.chance.choice((5, 200)), 20_000)

    def _giving(self) -> int:
        """Give some memory back, as one step; return the size given."""
        given = self.chance.choice((0, 3))
        self._resident -= given * 4 * _MIB
        return given

    # --- what happens

    async def _live(self) -> None:
        for worker in self._workers:
            await worker.start()
            self._tasks.append(self._group.create_task(worker.run()))
        if not self.pump.is_optional:
            try:
                await self.pump.start(self._evaluation.demand())
            except MozuError as error:
                self.log("cannot start", why=error)
                return
        self._running = self._group.create_task(self.pump.run())
        self._tasks.append(self._running)
        self._tasks.append(self._group.create_task(self._heartbeats.run()))
        self._tasks.append(self._group.create_task(self._memory.run()))
        if self.pump.reconciler is not None:
            self._tasks.append(self._group.create_task(self.pump.reconciler.run()))
        for _ in range(self.chance.randrange(15, 40)):
            await asyncio.sleep(1.0)
            self._second()
            if self.chance.random() < 0.3:
                await self._change()

    def _second(self) -> None:
        """Do the work of one second, as the engine does it."""
        self._losses.report()
        self._alerts.report_suppressed()
        self.log("second", problems=self.pump.pipeline.tick(), **self._changed())

    async def _change(self) -> None:
        pipeline, chance = self.pump.pipeline, self.chance
        drawn = chance.randrange(9)
        self.log(f"change {drawn}")
        if drawn == 0:
            self._resident = chance.choice((50, 85, 99, 120)) * _MIB
        elif drawn == 1:
            self._evaluation.use(self._judges())
            demand = self._evaluation.demand()
            self._wanted.update(demand)
            self.log("updated", why=await self.pump.update(demand), digest=self._evaluation.rules_digest())
        elif drawn == 2:
            self._alerts.use(self._workers, redact=lambda alert: None, limiter=self._limiter())
        elif drawn == 3:
            pipeline.use(self._bounds(), 0)
        elif drawn == 4:
            self._heartbeats.use({"sink0": chance.choice((0.0, 2.0, 10.0)), "sink1": 0.6})
        elif drawn == 5:
            self.log("given back", held=pipeline.release_held(), processes=pipeline.forget_processes())
        elif drawn == 6:
            self.log("given back", names=self._lookups.shrink(), repeats=self._alerts.end_dedup())
        elif drawn == 7:
            self.pump.reconcile()
        else:
            pipeline.use_recorder(Recorder(self))

    async def _end(self) -> None:
        self._stopping.set()
        await self.pump.stop(5.0)
        if hasattr(self, "_running"):
            await asyncio.wait([self._running], timeout=60.0)
        self.pump.pipeline.flush()
        self._evaluation.give_up()
        self._losses.report()
        self._alerts.report_suppressed(at_end=True)
        self.log("recordings", problems=await self.pump.pipeline.close(2.0))
        for worker in self._workers:
            worker.finish()
        await asyncio.sleep(30.0)
        self.log(
            "at the end", failed=self.pump.failed, problem=self.pump.problem, refused=self.pump.refused,
            title=self.pump.title, lost=self._losses.lost_total(), gate=self._gate.dropped,
        )  # fmt: skip
        self._tell_statistics()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for worker in self._workers:
            await worker.stop("the end")
        self.log("stopped", **self._changed())

    def _tell_statistics(self) -> None:
        numbers = gather(self._metrics, [self.pump], self._workers, self._memory, 0.0)
        del numbers["cpu_seconds"], numbers["metrics"]
        self.log("statistics", **numbers)
        self.log("in words", text=as_text({**numbers, "cpu_seconds": 0.0}))

    def events(self, what: str) -> float:
        """Return how many events of the source were received, evaluated …, at the end."""
        return self._before.get(f"events_{what}_total made", 0.0)

    def _changed(self) -> dict[str, float]:
        now: dict[str, float] = {}
        for name, labels, value in self._metrics.collect():
            now[f"{name} {' '.join(labels.values())}".rstrip()] = value
        reported = {name: value for name, value in now.items() if self._before.get(name) != value}
        self._before = now
        return reported


if __name__ == "__main__":
    golden.write(FILE, {name: Scene(name).play() for name in SCENES})
