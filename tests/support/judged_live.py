"""A live source of this machine's calls, behind a pipeline with a verdict memory that the kernel shares."""

import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event, SyscallEvent
from mozu.core.state import StateMachine
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.core.flow.making import Taken, pipeline_of
from tests.support.filter_comparison import FIELDS, wants
from tests.support.judged_twice import SIZE, ByRules
from tests.support.live import PATIENCE, Live, context, demand


class Told(NamedTuple):
    """What an alert is of."""

    rule: str
    pid: int
    type: str
    name: str
    """Of the file."""
    result: int


class Telling(ByRules):
    """Which keeps what its alerts are of."""

    def __init__(self, conditions: Sequence[str]) -> None:
        super().__init__(conditions, FIELDS)
        self.told: list[Told] = []

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """See `ByRules`."""
        by_number = {event.num: event for event in batch}
        alerts = super().evaluate(batch)
        for alert in alerts:
            event = by_number[alert.event_num]
            if isinstance(event, SyscallEvent):
                name = "" if event.file is None else event.file.name
                self.told.append(Told(alert.rule, event.pid, event.type, name, event.args[0]))
        return alerts


class Pipelined:
    """The source, each batch of which passes a pipeline first."""

    def __init__(self, source: EbpfSource, verdict_memory: int) -> None:
        self.source, self.state, self.taken = source, StateMachine(), Taken()
        metrics = Metrics()
        self.pipeline = pipeline_of(
            Isolated("source", "ebpf", source, metrics), live=True, state=self.state, metrics=metrics,
            worker=self.taken, verdict_memory=verdict_memory,
        )  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    async def batches(self) -> AsyncIterator[Sequence[Any]]:
        self.state.seed()
        async for batch in self.source.batches():
            self.pipeline.process(batch)
            yield batch

    async def judge(self, conditions: Sequence[str]) -> None:
        """By these from now on, and nothing has been found so far. In the source's loop."""
        self.rules = Telling(conditions)
        self.pipeline._evaluation.use([Isolated("evaluator", "rules", self.rules, Metrics())])
        await self.source.update(wants(conditions))
        self.taken.alerts.clear()


class JudgedLive:
    """One source with a pipeline. `verdict_memory`: bytes."""

    def __init__(self, verdict_memory: int = SIZE) -> None:
        self.judged: Any = Pipelined(EbpfSource(64 << 20, context()), verdict_memory)
        self._live = Live(self.judged, demand())

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    @property
    def recognised(self) -> int:
        """Calls that the kernel has discarded since they were judged."""
        return int(self.judged.source._judged.recognised())

    @property
    def maps(self) -> Any:
        return self.judged.source._loader.maps

    def judge(self, *conditions: str) -> None:
        """By these from now on."""
        self._live.run(self.judged.judge(conditions))

    def in_loop(self, work: Callable[[], object]) -> None:
        """Between two batches."""

        async def run() -> None:
            work()

        self._live.run(run())

    def act(self, function: Callable[..., Any], folder: Path, count: int, before_gate: int = 100) -> None:
        """One of tests/support/acts/judged.py: its gate opens once the kernel has recognised so many of its opens."""
        path, gate = folder / "file", folder / "gate"
        path.touch()
        gate.unlink(missing_ok=True)
        begun, failure = self.recognised, list[BaseException]()

        def open_gate() -> None:
            deadline = time.monotonic() + PATIENCE
            while self.recognised < begun + before_gate:
                if time.monotonic() > deadline:
                    failure.append(AssertionError(f"the kernel recognised {self.recognised - begun} opens"))
                    break
                time.sleep(0.005)  # a counter of the kernel: nothing to wait on
            gate.touch()

        opener = threading.Thread(target=open_gate)
        opener.start()
        self._live.act(function, str(path), str(gate), str(folder), count)
        opener.join()
        if failure:
            raise failure[0]

    def act_at_once(self, function: Callable[..., Any], *arguments: Any) -> int:
        """A child's act, without a gate; its pid."""
        return self._live.act(function, *arguments).pid

    def wait_for_end(self, pid: int) -> None:
        """Of a process, whose events have then been judged."""
        self._live.wait(lambda seen: any(e.type == "procexit" and e.pid == pid for e in reversed(seen)))

    def forget_events(self) -> None:
        """Those that the live source has kept."""
        self._live.forget()

    def alerts(self) -> int:
        """How many came."""
        found: list[int] = []
        self.in_loop(lambda: found.append(len(self.judged.taken.alerts)))
        return found[0]

    def told(self) -> list[Told]:
        """All of them, in their order."""
        found: list[Told] = []
        self.in_loop(lambda: found.extend(self.judged.rules.told))
        return found

    def alerts_of(self, pid: int) -> list[Told]:
        """Those of a process, in their order."""
        return [one for one in self.told() if one.pid == pid]
