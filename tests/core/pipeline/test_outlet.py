import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from mozu.core import Record, Rejected, Retry, SinkClosed
from mozu.core.encode import FalcoJson
from mozu.core.hookspecs import Outcome
from mozu.core.metrics import Metrics
from mozu.core.pipeline import Outlet, Stage
from mozu.core.testing import alert

Deliver = Callable[[Sequence[Record]], Sequence[Outcome] | None]


class Scripted:
    """A sink that does what the next function of its script says."""

    def __init__(self, *script: Deliver) -> None:
        self.script = list(script)
        self.seen: list[list[int]] = []
        self.threads: set[int] = set()

    def start(self) -> None:
        pass

    def deliver(self, records: Sequence[Record]) -> Sequence[Outcome] | None:
        self.threads.add(threading.get_ident())
        self.seen.append([record.stamp.sequence for record in records])
        return self.script.pop(0)(records) if self.script else None

    def stop(self) -> None:
        pass


def outlet(sink: Scripted, *, blocking: bool = False, closed: list[str] | None = None) -> tuple[Outlet, Metrics]:
    metrics = Metrics()
    stage = Stage("sink", "scripted", sink, metrics, blocking=blocking)
    return Outlet(stage, FalcoJson(), 100, agent="host", on_closed=([] if closed is None else closed).append), metrics


def numbers(metrics: Metrics) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, labels, value in metrics.collect():
        found[labels.get("reason", name)] = value
    return found


def run(sink: Scripted, alerts: int, *, blocking: bool = False, closed: list[str] | None = None) -> dict[str, float]:
    async def scenario() -> dict[str, float]:
        way, metrics = outlet(sink, blocking=blocking, closed=closed)
        await way.start()
        for _ in range(alerts):
            way.accept(alert())
        way.channel.close()
        await way.run()
        await way.stop()
        return numbers(metrics)

    return asyncio.run(scenario())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mozu.core.pipeline.outlet._FIRST_DELAY", 0.0)


def fail(records: Sequence[Record]) -> None:
    raise OSError("no route")


def test_returning_nothing_acknowledges_all() -> None:
    counts = run(Scripted(), 3)
    assert (3, 3) == (counts["sink_alerts_accepted_total"], counts["sink_alerts_delivered_total"])


def test_raising_retries_all_in_order() -> None:
    sink = Scripted(fail)
    counts = run(sink, 2)
    assert [[1, 2], [1, 2]] == sink.seen
    assert (2, 1) == (counts["sink_alerts_delivered_total"], counts["component_failures_total"])


def test_a_record_may_ask_to_be_tried_again_alone() -> None:
    sink = Scripted(lambda records: [None, Retry(), None])
    run(sink, 3)
    assert [[1, 2, 3], [2]] == sink.seen


def test_a_rejected_record_is_counted_as_dropped_with_its_reason() -> None:
    counts = run(Scripted(lambda records: [Rejected("too large")]), 1)
    assert (0, 1) == (counts["sink_alerts_delivered_total"], counts["rejected"])


def test_a_wrong_number_of_outcomes_is_a_failure_of_the_sink_and_loses_nothing() -> None:
    counts = run(Scripted(lambda records: []), 2)
    assert (2, 1) == (counts["sink_alerts_delivered_total"], counts["component_failures_total"])


def test_a_blocking_sink_runs_on_one_thread_of_its_own() -> None:
    sink = Scripted(fail, fail)
    run(sink, 1, blocking=True)
    assert 1 == len(sink.threads)
    assert threading.get_ident() not in sink.threads


def test_a_closed_destination_ends_the_run_and_its_records_are_counted() -> None:
    def closed(records: Sequence[Record]) -> None:
        raise SinkClosed("the reader has gone")

    told: list[str] = []
    counts = run(Scripted(closed), 2, closed=told)
    assert ["sink scripted: the reader has gone"] == told
    assert 2 == counts["sink closed"]


def test_what_a_hanging_sink_holds_at_the_deadline_is_counted_and_nothing_hangs() -> None:
    release = threading.Event()

    def hang(records: Sequence[Record]) -> None:
        release.wait(60)

    async def scenario() -> dict[str, float]:
        way, metrics = outlet(Scripted(hang), blocking=True)
        for _ in range(3):
            way.accept(alert())
        task = asyncio.ensure_future(way.run())
        while not way.undelivered() or len(way.channel):
            await asyncio.sleep(0)
        way.accept(alert())
        task.cancel()
        await asyncio.wait([task])
        await way.stop()
        release.set()
        return numbers(metrics)

    assert 4 == asyncio.run(scenario())["stop deadline"]
