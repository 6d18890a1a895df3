"""The way of an alert to the queues of sinks, and from there to destinations; test_poison.py covers the contents of
alerts.
"""

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mozu.core.delivery.alert_limiter import AlertLimiter
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.packed_alert import PackedAlert
from mozu.core.delivery.redact import Redactor
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.runtime.config import QueueSettings
from mozu.core.testing import alert, context
from mozu.plugins.sinks.file import FileSettings, FileSink
from mozu.plugins.sinks.stdout import StdoutSink
from tests.core.flow.making import alert_pipeline

BURST = 5_000


class Kept:
    """A sink worker that keeps what it accepts, packed."""

    name = "kept"

    def __init__(self) -> None:
        self.alerts: list[PackedAlert] = []

    def accept(self, one: PackedAlert) -> None:
        self.alerts.append(one)


def test_an_alert_is_packed_once_for_all_sinks() -> None:
    first, second = Kept(), Kept()
    alert_pipeline(first, second, metrics=Metrics()).emit(alert())
    ((one,), (other,)) = first.alerts, second.alerts
    assert one is other


def worker_of(name: str, sink: Any, metrics: Metrics) -> SinkWorker:
    isolated = Isolated[Any]("sink", name, sink, metrics, blocking=True)
    queue = MemoryQueue(QueueSettings().bytes, isolated.metrics)
    return SinkWorker(isolated, FalcoJson(), queue, agent="host", on_closed=list[str]().append)


def test_a_burst_arrives_whole_in_a_pipe_and_in_a_file(tmp_path: Path) -> None:
    """Check that all alerts come before any sink has the event loop."""
    reading, writing = os.pipe()
    piped: list[bytes] = []

    def read() -> None:
        while data := os.read(reading, 1 << 16):
            piped.append(data)

    async def scenario() -> None:
        metrics = Metrics()
        file = FileSink(FileSettings(path=tmp_path / "alerts", fsync="never"), context())
        workers = [worker_of("stdout", StdoutSink(writing), metrics), worker_of("file", file, metrics)]
        pipeline = AlertPipeline(
            workers, hostname="host", redact=Redactor(metrics), limiter=AlertLimiter(), metrics=metrics
        )
        for number in range(BURST):
            pipeline.emit(alert("burst", number=number))
        pipeline.notice("Gap", Severity.WARNING, "the last")
        for worker in workers:
            await worker.start()
            worker.queue.close()
        await asyncio.gather(*(worker.run() for worker in workers))
        for worker in workers:
            await worker.stop()

    reader = threading.Thread(target=read)
    reader.start()
    asyncio.run(scenario())
    os.close(writing)
    reader.join()
    os.close(reading)
    for raw in (b"".join(piped), (tmp_path / "alerts").read_bytes()):
        lines = raw.splitlines()
        assert BURST + 1 == len(lines)
        assert list(range(BURST)) == [int(line.partition(b'"number":')[2].partition(b"}")[0]) for line in lines[:-1]]


class Counting(AlertLimiter):
    """A limiter that holds one repeat back, and records if its time was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[bool] = []

    def due(self, now: float | None) -> Iterator[Alert]:
        self.asked.append(now is None)
        return iter([alert("repeated")] if now is None else [])


def test_another_limiter_takes_over_once_the_one_before_has_reported_everything() -> None:
    kept, before, after = Kept(), Counting(), Counting()
    pipeline = alert_pipeline(kept, metrics=Metrics(), limiter=before)
    worker: Any = kept
    pipeline.use([worker], redact=lambda alert: None, limiter=before)
    assert [] == before.asked
    pipeline.use([worker], redact=lambda alert: None, limiter=after)
    assert [True] == before.asked
    assert ["repeated"] == [one.form.rule for one in kept.alerts]
    pipeline.report_suppressed()
    assert ([True], [False]) == (before.asked, after.asked)


@pytest.mark.parametrize("part", ["redact", "limit"])
def test_a_part_that_fails_on_an_alert_counts_a_failure_and_the_alert_arrives(part: str) -> None:
    def fails(*given: object) -> None:
        raise ValueError("not this one")

    metrics, kept, limiter = Metrics(), Kept(), AlertLimiter()
    worker: Any = kept
    pipeline = alert_pipeline(kept, metrics=metrics, limiter=limiter)
    if part == "redact":
        pipeline.use([worker], redact=fails, limiter=limiter)
    else:
        limiter.passes = fails  # type: ignore[method-assign, assignment]  # a limiter that fails
    assert pipeline.emit(alert("a"))
    assert ["a"] == [one.form.rule for one in kept.alerts]
    failures = {labels["id"]: value for name, labels, value in metrics.collect() if name == "component_failures_total"}
    assert {"alerts": 1} == failures


def test_an_alert_that_is_none_counts_a_failure_and_arrives_as_text() -> None:
    metrics, kept = Metrics(), Kept()
    wrong = alert("a")
    wrong.rule = 7  # type: ignore[assignment]  # an alert that cannot be packed
    alert_pipeline(kept, metrics=metrics).emit(wrong)
    assert 1 == len(kept.alerts)
    failures = {labels["id"]: value for name, labels, value in metrics.collect() if name == "component_failures_total"}
    assert {"alerts": 1} == failures
