"""How often the ring buffer is drained."""

import pytest

from mozu.plugins.sources.ebpf.poll_interval import (
    BUSY_BATCH,
    MAX_BATCH,
    MAX_POLL_INTERVAL,
    MIN_POLL_INTERVAL,
    max_poll_interval,
    poll_interval,
)


@pytest.mark.parametrize(
    ("drained", "seconds"),
    [
        (1, 0.03),
        (BUSY_BATCH - 1, 0.03),
        (BUSY_BATCH, MIN_POLL_INTERVAL),
        (MAX_BATCH - 1, MIN_POLL_INTERVAL),
        (MAX_BATCH, 0),
    ],
)
def test_the_more_events_a_drain_gives_the_sooner_the_next(drained: int, seconds: float) -> None:
    assert seconds == poll_interval(drained, 0.03)


@pytest.mark.parametrize(
    ("ring_size", "seconds"), [(4096, MIN_POLL_INTERVAL), (4 << 20, (4 << 20) / 160e6), (128 << 20, MAX_POLL_INTERVAL)]
)
def test_a_small_ring_buffer_is_polled_before_a_burst_fills_it(ring_size: int, seconds: float) -> None:
    assert seconds == max_poll_interval(ring_size)
