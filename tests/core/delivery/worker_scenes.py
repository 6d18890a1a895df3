"""Scenes of a sink worker and its queue, drawn at random: alerts that come, a destination that fails, is slow, refuses.

The clock of the loop is virtual, and the jitter of pauses is drawn from the scene's seed: a scene goes the same way
each time, to the microsecond. `reported` is its log.

python -m tests.core.delivery.worker_scenes    writes tests/data/deliveries/ again, after an intended change
"""

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar
from unittest.mock import patch

from msgspec.structs import replace

from mozu.core.api import Outcome, Record, Rejected, Retry, SinkClosed
from mozu.core.delivery import spool_file
from mozu.core.delivery.alert_queue import AlertQueue
from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.encode.falco_text import FalcoText
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.packed_alert import PackedAlert
from mozu.core.delivery.route import Route
from mozu.core.delivery.sink_caller import SinkCaller
from mozu.core.delivery.sink_worker import RetryPolicy, SinkWorker
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity
from mozu.core.testing import alert, virtual_clock
from tests.core.delivery.disk_queues import Here
from tests.support import golden
from tests.support.packing import packed, room
from tests.support.requirements import DATA

T = TypeVar("T")
FILE: Final = DATA / "deliveries" / "workers.txt.xz"
SCENES: Final = tuple(f"{kind}-{seed}" for kind in ("memory", "spool") for seed in range(40))
_RULES: Final = ("ordinary", "ordinary", "ordinary", "ordinary", "poison", "rejected", "later", "unsent")
_SEVERITIES: Final = (Severity.CRITICAL, Severity.WARNING, Severity.NOTICE)
_LONGEST: Final = 4_000.0
"""Seconds of a scene's clock, at most."""
_TIME: Final = 1_700_000_000_000_000_000


class Destination:
    """A sink whose destination is up, down, or slow at times, and refuses some alerts."""

    def __init__(self, scene: "Scene", name: str) -> None:
        self._scene, self._chance, self.name = scene, scene.chance, name
        self._mode, self._until = "up", 0.0

    async def start(self) -> None:
        self._scene.log(f"start {self.name}")

    async def stop(self) -> None:
        self._scene.log(f"stop {self.name}")

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome] | None:
        """Answer by the rule of each record and the mode of the destination."""
        numbers = [record.stamp.sequence for record in records]
        now = asyncio.get_running_loop().time()
        if now >= self._until:
            modes = ("up", "up", "up", "down", "slow", "partial", "wrong", *(("gone",) if now > 300.0 else ()))
            self._mode = self._chance.choice(modes)
            self._until = now + self._chance.choice((0.0, 0.5, 5.0, 60.0))
        sizes = [len(record.body) for record in records]
        self._scene.log(f"deliver to {self.name}, {self._mode}", numbers=numbers, bytes=sizes[-9:])
        if self._mode == "slow":
            await asyncio.sleep(self._chance.choice((0.0, 0.01, 3.0)))
        if self._mode == "gone" and self._chance.random() < 0.3:
            raise SinkClosed("the reader has gone")
        if self._mode == "down" or any(record.alert.rule == "poison" for record in records):
            raise OSError("no route")
        if self._mode == "wrong":
            return [None] * (len(records) + 1)
        outcomes = [self._outcome(record) for record in records]
        if not any(outcomes) and self._chance.random() < 0.5:
            return None
        self._scene.log("outcomes", outcomes=outcomes)
        return outcomes

    def _outcome(self, record: Record) -> Outcome:
        rule = record.alert.rule
        if rule == "rejected":
            return Rejected("too large")
        if rule == "later" and self._chance.random() < 0.8:
            return Retry(self._chance.choice((0.0, 0.05, 2.0)))
        if rule == "unsent" and self._chance.random() < 0.7:
            return Retry(tried=False)
        return Retry(1.0) if self._mode == "partial" and self._chance.random() < 0.5 else None


async def _wait_for(awaited: Awaitable[T], timeout: float) -> T:  # noqa: ASYNC109  as asyncio's
    """Wait as Python 3.12 does; earlier versions put another task between, and the rest came a step later."""
    async with asyncio.timeout(timeout):
        return await awaited


class Scene:
    """A drawn scene. With a spool it has two acts: the second finds what the first left there."""

    def __init__(self, name: str, folder: Path) -> None:
        self.chance = random.Random(name)
        self.reported: list[str] = []
        self.acts: list[dict[str, float]] = []
        """The metrics at the end of each act."""
        self._path = folder / f"{name}.db" if name.startswith("spool") else None
        self._folder = str(folder)
        self._made = self._sinks = 0
        self._metrics = Metrics()
        self._before: dict[str, object] = {}

    def play(self) -> list[str]:
        """Play the scene from beginning to end; return its log."""
        before = random.getstate()
        random.seed(self.chance.random())
        try:
            with patch.object(spool_file, "WorkerThread", Here), patch.object(asyncio, "wait_for", _wait_for):
                for _ in range(2 if self._path else 1):
                    self._metrics, self._before = Metrics(), {}
                    virtual_clock.run(self._act())
                    self.acts.append(self.numbers())
        finally:
            random.setstate(before)
        return self.reported

    def log(self, event: str, **values: object) -> None:
        """Log one line for the event with its time, and one for each value."""
        self.reported.append(f"# {asyncio.get_running_loop().time():.6f} {event}")
        self.reported += [golden.line(name, str(value).replace(self._folder, "")) for name, value in values.items()]

    async def _act(self) -> None:
        self._sinks += 1
        sink: Isolated[Any] = Isolated("sink", "scripted", Destination(self, f"sink {self._sinks}"), self._metrics)
        async with asyncio.TaskGroup() as group:
            queue = self._queue(sink.metrics, group)
            self.log("open", found=await queue.open())
            queue.epoch = "epoch"
            policy = RetryPolicy(attempts=self.chance.choice((1, 3, 10)), longest=self.chance.choice((1.0, 30.0)))
            self.worker = SinkWorker(
                sink, FalcoText(iso_time=True), queue, agent="host", retry=policy,
                on_closed=lambda why: self.log("closed", why=why),
            )  # fmt: skip
            await self.worker.start()
            await self._until_its_end(asyncio.ensure_future(self.worker.run()))

    def _queue(self, metrics: Metrics, group: asyncio.TaskGroup) -> AlertQueue:
        capacity = room(self.chance.choice((20, 200, 3_000)))
        if self._path is None:
            return MemoryQueue(capacity, metrics)
        tasks: list[asyncio.Task[None]] = []
        return DiskQueue(
            self._path, capacity, metrics, max_bytes=self.chance.choice((1_000, 10_000, 1 << 30)), fsync=False,
            drop_oldest=self.chance.random() < 0.5, live_first=self.chance.random() < 0.5,
            spawn=lambda work, name: tasks.append(group.create_task(work)),
        )  # fmt: skip

    async def _until_its_end(self, running: "asyncio.Future[None]") -> None:
        steps = (self._alerts, self._alerts, self._alerts, self._heartbeat, self._configure, self._replace)
        for _ in range(self.chance.randrange(5, 15)):
            await self.chance.choice(steps)()
            await asyncio.sleep(self.chance.choice((0.0, 0.0, 0.01, 0.3, 5.0, 40.0)))
            self._state()
            self._announce()
        if self.chance.random() < 0.2:
            self.worker.halt()
        else:
            self.worker.finish()
        await asyncio.wait([running], timeout=self.chance.choice((1.0, _LONGEST)))
        self.log("run has ended", done=running.done())
        if not running.done():
            running.cancel()
            await asyncio.wait([running])
        self._state()
        self.log("undelivered", count=[one.form.rule for one in self.worker.undelivered()])
        self.log("stopped", waiting=await self.worker.stop("the end"))
        self._state()

    def _announce(self) -> None:
        """Announce dropped numbers as the pipeline of alerts does: by a notice in the same queue."""
        ranges = self.worker.queue.take_dropped()
        if ranges and self.chance.random() < 0.7:
            self.log("announced", ranges=ranges, problems=self.worker.queue.take_problems())
            self.worker.accept(self._alert("ordinary", "internal"))
            self.worker.queue.announced(ranges)

    async def _alerts(self) -> None:
        many = self.chance.choice((1, 2, 7, 20, 600))
        self.log("alerts", many=many)
        for _ in range(many):
            self.worker.accept(self._alert(self.chance.choice(_RULES) if many < 100 else "ordinary"))

    def _alert(self, rule: str, source: str = "") -> PackedAlert:
        self._made += 1
        source = source or ("internal" if self.chance.random() < 0.05 else "syscall")
        one = replace(alert(rule, number=self._made), priority=self.chance.choice(_SEVERITIES), source=source)
        one.time, one.id = _TIME + self._made, f"id-{self._made}"
        return packed(one)

    async def _heartbeat(self) -> None:
        self.log("heartbeat")
        self.worker.put_heartbeat(self._alert("ordinary"))

    async def _configure(self) -> None:
        route = Route(priority=self.chance.choice((Severity.DEBUG, Severity.WARNING)))
        policy = RetryPolicy(first=self.chance.choice((0.1, 1.0)), attempts=self.chance.choice((2, 5)))
        self.log("configure", policy=policy)
        self.worker.configure(policy, route)

    async def _replace(self) -> None:
        self._sinks += 1
        name = f"sink {self._sinks}"
        other: Isolated[Any] = self.worker.sink.with_component(Destination(self, name))
        caller = SinkCaller(other)
        await caller.start()
        await self.worker.replace(caller, self.chance.choice((FalcoText(iso_time=True), FalcoJson(iso_time=True))), 2.0)
        self.log(f"replaced by {name}")

    def _state(self) -> None:
        worker = self.worker
        now: dict[str, object] = {
            "failing": bool(str(worker.failure)), "heartbeat": bool(worker.heartbeat),
            "given up": worker.given_up.take(),
            "position": worker.queue.position(), "waiting": worker.queue.in_memory(),
            "log": list(worker.queue.drop_log.between(0, self._made)), **self.numbers(),
        }  # fmt: skip
        self.log("state", **{name: value for name, value in now.items() if self._before.get(name) != value})
        self._before = now

    def numbers(self) -> dict[str, float]:
        """Return the metrics by name and by the reason, priority or rule of the drops."""
        found: dict[str, float] = {}
        for name, labels, value in self._metrics.collect():
            what = " ".join(labels[key] for key in ("reason", "priority", "rule") if key in labels)
            if name != "spool_oldest_seconds":  # measured by the clock of the machine
                found[f"{name} {what}".rstrip()] = value
        return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        golden.write(FILE, {name: Scene(name, Path(folder)).play() for name in SCENES})
