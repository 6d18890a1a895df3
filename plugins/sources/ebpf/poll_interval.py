"""The poll interval of the ring buffer: wake-up coalescing, so that one wake-up of mozu drains many records.

`EbpfSource._poll` waits for the ring buffer's descriptor to become readable only while the ring buffer is empty, and
then MIN_POLL_INTERVAL more; while records keep coming it drains every `poll_interval` seconds. A shorter interval would
take CPU from the watched processes; a longer one would delay alerts and could fill the ring buffer.
"""

from typing import Final

MIN_POLL_INTERVAL: Final = 0.005
"""Seconds between a wake-up and the drain. Draining at once would wake up for every record: up to ten times more
expensive for the watched processes."""
MAX_POLL_INTERVAL: Final = 0.05
"""Seconds between two drains while few records keep coming. A wake-up costs about a quarter of a millisecond, most of
it because the watched processes have replaced the caches."""
BUSY_BATCH: Final = 1000
"""From so many events a drain on, the shortest interval."""
MAX_BATCH: Final = 2000
"""Events of one drain. A full one means that more are waiting: no pause."""
MAX_INGRESS_RATE: Final = 160e6
"""Bytes a second that a burst may write. Where they fill the ring buffer sooner, MAX_POLL_INTERVAL is not used up."""


def max_poll_interval(ring_size: int) -> float:
    """Seconds in which a burst cannot fill a ring buffer of so many bytes, within the two bounds."""
    return max(MIN_POLL_INTERVAL, min(MAX_POLL_INTERVAL, ring_size / MAX_INGRESS_RATE))


def poll_interval(drained: int, longest: float) -> float:
    """Seconds to the next drain, after one that gave so many events; `longest` from `max_poll_interval`."""
    if drained == MAX_BATCH:
        return 0
    return longest if drained < BUSY_BATCH else MIN_POLL_INTERVAL
