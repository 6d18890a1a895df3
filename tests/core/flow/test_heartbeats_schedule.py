"""The time at which the next heartbeat of a sink is due: at its interval, later if one still waits; none is made up
for.
"""

from typing import Any

import pytest

from mozu.core.flow.heartbeats import _Schedule


class Worker:
    """The parts of a sink worker that a schedule reads."""

    def __init__(self) -> None:
        self.heartbeat = False
        self.delivered = 5


@pytest.fixture
def worker() -> Any:
    return Worker()


@pytest.mark.parametrize(
    ("sent", "following"),
    [
        ((100.0,), 110.0),
        ((100.0, 110.0), 120.0),
        ((100.0, 113.0), 120.0),
        ((100.0, 120.0), 130.0),
        ((100.0, 125.0), 135.0),
    ],
)
def test_the_next_one_is_an_interval_after_the_last_was_due_or_where_that_is_over_after_now(
    worker: Any, sent: tuple[float, ...], following: float
) -> None:
    schedule = _Schedule(worker, 10.0)
    assert schedule.is_due(0.0)
    for now in sent:
        schedule.sent(now)
    assert schedule.next == following
    assert not schedule.is_due(following - 0.1)
    assert schedule.is_due(following)


@pytest.mark.parametrize(
    ("delivered", "now", "due"),
    [(5, 129.9, False), (5, 130.0, False), (6, 129.9, False), (6, 130.0, True), (5, 1_000.0, False)],
)
def test_one_that_waits_counts_as_dropped_after_three_intervals_in_which_others_were_delivered(
    worker: Any, delivered: int, now: float, due: bool
) -> None:
    schedule = _Schedule(worker, 10.0)
    schedule.sent(100.0)
    worker.heartbeat, worker.delivered = True, delivered
    assert schedule.is_due(now) is due


def test_what_was_delivered_before_the_last_one_was_sent_does_not_count(worker: Any) -> None:
    schedule = _Schedule(worker, 10.0)
    worker.delivered = 9
    schedule.sent(100.0)
    worker.heartbeat = True
    assert not schedule.is_due(1_000.0)
