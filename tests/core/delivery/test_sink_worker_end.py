"""The work of a worker once no alert comes any more, or once another sink replaces its own."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.encode.falco_text import FalcoText
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.sink_caller import SinkCaller
from mozu.core.delivery.sink_worker import RetryPolicy, SinkWorker
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.testing import alert, virtual_clock
from tests.support.packing import packed

_PAUSE = 100.0
"""Seconds between two deliveries."""
_END = 10.0
"""Seconds after which the end begins."""


class Down:
    """A sink whose destination is down until a given time."""

    def __init__(self, until: float = float("inf")) -> None:
        self.until, self.calls = until, list[str]()

    async def start(self) -> None:
        self.calls.append("start")

    async def stop(self) -> None:
        self.calls.append("stop")

    async def deliver(self, records: Any) -> None:
        now = asyncio.get_running_loop().time()
        self.calls.append(f"{len(records)} at {now:.0f}")
        if now < self.until:
            raise OSError("no route")


class LeftOut:
    """A suspension of a sink, timed by the clock of the loop."""

    def __init__(self, since: float) -> None:
        self._since = since

    def left(self) -> float:
        return 1_000.0 if asyncio.get_running_loop().time() > self._since else 0.0


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pauses as long as they may be."""
    monkeypatch.setattr(random, "uniform", lambda shortest, longest: longest)


def worker_of(sink: Isolated[Any], *, longest: float = _PAUSE) -> SinkWorker:
    retry = RetryPolicy(first=_PAUSE, longest=longest)
    queue = MemoryQueue(1 << 20, sink.metrics)
    return SinkWorker(sink, FalcoText(), queue, agent="host", on_closed=lambda why: None, retry=retry)


def ended(
    component: Down, end: Callable[[SinkWorker], None], prepare: Callable[[Isolated[Any]], None] = lambda sink: None
) -> tuple[int, dict[str, float], list[str]]:
    """Run a worker with two alerts to its end; return the second at which it ended, its non-zero counts, and the rules
    of the undelivered alerts.
    """

    async def scenario() -> tuple[int, dict[str, float], list[str]]:
        metrics, loop = Metrics(), asyncio.get_running_loop()
        sink: Isolated[Any] = Isolated("sink", "one", component, metrics)
        prepare(sink)
        worker = worker_of(sink)
        for rule in "ab":
            worker.accept(packed(alert(rule)))
        loop.call_later(_END, end, worker)
        await worker.run()
        at, left = round(loop.time()), [one.form.rule for one in worker.undelivered()]
        await worker.stop()
        reasons = {labels.get("reason", name): value for name, labels, value in metrics.collect()}
        counted = ("sink_alerts_delivered_total", "stop deadline", "sink not started", "event loop held")
        return at, {name: reasons[name] for name in counted if reasons.get(name)}, left

    return virtual_clock.run(scenario())


def test_a_sink_that_works_gets_what_waits_after_its_pause(caplog: pytest.LogCaptureFixture) -> None:
    sink = Down(until=50.0)
    assert (100, {"sink_alerts_delivered_total": 2}, []) == ended(sink, SinkWorker.finish)
    assert ["2 at 0", "2 at 100", "stop"] == sink.calls
    assert "undelivered" not in caplog.text


def never_started(sink: Isolated[Any]) -> None:
    sink.is_ready = False


def test_a_sink_that_has_never_started_is_given_nothing_and_not_waited_for_at_the_end() -> None:
    sink = Down(until=0.0)
    assert (10, {"sink not started": 2}, []) == ended(sink, SinkWorker.finish, never_started)
    assert ["stop"] == sink.calls


def test_a_worker_whose_sink_has_never_started_leaves_off_where_another_goes_on() -> None:
    sink = Down(until=0.0)
    at, counts, _ = ended(sink, SinkWorker.halt, never_started)
    assert (10, {"stop deadline": 2}, ["stop"]) == (at, counts, sink.calls)


def test_alerts_wait_for_the_instance_whose_start_returns() -> None:
    failed, good = Down(until=0.0), Down(until=0.0)

    async def scenario() -> bool:
        metrics, loop = Metrics(), asyncio.get_running_loop()
        sink: Isolated[Any] = Isolated("sink", "one", failed, metrics, build=lambda: good)
        never_started(sink)
        worker = worker_of(sink)
        worker.accept(packed(alert("a")))
        running = asyncio.ensure_future(worker.run())
        await asyncio.sleep(5.0)  # on the virtual clock: a worker that does not wait has delivered
        await worker.start_another()
        loop.call_later(_END, worker.finish)
        await running
        return worker.sink.is_ready

    assert virtual_clock.run(scenario())
    assert (["stop"], ["start", "1 at 5"]) == (failed.calls, good.calls)


def test_a_sink_that_is_left_out_at_the_end_is_not_waited_for() -> None:
    def left_out(sink: Isolated[Any]) -> None:
        sink.suspension = LeftOut(since=0.0)  # type: ignore[assignment]  # as much of it as is asked for

    sink = Down()
    at, counts, left = ended(sink, SinkWorker.finish, left_out)
    assert ({"event loop held": 2}, ["a", "b"], ["2 at 0", "stop"]) == (counts, left, sink.calls)
    assert at == round(_PAUSE)


def test_a_worker_that_leaves_off_keeps_what_its_sink_has_not_taken_in_order(caplog: pytest.LogCaptureFixture) -> None:
    sink = Down()
    assert (10, {"stop deadline": 2}, ["a", "b"]) == ended(sink, SinkWorker.halt)
    assert "sink one: 2 alerts undelivered (stop deadline)" in caplog.messages
    assert ["2 at 0", "stop"] == sink.calls


def test_another_instance_of_a_sink_gets_at_once_what_the_one_before_could_not_take() -> None:
    before, after = Down(), Down(until=0.0)

    async def scenario() -> float:
        worker = worker_of(Isolated("sink", "one", before, Metrics(), build=lambda: after))
        worker.accept(packed(alert()))
        async with asyncio.TaskGroup() as group:
            group.create_task(worker.run())
            await asyncio.sleep(_END)
            await worker.start_another()
            worker.finish()
        await worker.stop()
        return worker.delivered

    assert 1 == virtual_clock.run(scenario())
    assert (["1 at 0", "stop"], ["start", "1 at 10", "stop"]) == (before.calls, after.calls)


class Slow(Down):
    """A sink that takes 20 seconds for each delivery."""

    async def deliver(self, records: Any) -> None:
        await super().deliver(records)
        await asyncio.sleep(20.0)


def test_a_sink_that_takes_the_place_of_another_has_all_its_own_time() -> None:
    before, after = Down(until=0.0), Slow(until=0.0)

    async def scenario() -> int:
        worker = worker_of(Isolated("sink", "one", before, Metrics()))
        caller = SinkCaller(worker.sink.with_component(after))
        await worker.replace(caller, FalcoText(), seconds=5.0)
        worker.accept(packed(alert()))
        worker.finish()
        await worker.run()
        await worker.stop()
        return worker.delivered

    assert 1 == virtual_clock.run(scenario())
    assert (["stop"], ["1 at 0", "stop"]) == (before.calls, after.calls)


def test_another_format_of_the_same_sink_does_not_stop_it() -> None:
    sink = Down(until=0.0)

    async def scenario() -> int:
        worker = worker_of(Isolated("sink", "one", sink, Metrics()))
        await worker.start()
        await worker.replace(worker.caller, FalcoJson(), seconds=5.0)
        worker.accept(packed(alert()))
        worker.finish()
        await worker.run()
        return worker.delivered

    assert (1, ["start", "1 at 0"]) == (virtual_clock.run(scenario()), sink.calls)


def test_a_queue_that_cannot_be_stopped_keeps_no_sink_from_its_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(reason: str) -> int:
        raise OSError(reason)

    sink = Down()

    async def scenario() -> tuple[int, int]:
        worker = worker_of(isolated := Isolated("sink", "one", sink, Metrics()))
        monkeypatch.setattr(worker.queue, "stop", fails)
        return await worker.stop(), isolated.failures.value

    assert ((0, 1), ["stop"]) == (virtual_clock.run(scenario()), sink.calls)
