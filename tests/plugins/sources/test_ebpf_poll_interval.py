"""Interval between two drains of the ring buffer."""

import pytest

from mozu.plugins.sources.ebpf.ring import (
    COALESCED,
    MAX_BATCH,
    MAX_POLL_INTERVAL,
    MIN_POLL_INTERVAL,
    max_poll_interval,
    poll_interval,
)


@pytest.mark.parametrize(
    ("drained", "rate", "seconds"),
    [
        (1, 10, 0.01),
        (10, 1_000, 0.01),
        (100, 50_000, COALESCED / 50_000),
        (MAX_BATCH - 1, 1_000_000, MIN_POLL_INTERVAL),
        (MAX_BATCH, 100_000, 0),
    ],
)
def test_the_interval_follows_the_rate_within_its_bounds(drained: int, rate: int, seconds: float) -> None:
    assert seconds == pytest.approx(poll_interval(drained, drained / rate, 0.01))


@pytest.mark.parametrize(
    ("ring_size", "seconds"), [(4096, MIN_POLL_INTERVAL), (1 << 20, (1 << 20) / 160e6), (128 << 20, MAX_POLL_INTERVAL)]
)
def test_a_small_ring_buffer_is_polled_before_a_burst_fills_it(ring_size: int, seconds: float) -> None:
    assert seconds == max_poll_interval(ring_size)
