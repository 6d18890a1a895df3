"""Hand-made components, and one engine that runs them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ByteSize

from mozu.core.api import (
    Alert,
    Counts,
    DataEvent,
    Demand,
    Event,
    FieldRegistry,
    Interest,
    Kind,
    Record,
    Settings,
    Severity,
    Sink,
    Source,
    SourceDeclaration,
)
from mozu.core.flow.enrichment_buffer import EnrichmentBufferBounds
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Template
from mozu.core.runtime.config import Entry, Mark, QueueSettings
from mozu.core.runtime.config.node import YamlNode
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.engine.built import Assembly, BuiltSink, BuiltSource
from mozu.core.runtime.engine.engine import Engine
from mozu.core.runtime.loop import run as run_loop
from mozu.core.runtime.service_manager import ServiceManager


class Numbers:
    """A source that can wait: yields 1 to n in batches, then ends or calls `then`."""

    def __init__(self, total: int, *, then: Callable[[], Any] = lambda: None, batch: int = 10) -> None:
        self._total, self._then, self._batch = total, then, batch
        self.stopped = asyncio.Event()
        self.demands: list[Demand] = []
        self.taken = 0

    async def start(self, demand: Demand) -> None:
        self.demands.append(demand)

    async def batches(self) -> AsyncIterator[Sequence[Event]]:
        for start in range(0, self._total, self._batch):
            size = min(self._batch, self._total - start)
            self.taken += size
            yield [DataEvent("json", "number", 1, data=start + i) for i in range(size)]
        result = self._then()
        if asyncio.iscoroutine(result):
            await result

    async def update(self, demand: Demand) -> None:
        self.demands.append(demand)

    def counts(self) -> Mapping[str, Counts]:
        return {"number": Counts(seen=self.taken, received=self.taken)}

    async def stop(self) -> None:
        self.stopped.set()

    async def wait(self) -> None:
        await self.stopped.wait()


class Judge:
    """An evaluator that raises an alert for each number that `wants` accepts."""

    def __init__(self, wants: Callable[[int], bool] = lambda number: True, rule: str = "number") -> None:
        self.wants, self.rule = wants, rule

    def demand(self) -> Demand:
        return Demand({"json": {self.rule: Interest()}})

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        return [
            Alert(
                rule=self.rule,
                priority=Severity.NOTICE,
                source="json",
                time=1,
                template=Template((f"{event.data}",)),
                values={},
                event_num=event.num,
            )
            for event in batch
            if isinstance(event, DataEvent) and self.wants(event.data)
        ]

    def reload(self) -> "Judge":
        return Judge(self.wants, "reloaded")


class Memory:
    """A sink that keeps its records."""

    def __init__(self, do: Callable[[Sequence[Record]], Any] = lambda records: None) -> None:
        self._do = do
        self.records: list[Record] = []

    def start(self) -> None:
        pass

    def deliver(self, records: Sequence[Record]) -> Any:
        result = self._do(records)
        self.records += records
        return result

    def stop(self) -> None:
        pass


def built_source(source: Any, metrics: Metrics, *, live: bool, of: str) -> BuiltSource:
    name = type(source).__name__.lower()
    declaration = SourceDeclaration(
        name=name, build=lambda settings, context: source, settings=Settings, summary="", live=live, event_source=of,
        ends=True,
    )  # fmt: skip
    return BuiltSource(declaration, Isolated[Source](Kind.SOURCE.value, name, source, metrics, build=lambda: source))


def built_sink(sink: Any, metrics: Metrics, name: str, *, blocking: bool = False, queue: int = 1 << 20) -> BuiltSink:
    entry = Entry(
        kind=Kind.SINK, name=name, id=name, settings={}, node=YamlNode({}, Mark("")), format="json",
        queue=QueueSettings(bytes=ByteSize(queue)),
    )  # fmt: skip
    return BuiltSink(entry, Isolated[Sink](Kind.SINK.value, name, sink, metrics, blocking=blocking))


def reloaded(current: Assembly) -> Assembly:
    """Return an assembly with the same evaluators, reloaded."""
    evaluators = [one.with_component(one.component.reload()) for one in current.evaluators]
    return msgspec.structs.replace(current, evaluators=evaluators)


class Rebuilt:
    """A reload that reads no files."""

    attempted: Mapping[Path, bytes] = {}

    def __init__(self, rebuilt: Callable[[Assembly], Assembly]) -> None:
        self._rebuilt = rebuilt

    async def __call__(self, current: Assembly) -> Assembly:
        return self._rebuilt(current)


class Play:
    """An engine with these components."""

    def __init__(
        self,
        source: Any,
        *others: Any,
        live: bool = False,
        of: str = "",
        deadline: float = 10.0,
        manager: ServiceManager | None = None,
        **sink: Any,
    ) -> None:
        self._manager = manager
        self.metrics, self.tasks = Metrics(), BackgroundTasks()
        judges = [o for o in others if isinstance(o, Judge)] or [Judge()]
        sinks = [o for o in others if isinstance(o, Memory)]
        self.assembly = Assembly(
            fields=FieldRegistry(),
            sources=[built_source(source, self.metrics, live=live, of=of)],
            enrichers=[],
            evaluators=[Isolated(Kind.EVALUATOR.value, judge.rule, judge, self.metrics) for judge in judges],
            sinks=[built_sink(one, self.metrics, f"memory{n}", **sink) for n, one in enumerate(sinks)],
            enrichment_buffer=EnrichmentBufferBounds(),
            hostname="node-a",
            origin="node-a/boot/run",
            stop_deadline=deadline,
        )
        self.rebuilt: Callable[[Assembly], Assembly] = reloaded
        """The function that makes the new assembly at a reload."""
        self.watch: Callable[[Engine], None] = lambda engine: None
        """A function that is given the engine before it runs."""
        self.is_offline = False

    def run(self, folder: Path, duration: float | None = None, *, announces: bool = False) -> tuple[int, Any]:
        self.assembly.state_dir = folder / "state"

        async def main() -> int:
            engine = Engine(
                self.assembly, self.metrics, self.tasks,
                announces=announces, rebuild=Rebuilt(self.rebuilt), manager=self._manager,
                is_offline=self.is_offline,
            )  # fmt: skip
            self.watch(engine)
            return await engine.run(duration=duration, stats=folder / "stats.json")

        code = run_loop(main())
        return code, json.loads((folder / "stats.json").read_text())


def messages(sink: Memory) -> list[str]:
    return [record.alert.message() for record in sink.records if record.alert.source != "internal"]
