"""Intervals between drains of the ring buffer: a wake-up of mozu drains many records, and exact matches do not wait.

A wake-up costs about a quarter of a millisecond, mostly because the watched processes have replaced the caches, and a
record that wakes costs its writer more than one that does not. Wake-ups are therefore coalesced, over an interval that
follows the rate of records. Exact matches (struct syscall_ctx of bpf/syscall_ctx.h) wake the reader at once, and once:
then it drains every EXACT_INTERVAL for a while without being woken.
"""

from typing import Final

MIN_POLL_INTERVAL: Final = 0.002
"""Least seconds between two drains."""
MAX_POLL_INTERVAL: Final = 0.012
"""Most seconds between two drains while few records come: together with the work on a batch, at most 20 ms."""
EXACT_INTERVAL: Final = 0.002
"""Seconds between two drains after an exact match."""
EXACT_DRAINS: Final = 10
"""Number of drains at EXACT_INTERVAL after an exact match."""
COALESCED: Final = 250
"""Number of events that a drain waits for: mozu's work on them is a few milliseconds."""
MAX_BATCH: Final = 500
"""Most events of one drain. A full one means that more are waiting: no pause."""
MAX_INGRESS_RATE: Final = 160e6
"""Most bytes per second that a burst may write. If they fill the ring buffer sooner, MAX_POLL_INTERVAL is shortened."""


def max_poll_interval(ring_size: int) -> float:
    """Return the seconds in which a burst cannot fill a ring buffer of so many bytes, within the two bounds."""
    return max(MIN_POLL_INTERVAL, min(MAX_POLL_INTERVAL, ring_size / MAX_INGRESS_RATE))


def poll_interval(drained: int, seconds: float, longest: float) -> float:
    """Return the seconds to the next drain, after one that returned the events of `seconds`. `longest`:
    `max_poll_interval`."""
    if drained >= MAX_BATCH:
        return 0
    return max(MIN_POLL_INTERVAL, min(longest, COALESCED * seconds / max(drained, 1)))
