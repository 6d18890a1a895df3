"""The lag of the event loop."""

from mozu.core.metrics import Metrics
from mozu.core.runtime.operations.loop_lag import LoopLag


def values(metrics: Metrics) -> dict[str, float]:
    return {name: value for name, _, value in metrics.collect()}


def test_the_most_of_the_last_timers_and_that_of_all() -> None:
    metrics = Metrics()
    lag = LoopLag(metrics)
    lag.note(2.0)
    for _ in range(20):
        lag.note(0.25)

    assert {"loop_lag_seconds": 0.25, "loop_lag_highest_seconds": 2.0} == values(metrics)


def test_before_the_first_timer_there_is_no_lag() -> None:
    metrics = Metrics()
    LoopLag(metrics)

    assert {"loop_lag_seconds": 0.0, "loop_lag_highest_seconds": 0.0} == values(metrics)
