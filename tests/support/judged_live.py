"""A live source of this machine's calls, behind a pipeline with a verdict memory that the kernel shares."""

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from mozu.core.model.event import Event, SyscallEvent, UndecodedEvent
from mozu.core.state import StateMachine
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.core.flow.making import Taken, pipeline_of
from tests.support.acts.judged import OF_ANOTHER, amid_opens
from tests.support.filter_comparison import FIELDS, wants
from tests.support.judged_twice import SIZE, ByRules
from tests.support.live import PATIENCE, Live, context, demand


class Reported(NamedTuple):
    """The subject of an alert."""

    rule: str
    pid: int
    type: str
    name: str
    """Name of the file."""
    result: int


class Telling(ByRules):
    """An evaluator that keeps the subjects of its alerts."""

    def __init__(self, conditions: Sequence[str]) -> None:
        super().__init__(conditions, FIELDS)
        self.reported: list[Reported] = []

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Evaluate as `ByRules` does, and keep the subjects of the alerts."""
        by_number = {event.num: event for event in batch}
        alerts = super().evaluate(batch)
        for alert in alerts:
            event = by_number[alert.event_num]
            if isinstance(event, SyscallEvent):
                name = "" if event.file is None else event.file.name
                self.reported.append(Reported(alert.rule, event.pid, event.type, name, event.args[0]))
        return alerts


class Pipelined:
    """A source, each batch of which passes a pipeline first."""

    def __init__(self, source: EbpfSource, verdict_memory: int) -> None:
        self.source, self.state, self.taken = source, StateMachine(), Taken()
        self.given: list[UndecodedEvent] = []
        """Undecoded events in the form in which the source yielded them."""
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
            self.given += [one for one in batch if isinstance(one, UndecodedEvent)]
            self.pipeline.process(batch)
            yield batch

    async def judge(self, conditions: Sequence[str]) -> None:
        """Use these conditions from now on, and drop earlier findings. Runs in the source's loop."""
        self.rules = Telling(conditions)
        self.pipeline._evaluation.use([Isolated("evaluator", "rules", self.rules, Metrics())])
        await self.source.update(wants(conditions))
        self.taken.alerts.clear()


class JudgedLive:
    """A source with a pipeline. `verdict_memory`: size in bytes."""

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
        """Return the count of calls that the kernel has discarded because they were judged."""
        return int(self.judged.source._judged.recognised())

    @property
    def maps(self) -> Any:
        return self.judged.source._loader.maps

    def judge(self, *conditions: str) -> None:
        """Use these conditions from now on."""
        self._live.run(self.judged.judge(conditions))

    def in_loop(self, work: Callable[[], object]) -> None:
        """Run `work` in the source's loop, between two batches."""

        async def run() -> None:
            work()

        self._live.run(run())

    def act(self, function: Callable[..., Any], folder: Path, count: int, before_gate: int = 2 * OF_ANOTHER) -> int:
        """Run an act of tests/support/acts/judged.py, whose gate opens after `before_gate` recognised opens; return its
        pid."""
        path, gate = folder / "file", folder / "gate"
        path.touch()
        gate.unlink(missing_ok=True)
        with self._opening({gate: None}, before_gate):
            return self._live.act(function, str(path), str(gate), str(folder), count).pid

    def act_amid_opens(self, path: Path, folder: Path, chosen: Sequence[tuple[Any, ...]], count: int) -> int:
        """Run `amid_opens` of tests/support/acts/judged.py; each gate opens after `count` recognised opens. Return its
        pid."""
        gates = {folder / f"gate-{number}": folder / f"begun-{number}" for number in range(len(chosen))}
        with self._opening(gates, count):
            return self._live.act(amid_opens, str(path), str(folder), chosen, count).pid

    @contextmanager
    def _opening(self, gates: Mapping[Path, Path | None], count: int) -> Iterator[None]:
        """Open each gate once the kernel has recognised `count` opens, counted from the appearance of the gate's sign
        if it has one."""
        failure = list[BaseException]()

        def wait(done: Callable[[], bool], what: str) -> None:
            deadline = time.monotonic() + PATIENCE
            while not done():
                if time.monotonic() > deadline:
                    raise AssertionError(what)
                time.sleep(0.005)  # a counter of the kernel sends no event

        def open_gates() -> None:
            for gate, sign in gates.items():
                try:
                    if sign is not None:
                        wait(sign.exists, f"no {sign}")
                    wait(partial(self._has_recognised, self.recognised + count), f"too few opens recognised for {gate}")
                except AssertionError as error:
                    failure.append(error)
                gate.touch()

        opener = threading.Thread(target=open_gates)
        opener.start()
        try:
            yield
        finally:
            opener.join()
        if failure:
            raise failure[0]

    def _has_recognised(self, count: int) -> bool:
        return self.recognised >= count

    def act_at_once(self, function: Callable[..., Any], *arguments: Any) -> int:
        """Run an act in a child, without a gate; return its pid."""
        return self._live.act(function, *arguments).pid

    def opens_given(self, pid: int, part: str) -> int:
        """Return the count of opens of paths that contain `part` and that the kernel did not discard."""
        decoded = [one.file for one in self._live.seen() if one.pid == pid and one.type == "openat" and one.file]
        undecoded = [one for one in self.judged.given if one.pid == pid and part.encode() in one.key]
        return len(undecoded) + sum(part in file.name for file in decoded)

    def wait_for_end(self, pid: int) -> None:
        """Wait for the end of a process; its events have been judged by then."""
        self._live.wait(lambda seen: any(e.type == "procexit" and e.pid == pid for e in reversed(seen)))

    def forget_events(self) -> None:
        """Drop the events that the live source has kept."""
        self._live.forget()

    def alerts(self) -> int:
        """Return the count of alerts."""
        found: list[int] = []
        self.in_loop(lambda: found.append(len(self.judged.taken.alerts)))
        return found[0]

    def reported(self) -> list[Reported]:
        """Return the subjects of all alerts, in order."""
        found: list[Reported] = []
        self.in_loop(lambda: found.extend(self.judged.rules.reported))
        return found

    def alerts_of(self, pid: int) -> list[Reported]:
        """Return the subjects of a process's alerts, in order."""
        return [one for one in self.reported() if one.pid == pid]
