import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from mozu.core.api import Outcome, Record, Rejected, Retry, SinkClosed
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.encode.falco_text import FalcoText
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.route import Route
from mozu.core.delivery.sink_caller import SinkCaller
from mozu.core.delivery.sink_worker import RetryPolicy, SinkWorker
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Stamp
from mozu.core.runtime.config.delivery import RetrySettings
from mozu.core.testing import alert
from mozu.core.testing import virtual_clock as virtual_time
from tests.support.packing import packed

Deliver = Callable[[Sequence[Record]], Sequence[Outcome] | None]


class Scripted:
    """A sink that calls the next function of its script for each delivery."""

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


def worker_for(
    sink: Scripted, *, blocking: bool = False, closed: list[str] | None = None
) -> tuple[SinkWorker, Metrics]:
    metrics = Metrics()
    isolated = Isolated("sink", "scripted", sink, metrics, blocking=blocking)
    return SinkWorker(
        isolated,
        FalcoJson(),
        MemoryQueue(1 << 30, isolated.metrics),
        agent="host",
        on_closed=([] if closed is None else closed).append,
        retry=RetryPolicy(first=0.001, longest=0.001, attempts=3),
    ), metrics


def numbers(metrics: Metrics) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, labels, value in metrics.collect():
        found[labels.get("reason", name)] = value
    return found


def run(sink: Scripted, alerts: int, *, blocking: bool = False, closed: list[str] | None = None) -> dict[str, float]:
    async def scenario() -> dict[str, float]:
        worker, metrics = worker_for(sink, blocking=blocking, closed=closed)
        await worker.start()
        for _ in range(alerts):
            worker.accept(packed(alert()))
        worker.queue.close()
        await worker.run()
        await worker.stop()
        return numbers(metrics)

    return asyncio.run(scenario()) if blocking else virtual_time.run(scenario())


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


@pytest.mark.parametrize("failing", [fail, lambda records: [Retry()] * len(records), lambda records: [Retry(), None]])
def test_a_delivery_that_raises_or_is_refused_for_now_is_counted_as_failed(
    failing: Callable[[Sequence[Record]], Sequence[Outcome]],
) -> None:
    assert run(Scripted(failing, failing), 2)["sink_deliveries_failed_total"] == 2
    assert run(Scripted(), 2)["sink_deliveries_failed_total"] == 0


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

    reported: list[str] = []
    counts = run(Scripted(closed), 2, closed=reported)
    assert ["sink scripted: the reader has gone"] == reported
    assert 2 == counts["sink closed"]


def test_what_a_hanging_sink_holds_at_the_deadline_is_counted_and_nothing_hangs() -> None:
    release = threading.Event()

    def hang(records: Sequence[Record]) -> None:
        release.wait(60)

    async def scenario() -> dict[str, float]:
        sink = Scripted(hang)
        worker, metrics = worker_for(sink, blocking=True)
        for _ in range(3):
            worker.accept(packed(alert()))
        task = asyncio.ensure_future(worker.run())
        while not sink.seen:
            await asyncio.sleep(0)
        worker.accept(packed(alert()))
        task.cancel()
        await asyncio.wait([task])
        await worker.stop()
        release.set()
        return numbers(metrics)

    assert 4 == asyncio.run(scenario())["stop deadline"]


class Late(Scripted):
    """A sink that ignores its cancellation, and accepts the records after its stop."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = asyncio.Event()

    async def deliver(self, records: Sequence[Record]) -> None:  # type: ignore[override]  # a sink may be async
        while not self.stopped.is_set():
            try:
                await self.stopped.wait()
            except asyncio.CancelledError:
                continue


def test_what_was_counted_as_undelivered_is_not_counted_as_delivered_when_it_arrives_after_all() -> None:
    async def scenario() -> dict[str, float]:
        sink = Late()
        worker, metrics = worker_for(sink)
        await worker.start()
        for _ in range(3):
            worker.accept(packed(alert()))
        task = asyncio.get_running_loop().create_task(worker.run())
        await asyncio.sleep(0.1)
        task.cancel()
        await worker.stop("stop deadline")
        sink.stopped.set()
        await task
        return numbers(metrics)

    found = virtual_time.run(scenario())
    assert (3, 3, 0) == (
        found["sink_alerts_accepted_total"], found["stop deadline"], found["sink_alerts_delivered_total"],
    )  # fmt: skip


def poisoned(records: Sequence[Record]) -> None:
    if any(record.stamp.sequence == 2 for record in records):
        raise ValueError("cannot take number 2")


def run_among_others(deliver: Deliver) -> dict[str, float]:
    """Deliver fifty alerts, each put while those before are in delivery; return the metrics."""

    async def scenario() -> dict[str, float]:
        worker, metrics = worker_for(Scripted(*[deliver] * 1000))
        task = asyncio.ensure_future(worker.run())
        for _ in range(50):
            worker.accept(packed(alert()))
            await asyncio.sleep(0.002)
        worker.queue.close()
        await task
        await worker.stop()
        return numbers(metrics)

    return virtual_time.run(scenario())


def test_one_poisonous_record_is_found_out_and_the_others_arrive() -> None:
    counts = run_among_others(poisoned)
    assert (49, 1) == (counts["sink_alerts_delivered_total"], counts["rejected"])


def test_a_destination_that_is_down_makes_no_dead_letters() -> None:
    counts = run(Scripted(*[fail] * 60), 4)
    assert (4, 0) == (counts["sink_alerts_delivered_total"], counts["rejected"])


def test_a_record_that_is_refused_for_now_too_often_while_others_arrive_is_given_up() -> None:
    def not_now(records: Sequence[Record]) -> Sequence[Outcome]:
        return [Retry() if record.stamp.sequence == 1 else None for record in records]

    counts = run_among_others(not_now)
    assert (49, 1) == (counts["sink_alerts_delivered_total"], counts["rejected"])


def test_many_that_are_refused_for_now_delay_no_others_and_come_again_together_in_order() -> None:
    opened, seen = asyncio.Event(), list[int]()

    def shut_for_odd(records: Sequence[Record]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = [
            Retry(tried=False) if record.stamp.sequence % 2 and not opened.is_set() else None for record in records
        ]
        seen.extend(record.stamp.sequence for record, outcome in zip(records, outcomes, strict=True) if outcome is None)
        return outcomes

    async def scenario() -> None:
        worker, _ = worker_for(Scripted(*[shut_for_odd] * 100_000))
        task = asyncio.ensure_future(worker.run())
        for _ in range(90):
            worker.accept(packed(alert()))
            await asyncio.sleep(0)
        while len(seen) < 45:
            await asyncio.sleep(0.01)
        opened.set()
        worker.queue.close()
        await task
        await worker.stop()

    virtual_time.run(scenario())
    assert [*range(2, 91, 2), *range(1, 91, 2)] == seen


def test_a_route_lets_through_what_it_names_and_mozus_own_notices() -> None:
    own, other, internal = alert("wanted"), alert("other"), alert("Events lost")
    internal.source = "internal"
    route = Route(rules=["want*"])
    assert [True, False, True] == [route.passes(packed(item).form) for item in (own, other, internal)]


def test_without_a_policy_a_worker_has_that_of_a_configuration_that_names_none() -> None:
    default = RetrySettings()
    assert RetryPolicy() == RetryPolicy(default.first, default.longest, default.attempts)


def test_attempts_are_as_many_as_the_setting_says_and_the_dead_letter_names_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def never_one(records: Sequence[Record]) -> Sequence[Outcome]:
        return [Retry() if record.stamp.sequence == 1 else None for record in records]

    async def scenario() -> tuple[list[int], float]:
        worker, metrics = worker_for(Scripted(*[never_one] * 3))
        dead = list[int]()
        for number in range(1, 4):
            worker.accept(packed(alert()))
            worker.accept(packed(alert()))
            await worker._take()
            arriving = worker._records.record(worker.sink, 100 + number, alert())  # another alert, beside the first
            worker._pending += [arriving]
            await worker._attempt()
            dead.append(
                int(metrics.counter("sink_alerts_dropped_total", kind="sink", id="scripted", reason="rejected").value)
            )
        return dead, len(worker._attempts)

    assert ([0, 0, 1], 0) == asyncio.run(scenario())
    assert "sink scripted gives up alert number 1: not taken in 3 attempts while others were" in caplog.messages


def test_what_was_not_tried_or_failed_with_all_others_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[list[int]] = []

    async def ack(delivered: Sequence[int], dead: Sequence[tuple[int, str]], attempted: Sequence[int]) -> None:
        tried.append([*attempted])

    async def scenario() -> list[dict[int, int]]:
        blamed = []
        for outcomes in ([Retry(tried=False), None], [Retry(), Retry()], [Retry(), None]):
            worker, _ = worker_for(Scripted())
            monkeypatch.setattr(worker.queue, "ack", ack)
            records = [worker._records.record(worker.sink, number, alert()) for number in (1, 2)]
            worker._pending = list(records)
            await worker._apply(records, outcomes)
            blamed.append(dict(worker._attempts))
        return blamed

    assert [{}, {}, {1: 1}] == asyncio.run(scenario())
    assert [[], [], [1]] == tried


def test_a_record_that_fails_alone_is_blamed_once_for_each_canary_that_arrives() -> None:
    def first_never(records: Sequence[Record]) -> None:
        if any(record.stamp.sequence == 1 for record in records):
            raise ValueError("cannot take number 1")

    async def scenario() -> tuple[list[int], list[int]]:
        worker, _ = worker_for(sink := Scripted(*[first_never] * 100))
        worker._pending = [worker._records.record(worker.sink, number, alert()) for number in (1, 2, 3, 4)]
        blamed = []
        for _ in range(3):
            await worker._isolate()
            blamed.append(worker._attempts.get(1, 0))
            worker._pending += [worker._records.record(worker.sink, 10 + len(sink.seen), alert())]
        return blamed, [len(worker._pending)]

    assert ([1, 2, 0], [1]) == asyncio.run(scenario())


class Stuck(Scripted):
    """A sink whose first delivery never ends."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = False

    async def deliver(self, records: Sequence[Record]) -> None:  # type: ignore[override]  # a sink may be async
        self.seen.append([record.stamp.sequence for record in records])
        await asyncio.Event().wait()

    def stop(self) -> None:
        self.stopped = True


def replaced(before: Scripted, after: Scripted) -> tuple[list[str], dict[str, float]]:
    """Return the first letters of the bodies after a worker with three alerts got another sink and another form, and
    the metrics.
    """
    bodies: list[str] = []

    class Other(FalcoText):
        def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
            bodies.append(f"{stamp.sequence if stamp else 0}")
            return super().encode(alert, stamp)

    async def scenario() -> dict[str, float]:
        worker, metrics = worker_for(before)
        await worker.start()
        for _ in range(3):
            worker.accept(packed(alert()))
        async with asyncio.TaskGroup() as group:
            group.create_task(worker.run())
            while not before.seen:
                await asyncio.sleep(0)
            caller = SinkCaller(Isolated("sink", "scripted", after, metrics))
            await caller.start()
            await worker.replace(caller, Other(), 5.0)
            worker.queue.close()
        await worker.stop()
        return numbers(metrics)

    counts = virtual_time.run(scenario())
    return bodies, counts


def test_another_sink_gets_in_its_own_form_what_the_one_before_has_not_taken() -> None:
    after = Scripted()
    bodies, counts = replaced(Scripted(*[fail] * 1000), after)
    assert ([[1, 2, 3]], ["1", "2", "3"]) == (after.seen, bodies)
    assert 3 == counts["sink_alerts_delivered_total"]


def test_a_delivery_that_does_not_end_is_given_up_for_the_sink_that_takes_its_place() -> None:
    before, after = Stuck(), Scripted()
    _, counts = replaced(before, after)
    assert ([[1, 2, 3]], True) == (after.seen, before.stopped)
    assert 3 == counts["sink_alerts_delivered_total"]


def test_a_record_that_is_alone_is_not_blamed_for_what_the_destination_does() -> None:
    sink = Scripted(*(3 * [fail, fail, fail, lambda records: [Retry()]]))
    counts = run(sink, 1)
    assert (1, 0) == (counts["sink_alerts_delivered_total"], counts["rejected"])


def test_a_sink_that_refuses_alerts_for_now_is_failing_with_its_reason_until_it_takes_them() -> None:
    """Check also while the sink is asked again: a destination that lets its clients wait is not well meanwhile."""
    seen: list[str] = []

    async def scenario() -> None:
        def refuse(records: Sequence[Record]) -> Sequence[Outcome]:
            seen.append(str(worker.failure))
            return [Retry(tried=False, reason="401")] * len(records)

        def take(records: Sequence[Record]) -> None:
            seen.append(str(worker.failure))

        worker, _ = worker_for(Scripted(refuse, refuse, take))
        await worker.start()
        worker.accept(packed(alert()))
        worker.queue.close()
        await worker.run()
        seen.append(str(worker.failure))
        await worker.stop()

    virtual_time.run(scenario())
    assert seen == ["", "401", "401", ""]
