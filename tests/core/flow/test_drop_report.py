"""Dropped alerts in the log: one line a minute for each sink, and every alert is counted by a line."""

from typing import Any

import pytest

from mozu.core.flow.drop_report import DropReport
from mozu.core.isolation.isolated import Isolation
from mozu.core.metrics import Metrics
from tests.core.flow.test_loss_accounting import Scene


class Worker:
    """The parts of a sink worker that the report reads."""

    def __init__(self, name: str) -> None:
        self.name, self.sink = name, Isolation("sink", name, Metrics())

    def drop(self, count: int, reason: str) -> None:
        self.sink.metrics.counter("sink_alerts_dropped_total", reason=reason).value += count


def test_a_sink_has_one_line_a_minute_with_all_that_it_has_dropped_since(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    report, archive, siem = DropReport(lambda: now), Worker("archive"), Worker("siem")
    workers: list[Any] = [archive, siem]
    for second in range(150):
        now = float(second)
        archive.drop(10, "disk full")
        siem.drop(second == 3, "queue full")
        siem.drop(1, "rejected")
        for worker in workers:
            report.report(worker)
    archive.drop(5, "spool full")
    report.report(workers[0], at_end=True)
    assert [record.getMessage() for record in caplog.records] == [
        "sink archive has dropped alerts: 10 (disk full)",
        "sink siem has dropped alerts: 1 (queue full)",
        "sink archive has dropped alerts: 600 (disk full)",
        "sink archive has dropped alerts: 600 (disk full)",
        "sink archive has dropped alerts: 5 (spool full), 290 (disk full)",
    ]


def test_loss_accounting_writes_the_lines(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    scene.worker.sink.metrics.counter("sink_alerts_dropped_total", reason="disk full").value += 3
    scene.reported()
    assert "sink worker has dropped alerts: 3 (disk full)" in caplog.text
