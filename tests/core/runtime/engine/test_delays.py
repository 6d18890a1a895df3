"""Log lines about an event loop that is late."""

import pytest

from mozu.core.metrics import Metrics
from mozu.core.runtime.engine.delays import Delays


class Clock:
    """A clock with its time in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_waiting_for_a_cpu_is_one_line_a_minute_and_blames_no_component(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    delays = Delays(Metrics(), lambda: True, clock)
    for _ in range(22 * 60):
        clock.now += 1.0
        delays.waited(0.5)
    lines = [record.message for record in caplog.records]
    assert 22 == len(lines)
    assert lines[1].startswith("the event loop has waited for a CPU for 30.0 of the last 60 s")


def test_a_short_wait_is_no_line(caplog: pytest.LogCaptureFixture) -> None:
    delays = Delays(Metrics(), lambda: True, Clock())
    for _ in range(6):
        delays.waited(0.15)
    assert [] == caplog.records


def test_a_hold_is_counted_and_named_and_a_short_one_during_the_start_is_not(caplog: pytest.LogCaptureFixture) -> None:
    metrics, started = Metrics(), False
    delays = Delays(metrics, lambda: started)
    delays.held("sink siem", 0.9)
    started = True
    delays.held("sink siem", 0.2)
    assert ["sink siem held the event loop for more than 0.2 s:"] == [one.message[:50] for one in caplog.records]
    assert 1.0 == next(value for name, _, value in metrics.collect() if name == "loop_held_total")
