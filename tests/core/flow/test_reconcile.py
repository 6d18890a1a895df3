"""The reconciler: after a loss the state is compared with /proc, once the stream has caught up.

The clock of the loop is virtual: an idle hour costs no time.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest

from mozu.core.common.boot_clock import boot_time
from mozu.core.flow import reconcile
from mozu.core.flow.reconcile import Reconciler
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.event import Event, SyscallEvent
from mozu.core.recording import NoRecorder
from mozu.core.state import StateMachine
from mozu.core.state.observed import KnownProcess, ProcSnapshot
from mozu.core.testing import virtual_clock as virtual_time
from tests.core.flow.making import pipeline_of
from tests.core.state.story import NOWHERE

HOUR = 3600.0
SECOND = 10**9


class Machine(StateMachine):
    """A state machine on a machine with contents set by the test."""

    def __init__(self) -> None:
        super().__init__(procfs=NOWHERE)
        self.says: dict[int, KnownProcess] = {}
        self.asked = 0
        self.first: list[int] | None = None
        """Processes of the first reading; None for all."""

    def read_procfs(self, pids: Iterable[int] | None = None, /) -> Iterator[ProcSnapshot]:
        if not self.asked and pids is not None:
            self.first = list(pids)
        self.asked += 1
        for pid, known in sorted(self.says.items()):
            if pids is None or pid in set(pids):
                yield ProcSnapshot(pid, pid, known)


class Stream:
    """A pipeline with its reconciler, and events for both."""

    def __init__(self) -> None:
        self.machine, self.metrics = Machine(), Metrics()
        metrics = self.metrics
        source: Isolated[Any] = Isolated("source", "ebpf", None, metrics)
        self.pipeline = pipeline_of(source, live=True, state=self.machine, metrics=metrics)
        self.reconciler = Reconciler(self.pipeline, self.machine, metrics, threads=lambda: False)

    def lives(self, pid: int, *, known: bool = True, **observed: object) -> None:
        """Add a process to the machine, and to the state if it is `known`."""
        self.machine.says[pid] = reported = KnownProcess(name=f"p{pid}", ptid=1, vpid=pid, cwd="/", root="/")
        if known:
            self.machine.apply([SyscallEvent("syscall", "_process", 0, tid=pid, pid=pid, observed=reported)])

    def tell(self, moment: int | None = None) -> None:
        """Process an event that changes nothing, of now or of this moment."""
        now = boot_time() if moment is None else moment
        self.pipeline.process([SyscallEvent("syscall", "chdir", 0, tid=1, pid=1, args=(-1, "/"), boot_time=now)])

    def knows(self) -> set[int]:
        return set(self.machine.processes())


@pytest.fixture
def stream() -> Stream:
    """Return a stream with process 1 known."""
    stream = Stream()
    stream.lives(1)
    stream.tell()
    return stream


async def until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(HOUR):
        while not found():
            await asyncio.sleep(0.01)  # the reconciler sends no event


def run(stream: Stream, work: Callable[[], Awaitable[None]]) -> None:
    """Run the work beside the reconciler."""

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(stream.reconciler.run())
            await work()
            task.cancel()

    virtual_time.run(both())


def test_without_a_loss_procfs_is_not_read(stream: Stream) -> None:
    stream.lives(7, known=False)

    async def work() -> None:
        await asyncio.sleep(HOUR)

    run(stream, work)
    assert (0, {1}) == (stream.machine.asked, stream.knows())


def test_after_a_loss_the_state_becomes_what_the_machine_says(stream: Stream) -> None:
    stream.lives(5)
    stream.lives(6)
    stream.tell()
    del stream.machine.says[5]
    stream.lives(7, known=False)
    stream.machine.says[6] = KnownProcess(name="p6", ptid=1, vpid=6, cwd="/tmp", root="/", uid=7)

    async def work() -> None:
        stream.reconciler.lost()
        await until(lambda: stream.knows() == {1, 6, 7})
        found = stream.machine.process(6)
        assert found is not None
        assert ("/tmp/", 7) == (found.cwd, found.uid)

    run(stream, work)


def test_what_the_stream_reports_while_procfs_is_read_is_believed(stream: Stream) -> None:
    stream.lives(5)
    stream.tell()
    ended = SyscallEvent("syscall", "procexit", 0, tid=5, pid=5, args=(0, 0, 0, 0, 0))

    async def work() -> None:
        stream.reconciler.lost()
        await until(lambda: stream.machine.asked == 1)
        ended.boot_time = boot_time()
        del stream.machine.says[5]
        stream.pipeline.process([ended])
        await until(lambda: stream.machine.asked >= 1 and 5 not in stream.knows())
        stream.tell(boot_time() + SECOND)
        await asyncio.sleep(HOUR)  # every pass has ended

    run(stream, work)
    assert {1} == stream.knows()


def test_only_processes_that_the_source_observes_are_compared(stream: Stream) -> None:
    observed: list[int] | None = [1, 7]
    stream.reconciler = Reconciler(
        stream.pipeline, stream.machine, Metrics(), threads=lambda: False, pids=lambda: observed
    )
    stream.lives(7, known=False)
    stream.lives(8, known=False)

    async def work() -> None:
        nonlocal observed
        stream.reconciler.lost()
        await until(lambda: 7 in stream.knows())
        await asyncio.sleep(HOUR)
        assert {1, 7} == stream.knows()
        observed = None  # the source does not name its processes
        stream.reconciler.lost()
        await until(lambda: 8 in stream.knows())

    run(stream, work)
    assert [1, 7] == stream.machine.first


def test_repairs_are_counted_and_recorded_as_events_without_a_time(stream: Stream) -> None:
    recorded: list[tuple[str, int, int, int]] = []

    class Keeps(NoRecorder):
        def record(self, events: Sequence[Event]) -> None:
            recorded.extend((one.type, one.time, one.tid, one.pid) for one in events if isinstance(one, SyscallEvent))

    stream.lives(5)
    stream.tell()
    stream.pipeline.use_recorder(Keeps())
    del stream.machine.says[5]
    stream.lives(7, known=False)

    async def work() -> None:
        stream.reconciler.lost()
        await until(lambda: {1, 7} == stream.knows())
        await asyncio.sleep(HOUR)

    run(stream, work)
    assert [("_repaired", 0, 5, 5), ("_repaired", 0, 7, 7)] == recorded
    assert 2 == next(value for name, _, value in stream.metrics.collect() if name == "state_processes_repaired_total")


def test_those_that_have_gone_are_repaired_first_and_parents_before_their_children(stream: Stream) -> None:
    recorded: list[int] = []

    class Keeps(NoRecorder):
        def record(self, events: Sequence[Event]) -> None:
            recorded.extend(one.tid for one in events if isinstance(one, SyscallEvent))

    stream.lives(9)
    stream.tell()
    del stream.machine.says[9]
    for pid, start in ((5, 30), (6, 10), (7, 20), (os.getpid(), 1)):
        stream.machine.says[pid] = KnownProcess(name="p", ptid=1, vpid=pid, cwd="/", root="/", start=start)
    stream.pipeline.use_recorder(Keeps())

    async def work() -> None:
        stream.reconciler.lost()
        await asyncio.sleep(HOUR)

    run(stream, work)
    assert [9, 6, 7, 5] == recorded, "and mozu itself is no process of the stream"
    assert {1, 5, 6, 7} == stream.knows()


def test_between_two_chunks_of_processes_others_have_the_loop(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "_CHUNK", 2)
    for pid in range(2, 8):
        stream.lives(pid)
    stream.tell()
    order: list[str] = []
    differs = stream.machine.differs

    def noted(found: ProcSnapshot, **more: Any) -> bool | None:
        order.append(str(found.tid))
        asyncio.get_running_loop().call_soon(order.append, "others")
        return differs(found, **more)

    monkeypatch.setattr(stream.machine, "differs", noted)

    async def work() -> None:
        stream.reconciler.lost()
        await asyncio.sleep(HOUR)

    run(stream, work)
    assert "1 2 others others 3 4 others others 5 6 others others 7 others" == " ".join(order)


def test_a_look_at_the_machine_that_is_given_up_reads_no_further(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def read_procfs(pids: Iterable[int] | None = None, /) -> Iterator[ProcSnapshot]:
        for pid in range(1, 100):
            read.append(pid)
            if pid == 3:
                stream.reconciler._ended = True
            yield ProcSnapshot(pid, pid)

    async def work() -> None:
        await asyncio.sleep(1.0)

    monkeypatch.setattr(stream.machine, "read_procfs", read_procfs)
    assert [1, 2] == [one.tid for one in stream.reconciler._read_procfs(None)]
    assert [1, 2, 3] == read
    stream.reconciler._ended = False
    run(stream, work)  # the reconciler runs and is cancelled
    assert [] == stream.reconciler._read_procfs(None)


def test_one_pass_follows_a_burst_of_losses_and_the_next_one_after_a_rest(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    loops: list[asyncio.AbstractEventLoop] = []
    real = stream.machine.read_procfs

    def read_procfs(pids: Iterable[int] | None = None, /) -> Iterator[ProcSnapshot]:
        looks.append(loops[0].time())  # on another thread, which has no loop
        yield from real(pids)

    monkeypatch.setattr(stream.machine, "read_procfs", read_procfs)

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        begun = loops[0].time()
        for _ in range(5):
            stream.reconciler.lost()
            await asyncio.sleep(0.1)
        await until(lambda: len(looks) == 1)
        stream.reconciler.lost()
        await until(lambda: len(looks) == 2)
        await asyncio.sleep(HOUR)
        first, second = looks
        # The first pass waits a second for the silent stream, rests ten times as long; a loss begins with one second.
        assert (1.0, 12.0) == (round(first - begun, 1), round(second - first, 1))

    run(stream, work)


def test_who_ends_between_two_looks_is_left_to_the_stream(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    stream.lives(5)
    stream.machine.says[5] = KnownProcess(name="p5", ptid=1, vpid=5, cwd="/tmp", root="/")
    stream.tell()
    real = stream.machine.read_procfs

    def read_procfs(pids: Iterable[int] | None = None, /) -> Iterator[ProcSnapshot]:
        yield from real(pids)
        stream.machine.says.pop(5, None)

    monkeypatch.setattr(stream.machine, "read_procfs", read_procfs)

    async def work() -> None:
        stream.reconciler.lost()
        await until(lambda: stream.machine.asked == 1)
        stream.tell(boot_time() + SECOND)
        await until(lambda: 5 not in stream.knows())

    run(stream, work)
    assert stream.machine.asked > 2, "it had gone when it was read again, and only a further pass may evict it"


def test_a_stream_that_is_behind_is_waited_for(stream: Stream) -> None:
    stream.lives(7, known=False)

    async def work() -> None:
        stream.reconciler.lost()
        await until(lambda: stream.machine.asked == 1)
        for _ in range(20):
            stream.tell(1)  # an old event, but an event: the stream is not silent
            await asyncio.sleep(0.9)
        assert {1} == stream.knows()
        stream.tell(boot_time() + SECOND)
        await until(lambda: 7 in stream.knows())

    run(stream, work)


def test_a_pass_is_given_up_when_the_stream_does_not_catch_up_and_another_follows(stream: Stream) -> None:
    stream.lives(7, known=False)

    async def work() -> None:
        stream.reconciler.lost()
        await until(lambda: stream.machine.asked == 1)
        while stream.machine.asked == 1:
            stream.tell(1)
            await asyncio.sleep(0.9)
        assert {1} == stream.knows()
        assert asyncio.get_running_loop().time() > 30

    run(stream, work)


def test_where_a_process_has_changed_meanwhile_another_pass_follows(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([None])
    monkeypatch.setattr(stream.machine, "differs", lambda found, **more: next(answers, False))

    async def work() -> None:
        stream.reconciler.lost()
        await asyncio.sleep(HOUR)

    run(stream, work)
    assert 2 == stream.machine.asked


def test_a_silent_stream_has_passed_every_moment(stream: Stream) -> None:
    stream.lives(7, known=False)

    async def work() -> None:
        stream.reconciler.lost()
        await until(lambda: 7 in stream.knows())

    run(stream, work)


def test_a_machine_that_cannot_be_read_costs_one_look(
    stream: Stream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = stream.machine.read_procfs

    def read_procfs(pids: Iterable[int] | None = None, /) -> Iterator[ProcSnapshot]:
        monkeypatch.setattr(stream.machine, "read_procfs", real)
        raise OSError("no proc")

    monkeypatch.setattr(stream.machine, "read_procfs", read_procfs)
    stream.lives(7, known=False)

    async def work() -> None:
        stream.reconciler.lost()
        await until(lambda: 7 in stream.knows())

    run(stream, work)
    assert "no proc" in caplog.text
