"""Conversion from the kernel's boot clock (bpf_ktime_get_boot_ns) to wall time, in any time namespace of mozu.

Both clocks run at the same rate (NTP adjusts them together), so their difference changes only when the wall clock is
set. It is measured once and again every second; a change is a step, which the source reports as a gap.
"""

import time
from typing import Final, NamedTuple

from mozu.core.common.boot_clock import boot_time

TOLERANCE: Final = 5_000_000
"""ns by which two measurements of an unchanged difference may disagree on a busy machine."""


class ClockStep(NamedTuple):
    """A setting of the wall clock."""

    time: int
    """New wall time at which the step was noticed, ns since the epoch."""
    by: int
    """Size of the step in ns; negative for a step backwards."""


def measure() -> int:
    """Return wall time minus boot time in ns, from the fastest of a few measurements."""
    best, offset = 1 << 62, 0
    for _ in range(5):
        before = boot_time()
        wall = time.time_ns()
        after = boot_time()
        if after - before < best:
            best, offset = after - before, wall - (before + after) // 2
    return offset


class Clock:
    """The present offset, replaced at each step."""

    def __init__(self) -> None:
        self.offset = measure()

    def check(self) -> ClockStep | None:
        """Measure again; return the step if the wall clock was set since, else None."""
        found = measure()
        by = found - self.offset
        if abs(by) <= TOLERANCE:
            return None
        self.offset = found
        return ClockStep(time.time_ns(), by)
